import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { takeLock } from '../../scripts/process-lock.js';
import { AlreadyRunningError, openDataFolder } from '../../src/supervisor/data-folder.ts';
import { reservePort, type ReservedPort } from '../../src/supervisor/ports.ts';
import { readRunState, writeRunState, type RunState } from '../../src/supervisor/run-state.ts';
import { loadSecrets, secretNames } from '../../src/supervisor/secrets.ts';
import { freePort } from '../setup/free-port.ts';
import { CollectedOutput } from './collected-output.ts';

const running: RunState = { status: 'ready', addresses: null, services: null, ports: { PORT: 3000 }, parts: [] };

describe('the data folder', () => {
  let folder: string;
  const log = new CollectedOutput().output.logger('test');
  const open = (env: NodeJS.ProcessEnv = { DATA_DIR: folder }) => openDataFolder(env, '/nowhere', log);

  beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'seatkeeper-data-'))));
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it('is made when it is not there, by default in the project', async () => {
    const opened = await openDataFolder({}, folder, log);
    expect(opened.path).toBe(join(folder, '.data'));
    opened.unlock();
  });

  it('is seen from where npm was called', async () => {
    const opened = await open({ DATA_DIR: 'here', INIT_CWD: folder });
    expect(opened.path).toBe(join(folder, 'here'));
  });

  it('keeps its id and what the last start left', async () => {
    const first = await open();
    writeRunState(folder, running);
    first.unlock();
    const second = await open();
    expect(second.id).toBe(first.id);
    expect(second.lastRun).toEqual(running);
  });

  it('lets others pass, but not look', async () => {
    chmodSync(folder, 0o700);
    await open();
    expect(statSync(folder).mode & 0o777).toBe(0o711);
  });

  it('in use is refused with the state of who uses it', async () => {
    await open();
    writeRunState(folder, running);
    const refused = await open().catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(AlreadyRunningError);
    expect(refused).toMatchObject({ pid: process.pid, state: running });
  });

  it('of a start that is stopping is waited for', async () => {
    const first = await open();
    writeRunState(folder, { ...running, status: 'stopping' });
    const second = open();
    const early = await Promise.race([second.then(() => 'opened'), delay(500, 'waiting')]);
    expect(early).toBe('waiting');
    first.unlock();
    await second;
  });

  it('with a state that was cut short counts as new', () => {
    writeFileSync(join(folder, 'state.json'), '{"status": "rea');
    expect(readRunState(folder)).toEqual({ status: 'stopped', addresses: null, services: null, ports: {}, parts: [] });
  });

  it('is locked with a file that names its holder', async () => {
    await open();
    expect(takeLock(join(folder, 'lock'))).toMatchObject({ taken: false, holder: { pid: process.pid } });
  });

  describe('has secrets that', () => {
    it('are made once, for the owner alone', () => {
      const made = loadSecrets(folder, {}, secretNames);
      expect(loadSecrets(folder, {}, secretNames)).toEqual(made);
      expect(new Set(Object.values(made)).size).toBe(secretNames.length);
      expect(statSync(join(folder, 'secrets.json')).mode & 0o777).toBe(0o600);
    });

    it('give way to the environment, and are kept', () => {
      const made = loadSecrets(folder, {}, secretNames);
      const text = readFileSync(join(folder, 'secrets.json'), 'utf8');
      const JWT_SECRET = 'a secret of the environment of 32 characters';
      expect(loadSecrets(folder, { JWT_SECRET }, secretNames)).toEqual({ ...made, JWT_SECRET });
      expect(readFileSync(join(folder, 'secrets.json'), 'utf8')).toBe(text);
    });

    it('are neither made nor taken from development in production', () => {
      loadSecrets(folder, {}, secretNames);
      const production = { NODE_ENV: 'production', PAYMENT_WEBHOOK_SECRET: 'x' };
      expect(() => loadSecrets(folder, production, ['JWT_SECRET', 'PAYMENT_WEBHOOK_SECRET'])).toThrow(
        'With NODE_ENV=production these settings must be given: JWT_SECRET.',
      );
    });
  });
});

describe('a port', () => {
  let friendly: number;
  beforeEach(async () => {
    friendly = await freePort();
  });

  const reserved: ReservedPort[] = [];
  const reserve = async (told: number | null, remembered?: number): Promise<number> => {
    reserved.push(await reservePort({ name: 'PORT', told, friendly }, remembered));
    return reserved.at(-1)!.port;
  };
  const giveAllBack = async (): Promise<void> => {
    for (const port of reserved.splice(0)) await port.giveBack();
  };
  afterEach(giveAllBack);

  it('is the friendly one, the one next to it when that is taken, the last one when it was another', async () => {
    const first = await reserve(null);
    const second = await reserve(null);
    expect([first >= friendly, second > first, second < friendly + 10]).toEqual([true, true, true]);
    await giveAllBack();
    expect(await reserve(null, second)).toBe(second);
  });

  it('that its part does not listen on yet is no other start’s, unless somebody asks for it', async () => {
    const first = await reserve(null);
    await reserved[0]!.release();
    expect(await reserve(null)).not.toBe(first);
    expect(await reserve(null, first)).not.toBe(first);
    expect(await reserve(first)).toBe(first);
  });

  it('taken on the loopback address alone is taken', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    const { port } = other.address() as { port: number };
    await expect(reserve(port)).rejects.toThrow(/is taken/);
    other.close();
  });

  it('of 0 may be any', async () => {
    const port = await reserve(0);
    expect(port).toBeGreaterThan(0);
    await giveAllBack();
    expect(await reserve(port)).toBe(port);
  });
});
