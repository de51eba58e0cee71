import {
  type CancellationPolicy,
  cancelledPart,
  type PaidLine,
  type ShowToAttend,
  tierAt,
  wrongPolicy,
} from '../../src/domain/cancellation-policy.ts';
import { money } from '../../src/domain/money.ts';

const HOUR_MS = 3_600_000;
const STARTS_AT_MS = Date.UTC(2026, 10, 20, 14);
const show: ShowToAttend = { startsAtMs: STARTS_AT_MS, moved: null, cancelled: null };
const booked = { heldAtMs: Date.UTC(2026, 9, 1) };
const percentAt = (nowMs: number, at = show, of: Parameters<typeof tierAt>[0] = booked) =>
  tierAt(of, at, nowMs)?.refundPercent ?? null;

describe('the default policy', () => {
  test.each([
    ['a week before', 7 * 24 * HOUR_MS, 100],
    ['exactly 24 hours before, which is the better tier', 24 * HOUR_MS, 100],
    ['a millisecond later', 24 * HOUR_MS - 1, 50],
    ['exactly 4 hours before, which is the better tier', 4 * HOUR_MS, 50],
    ['a millisecond later', 4 * HOUR_MS - 1, 0],
    ['at the start', 0, 0],
    ['after the start', -1, null],
  ])('%s', (_when, beforeMs, percent) => {
    expect(percentAt(STARTS_AT_MS - beforeMs)).toBe(percent);
  });
});

/**
 * The same wall-clock time on the day before is 23 or 25 hours earlier when clocks were changed between. What counts is
 * elapsed time: the one is too late for all of the money, the other in time.
 */
describe('a day on which clocks are changed', () => {
  test.each([
    // Clocks go forward on 29 March 2026 at 02:00, back on 25 October at 03:00.
    ['Berlin in spring', '2026-03-28T18:00:00+01:00', '2026-03-29T18:00:00+02:00', 23, 50],
    ['Berlin in autumn', '2026-10-24T18:00:00+02:00', '2026-10-25T18:00:00+01:00', 25, 100],
    // 8 March and 1 November 2026.
    ['New York in spring', '2026-03-07T18:00:00-05:00', '2026-03-08T18:00:00-04:00', 23, 50],
    ['New York in autumn', '2026-10-31T18:00:00-04:00', '2026-11-01T18:00:00-05:00', 25, 100],
    // Half an hour, on 5 April and 4 October 2026.
    ['Lord Howe Island in autumn', '2026-04-04T18:00:00+11:00', '2026-04-05T18:00:00+10:30', 24.5, 100],
    ['Lord Howe Island in spring', '2026-10-03T18:00:00+10:30', '2026-10-04T18:00:00+11:00', 23.5, 50],
    // A zone without such days.
    ['Mumbai', '2026-03-28T18:00:00+05:30', '2026-03-29T18:00:00+05:30', 24, 100],
  ])('in %s: the same time a day before', (_where, cancelledAt, startsAt, hours, percent) => {
    const [nowMs, startsAtMs] = [Date.parse(cancelledAt), Date.parse(startsAt)];
    expect(startsAtMs - nowMs).toBe(hours * HOUR_MS);
    expect(percentAt(nowMs, { ...show, startsAtMs })).toBe(percent);
  });

  test.each([
    ['2026-03-29T18:00:00+02:00'],
    ['2026-10-25T18:00:00+01:00'],
    ['2026-03-08T18:00:00-04:00'],
    ['2026-11-01T18:00:00-05:00'],
  ])('the border before %s lies 24 elapsed hours earlier, to the millisecond', (startsAt) => {
    const startsAtMs = Date.parse(startsAt);
    expect(percentAt(startsAtMs - 24 * HOUR_MS, { ...show, startsAtMs })).toBe(100);
    expect(percentAt(startsAtMs - 24 * HOUR_MS + 1, { ...show, startsAtMs })).toBe(50);
  });
});

describe('a policy of the theatre', () => {
  const policy: CancellationPolicy = {
    tiers: [
      { hoursBefore: 48, refundPercent: 90 },
      { hoursBefore: 0, refundPercent: 10 },
    ],
  };
  const bookedUnder = { ...booked, cancellationPolicy: policy };

  test('decides for what was bought under it', () => {
    expect(percentAt(STARTS_AT_MS - 48 * HOUR_MS, show, bookedUnder)).toBe(90);
    expect(percentAt(STARTS_AT_MS - 48 * HOUR_MS + 1, show, bookedUnder)).toBe(10);
    expect(percentAt(STARTS_AT_MS, show, bookedUnder)).toBe(10);
    expect(percentAt(STARTS_AT_MS + 1, show, bookedUnder)).toBeNull();
  });

  test('without tiers gives nothing back, ever', () => {
    expect(percentAt(0, show, { ...booked, cancellationPolicy: { tiers: [] } })).toBe(0);
  });

  test('must go down in hours and in money', () => {
    expect(wrongPolicy(policy)).toEqual([]);
    expect(wrongPolicy({ tiers: [] })).toEqual([]);
    const tiers = [
      { hoursBefore: 4, refundPercent: 50 },
      { hoursBefore: 24, refundPercent: 50 },
    ];
    expect(wrongPolicy({ tiers }).map(({ path }) => path)).toEqual(['tiers[1].hoursBefore', 'tiers[1].refundPercent']);
  });
});

describe('a show that staff has changed', () => {
  const moved = { atMs: STARTS_AT_MS - 10 * HOUR_MS, fullRefundUntilMs: STARTS_AT_MS - HOUR_MS };

  test('by moving it gives everything back until the date that was set, and then what the policy says', () => {
    expect(tierAt(booked, { ...show, moved }, moved.fullRefundUntilMs)).toMatchObject({
      refundPercent: 100,
      because: 'show_moved',
    });
    expect(percentAt(moved.fullRefundUntilMs + 1, { ...show, moved })).toBe(0);
  });

  test('gives no more than the policy to who bought it when it had moved already', () => {
    const late = { heldAtMs: moved.atMs + 1 };
    expect(percentAt(moved.fullRefundUntilMs, { ...show, moved }, late)).toBe(0);
  });

  test('moves the borders of the tiers with its start', () => {
    const later = { ...show, startsAtMs: STARTS_AT_MS + 24 * HOUR_MS };
    expect(percentAt(STARTS_AT_MS - HOUR_MS, show)).toBe(0);
    expect(percentAt(STARTS_AT_MS - HOUR_MS, later)).toBe(100);
  });

  test('by cancelling it gives everything back at any time, also after the start', () => {
    const tier = tierAt(booked, { ...show, cancelled: {} }, STARTS_AT_MS + HOUR_MS);
    expect(tier).toMatchObject({ refundPercent: 100, because: 'show_cancelled' });
  });
});

// ---- what goes back ----

const half = { refundPercent: 50, hoursBefore: 4, because: 'policy' } as const;
const all = { refundPercent: 100, hoursBefore: 24, because: 'policy' } as const;
const showCancelled = { refundPercent: 100, hoursBefore: null, because: 'show_cancelled' } as const;
const inr = (amount: number) => money(amount, 'INR');

/** Seats A1, A2, … at these prices, and further lines. */
function paid(prices: readonly number[], further: Partial<Record<Exclude<PaidLine['kind'], 'seats'>, number>> = {}) {
  const seats = prices.map((amount, index) => ({ id: `A${index + 1}`, price: inr(amount) }));
  const sum = prices.reduce((total, amount) => total + amount, 0);
  const lines: PaidLine[] = [
    { kind: 'seats', amount: inr(sum) },
    ...Object.entries(further).map(([kind, amount]) => ({ kind: kind as PaidLine['kind'], amount: inr(amount) })),
  ];
  return { seats, price: { lines, total: inr(lines.reduce((total, { amount }) => total + amount.amount, 0)) } };
}
const amounts = ({ value, refund, kept }: ReturnType<typeof cancelledPart>) => [
  value.amount,
  refund.amount,
  kept.amount,
];

describe('a cancellation', () => {
  test('of everything gives the share of each seat back, and keeps the rest', () => {
    expect(cancelledPart(paid([25_000, 25_000]), half)).toEqual({
      seatIds: ['A1', 'A2'],
      whole: true,
      value: inr(50_000),
      refund: inr(25_000),
      kept: inr(25_000),
      linesLeft: [],
    });
  });

  test('rounds the share of each seat up, in the favour of the buyer', () => {
    expect(amounts(cancelledPart(paid([25_001, 25_001, 1]), half))).toEqual([50_003, 25_003, 25_000]);
    expect(amounts(cancelledPart(paid([25_001]), { ...half, refundPercent: 0 }))).toEqual([25_001, 0, 25_001]);
    expect(amounts(cancelledPart(paid([25_001]), all))).toEqual([25_001, 25_001, 0]);
  });

  test('of some seats is about those alone, whatever they are', () => {
    const part = cancelledPart(paid([10_000, 20_000, 30_000], { item: 500, fee: 300 }), half, ['A3', 'A1']);
    expect(part).toMatchObject({ seatIds: ['A1', 'A3'], whole: false });
    expect(amounts(part)).toEqual([40_000, 20_000, 20_000]);
    expect(part.linesLeft).toEqual([
      { kind: 'item', amount: inr(500) },
      { kind: 'fee', amount: inr(300) },
    ]);
  });

  test('of a seat that the booking does not have is refused', () => {
    expect(() => cancelledPart(paid([10_000]), half, ['B1'])).toThrow(RangeError);
  });

  test('of a price whose lines do not add up is refused', () => {
    const { seats, price } = paid([10_000]);
    expect(() => cancelledPart({ seats, price: { ...price, total: inr(9_999) } }, all)).toThrow(RangeError);
  });
});

describe('fees, items and coupons', () => {
  test('fees are kept when the buyer cancels, also where all of the price goes back', () => {
    expect(amounts(cancelledPart(paid([10_000], { fee: 300 }), all))).toEqual([10_300, 10_000, 300]);
  });

  test('fees go back when the show was cancelled or moved', () => {
    expect(amounts(cancelledPart(paid([10_000], { fee: 300 }), showCancelled))).toEqual([10_300, 10_300, 0]);
    const moved = { ...showCancelled, because: 'show_moved' } as const;
    expect(amounts(cancelledPart(paid([10_000], { fee: 300 }), moved))).toEqual([10_300, 10_300, 0]);
  });

  test('items go with the whole booking, by the tier', () => {
    expect(amounts(cancelledPart(paid([10_000], { item: 501 }), half))).toEqual([10_501, 5_251, 5_250]);
  });

  test('a discount is spread over the seats in proportion to their prices, to the last unit', () => {
    const booking = paid([10_000, 20_000, 30_000], { discount: -1_000 });
    const parts = ['A1', 'A2', 'A3'].map((id) => cancelledPart(booking, all, [id]).value.amount);
    expect(parts).toEqual([9_833, 19_667, 29_500]);
    expect(parts.reduce((sum, part) => sum + part, 0)).toBe(59_000);
    expect(cancelledPart(booking, all, ['A1', 'A3']).linesLeft).toEqual([{ kind: 'discount', amount: inr(-333) }]);
  });

  test('a discount of more than the seats cost takes from the items, then from the fees', () => {
    const booking = paid([1_000], { item: 500, fee: 300, discount: -1_600 });
    expect(amounts(cancelledPart(booking, all))).toEqual([200, 0, 200]);
    expect(amounts(cancelledPart(booking, showCancelled))).toEqual([200, 200, 0]);
  });
});
