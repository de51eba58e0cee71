import { jest } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isRunning } from '../../scripts/process-lock.js';
import { Launch } from './launch.ts';

jest.setTimeout(60_000);

/** A shell with mounts of its own, as root in them: so a disk can be full or read-only for one process alone. */
const ownMounts = ['unshare', ...(process.getuid?.() === 0 ? [] : ['--map-root-user']), '--mount', 'sh', '-c'];
const canMount = spawnSync(ownMounts[0]!, [...ownMounts.slice(1), 'mount -t tmpfs tmpfs /mnt']).status === 0;
const whereMountsAreAllowed = canMount ? it : it.skip;

describe('npm start explains in one sentence and ends with 1', () => {
  let folder: string;
  beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'seatkeeper-refusal-'))));
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  /** The last line, when that is all that went wrong. */
  async function refusal(launch: Launch): Promise<unknown> {
    expect(await launch.ended()).toBe(1);
    const bad = launch.lines.filter(({ level }) => Number(level) >= 40);
    expect(bad).toHaveLength(1);
    return launch.lines.at(-1)!.msg;
  }

  it('a port that was asked for and is taken', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    const { port } = other.address() as AddressInfo;
    try {
      const said = await refusal(new Launch(folder, { PORT: String(port) }));
      expect(said).toBe(
        `PORT=${port} is taken by another program: stop that one, choose another port, or leave PORT out.`,
      );
      expect(existsSync(join(folder, 'postgres'))).toBe(false);
    } finally {
      other.close();
    }
  });

  it.each([
    [
      { PORT: 'abc', HOLD_TTL_SECONDS: 'soon', TEMPORAL_PROFILE: 'cloud', SEATS_PER_BUYER_MAX: '-1' },
      new RegExp(
        "^Settings are wrong: PORT: 'abc' is not a whole number from 0 to 65535; " +
          "HOLD_TTL_SECONDS: 'soon' is not a number above 0, up to 86400; " +
          "SEATS_PER_BUYER_MAX: '-1' is not a whole number from 0 to 10000; " +
          "TEMPORAL_PROFILE: 'cloud' is not one of dev, server$",
      ),
    ],
    [{ JWT_SECRET: 'short' }, /^Settings are wrong: JWT_SECRET: must have at least 32 characters$/],
    [
      { PAYMENT_PROVIDERS: 'stripe' },
      /^Settings are wrong: stripe is chosen, and needs STRIPE_SECRET_KEY, STRIPE_WEBHOOK_SECRET, STRIPE_RETURN_URL$/,
    ],
    [{ DATABASE_URL: 'foo' }, /^Settings are wrong: DATABASE_URL: must be an address such as postgres:\/\/user:/],
    [
      { NODE_ENV: 'production' },
      /^With NODE_ENV=production .*: JWT_SECRET, PAYMENT_WEBHOOK_SECRET, TICKET_SIGNING_KEY, POSTGRES_PASSWORD\.$/,
    ],
    [{ DATABASE_URL: 'postgres://127.0.0.1:9/none' }, /^The database that DATABASE_URL names can't be used \(.*9/],
    [
      { TEMPORAL_ADDRESS: '127.0.0.1:9' },
      /^TEMPORAL_ADDRESS names 127\.0\.0\.1:9, where no Temporal server answers \([^()]*\): start/,
    ],
  ])('wrong settings %j', async (settings, sentence) => {
    expect(await refusal(new Launch(folder, settings))).toMatch(sentence);
  });

  it('arguments, which nobody reads', async () => {
    const said = await refusal(new Launch(folder, {}, [], ['--', '--port', '3005']));
    expect(said).toBe(
      'npm start takes no arguments, and was given --port 3005: settings are environment variables, ' +
        'as in PORT=3005 npm start.',
    );
    expect(readdirSync(folder)).toEqual([]);
  });

  it('as a sentence on standard error, too, whatever the log level is', async () => {
    const launch = new Launch(folder, { PORT: 'http', LOG_LEVEL: 'silent' });
    expect(await launch.ended()).toBe(1);
    expect(launch.lines).toEqual([]);
    expect(launch.output).toBe("Settings are wrong: PORT: 'http' is not a whole number from 0 to 65535");
  });

  it('and makes no secrets in production', async () => {
    await refusal(new Launch(folder, { NODE_ENV: 'production' }));
    expect(readdirSync(folder)).not.toContain('secrets.json');
  });

  it('a data folder that is a file', async () => {
    const file = join(folder, 'file');
    writeFileSync(file, '');
    expect(await refusal(new Launch(file))).toBe(
      `The data folder ${file} is not a folder: set DATA_DIR to a folder that can be used.`,
    );
  });

  it('a data folder that can not be made', async () => {
    expect(await refusal(new Launch('/proc/seatkeeper'))).toMatch(
      /^The data folder \/proc\/seatkeeper (can not be made|may not be written)/,
    );
  });

  whereMountsAreAllowed('a read-only data folder', async () => {
    const mount = `mount -t tmpfs -o ro tmpfs ${folder} && exec "$@"`;
    expect(await refusal(new Launch(folder, {}, [...ownMounts, mount, 'sh']))).toBe(
      `The data folder ${folder} is on a read-only file system: set DATA_DIR to a folder that can be used.`,
    );
  });

  whereMountsAreAllowed.each([
    ['nearly full', 'size=8m', /^Only \d MB are free for the data folder .*, and 256 MB are needed: make room/],
    ['full', 'size=4k', /^The data folder .* is on a full disk: set DATA_DIR to a folder that can be used\.$/],
  ])('a data folder on a disk that is %s', async (_state, size, sentence) => {
    const mount = `mount -t tmpfs -o ${size} tmpfs ${folder} && exec "$@"`;
    expect(await refusal(new Launch(folder, {}, [...ownMounts, mount, 'sh']))).toMatch(sentence);
  });

  it('secrets that are not JSON, which it does not replace', async () => {
    writeFileSync(join(folder, 'secrets.json'), '{');
    expect(await refusal(new Launch(folder))).toMatch(/^The secrets in .* can't be read \(is not JSON\)/);
    expect(readFileSync(join(folder, 'secrets.json'), 'utf8')).toBe('{');
  });

  it('and leaves the data folder unlocked', async () => {
    await refusal(new Launch(folder, { PORT: 'http' }));
    expect(readdirSync(folder)).not.toContain('lock');
  });
});

describe('npm start stopped while it starts', () => {
  it.each(['starting', 'postgres is ready'])('after «%s» leaves nothing running', async (step) => {
    const folder = mkdtempSync(join(tmpdir(), 'seatkeeper-stopped-'));
    try {
      const launch = new Launch(folder, { SEED: 'none' });
      await launch.line(({ msg }) => msg === step, 60_000);
      const running = launch.processes();
      await launch.pressCtrlC();
      expect(launch.lines.filter(({ level }) => Number(level) >= 50)).toEqual([]);
      expect(launch.lines.at(-1)!.msg).toBe('stopped');
      expect(running.filter(isRunning)).toEqual([]);
      expect([...launch.parts().values()].filter(isRunning)).toEqual([]);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
