import { log, patched } from '@temporalio/workflow';
import type { FinalOutcome } from '../src/contracts/charge-outcomes.ts';
import type { CapturedMoney, PaymentNotification } from '../src/contracts/payments.ts';
import type { PaymentAttempt } from '../src/domain/booking-process.ts';
import { isSameMoney, type Money } from '../src/domain/money.ts';

/** Of a run that began earlier every notice was believed, and what it has done by them stands in its history. */
export const comparesNotices = (): boolean => patched('notices-are-compared');

/** Anybody who has a provider's secret, and a provider at fault, may say anything: a notice counts for what is recorded. */
export const isBelieved = (notice: PaymentNotification): boolean => notice.matchesRecord === true || !comparesNotices();

/** As `isBelieved`, of an attempt that is known here. */
export const isAbout = (notice: PaymentNotification, attempt: PaymentAttempt): boolean =>
  isSameMoney(notice.amount, attempt.amount) || !comparesNotices();

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
