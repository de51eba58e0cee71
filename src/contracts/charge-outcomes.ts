import type { PaymentAttempt } from '../domain/booking-process.ts';
import { isSameMoney } from '../domain/money.ts';
import type { CapturedMoney, ChargeOutcome } from './payments.ts';

export type FinalOutcome = Exclude<ChargeOutcome, { status: 'pending' } | { status: 'unknown' }>;

export const isFinal = (outcome: ChargeOutcome): outcome is FinalOutcome =>
  outcome.status !== 'pending' && outcome.status !== 'unknown';

/** What the provider's books have, if they were asked and it is not what was asked for. */
export function capturedOtherwise(outcome: ChargeOutcome, asked: CapturedMoney): CapturedMoney | undefined {
  if (outcome.status !== 'succeeded' || !outcome.captured) return undefined;
  const { bookingId, amount } = outcome.captured;
  return bookingId === asked.bookingId && isSameMoney(amount, asked.amount) ? undefined : outcome.captured;
}

/** What the outcome says about the attempt, as it is recorded. */
export function attemptKnowledge(outcome: ChargeOutcome): Omit<PaymentAttempt, 'id' | 'amount'> {
  const provider = outcome.provider === '' ? null : outcome.provider;
  switch (outcome.status) {
    case 'succeeded':
      return { status: 'SUCCEEDED', provider, providerReference: outcome.providerReference, failureReason: null };
    case 'pending':
      return { status: 'PENDING', provider, providerReference: outcome.providerReference, failureReason: null };
    case 'declined':
      return {
        status: 'DECLINED',
        provider,
        providerReference: outcome.providerReference,
        failureReason: outcome.reason,
      };
    case 'not_processed':
    case 'failed':
      return { status: 'FAILED', provider, providerReference: null, failureReason: outcome.reason };
    case 'unknown':
      return { status: 'UNKNOWN', provider, providerReference: null, failureReason: outcome.reason };
  }
}
