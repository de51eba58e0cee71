import type { RefundStatus } from './booking.ts';
import { money, type Money } from './money.ts';

/** A payment, or a refund of one, by the payment that it is of. */
export interface MoneyOfPayment {
  readonly paymentId: string;
  readonly amount: Money;
}

/** Not all that is asked for is left of what was captured. */
export class RefundExceedsCaptureError extends Error {
  override readonly name = 'RefundExceedsCaptureError';
}

/**
 * Which payment gives back how much of `amount`. The newest first: a provider takes a young payment back more readily.
 * `captured` is oldest first; `refunded` are all refunds that have not failed.
 * @throws RefundExceedsCaptureError if less is left than that
 */
export function refundPlan(
  captured: readonly MoneyOfPayment[],
  refunded: readonly MoneyOfPayment[],
  amount: Money,
): MoneyOfPayment[] {
  let missing = amount.amount;
  const plan: MoneyOfPayment[] = [];
  for (const { paymentId, amount: taken } of captured.toReversed()) {
    if (taken.currency !== amount.currency) continue;
    const given = refunded.filter((each) => each.paymentId === paymentId);
    const left = given.reduce((sum, each) => sum - each.amount.amount, taken.amount);
    const part = Math.min(missing, left);
    if (part <= 0) continue;
    plan.push({ paymentId, amount: money(part, amount.currency) });
    missing -= part;
  }
  if (missing > 0)
    throw new RefundExceedsCaptureError(`${missing} of ${amount.amount} are not left of what was captured`);
  return plan;
}

/** Refunds of one cause are numbered from 1: `ref_…`, then `ref_….2` where the one before has failed. */
export const numberedRefundId = (firstId: string, number: number): string =>
  number === 1 ? firstId : `${firstId}.${number}`;

/** The first of those that this one belongs to. */
export const firstRefundId = (refundId: string): string => refundId.split('.', 1)[0]!;

export const refundNumber = (refundId: string): number => {
  const first = firstRefundId(refundId);
  return refundId === first ? 1 : Number(refundId.slice(first.length + 1));
};

/** Farthest from its end first: what all refunds together are said to be as long as one of them is. */
const worstFirst: readonly RefundStatus[] = ['PENDING', 'FAILED', 'SUCCEEDED'];

/** The state of several refunds together; of those of one cause only the last counts. SUCCEEDED where nothing goes back. */
export function refundStateOf(
  refunds: readonly { readonly id: string; readonly status: RefundStatus }[],
): RefundStatus {
  const statuses = lastOfEachCause(refunds).map(({ status }) => status);
  return worstFirst.find((status) => statuses.includes(status)) ?? 'SUCCEEDED';
}

/** Of the refunds of each cause the one that was asked for last. */
export function lastOfEachCause<Refund extends { readonly id: string }>(refunds: readonly Refund[]): Refund[] {
  const last = new Map<string, Refund>();
  for (const refund of refunds) {
    const first = firstRefundId(refund.id);
    const known = last.get(first);
    if (known === undefined || refundNumber(refund.id) > refundNumber(known.id)) last.set(first, refund);
  }
  return [...last.values()];
}
