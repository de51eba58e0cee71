import type { FaultRecord } from './faults/fault.ts';
import { recoveredAfterMs, slowRecoveries, undisturbedRecoveryMs, withRecovery } from './recovery.ts';

const MAX_MS = 10_000;
const kill: FaultRecord = { name: 'kill-api', fromMs: 2_000, toMs: 3_000, what: 'api-1', killed: 'api-1' };
const other = (fromMs: number, toMs: number, came: Partial<FaultRecord> = {}): FaultRecord => ({
  ...{ name: 'cut-temporal', fromMs, toMs, what: 'api-1 to temporal' },
  ...came,
});

/** What is said of a run in which somebody buys again so long after the kill. */
const judged = (afterMs: number | null, others: readonly FaultRecord[]) => {
  const records = [kill, ...others].map((record) => withRecovery(record, [kill, ...others], () => afterMs, MAX_MS));
  return { afterMs: undisturbedRecoveryMs(records[0]!), slow: slowRecoveries(records, MAX_MS) };
};

test('who buys again in time is no matter, whatever comes afterwards', () => {
  expect(judged(900, [])).toEqual({ afterMs: 900, slow: [] });
  expect(judged(900, [other(2_901, 9_000)])).toEqual({ afterMs: 900, slow: [] });
});

test.each([
  ['at once', [other(2_000, 3_000)]],
  ['before, and not over yet', [other(0, 2_500)]],
  ['before anybody bought again', [other(4_000, 5_000)]],
  ['and could not be brought about', [other(4_000, 5_000, { what: null })]],
  ['and came half of its way', [other(4_000, 5_000, { what: null, failure: 'Error: not ready' })]],
])('a kill is not judged that another fault disturbs: it comes %s', (_, others) => {
  expect(judged(12_000, others)).toEqual({ afterMs: null, slow: [] });
});

test.each([
  ['a second too late', 11_000, 'after 11000 ms'],
  ['never', null, 'never'],
])('a kill after which somebody buys %s is told, also where the next fault comes before that', (_, afterMs, when) => {
  const { slow } = judged(afterMs, [other(12_500, 14_000)]);
  expect(slow).toEqual([`after the kill of api-1 (kill-api) the first booking was confirmed ${when}`]);
});

test('a kill after which nobody ever buys is told, whatever else goes wrong', () => {
  expect(judged(null, [other(4_000, 5_000)]).slow).toHaveLength(1);
});

test('what was asked for before the kill tells nothing of the time after it', () => {
  const before = { askedMs: 1_900, confirmedMs: 2_100 };
  const after = [
    { askedMs: 2_500, confirmedMs: 9_000 },
    { askedMs: 4_000, confirmedMs: 6_000 },
  ];
  expect(recoveredAfterMs([before], 2_000)).toBeNull();
  expect(recoveredAfterMs([before, ...after], 2_000)).toBe(4_000);
});
