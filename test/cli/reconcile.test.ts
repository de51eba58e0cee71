import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { signStaffToken } from '../../src/api/accounts/tokens.ts';
import { book, endOf, pay } from '../setup/bookings.ts';
import { eventually } from '../setup/eventually.ts';
import { openShow, untilProjected } from '../setup/shows.ts';
import { testSecrets, useTestSystem } from '../setup/system.ts';

const GRACE_MS = 500;
const system = useTestSystem({ apis: 1, settings: { RECONCILIATION_GRACE_SECONDS: String(GRACE_MS / 1_000) } });

let folder: string;
let token: string;
/** Everything of this file, with a booking a seat of which has no row. */
let window: readonly string[];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'seatkeeper-reconcile-'));
  token = await signStaffToken(testSecrets.JWT_SECRET, 'admin', 600);
  const from = new Date().toISOString();
  const show = await openShow(system);
  const booking = await book(system, show, [0, 1]);
  await pay(system, booking, 'tok_ok');
  expect(await endOf(system, booking)).toBe('CONFIRMED');
  await system.db.deleteFrom('booked_seats').where('booking_id', '=', booking.id).execute();
  // Nobody hands them out here: each would be a difference.
  await system.db.deleteFrom('outbox').execute();
  await untilProjected(system, show.id);
  await delay(2 * GRACE_MS);
  window = ['--from', from, '--to', new Date().toISOString()];
}, 120_000);

afterAll(() => rm(folder, { recursive: true, force: true }));

class Command {
  readonly #child: ChildProcess;
  said = '';

  constructor(...args: readonly string[]) {
    this.#child = spawn(process.execPath, ['src/cli/reconcile.ts', ...args], {
      env: { PATH: process.env.PATH, API_URL: system.apiUrls[0], STAFF_TOKEN: token },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    for (const stream of [this.#child.stdout!, this.#child.stderr!]) {
      stream.on('data', (text: Buffer) => (this.said += text.toString()));
    }
  }

  /** Exit code, or the signal that ended it. */
  async ended(): Promise<number | string | null> {
    const { exitCode, signalCode } = this.#child;
    if (exitCode === null && signalCode === null) await once(this.#child, 'close');
    return this.#child.exitCode ?? this.#child.signalCode;
  }

  interrupt(): void {
    this.#child.kill('SIGINT');
  }

  run(): Promise<string> {
    return eventually(() => {
      const id = /rec_[\w-]+/.exec(this.said)?.[0];
      expect(id).toBeDefined();
      return id!;
    });
  }
}

async function told(
  ...args: readonly string[]
): Promise<{ readonly exit: number | string | null; readonly said: string }> {
  const command = new Command(...args);
  const exit = await command.ended();
  return { exit, said: command.said };
}

test('a dry run tells what there is and exits 1; its report is had again by its name, as CSV', async () => {
  const dry = new Command(...window, '--dry-run');
  expect([await dry.ended(), dry.said]).toEqual([1, expect.stringMatching(/seat_row_missing[^]*to do: .*--repair/)]);
  const csv = join(folder, 'report.csv');
  const again = await told('--run', await dry.run(), '--csv', csv);
  expect([again.exit, again.said]).toEqual([1, expect.stringContaining(`Written: ${csv}`)]);
  const [head, ...rows] = (await readFile(csv, 'utf8')).trimEnd().split('\n');
  expect(head).toContain('class,subject,state,booking');
  expect(rows).toEqual([expect.stringContaining('seat_row_missing')]);
}, 60_000);

test('one that is interrupted goes on, and the same command finds it where it is', async () => {
  const [worker] = system.workers;
  worker!.signal('SIGSTOP');
  const first = new Command(...window);
  const id = await first.run();
  first.interrupt();
  expect(await first.ended()).not.toBe(0);
  const second = new Command(...window);
  expect(await second.run()).toBe(id);
  worker!.signal('SIGCONT');
  expect([await second.ended(), second.said]).toEqual([1, expect.stringContaining('Differences: 1,')]);
}, 60_000);

test('with --repair it settles what has one right answer, and exits 0 also when it has nothing to do', async () => {
  const repaired = await told(...window, '--repair');
  expect([repaired.exit, repaired.said]).toEqual([0, expect.stringContaining('REPAIRED: the rows were written')]);
  const csv = join(folder, 'nothing.csv');
  const again = await told(...window, '--repair', '--csv', csv);
  expect([again.exit, again.said]).toEqual([0, expect.stringContaining('Differences: 0,')]);
  expect(await readFile(csv, 'utf8')).toMatch(/^\uFEFFclass,subject,state,booking,.*\n$/);
}, 60_000);

test.each<[string, readonly string[], string]>([
  ['no window', [], 'Which window?'],
  ['a time that is none', ['--from', 'yesterday', '--to', '2026-11-20'], 'not a time'],
  ['an end before the beginning', ['--from', '2026-11-20', '--to', '2026-11-19'], 'must be after from'],
  ['a dry run that repairs', ['--from', '2026-11-19', '--to', '2026-11-20', '--dry-run', '--repair'], 'with dryRun'],
  ['a run that there is not', ['--run', 'rec_nobody_has_started_this'], '404'],
  [
    'a file that can’t be written',
    ['--from', '2026-11-19', '--to', '2026-11-20', '--csv', '/no/such/folder/a.csv'],
    'ENOENT',
  ],
  ['a token that is none', ['--from', '2026-11-19', '--to', '2026-11-20', '--token', 'wrong'], '401'],
])('%s is refused with exit code 2, and nothing is done', async (_what, args, why) => {
  const runs = () => system.db.selectFrom('reconciliation_runs').select('id').execute();
  const before = await runs();
  const { exit, said } = await told(...args);
  expect([exit, said]).toEqual([2, expect.stringContaining(why)]);
  expect(await runs()).toEqual(before);
});
