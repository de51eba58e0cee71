import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createLogger } from '../../../src/platform/logger.ts';
import { runCommand } from '../../../temporal/server/run-command.ts';
import { type Operation, OperationLog } from '../operation-log.ts';
import { checkHistory, type HistoryReport } from './check.ts';

const log = createLogger('test', 'silent');
const terms = { holdTtlMs: 10_000, paymentDeadlineMs: 10_000 };
/** The service itself needs no Go where Temporal can be had otherwise. */
const go = await runCommand('go', ['version'], { env: process.env, timeoutMs: 10_000 });
const whereGoIs = go.failure === null ? describe : describe.skip;

/** Go builds it once for each state of its source. */
const BUILD_WITHIN_MS = 5 * 60_000;

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'seatkeeper-histories-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const seconds = (count: number) => count * 1e9;

/** A call that was answered with what was asked for, unless something else is said. */
function told(
  kind: Operation['kind'],
  bookingId: string,
  at: [number, number],
  rest: Partial<Operation> = {},
): Operation {
  const { seatIds = ['A1'], outcome = 'ok' } = rest;
  return {
    client: 1,
    kind,
    showId: 'shw_1',
    bookingId,
    key: kind === 'read-booking' ? null : `${kind} ${bookingId}`,
    seatIds,
    call: seconds(at[0]),
    return: outcome === 'unknown' ? null : seconds(at[1]),
    outcome,
    code: null,
    status: null,
    answeredSeatIds: outcome === 'ok' ? seatIds : null,
    expiresAt: null,
    ...rest,
  };
}

const hold = (id: string, at: [number, number], rest: Partial<Operation> = {}) =>
  told('hold', id, at, { status: 'HELD', expiresAt: seconds(at[0] + 10), ...rest });
const found = (id: string, status: string) => told('read-booking', id, [100, 101], { status });

async function check(name: string, operations: readonly Operation[]): Promise<HistoryReport> {
  const file = join(folder, `${name}.jsonl`);
  const history = new OperationLog(file);
  for (const operation of operations) history.append(operation);
  await history.close();
  return checkHistory(file, { terms, visualizationDir: join(folder, name), log });
}

whereGoIs('of what clients were told', () => {
  test(
    'histories that were made by hand are judged as they are meant',
    async () => {
      const { failure, output } = await runCommand('go', ['test', './...'], {
        env: process.env,
        cwd: import.meta.dirname,
        timeoutMs: BUILD_WITHIN_MS,
      });
      expect(failure === null ? '' : output).toBe('');
    },
    BUILD_WITHIN_MS,
  );

  test(
    'a history that some order explains is legal, whatever is unknown in it',
    async () => {
      const report = await check('legal', [
        hold('bkg_lost', [0, 0], { bookingId: null, key: 'k', outcome: 'unknown', return: null, expiresAt: null }),
        hold('bkg_1', [1, 2]),
        told('pay', 'bkg_1', [3, 4], { outcome: 'unknown' }),
        told('hold', 'bkg_2', [5, 6], { bookingId: null, outcome: 'refused', code: 'SEAT_UNAVAILABLE' }),
        told('cancel', 'bkg_1', [7, 8], { status: 'CANCELLED' }),
        hold('bkg_3', [9, 10]),
        told('pay', 'bkg_3', [11, 12], { status: 'CONFIRMED' }),
        told('exchange', 'bkg_3', [13, 14], { seatIds: ['A2'], status: 'CONFIRMED', newBookingId: 'bkg_4' }),
        hold('bkg_5', [15, 16]),
        found('bkg_1', 'CANCELLED'),
        found('bkg_3', 'EXCHANGED'),
        { ...found('bkg_4', 'CONFIRMED'), seatIds: ['A2'], answeredSeatIds: ['A2'] },
        found('bkg_5', 'EXPIRED'),
      ]);
      expect(report).toMatchObject({ ok: true, operations: 13, violations: 0, illegal: [], undecided: [] });
      expect(await readdir(join(folder, 'legal'))).toEqual([]);
    },
    BUILD_WITHIN_MS,
  );

  test('a seat that two buyers were given is illegal, said in words and drawn', async () => {
    const report = await check('twice', [
      hold('bkg_1', [0, 1]),
      hold('bkg_2', [2, 3]),
      told('pay', 'bkg_1', [4, 5], { status: 'CONFIRMED' }),
      told('pay', 'bkg_2', [4, 5], { status: 'CONFIRMED' }),
      found('bkg_1', 'CONFIRMED'),
      found('bkg_2', 'CONFIRMED'),
    ]);
    expect(report.ok).toBe(false);
    const [illegal] = report.illegal;
    expect(illegal).toMatchObject({ rule: 'one owner per seat, all or none', showId: 'shw_1', seatIds: ['A1'] });
    expect(illegal!.message).toContain('A1 held by bkg_1');
    expect(illegal!.operations.map(({ bookingId }) => bookingId)).toContain('bkg_2');
    expect(await readdir(join(folder, 'twice'))).toEqual(['illegal-shw_1-A1.html']);
  });

  test('a hold that was given away before its time is illegal; at its time it is not', async () => {
    const after = (at: number) => [hold('bkg_1', [0, 1]), hold('bkg_2', [at, at + 0.01]), found('bkg_1', 'EXPIRED')];
    expect((await check('early', after(9.5))).ok).toBe(false);
    expect((await check('in-time', after(10))).ok).toBe(true);
  });

  test('what is not a history is not a legal one', async () => {
    const odd = { ...hold('bkg_1', [0, 1]), kind: 'steal' } as unknown as Operation;
    await expect(check('odd', [odd])).rejects.toThrow('line 1: unknown kind "steal"');
  });
});
