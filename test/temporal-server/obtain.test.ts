import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { TemporalUnavailableError } from '../../temporal/server/contract.ts';
import { eventually } from '../../temporal/server/frontend.ts';
import { obtainServerBinaries, obtainTemporalCli, defaultCacheDir } from '../../temporal/server/obtain.ts';
import { downloadThroughSdk } from '../../temporal/server/sdk-download.ts';
import { cliVersionLine, executable, fakeGo } from './fake-tools.ts';
import { recordingLog } from './log-lines.ts';

const good = cliVersionLine('1.29.1');
const platform = `${process.platform}-${process.arch}`;

let root: string;
let pathDir: string;
let cacheDir: string;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'seatkeeper-obtain-'));
  pathDir = join(root, 'bin');
  cacheDir = join(root, 'cache');
  await mkdir(pathDir);
});
afterEach(() => rm(root, { recursive: true, force: true }));

/** The machine has what the test puts into `pathDir`, and no network. */
function obtain(env: NodeJS.ProcessEnv = {}, signal?: AbortSignal) {
  const { log, messages, line } = recordingLog();
  const options = { cacheDir, log, env: { PATH: pathDir, HOME: root, TEMPORAL_DOWNLOAD: 'off', ...env }, signal };
  return { cli: () => obtainTemporalCli(options), server: () => obtainServerBinaries(options), messages, line };
}

describe('the Temporal CLI is looked for in order', () => {
  test('one that TEMPORAL_CLI names comes before the one on the PATH', async () => {
    const named = await executable(join(root, 'elsewhere', 'my-temporal'), `echo "${good}"`);
    await executable(join(pathDir, 'temporal'), `echo "${good}"`);
    const { cli, messages } = obtain({ TEMPORAL_CLI: named });
    expect(await cli()).toBe(named);
    expect(messages).toEqual(['temporal: TEMPORAL_CLI: used']);
  });

  test('a named one that does not serve is refused, not replaced', async () => {
    await executable(join(pathDir, 'temporal'), `echo "${good}"`);
    const missing = join(root, 'nowhere');
    await expect(obtain({ TEMPORAL_CLI: missing }).cli()).rejects.toThrow(TemporalUnavailableError);
    await expect(obtain({ TEMPORAL_CLI: missing }).cli()).rejects.toThrow(`TEMPORAL_CLI names ${missing}`);
  });

  test('then the PATH', async () => {
    const onPath = await executable(join(pathDir, 'temporal'), `echo "${good}"`);
    await fakeGo(pathDir, good);
    expect(await obtain().cli()).toBe(onPath);
  });

  test.each([
    ['too old', `echo "${cliVersionLine('1.26.2')}"`, 'is too old: it carries Server 1.26'],
    ['something else of that name', 'echo "temporal 7.0, a clock"', 'is not the Temporal CLI'],
    ['broken', 'exit 3', 'does not run: ended with exit code 3'],
  ])('one on the PATH that is %s is passed over, and the log says why', async (_what, script, reason) => {
    await executable(join(pathDir, 'temporal'), script);
    await fakeGo(pathDir, good);
    const { cli, messages } = obtain();
    expect(await cli()).toBe(join(cacheDir, `temporal-1.5.1-${platform}`, 'temporal'));
    expect(messages[0]).toMatch(/^temporal: PATH: /);
    expect(messages[0]).toContain(reason);
  });

  test('then a build from the pinned Go module, which the next clone finds in the cache', async () => {
    const { installs } = await fakeGo(pathDir, good);
    const first = obtain();
    const file = await first.cli();
    expect(first.messages).toEqual([
      'temporal: PATH: no temporal',
      'temporal: cache: not there yet',
      'temporal: SDK download: switched off by TEMPORAL_DOWNLOAD',
      expect.stringMatching(/^building temporal 1.5.1/),
      expect.stringMatching(/^built temporal 1.5.1/),
      'temporal: go install: used',
    ]);
    const second = obtain();
    expect(await second.cli()).toBe(file);
    expect(second.messages).toEqual(['temporal: PATH: no temporal', 'temporal: cache: used']);
    expect(await installs()).toEqual(['github.com/temporalio/cli/cmd/temporal@v1.5.1']);
    expect(await readdir(join(cacheDir, `temporal-1.5.1-${platform}`))).toEqual(['temporal']);
  });

  test('a damaged file in the cache is replaced', async () => {
    const { installs } = await fakeGo(pathDir, good);
    const cached = await executable(join(cacheDir, `temporal-1.5.1-${platform}`, 'temporal'), 'exit 1');
    expect(await obtain().cli()).toBe(cached);
    expect(await installs()).toHaveLength(1);
    expect(await readFile(cached, 'utf8')).toContain(good);
  });

  test('when nothing is to be had, one sentence says what to install', async () => {
    const refusal = obtain().cli();
    await expect(refusal).rejects.toThrow(TemporalUnavailableError);
    await expect(refusal).rejects.toThrow(
      /^No Temporal server could be had: install Go .* or set TEMPORAL_ADDRESS[^.]*\.$/,
    );
  });

  test('a build that fails says why in the log', async () => {
    await executable(join(pathDir, 'go'), '[ "$1" = version ] && exit 0; echo "no space left on device" >&2; exit 1');
    const { cli, messages } = obtain();
    await expect(cli()).rejects.toThrow(TemporalUnavailableError);
    expect(messages.at(-1)).toBe('temporal: go install: go install ended with exit code 1: no space left on device');
    expect(await readdir(join(cacheDir, `temporal-1.5.1-${platform}`))).toEqual([]);
  });

  test('a cache that cannot be written is a reason, not a crash', async () => {
    await fakeGo(pathDir, good);
    await writeFile(cacheDir, 'a file where the folder should be');
    const { cli, messages } = obtain();
    await expect(cli()).rejects.toThrow(TemporalUnavailableError);
    expect(messages.at(-1)).toMatch(/^temporal: go install: E(NOTDIR|EXIST)/);
  });
});

test('two clones that need the same tool at the same time build it once', async () => {
  const { installs, hold } = await fakeGo(pathDir, good);
  await writeFile(hold, '');
  const first = obtain();
  const firstFile = first.cli();
  await first.line('building temporal');
  const second = obtain();
  const secondFile = second.cli();
  await second.line('another process is building temporal 1.5.1: waiting for it');
  await rm(hold);
  expect(await secondFile).toBe(await firstFile);
  expect(await installs()).toHaveLength(1);
});

test('a build that is interrupted ends with all that it started, and leaves nothing', async () => {
  const { hold, installs } = await fakeGo(pathDir, good);
  await writeFile(hold, '');
  const interrupt = new AbortController();
  const { cli, line } = obtain({}, interrupt.signal);
  const refused = expect(cli()).rejects.toThrow('aborted');
  await line('building temporal');
  await eventually(async () => expect(await installs()).toHaveLength(1), { timeoutMs: 5_000 });
  interrupt.abort();
  // Comes when the last process that holds the build's output has ended: `hold` is still there.
  await refused;
  expect(await readdir(join(cacheDir, `temporal-1.5.1-${platform}`))).toEqual([]);
});

test('what a killed build has left is removed, but not a build that another machine may be at', async () => {
  await fakeGo(pathDir, good);
  const folder = join(cacheDir, `temporal-1.5.1-${platform}`);
  await mkdir(join(folder, 'temporal.building-old'), { recursive: true });
  await mkdir(join(folder, 'temporal.building-young'));
  const anHourAgo = new Date(Date.now() - 3_600_000);
  await utimes(join(folder, 'temporal.building-old'), anHourAgo, anHourAgo);
  await obtain().cli();
  expect((await readdir(folder)).sort()).toEqual(['temporal', 'temporal.building-young']);
});

test('the programs of the server profile come from their pinned modules', async () => {
  const { installs } = await fakeGo(pathDir, 'any');
  const uiServer = await executable(join(root, 'my-ui'), 'exit 0');
  const binaries = await obtain({ TEMPORAL_UI_SERVER_BIN: uiServer }).server();
  expect(binaries.uiServer).toBe(uiServer);
  expect(await readFile(binaries.server, 'utf8')).toContain('any');
  expect(await readFile(binaries.sqlTool, 'utf8')).toContain('any');
  expect(await installs()).toEqual([
    'go.temporal.io/server/cmd/server@v1.32.1',
    'go.temporal.io/server/cmd/tools/sql@v1.32.1',
  ]);
});

test('the cache is the one of the user, wherever it was moved', () => {
  expect(defaultCacheDir({ XDG_CACHE_HOME: '/x', HOME: '/h' })).toBe('/x/seatkeeper');
  expect(defaultCacheDir({ HOME: '/h' })).toBe('/h/.cache/seatkeeper');
});

describe('the download of the SDK', () => {
  const env = (proxyPort: number) => ({ ...process.env, HTTPS_PROXY: `http://127.0.0.1:${proxyPort}`, NO_PROXY: '' });

  /** The only way out: it takes what comes and answers nothing, as a network does that swallows packets. */
  async function silentProxy() {
    const sockets = new Set<{ destroy(): void }>();
    const server = createServer((socket) => sockets.add(socket.on('error', () => {}))).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const asked = once(server, 'connection');
    const stop = () => {
      for (const socket of sockets) socket.destroy();
      server.close();
    };
    return { port: (server.address() as AddressInfo).port, asked, stop };
  }

  test('is given up at once where there is no network', async () => {
    const { port, stop } = await silentProxy();
    stop();
    const destination = join(root, 'tool', 'temporal');
    expect(await downloadThroughSdk(destination, { env: env(port) })).toMatch(/onnect/);
    expect(await readdir(root)).toEqual(['bin']);
  });

  test('is given up when nothing comes', async () => {
    const { port, stop } = await silentProxy();
    const destination = join(root, 'tool', 'temporal');
    const reason = await downloadThroughSdk(destination, { env: env(port), stalledAfterMs: 1_500 });
    stop();
    expect(reason).toBe('no data for 1.5 s');
    expect(await readdir(root)).toEqual(['bin']);
  });

  test('is put in its place when it is whole', async () => {
    const { port, asked, stop } = await silentProxy();
    const destination = join(root, 'tool', 'temporal');
    const done = downloadThroughSdk(destination, { env: env(port) });
    await asked;
    // What the SDK leaves in the folder it is given, had the network answered.
    const [downloadDir] = (await readdir(root)).filter((name) => name.startsWith('tool.downloading-'));
    await executable(join(root, downloadDir!, 'temporal-sdk-typescript'), `echo "${good}"`);
    expect(await done).toBeNull();
    stop();
    expect(await readFile(destination, 'utf8')).toContain(good);
    expect((await readdir(root)).sort()).toEqual(['bin', 'tool']);
  });
});
