import { log, patched } from '@temporalio/workflow';
import type { CapturedMoney, ChargeOutcome, PaymentNotification } from '../src/contracts/payments.ts';
import type { PaymentAttempt } from '../src/domain/booking-process.ts';
import { isSameMoney, type Money } from '../src/domain/money.ts';

export type FinalOutcome = Exclude<ChargeOutcome, { status: 'pending' } | { status: 'unknown' }>;

export const isFinal = (outcome: ChargeOutcome): outcome is FinalOutcome =>
  outcome.status !== 'pending' && outcome.status !== 'unknown';

/** Of a run that began earlier every notice was believed, and what it has done by them stands in its history. */
export const comparesNotices = (): boolean => patched('notices-are-compared');

/** Anybody who has a provider's secret, and a provider at fault, may say anything: a notice counts for what is recorded. */
export const isBelieved = (notice: PaymentNotification): boolean => notice.matchesRecord === true || !comparesNotices();

/** As `isBelieved`, of an attempt that is known here. */
export const isAbout = (notice: PaymentNotification, attempt: PaymentAttempt): boolean =>
  isSameMoney(notice.amount, attempt.amount) || !comparesNotices();

/** What the provider's books have, if they were asked and it is not what was asked for. */
export function capturedOtherwise(outcome: ChargeOutcome, asked: CapturedMoney): CapturedMoney | undefined {
  if (outcome.status !== 'succeeded' || !outcome.captured) return undefined;
  const { bookingId, amount } = outcome.captured;
  return bookingId === asked.bookingId && isSameMoney(amount, asked.amount) ? undefined : outcome.captured;
}

export function logCapturedOtherwise(attemptId: string, asked: Money, captured: Partial<CapturedMoney>): void {
  const told = { alert: 'captured_otherwise', attemptId, asked, captured };
  log.error('the provider has captured something else than it was asked for', told);
}

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
