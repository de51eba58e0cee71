import { log, sleep } from '@temporalio/workflow';
import type { Refund } from '../src/contracts/booking-messages.ts';
import type { RefundOutcome, RefundRequest } from '../src/contracts/payments.ts';
import type { PaymentAttempt } from '../src/domain/booking-process.ts';
import { durably, growingIntervals } from './steps.ts';

/** A refund that the provider has only taken up is asked for in growing intervals until it has ended. */
const POLL_INTERVAL_MIN_MS = 2_000;
const POLL_INTERVAL_MAX_MS = 60 * 60_000;

/** After one that failed for good an operator has time to see why before the next one is asked for. */
const NEXT_REFUND_AFTER_MIN_MS = 60_000;
const NEXT_REFUND_AFTER_MAX_MS = 6 * 60 * 60_000;

type EndedRefund = Extract<RefundOutcome, { status: 'succeeded' | 'failed' }>;

/**
 * Gives a captured payment back, all of it, and ends when the money has gone. `record` makes each state of the refund
 * durable, the first one before the provider is asked. A refund that fails at the provider is followed by another one.
 * Nothing to do for an attempt that captured nothing.
 */
export async function refundAttempt(
  bookingId: string,
  attempt: PaymentAttempt,
  record: (refund: Refund) => Promise<void>,
): Promise<void> {
  const { id: attemptId, amount, provider, providerReference } = attempt;
  if (attempt.status !== 'SUCCEEDED' || provider === null || providerReference === null) return;
  const nextPauseMs = growingIntervals(NEXT_REFUND_AFTER_MIN_MS, NEXT_REFUND_AFTER_MAX_MS);
  for (let number = 1; ; number += 1) {
    const refundId = attemptId.replace(/^pay_/, 'ref_') + (number === 1 ? '' : `.${number}`);
    const refund: Refund = { id: refundId, attemptId, amount, status: 'PENDING', providerReference: null };
    const ended = await refundOnce(
      refund,
      { refundId, attemptId, bookingId, provider, providerReference, amount },
      record,
    );
    if (ended.status === 'succeeded') {
      return record({ ...refund, status: 'SUCCEEDED', providerReference: ended.providerReference });
    }
    log.error('a refund failed at the provider', { alert: 'refund_failed', refundId, reason: ended.reason });
    await record({ ...refund, status: 'FAILED' });
    await sleep(nextPauseMs(), { summary: 'a refund failed at the provider: another one follows' });
  }
}

async function refundOnce(
  refund: Refund,
  request: RefundRequest,
  record: (refund: Refund) => Promise<void>,
): Promise<EndedRefund> {
  await record(refund);
  const taken = await durably('refundPayment', request);
  if (taken.status === 'succeeded') return taken;
  await record({ ...refund, providerReference: taken.providerReference });
  const nextIntervalMs = growingIntervals(POLL_INTERVAL_MIN_MS, POLL_INTERVAL_MAX_MS);
  for (;;) {
    await sleep(nextIntervalMs(), { summary: 'refund is under way at the provider' });
    const found = await durably('findRefund', refund.id);
    if (found.status === 'succeeded' || found.status === 'failed') return found;
  }
}
