import type { ChargeOutcome, PaymentNotification } from '../src/contracts/payments.ts';
import type { PaymentAttempt } from '../src/domain/booking-process.ts';

export type FinalOutcome = Exclude<ChargeOutcome, { status: 'pending' } | { status: 'unknown' }>;

export const isFinal = (outcome: ChargeOutcome): outcome is FinalOutcome =>
  outcome.status !== 'pending' && outcome.status !== 'unknown';

export function fromNotification(notice: PaymentNotification): FinalOutcome {
  const { provider, providerReference, reason } = notice;
  return notice.outcome === 'succeeded'
    ? { status: 'succeeded', provider, providerReference }
    : { status: 'declined', provider, providerReference, reason: reason ?? 'declined' };
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
