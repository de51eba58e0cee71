import { sleep } from '@temporalio/workflow';
import type { Refund } from '../src/contracts/booking-messages.ts';
import type { PaymentAttempt } from '../src/domain/booking-process.ts';
import { durably } from './steps.ts';

/** A refund that the provider has only taken up is asked for in growing intervals until it has ended. */
const POLL_INTERVAL_MIN_MS = 2_000;
const POLL_INTERVAL_MAX_MS = 5 * 60_000;

/**
 * Gives a captured payment back, all of it, and ends when the money has gone. `record` makes each state of the refund
 * durable, the first one before the provider is asked. Nothing to do for an attempt that captured nothing.
 */
export async function refundAttempt(
  bookingId: string,
  attempt: PaymentAttempt,
  record: (refund: Refund) => Promise<void>,
): Promise<void> {
  const { id: attemptId, amount, provider, providerReference } = attempt;
  if (attempt.status !== 'SUCCEEDED' || provider === null || providerReference === null) return;
  const refund: Refund = {
    id: attemptId.replace(/^pay_/, 'ref_'),
    attemptId,
    amount,
    status: 'PENDING',
    providerReference: null,
  };
  await record(refund);
  let outcome = await durably('refundPayment', {
    refundId: refund.id,
    attemptId,
    bookingId,
    provider,
    providerReference,
    amount,
  });
  for (let intervalMs = POLL_INTERVAL_MIN_MS; outcome.status === 'pending';) {
    await record({ ...refund, providerReference: outcome.providerReference });
    await sleep(intervalMs, { summary: 'refund is under way at the provider' });
    intervalMs = Math.min(intervalMs * 2, POLL_INTERVAL_MAX_MS);
    const found = await durably('findRefund', refund.id);
    if (found.status === 'succeeded') outcome = found;
  }
  await record({ ...refund, status: 'SUCCEEDED', providerReference: outcome.providerReference });
}
