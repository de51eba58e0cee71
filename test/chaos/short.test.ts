import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { newId } from '../../src/platform/ids.ts';
import { deliverWebhook, paymentSucceeded } from '../api/signed-webhook.ts';
import { chaosSecrets, Cluster } from './cluster.ts';
import { faults } from './faults/schedule.ts';
import { Partner } from './partner.ts';
import { checkedRun } from './checked-run.ts';
import type { RunResult } from './run.ts';
import { shiftedClock } from './shifted-clock.ts';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '..', '..');
/** Chosen so that each part is killed at least once, and no kind of fault comes twice. */
const SEEDS = [14, 36] as const;
const SECONDS = 30;
const PATIENCE_MS = 240_000;
const HOUR_MS = 3_600_000;

let results: string;
let hasFailed = false;
beforeAll(async () => {
  results = await mkdtemp(join(tmpdir(), 'seatkeeper-chaos-results-'));
});
afterAll(async () => {
  if (hasFailed) process.stderr.write(`What the failed runs have left is in ${results}\n`);
  else await rm(results, { recursive: true, force: true });
});

/** What a test has left that fails, however it does, is kept to be looked at. */
const leavingEvidence =
  <Arguments extends unknown[]>(test: (...args: Arguments) => Promise<void>) =>
  async (...args: Arguments): Promise<void> => {
    try {
      await test(...args);
    } catch (error) {
      hasFailed = true;
      throw error;
    }
  };

describe('one system', () => {
  let cluster: Cluster;
  let partner: Partner;

  beforeAll(async () => {
    cluster = await Cluster.start({ root });
    partner = await Partner.open(cluster.apis[0]!, chaosSecrets.JWT_SECRET);
  }, PATIENCE_MS);
  afterAll(async () => {
    partner?.close();
    await cluster?.stop();
  }, PATIENCE_MS);

  test.each(SEEDS)(
    'keeps every promise while its processes die, stand still and are cut off: seed %i',
    leavingEvidence(async (seed: number) => {
      const folder = join(results, String(seed));
      // How soon after a kill is for `npm run chaos`, which has the machine to itself.
      const options = { seed, seconds: SECONDS, faults, recoveryMaxMs: Infinity, folder };
      const run = await checkedRun(cluster, partner, options);
      expect(run.broken).toEqual([]);
      expectBuyingToGoOn(run);
      expect(run.faults.filter(({ what }) => what !== null).length).toBeGreaterThan(3);
    }),
    PATIENCE_MS,
  );

  test.each([
    ['before', HOUR_MS],
    ['behind', -HOUR_MS],
  ])(
    'refuses webhooks and keeps every promise with the clocks of API and workers an hour %s',
    leavingEvidence(async (_: string, shiftMs: number) => {
      await cluster.redeploy(shiftedClock(shiftMs));
      cluster.post.answers.clear();
      const folder = join(results, `clocks ${shiftMs}`);
      const run = await checkedRun(cluster, partner, { seed: 3, seconds: 10, faults: [], folder });
      expect(run.broken).toEqual([]);
      // Should no payment have been told of by webhook.
      const event = paymentSucceeded(newId('bkg'), newId('pay'), { amount: 25_000, currency: 'INR' });
      await deliverWebhook(cluster.post.url, event, { secret: chaosSecrets.PAYMENT_WEBHOOK_SECRET });
      expect([...cluster.post.answers.keys()]).toEqual([400]);
    }),
    PATIENCE_MS,
  );
});

describe('when the disk of the data folder is full', () => {
  /** A file system of its own, which nobody else sees and which is gone with the process that asked for it. */
  const asRoot = process.getuid?.() === 0;
  const owner = [`--map-user=${process.getuid?.()}`, `--map-group=${process.getgid?.()}`].join(' ');
  const namespace = asRoot ? ['--mount'] : ['--user', '--map-root-user', '--mount'];
  const inside = (folder: string, program: string): string =>
    `mount -t tmpfs -o size=900m,mode=0711 tmpfs ${folder} && exec ${asRoot ? '' : `unshare --user ${owner} `}${program}`;
  const tried = spawnSync('unshare', [...namespace, 'sh', '-c', inside(tmpdir(), 'true')], { encoding: 'utf8' });
  const cannot = tried.status === 0 ? null : (tried.stderr ?? String(tried.error)).trim();
  if (cannot !== null)
    process.stderr.write(`A full disk is not tested: no file system can be mounted here: ${cannot}\n`);

  (cannot === null ? test : test.skip)(
    'nothing that was told is lost, and everything goes on when there is room again',
    leavingEvidence(async () => {
      const disk = await mkdtemp(join(tmpdir(), 'seatkeeper-disk-'));
      const program = `${process.execPath} test/chaos/disk-full.ts ${disk}`;
      const child = spawn('unshare', [...namespace, 'sh', '-c', inside(disk, program)], {
        cwd: root,
        env: { ...process.env, CHAOS_RESULTS: results },
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      const [output] = await Promise.all([text(child.stdout), once(child, 'exit')]);
      await rm(disk, { recursive: true, force: true });
      const run = JSON.parse(output.trim().split('\n').at(-1)!) as RunResult;
      expect(run.broken).toEqual([]);
      expect(run.faults).toMatchObject([{ name: 'disk-full', what: expect.stringMatching(/^0 blocks/) as string }]);
    }),
    PATIENCE_MS,
  );
});

function expectBuyingToGoOn({ seed, faults: came }: RunResult): void {
  const kills = came.filter(({ killed }) => killed !== undefined);
  const told = kills.map(({ killed, recoveredAfterMs }) => `${killed} after ${recoveredAfterMs} ms`);
  process.stderr.write(`Seed ${seed}: bought again after the kill of ${told.join(', ')}\n`);
  expect(kills.length).toBeGreaterThan(0);
  expect(kills.filter(({ recoveredAfterMs = null }) => recoveredAfterMs === null)).toEqual([]);
}
