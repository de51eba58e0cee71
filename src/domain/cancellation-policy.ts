import { type Money, money } from './money.ts';

/** From so many hours before the start on, and earlier, this share of the price goes back. */
export interface CancellationTier {
  readonly hoursBefore: number;
  readonly refundPercent: number;
}

/** The earliest tier first, each with less than the one before it. Later than the last one nothing goes back. */
export interface CancellationPolicy {
  readonly tiers: readonly CancellationTier[];
}

/** Of a theatre that has not set its own. */
export const defaultCancellationPolicy: CancellationPolicy = {
  tiers: [
    { hoursBefore: 24, refundPercent: 100 },
    { hoursBefore: 4, refundPercent: 50 },
  ],
};

/** Enough for a tier a day of the fortnight before a show; more than anybody reads. */
export const CANCELLATION_TIERS_MAX = 14;
/** A year: tickets are sold longer ahead, but no policy tells that far apart. */
export const CANCELLATION_HOURS_MAX = 366 * 24;

const HOUR_MS = 3_600_000;

export const appliedTierReasons = ['policy', 'show_moved', 'show_cancelled'] as const;

/** What goes back, and why so much. Fees go back only where the buyer has not changed their mind. */
export interface AppliedTier {
  readonly refundPercent: number;
  /** Of the tier; null where no tier of the policy decides. */
  readonly hoursBefore: number | null;
  readonly because: (typeof appliedTierReasons)[number];
}

/** What a cancellation depends on of its show, as it is known at that moment: it may have been moved since the purchase. */
export interface ShowToAttend {
  readonly startsAtMs: number;
  /** Who had seats when it was moved may have everything back until then. */
  readonly moved: { readonly atMs: number; readonly fullRefundUntilMs: number } | null;
  /** Null unless staff has cancelled it. */
  readonly cancelled: object | null;
}

interface BookedUnder {
  readonly heldAtMs: number;
  readonly cancellationPolicy?: CancellationPolicy;
}

/**
 * The tier of a cancellation at `nowMs`; null after the start. Hours are elapsed time, whatever clocks at the venue are set
 * to meanwhile. A border belongs to the better side: exactly 24 hours before is "24 hours and more", and the moment of
 * the start is not after it.
 */
export function tierAt(
  { heldAtMs, cancellationPolicy = defaultCancellationPolicy }: BookedUnder,
  { startsAtMs, moved, cancelled }: ShowToAttend,
  nowMs: number,
): AppliedTier | null {
  if (cancelled !== null) return { refundPercent: 100, hoursBefore: null, because: 'show_cancelled' };
  if (nowMs > startsAtMs) return null;
  if (moved !== null && heldAtMs <= moved.atMs && nowMs <= moved.fullRefundUntilMs) {
    return { refundPercent: 100, hoursBefore: null, because: 'show_moved' };
  }
  const tier = cancellationPolicy.tiers.find(({ hoursBefore }) => nowMs <= startsAtMs - hoursBefore * HOUR_MS);
  return { refundPercent: 0, hoursBefore: null, ...tier, because: 'policy' };
}

/**
 * The policy of what a booking is exchanged for, at `tier` of the old one: what could not be had back before can't be had
 * back afterwards either, however much more the show that it is for now would give.
 */
export function cappedPolicy({ tiers }: CancellationPolicy, { refundPercent: most }: AppliedTier): CancellationPolicy {
  const capped = tiers.map((tier) => ({ ...tier, refundPercent: Math.min(tier.refundPercent, most) }));
  // Of those that are alike by now the last one reaches as far as all of them.
  return {
    tiers: capped.filter(({ refundPercent }, index) => refundPercent > (capped[index + 1]?.refundPercent ?? 0)),
  };
}

/** What is wrong with a policy, each with its path; nothing for one that may be used. */
export function wrongPolicy({ tiers }: CancellationPolicy): { readonly path: string; readonly message: string }[] {
  return tiers.slice(1).flatMap((tier, index) => {
    const before = tiers[index]!;
    const path = `tiers[${index + 1}]`;
    return [
      ...(tier.hoursBefore < before.hoursBefore
        ? []
        : [{ path: `${path}.hoursBefore`, message: 'must be less than that of the tier before it' }]),
      ...(tier.refundPercent < before.refundPercent
        ? []
        : [{ path: `${path}.refundPercent`, message: 'must be less than that of the tier before it' }]),
    ];
  });
}

/** A line of a price by what becomes of it. A discount's amount is negative. */
export interface PaidLine {
  readonly kind: 'seats' | 'item' | 'fee' | 'discount';
  readonly amount: Money;
}

interface PaidSeat {
  readonly id: string;
  readonly price: Money;
}

/** What was paid for a booking as it is now. */
export interface PaidBooking<Line extends PaidLine = PaidLine> {
  readonly seats: readonly PaidSeat[];
  readonly price: { readonly lines: readonly Line[]; readonly total: Money };
}

/** `value` is what the cancelled part was paid with: it is given back or kept, to the last unit. */
export interface CancelledPart<Line extends PaidLine = PaidLine> {
  readonly seatIds: readonly string[];
  readonly whole: boolean;
  readonly value: Money;
  readonly refund: Money;
  readonly kept: Money;
  /** What the remaining seats are paid with besides their own prices; with these it is `value` less than before. */
  readonly linesLeft: readonly Line[];
}

/**
 * What a cancellation of these seats gives back, or of the whole booking (no seats named, or all of them).
 *
 * - A seat was paid with its price less its share of the discount; the shares are in proportion to the prices and add up
 *   to the discount.
 * - The tier's share of each seat is rounded up to a whole minor unit, in the buyer's favour: so seats cancelled one by
 *   one give back what they would together.
 * - Items go with the whole booking, by the tier. Fees are kept, unless the show was cancelled or moved.
 *
 * @throws RangeError for a seat that the booking does not have, or lines that do not sum to the total
 */
export function cancelledPart<Line extends PaidLine>(
  { seats, price }: PaidBooking<Line>,
  tier: AppliedTier,
  seatIds: readonly string[] = seats.map(({ id }) => id),
): CancelledPart<Line> {
  const { currency } = price.total;
  const unknown = seatIds.find((id) => !seats.some((seat) => seat.id === id));
  if (unknown !== undefined) throw new RangeError(`the booking has no seat ${unknown}`);
  const whole = seats.every(({ id }) => seatIds.includes(id));
  const paid = paidFor({ seats, price });
  const parts = seats.flatMap(({ id }, index) => (seatIds.includes(id) ? [paid.seats[index]!] : []));
  const seatPrices = seats.filter(({ id }) => seatIds.includes(id)).map(({ price: { amount } }) => amount);
  let value = sumOf(parts);
  let refund = sumOf(parts.map((part) => shareOf(part, tier.refundPercent)));
  if (whole) {
    value += paid.items + paid.fees;
    refund += shareOf(paid.items, tier.refundPercent) + (tier.because === 'policy' ? 0 : paid.fees);
  }
  return {
    seatIds: seats.map(({ id }) => id).filter((id) => seatIds.includes(id)),
    whole,
    value: money(value, currency),
    refund: money(refund, currency),
    kept: money(value - refund, currency),
    linesLeft: whole ? [] : linesLeft(price.lines, sumOf(seatPrices) - sumOf(parts)),
  };
}

/** Items and fees stay with the seats that are left; of the discounts goes what the cancelled seats had of them. */
function linesLeft<Line extends PaidLine>(lines: readonly Line[], discountGone: number): Line[] {
  let gone = discountGone;
  return lines.flatMap((line) => {
    if (line.kind === 'seats') return [];
    if (line.kind !== 'discount') return [line];
    const part = Math.min(gone, -line.amount.amount);
    gone -= part;
    const amount = money(line.amount.amount + part, line.amount.currency);
    return amount.amount === 0 ? [] : [{ ...line, amount }];
  });
}

/** What each seat, all items and all fees were paid with, after the discount. */
function paidFor({ seats, price: { lines, total } }: PaidBooking) {
  const ofKind = (kind: PaidLine['kind']) =>
    sumOf(lines.filter((line) => line.kind === kind).map(({ amount }) => amount.amount));
  const prices = seats.map(({ price }) => price.amount);
  if (sumOf(prices) !== ofKind('seats') || sumOf(lines.map(({ amount }) => amount.amount)) !== total.amount) {
    throw new RangeError('the lines of the price do not sum to the total');
  }
  const discount = -ofKind('discount');
  const shares = spread(Math.min(discount, sumOf(prices)), prices);
  // A discount of more than the seats cost takes from the items, then from the fees.
  const further = discount - sumOf(shares);
  const offItems = Math.min(further, ofKind('item'));
  return {
    seats: prices.map((amount, index) => amount - shares[index]!),
    items: ofKind('item') - offItems,
    fees: ofKind('fee') - (further - offItems),
  };
}

/**
 * Whole units in proportion to the weights, summing to `amount`, which is not more than they do: the method of D'Hondt. What
 * some of them get stays a fair division without the others, so that seats may be cancelled in any order.
 */
function spread(amount: number, weights: readonly number[]): number[] {
  const total = sumOf(weights);
  const shares = weights.map((weight) => (total === 0 ? 0 : Number((BigInt(amount) * BigInt(weight)) / BigInt(total))));
  for (let left = amount - sumOf(shares); left > 0; left--) {
    const next = weights.reduce((best, _, index) => (isOwedMore(index, best) ? index : best), 0);
    shares[next]! += 1;
  }
  return shares;

  function isOwedMore(one: number, other: number): boolean {
    const [owed, owedOther] = [weights[one]!, weights[other]!].map(BigInt) as [bigint, bigint];
    return owed * BigInt(shares[other]! + 1) > owedOther * BigInt(shares[one]! + 1);
  }
}

/** What a tier gives back of an amount that is given up. */
export const refundOf = ({ amount, currency }: Money, { refundPercent }: AppliedTier): Money =>
  money(shareOf(amount, refundPercent), currency);

/** Rounded up: at a half of 25,001 paise the odd paisa is the buyer's. */
const shareOf = (amount: number, percent: number): number => {
  const share = BigInt(amount) * BigInt(percent);
  return Number(share / 100n + (share % 100n > 0n ? 1n : 0n));
};

const sumOf = (amounts: readonly number[]): number => amounts.reduce((sum, amount) => sum + amount, 0);
