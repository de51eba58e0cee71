import { log, patched, sleep } from '@temporalio/workflow';
import type { Refund } from '../src/contracts/booking-messages.ts';
import type { RefundAnswer, RefundRequest } from '../src/contracts/payments.ts';
import type { PaymentAttempt } from '../src/domain/booking-process.ts';
import { logCapturedOtherwise } from './payment-notices.ts';
import { asStuck } from './status-attribute.ts';
import { durably, growingIntervals } from './steps.ts';

/** A refund that the provider has only taken up is asked for in growing intervals until it has ended. */
const POLL_INTERVAL_MIN_MS = 2_000;
const POLL_INTERVAL_MAX_MS = 60 * 60_000;

/** After one that failed for good an operator has time to see why before the next one is asked for. */
const NEXT_REFUND_AFTER_MIN_MS = 60_000;
const NEXT_REFUND_AFTER_MAX_MS = 6 * 60 * 60_000;

type EndedRefund = Exclude<RefundAnswer, { status: 'pending' }>;

/**
 * Gives a captured payment back, all of it, and ends when the money has gone. `record` makes each state of the refund
 * durable, the first one before the provider is asked. A refund that fails at the provider is followed by another one,
 * and so is one that had failed before this began: another run of a workflow may have asked for it. Nothing to do for an
 * attempt that captured nothing; then, and where the provider says so only now, the answer is false.
 */
export async function refundAttempt(
  bookingId: string,
  attempt: PaymentAttempt,
  record: (refund: Refund) => Promise<void>,
): Promise<boolean> {
  const { id: attemptId, provider, providerReference } = attempt;
  if (attempt.status !== 'SUCCEEDED' || provider === null || providerReference === null) return false;
  let captured: Captured = { amount: attempt.amount, provider, providerReference };
  const goesOnFromTheRecord = patched('refunds-go-on-from-the-record');
  const before = goesOnFromTheRecord ? await durably('findRefunds', bookingId, attemptId) : [];
  const done = before.find(({ status }) => status === 'SUCCEEDED');
  if (done) {
    await record(done);
    return true;
  }

  const nextPauseMs = growingIntervals(NEXT_REFUND_AFTER_MIN_MS, NEXT_REFUND_AFTER_MAX_MS);
  for (let number = numberAfter(before); ; number += 1) {
    const refundId = refundIdOf(attemptId, number);
    const { amount } = captured;
    const refund: Refund = { id: refundId, attemptId, amount, status: 'PENDING', providerReference: null };
    const ended = await refundOnce(refund, { refundId, attemptId, bookingId, ...captured }, record);
    if (ended.status === 'succeeded') {
      await record({ ...refund, status: 'SUCCEEDED', providerReference: ended.providerReference });
      return true;
    }
    await record({ ...refund, status: 'FAILED' });
    if (ended.status === 'nothing_captured') {
      log.error('nothing to give back: the provider has captured nothing', { alert: 'nothing_captured', refundId });
      return false;
    }
    if (ended.status === 'captured_otherwise') {
      logCapturedOtherwise(attemptId, amount, { amount: ended.amount });
      captured = { amount: ended.amount, provider: ended.provider, providerReference: ended.providerReference };
      continue;
    }
    log.error('a refund failed at the provider', { alert: 'refund_failed', refundId, reason: ended.reason });
    const pause = () => sleep(nextPauseMs(), { summary: 'a refund failed at the provider: another one follows' });
    await (goesOnFromTheRecord ? asStuck(pause) : pause());
  }
}

type Captured = Pick<RefundRequest, 'amount' | 'provider' | 'providerReference'>;

/** Refunds of one attempt are numbered: `ref_…`, `ref_….2`, `ref_….3`. Each is asked for under its own id. */
const refundIdOf = (attemptId: string, number: number): string =>
  attemptId.replace(/^pay_/, 'ref_') + (number === 1 ? '' : `.${number}`);

const numberOf = ({ id, attemptId }: Refund): number =>
  id === refundIdOf(attemptId, 1) ? 1 : Number(id.slice(id.lastIndexOf('.') + 1));

/** The one that is still under way, or the next after those that failed. */
const numberAfter = (refunds: readonly Refund[]): number =>
  Math.max(1, ...refunds.map((refund) => numberOf(refund) + (refund.status === 'FAILED' ? 1 : 0)));

async function refundOnce(
  refund: Refund,
  request: RefundRequest,
  record: (refund: Refund) => Promise<void>,
): Promise<EndedRefund> {
  await record(refund);
  const taken = await durably('refundPayment', request);
  if (taken.status !== 'pending') return taken;
  await record({ ...refund, providerReference: taken.providerReference });
  const nextIntervalMs = growingIntervals(POLL_INTERVAL_MIN_MS, POLL_INTERVAL_MAX_MS);
  for (;;) {
    await sleep(nextIntervalMs(), { summary: 'refund is under way at the provider' });
    const found = await durably('findRefund', refund.id);
    if (found.status === 'succeeded' || found.status === 'failed') return found;
  }
}
