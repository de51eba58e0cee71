import { spawn } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { jest } from '@jest/globals';
import pg from 'pg';
import { openDataFolder, type DataFolder } from '../../src/supervisor/data-folder.ts';
import { prepareEmbeddedPostgres, type EmbeddedPostgres } from '../../src/supervisor/postgres/embedded-postgres.ts';
import { Supervisor } from '../../src/supervisor/supervisor.ts';
import { freePort } from '../setup/free-port.ts';
import { CollectedOutput } from './collected-output.ts';

jest.setTimeout(60_000);

const isRoot = process.getuid?.() === 0;
const password = 'a-password-of-this-test';

describe('the embedded PostgreSQL', () => {
  let home: string;
  let folder: DataFolder;
  let collected: CollectedOutput;
  let supervisor: Supervisor;
  let port: number;

  const open = async (): Promise<void> => {
    collected = new CollectedOutput();
    const log = collected.output.logger('supervisor');
    folder = await openDataFolder({ DATA_DIR: join(home, 'data') }, '/nowhere', log);
    supervisor = new Supervisor(collected.output, log, () => {});
  };
  const prepare = (secret = password): Promise<EmbeddedPostgres> =>
    prepareEmbeddedPostgres({ dataFolder: folder, port, password: secret, log: collected.output.logger('supervisor') });
  const start = async (): Promise<EmbeddedPostgres> => {
    const postgres = await prepare();
    await supervisor.start(postgres.process);
    await postgres.afterStart();
    return postgres;
  };

  const stop = async (): Promise<void> => {
    await supervisor.stop();
    folder.unlock();
  };
  const makeHome = (): void => {
    home = mkdtempSync(join(tmpdir(), 'seatkeeper-pg-'));
    chmodSync(home, 0o755);
  };
  const removeHome = (): void => rmSync(home, { recursive: true, force: true });

  beforeAll(async () => {
    port = await freePort();
  });

  describe('on data that are there', () => {
    // Making a cluster takes seconds where the disk is busy: these tests go on with one.
    beforeAll(makeHome);
    beforeEach(open);
    afterEach(stop);
    afterAll(removeHome);

    it('is version 18, durable, with the extensions we use, and knows letters beyond English ones', async () => {
      const { databaseUrl } = await start();
      const [row] = await query(
        databaseUrl,
        `create extension pg_trgm; create extension btree_gist; create extension earthdistance cascade;
       select current_setting('server_version_num')::int / 10000 as version, current_setting('fsync') as fsync,
              current_setting('synchronous_commit') as commit, current_setting('listen_addresses') as listens,
              current_setting('data_checksums') as checksums, lower('ÅÉ') as lower, 'ä' > 'z' as by_code_point`,
      );
      expect(row).toEqual({
        version: 18,
        fsync: 'on',
        commit: 'on',
        listens: '127.0.0.1',
        checksums: 'on',
        lower: 'åé',
        by_code_point: true,
      });
    });

    it('keeps what was committed when it is killed, and comes back by itself', async () => {
      const { databaseUrl, process: spec } = await start();
      await query(databaseUrl, 'create table t (n int); insert into t values (42)');
      const { pid } = supervisor.running[0]!;
      process.kill(pid, 'SIGKILL');
      await collected.line((line) => line.msg === `${spec.name} is ready` && line.pid !== pid);
      expect(await query(databaseUrl, 'select n from t')).toEqual([{ n: 42 }]);
    });

    it('lets nobody in without the password', async () => {
      const { databaseUrl } = await start();
      await expect(query(databaseUrl.replace(password, 'a-guess'), 'select 1')).rejects.toThrow('password');
    });

    it('says so when the kept password is another one', async () => {
      await start();
      await stop();
      await open();
      const { process: spec } = await prepare('another-password');
      await expect(supervisor.start(spec)).rejects.toThrow(
        "PostgreSQL does not accept the password in the data folder's secrets.json",
      );
    });

    it('starts over the pid file of a server whose number another program has by now', async () => {
      const { process: spec } = await start();
      await stop();
      await open();
      // Of Postgres' own user: another's it would not take for a server.
      const other = spawn('sleep', ['1000'], { uid: spec.uid, gid: spec.gid });
      const pidFile = join(folder.path, 'postgres', 'postmaster.pid');
      writeFileSync(pidFile, `${other.pid}\n${dirname(pidFile)}\n0\n0\n\n\n`);
      await start();
      expect(other.exitCode ?? other.signalCode).toBeNull();
      other.kill();
    });

    it('stops a server that an earlier start has left on the same data', async () => {
      const { process: spec } = await start();
      // Another supervisor on the same cluster: this one knows nothing of the server but its pid file.
      const another = await prepare();
      expect(collected.lines.map(({ msg }) => msg)).toContain(
        'postgres of an earlier start still runs: waiting for its end',
      );
      expect(another.process.args).toEqual(spec.args);
    });
  });

  describe('on new data', () => {
    beforeEach(async () => {
      makeHome();
      await open();
    });
    afterEach(async () => {
      await stop();
      removeHome();
    });

    it('is made anew after a first start that was cut short', async () => {
      const unfinished = join(folder.path, 'postgres.new-1');
      mkdirSync(unfinished);
      writeFileSync(join(unfinished, 'PG_VERSION'), '18\n');
      await start();
      expect(readdirSync(folder.path).filter((name) => name.startsWith('postgres'))).toEqual(['postgres']);
    });

    it('refuses data of another version, and leaves them alone', async () => {
      const old = join(folder.path, 'postgres');
      mkdirSync(old);
      writeFileSync(join(old, 'PG_VERSION'), '15\n');
      await expect(prepare()).rejects.toThrow(/^The data in .* are of PostgreSQL 15, and this is 18/);
      expect(readFileSync(join(old, 'PG_VERSION'), 'utf8')).toBe('15\n');
    });

    (isRoot ? it : it.skip)('of root in a closed home keeps its data where its own user can reach them', async () => {
      chmodSync(home, 0o700);
      const { databaseUrl, process: spec } = await start();
      expect(await query(databaseUrl, 'select 1 as one')).toEqual([{ one: 1 }]);
      expect(spec.uid).not.toBe(0);
      const cluster = spec.args[1]!;
      expect(cluster).toContain(folder.id);
      expect(existsSync(join(folder.path, 'postgres'))).toBe(false);
      await stop();

      // Opened later, the data stay where they are.
      chmodSync(home, 0o755);
      await open();
      expect((await start()).process.args[1]).toBe(cluster);
      await supervisor.stop();
      rmSync(dirname(cluster), { recursive: true });
    });
  });
});

async function query(url: string, sql: string): Promise<readonly unknown[]> {
  const client = new pg.Client({ connectionString: url });
  client.on('error', () => {});
  await client.connect();
  try {
    const results = (await client.query(sql)) as unknown as pg.QueryResult | pg.QueryResult[];
    return (Array.isArray(results) ? results.at(-1)! : results).rows as unknown[];
  } finally {
    await client.end();
  }
}
