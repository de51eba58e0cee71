import fc from 'fast-check';
import {
  type CancellationPolicy,
  cancelledPart,
  cappedPolicy,
  type PaidLine,
  tierAt,
  wrongPolicy,
} from '../../src/domain/cancellation-policy.ts';
import { money } from '../../src/domain/money.ts';
import { priceAsSold } from '../../src/domain/pricing.ts';
import { type MoneyOfPayment, RefundExceedsCaptureError, refundPlan } from '../../src/domain/refund-plan.ts';

const HOUR_MS = 3_600_000;
const inr = (amount: number) => money(amount, 'INR');
const sumOf = (amounts: readonly number[]): number => amounts.reduce((sum, amount) => sum + amount, 0);

const prices = fc.array(fc.integer({ min: 1, max: 1_000_000_000 }), { minLength: 1, maxLength: 12 });
const percent = fc.integer({ min: 0, max: 100 });
const policy: fc.Arbitrary<CancellationPolicy> = fc
  .tuple(
    fc.uniqueArray(fc.integer({ min: 0, max: 1_000 }), { maxLength: 6 }),
    fc.uniqueArray(percent, { minLength: 6, maxLength: 6 }),
  )
  .map(([hours, percents]) => {
    const down = (one: number, other: number): number => other - one;
    const shares = percents.toSorted(down);
    return {
      tiers: hours.toSorted(down).map((hoursBefore, index) => ({ hoursBefore, refundPercent: shares[index]! })),
    };
  });

function paid(amounts: readonly number[], { item = 0, fee = 0, discount = 0 } = {}) {
  const seats = amounts.map((amount, index) => ({ id: `S${index}`, category: `c${index % 3}`, price: inr(amount) }));
  const lines: PaidLine[] = [
    { kind: 'seats', amount: inr(sumOf(amounts)) },
    { kind: 'item', amount: inr(item) },
    { kind: 'fee', amount: inr(fee) },
    { kind: 'discount', amount: inr(-discount) },
  ];
  return { seats, price: { lines, total: inr(sumOf(lines.map(({ amount }) => amount.amount))) } };
}

describe('for any policy', () => {
  test('who cancels later never gets more', () => {
    const times = fc.tuple(
      fc.integer({ min: -10, max: 2_000 * HOUR_MS }),
      fc.integer({ min: -10, max: 2_000 * HOUR_MS }),
    );
    fc.assert(
      fc.property(policy, times, (cancellationPolicy, [one, other]) => {
        expect(wrongPolicy(cancellationPolicy)).toEqual([]);
        const show = { startsAtMs: 0, moved: null, cancelled: null };
        const shareAt = (beforeMs: number) =>
          tierAt({ heldAtMs: -1e12, cancellationPolicy }, show, -beforeMs)?.refundPercent ?? -1;
        expect(shareAt(Math.max(one, other))).toBeGreaterThanOrEqual(shareAt(Math.min(one, other)));
      }),
    );
  });
});

describe('for any exchange', () => {
  test('the new booking is never given more of than the old one, nor than its own theatre gives', () => {
    fc.assert(
      fc.property(policy, percent, fc.nat(2_000 * HOUR_MS), (given, most, beforeMs) => {
        const capped = cappedPolicy(given, { refundPercent: most, hoursBefore: null, because: 'policy' });
        expect(wrongPolicy(capped)).toEqual([]);
        const show = { startsAtMs: 0, moved: null, cancelled: null };
        const shareOf = (cancellationPolicy: CancellationPolicy) =>
          tierAt({ heldAtMs: -1e12, cancellationPolicy }, show, -beforeMs)?.refundPercent ?? -1;
        expect(shareOf(capped)).toBe(Math.min(most, shareOf(given)));
      }),
    );
  });
});

describe('for any price', () => {
  const extras = fc.record({ item: fc.nat(100_000), fee: fc.nat(100_000), share: percent });
  const because = fc.constantFrom('policy' as const, 'show_moved' as const, 'show_cancelled' as const);

  test('what goes back and what is kept are what was paid, and neither is below zero', () => {
    fc.assert(
      fc.property(prices, extras, percent, because, (amounts, { item, fee, share }, refundPercent, reason) => {
        // Up to all of the price, seats, items and fees.
        const discount = Math.floor(((sumOf(amounts) + item + fee) * share) / 100);
        const booking = paid(amounts, { item, fee, discount });
        const tier = { refundPercent, hoursBefore: null, because: reason };
        const { value, refund, kept } = cancelledPart(booking, tier);
        expect(value).toEqual(booking.price.total);
        expect(refund.amount + kept.amount).toBe(value.amount);
        expect(Math.min(refund.amount, kept.amount)).toBeGreaterThanOrEqual(0);
      }),
    );
  });

  test('seats cancelled one by one, in any order, give back what they would together; what is left costs what was left', () => {
    const order = fc.infiniteStream(fc.nat());
    fc.assert(
      fc.property(
        prices,
        extras,
        percent,
        because,
        order,
        (amounts, { item, fee, share }, refundPercent, why, choice) => {
          const discount = Math.floor(((sumOf(amounts) + item + fee) * share) / 100);
          const tier = { refundPercent, hoursBefore: null, because: why };
          let booking = paid(amounts, { item, fee, discount });
          const together = cancelledPart(booking, tier);
          let [refunded, kept] = [0, 0];
          while (booking.seats.length > 0) {
            const chosen = booking.seats[(choice.next().value as number) % booking.seats.length]!;
            const part = cancelledPart(booking, tier, [chosen.id]);
            [refunded, kept] = [refunded + part.refund.amount, kept + part.kept.amount];
            const seats = booking.seats.filter((seat) => seat !== chosen);
            const price = priceAsSold<PaidLine>(seats, [{ id: 'c1', name: 'Gold' }], part.linesLeft, 'INR');
            expect(price.total.amount).toBe(booking.price.total.amount - part.value.amount);
            booking = { seats, price: { ...price, lines: [...price.lines] } };
          }
          expect([refunded, kept]).toEqual([together.refund.amount, together.kept.amount]);
        },
      ),
    );
  });

  test('a discount is spread without a remainder, and no seat is left with less than nothing', () => {
    fc.assert(
      fc.property(prices, percent, (amounts, share) => {
        const discount = Math.floor((sumOf(amounts) * share) / 100);
        const booking = paid(amounts, { discount });
        const tier = { refundPercent: 100, hoursBefore: null, because: 'policy' } as const;
        const values = booking.seats.map(({ id }) => cancelledPart(booking, tier, [id]).refund.amount);
        expect(Math.min(...values)).toBeGreaterThanOrEqual(0);
        if (values.length > 1) expect(sumOf(values)).toBe(booking.price.total.amount);
      }),
    );
  });
});

describe('a plan of refunds', () => {
  const payments = fc.array(fc.nat(1_000), { minLength: 1, maxLength: 5 });

  test('gives back exactly what is asked for, from what is left of each payment, or refuses', () => {
    fc.assert(
      fc.property(
        payments,
        fc.array(fc.tuple(fc.nat(4), fc.nat(100)), { maxLength: 8 }),
        fc.nat(6_000),
        (taken, given, asked) => {
          const captured = taken.map((amount, index) => ({ paymentId: `pay_${index}`, amount: inr(amount) }));
          const left = new Map(captured.map(({ paymentId, amount }) => [paymentId, amount.amount]));
          const refunded: MoneyOfPayment[] = [];
          for (const [index, amount] of given) {
            const paymentId = `pay_${index}`;
            if ((left.get(paymentId) ?? -1) < amount) continue;
            left.set(paymentId, left.get(paymentId)! - amount);
            refunded.push({ paymentId, amount: inr(amount) });
          }
          const plan = () => refundPlan(captured, refunded, inr(asked));
          if (asked > sumOf([...left.values()])) return expect(plan).toThrow(RefundExceedsCaptureError);
          expect(sumOf(plan().map(({ amount }) => amount.amount))).toBe(asked);
          for (const { paymentId, amount } of plan()) {
            expect(amount.amount).toBeGreaterThan(0);
            expect(amount.amount).toBeLessThanOrEqual(left.get(paymentId)!);
          }
        },
      ),
    );
  });

  test('takes the newest payment first', () => {
    const captured = [
      { paymentId: 'old', amount: inr(100) },
      { paymentId: 'new', amount: inr(50) },
    ];
    expect(refundPlan(captured, [], inr(70))).toEqual([
      { paymentId: 'new', amount: inr(50) },
      { paymentId: 'old', amount: inr(20) },
    ]);
    expect(refundPlan(captured, [{ paymentId: 'new', amount: inr(50) }], inr(70))).toEqual([
      { paymentId: 'old', amount: inr(70) },
    ]);
  });
});
