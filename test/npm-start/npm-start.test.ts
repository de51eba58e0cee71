import { jest } from '@jest/globals';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { isRunning, type ProcessIdentity } from '../../scripts/process-lock.js';
import { readRunState } from '../../src/supervisor/run-state.ts';
import { Launch, type Line } from './launch.ts';

/** Two busy cores, the workflows' bundle to build, and a database to make. */
const startTimeoutMs = 120_000;
/** A part is started again within 250 ms; then it has to come up. */
const recoveryTimeoutMs = 45_000;
const stopTimeoutMs = 60_000;
jest.setTimeout(recoveryTimeoutMs);
const pollMs = 50;

describe('npm start', () => {
  const dataFolder = mkdtempSync(join(tmpdir(), 'seatkeeper-start-'));
  let launch: Launch;
  let ready: Line;

  const start = async (): Promise<void> => {
    launch = new Launch(dataFolder);
    ready = await launch.ready(startTimeoutMs);
  };

  beforeAll(start, startTimeoutMs);

  afterAll(async () => {
    await launch.killHard();
    await Promise.all([...launch.parts().values()].map(ended));
    rmSync(dataFolder, { recursive: true, force: true });
  }, stopTimeoutMs);

  it('says with one line where everything answers', async () => {
    expect(launch.lines.filter(({ msg }) => msg === 'ready')).toHaveLength(1);
    expect(await healthOf(ready)).toBe(200);
    for (const address of ['web', 'temporalUi', 'metrics', 'workerMetrics', 'relayMetrics', 'mails']) {
      expect({ address, status: await statusOf(String(ready[address])) }).not.toMatchObject({ status: null });
    }
    expect(await statusOf(`${String(ready.paymentSimulator)}/ledger`)).toBe(200);
    expect(ready.temporalAddress).toBe(readRunState(dataFolder).services!.temporalAddress);
  });

  it('gives a token for staff in development', async () => {
    const url = `${String(ready.api)}/api/v1/admin/shows`;
    const post = (headers: Record<string, string>) =>
      statusOf(url, { method: 'POST', headers: { 'Content-Type': 'application/json', ...headers }, body: '{}' });
    expect(await post({})).toBe(401);
    expect(await post({ Authorization: `Bearer ${String(ready.staffToken)}` })).toBe(400);
  });

  it('seeds the demo catalogue', async () => {
    expect((await shows(ready)).length).toBeGreaterThanOrEqual(30);
  });

  it('tells a second start where the first one answers, and leaves everything as it is', async () => {
    const before = [...launch.parts()];
    const state = readFileSync(join(dataFolder, 'state.json'), 'utf8');
    const second = new Launch(dataFolder);
    expect(await second.ended()).toBe(1);
    const { api, web, temporalUi, paymentSimulator, metrics } = ready;
    expect(second.lines).toHaveLength(1);
    expect(second.lines[0]).toMatchObject({ api, web, temporalUi, paymentSimulator, metrics });
    expect(second.lines[0]!.msg).toContain(`already runs on ${dataFolder}`);
    expect(second.output.split('\n').filter((line) => !line.startsWith('{'))).toEqual(
      expect.arrayContaining([second.lines[0]!.msg, expect.stringMatching(`^ +api +${String(api)}$`)]),
    );
    expect(readFileSync(join(dataFolder, 'state.json'), 'utf8')).toBe(state);
    expect([...launch.parts()]).toEqual(before);
    expect(await healthOf(ready)).toBe(200);
  });

  it.each(['worker', 'api', 'relay', 'payment-simulator', 'mail-catcher', 'temporal', 'postgres'])(
    'starts %s again when it is killed, and the rest recovers',
    async (name) => {
      const killed = launch.parts().get(name)!;
      const told = launch.line(({ msg }) => String(msg).startsWith(`${name} ended with signal SIGKILL`), 5_000, false);
      const back = launch.line(
        ({ msg, pid }) => msg === `${name} is ready` && pid !== killed.pid,
        recoveryTimeoutMs,
        false,
      );
      process.kill(killed.pid, 'SIGKILL');
      expect((await told).restartInMs).toBeLessThanOrEqual(250);
      await back;
      await healthy(ready);
      expect(isRunning(killed)).toBe(false);
    },
  );

  it(
    'stops all of it at Ctrl-C, and goes on with the same data at the next start',
    async () => {
      const running = launch.processes();
      const before = await shows(ready);
      expect(running.length).toBeGreaterThanOrEqual(6);
      await launch.pressCtrlC();
      expect(launch.lines.at(-1)).toMatchObject({ part: 'supervisor', msg: 'stopped' });
      expect(running.filter(isRunning)).toEqual([]);
      const { api, staffToken } = ready;

      await start();
      expect(ready.api).toBe(api);
      expect(await shows(ready)).toEqual(before);
      const request = { method: 'POST', headers: { Authorization: `Bearer ${String(staffToken)}` } };
      expect(await statusOf(`${String(api)}/api/v1/admin/shows`, request)).not.toBe(401);
    },
    startTimeoutMs + stopTimeoutMs,
  );

  it(
    'leaves nothing running when it is killed itself, and starts again over what that left',
    async () => {
      const running = launch.processes();
      await launch.killHard();
      await start();
      await healthy(ready);
      expect(running.filter(isRunning)).toEqual([]);
    },
    startTimeoutMs + stopTimeoutMs,
  );

  it(
    'stops all of it, with exit code 0, when npm alone is asked to',
    async () => {
      const running = launch.processes();
      launch.askNpmToStop();
      expect(await launch.ended()).toBe(0);
      expect(running.filter(isRunning)).toEqual([]);
    },
    stopTimeoutMs,
  );
});

const statusOf = (url: string, request?: RequestInit): Promise<number | null> =>
  fetch(url, request).then(
    async (response) => {
      await response.body?.cancel();
      return response.status;
    },
    () => null,
  );

const healthOf = ({ api }: Line): Promise<number | null> => statusOf(`${String(api)}/health/ready`);

/** Resolves when the API and all it needs answer; jest's own limit ends the wait. */
async function healthy(ready: Line): Promise<void> {
  while ((await healthOf(ready)) !== 200) await delay(pollMs);
}

async function ended(part: ProcessIdentity): Promise<void> {
  while (isRunning(part)) await delay(pollMs);
}

async function shows({ api }: Line): Promise<readonly string[]> {
  const response = await fetch(`${String(api)}/api/v1/shows?limit=100`);
  const { items } = (await response.json()) as { items: { id: string }[] };
  return items.map(({ id }) => id).sort();
}
