import { condition, log, patched, sleep } from '@temporalio/workflow';
import type { Refund } from '../src/contracts/booking-messages.ts';
import type { PlannedRefund } from '../src/contracts/change-messages.ts';
import type { RefundAnswer, RefundRequest } from '../src/contracts/payments.ts';
import type { PaymentAttempt } from '../src/domain/booking-process.ts';
import type { Money } from '../src/domain/money.ts';
import { firstRefundId, numberedRefundId, refundNumber } from '../src/domain/refund-plan.ts';
import { logCapturedOtherwise } from './payment-notices.ts';
import { asStuck } from './status-attribute.ts';
import { durably, firstTry, growingIntervals } from './steps.ts';

/** A refund that the provider has only taken up is asked for in growing intervals until it has ended. */
const POLL_INTERVAL_MIN_MS = 2_000;
const POLL_INTERVAL_MAX_MS = 60 * 60_000;

/** After one that failed for good an operator has time to see why before the next one is asked for. */
const NEXT_REFUND_AFTER_MIN_MS = 60_000;
const NEXT_REFUND_AFTER_MAX_MS = 6 * 60 * 60_000;

type EndedRefund = Exclude<RefundAnswer, { status: 'pending' }>;
type Captured = Pick<RefundRequest, 'amount' | 'provider' | 'providerReference'>;

/** Money that goes back, and how each step of it is done. */
interface GivingBack {
  readonly bookingId: string;
  readonly attemptId: string;
  readonly captured: Captured;
  /** Id of the first refund, and the number to begin with. */
  readonly firstId: string;
  readonly number: number;
  /** What goes back of what the provider has captured, as far as is known. */
  readonly requestOf: (captured: Captured) => Pick<RefundRequest, 'amount' | 'chargeAmount'>;
  /** Makes each state of a refund durable, the first one before the provider is asked. */
  readonly record: (refund: Refund) => Promise<unknown>;
  readonly ask: (request: RefundRequest) => Promise<RefundAnswer>;
  /** Waits for so long, or until there is news of the refund. */
  readonly untilTimeToAsk: (refundId: string, intervalMs: number) => Promise<unknown>;
  readonly whileFailing: (pause: () => Promise<void>) => Promise<void>;
}

/**
 * Gives a captured payment back that bought nothing, all of it, and ends when the money has gone. A refund that fails at
 * the provider is followed by another one, and so is one that had failed before this began: another run of a workflow may
 * have asked for it. Nothing to do for an attempt that captured nothing; then, and where the provider says so only now,
 * the answer is false.
 */
export async function refundAttempt(
  bookingId: string,
  attempt: PaymentAttempt,
  record: (refund: Refund) => Promise<void>,
): Promise<boolean> {
  const { id: attemptId, provider, providerReference } = attempt;
  if (attempt.status !== 'SUCCEEDED' || provider === null || providerReference === null) return false;
  const goesOnFromTheRecord = patched('refunds-go-on-from-the-record');
  const before = goesOnFromTheRecord ? await durably('findRefunds', bookingId, attemptId) : [];
  const done = before.find(({ status }) => status === 'SUCCEEDED');
  if (done) {
    await record(done);
    return true;
  }
  return untilGivenBack({
    bookingId,
    attemptId,
    captured: { amount: attempt.amount, provider, providerReference },
    firstId: attemptId.replace(/^pay_/, 'ref_'),
    number: numberAfter(before),
    requestOf: ({ amount }) => ({ amount }),
    record,
    ask: (request) => durably('refundPayment', request),
    untilTimeToAsk: (_refundId, intervalMs) => sleep(intervalMs, { summary: 'refund is under way at the provider' }),
    whileFailing: (pause) => (goesOnFromTheRecord ? asStuck(pause) : pause()),
  });
}

/** The one that is still under way, or the next after those that failed. */
const numberAfter = (refunds: readonly Pick<Refund, 'id' | 'status'>[]): number =>
  Math.max(1, ...refunds.map(({ id, status }) => refundNumber(id) + (status === 'FAILED' ? 1 : 0)));

/** What is told of refunds by the provider itself. */
export interface RefundNews {
  has(refundId: string): boolean;
  /** From now on only what comes later is news. */
  heard(refundId: string): void;
}

/** Whether a step may be tried in the worker itself, one at a time; from its first failure or wait on no longer. */
export interface TriesInWorker {
  may(): boolean;
  isOver(): void;
}

export interface RefundObserver {
  readonly onChange: (refund: Refund) => void;
  /** Runs a wait: nothing is under way meanwhile, and another run could begin with asking the provider again. */
  readonly whileWaiting: <Value>(wait: () => Promise<Value>) => Promise<Value>;
}

/**
 * Gives back what a change of a booking has planned, and ends when the money has gone. False when the provider says that it
 * never had it.
 */
export async function refundPlanned(
  planned: PlannedRefund,
  news: RefundNews,
  inWorker: TriesInWorker,
  { onChange, whileWaiting }: RefundObserver,
): Promise<boolean> {
  const { payment, amount, status } = planned;
  if (status === 'SUCCEEDED') return true;
  return untilGivenBack({
    bookingId: payment.bookingId,
    attemptId: payment.attemptId,
    captured: payment,
    firstId: firstRefundId(planned.id),
    number: numberAfter([planned]),
    requestOf: (captured) => ({ amount: leastOf(amount, captured.amount), chargeAmount: captured.amount }),
    record: async (refund) => {
      onChange(refund);
      if (isAsPlanned(refund, planned)) return;
      const quickly = inWorker.may() && (await firstTry('recordChangeRefund', planned, refund));
      if (quickly) return;
      inWorker.isOver();
      await durably('recordChangeRefund', planned, refund);
    },
    ask: async (request) => {
      const quickly = inWorker.may() ? await firstTry('refundPayment', request) : undefined;
      if (quickly) return quickly;
      inWorker.isOver();
      return durably('refundPayment', request);
    },
    untilTimeToAsk: async (refundId, intervalMs) => {
      inWorker.isOver();
      await whileWaiting(() => condition(() => news.has(refundId), intervalMs));
      news.heard(refundId);
    },
    whileFailing: (pause) => whileWaiting(() => asStuck(pause)),
  });
}

/** The first of a change's refunds is recorded with it. */
const isAsPlanned = ({ id, status, providerReference }: Refund, planned: PlannedRefund): boolean =>
  id === planned.id && status === planned.status && providerReference === null;

const leastOf = (wanted: Money, left: Money): Money => (left.amount < wanted.amount ? left : wanted);

async function untilGivenBack(money: GivingBack): Promise<boolean> {
  const { bookingId, attemptId, firstId, requestOf, record } = money;
  let { captured } = money;
  const nextPauseMs = growingIntervals(NEXT_REFUND_AFTER_MIN_MS, NEXT_REFUND_AFTER_MAX_MS);
  for (let { number } = money; ; number += 1) {
    const refundId = numberedRefundId(firstId, number);
    const { amount, chargeAmount } = requestOf(captured);
    const refund: Refund = { id: refundId, attemptId, amount, status: 'PENDING', providerReference: null };
    const { provider, providerReference } = captured;
    const request = { refundId, attemptId, bookingId, provider, providerReference, amount, chargeAmount };
    const ended = await refundOnce(refund, request, money);
    if (ended.status === 'succeeded') {
      await record({ ...refund, status: 'SUCCEEDED', providerReference: ended.providerReference });
      return true;
    }
    const isNothing = ended.status === 'nothing_captured';
    await record({ ...refund, status: 'FAILED', ...(isNothing && { nothingCaptured: true }) });
    if (ended.status === 'nothing_captured') {
      log.error('nothing to give back: the provider has captured nothing', { alert: 'nothing_captured', refundId });
      return false;
    }
    if (ended.status === 'captured_otherwise') {
      logCapturedOtherwise(attemptId, chargeAmount ?? amount, { amount: ended.amount });
      captured = { amount: ended.amount, provider: ended.provider, providerReference: ended.providerReference };
      continue;
    }
    log.error('a refund failed at the provider', { alert: 'refund_failed', refundId, reason: ended.reason });
    await money.whileFailing(() =>
      sleep(nextPauseMs(), { summary: 'a refund failed at the provider: another one follows' }),
    );
  }
}

async function refundOnce(
  refund: Refund,
  request: RefundRequest,
  { record, ask, untilTimeToAsk }: GivingBack,
): Promise<EndedRefund> {
  await record(refund);
  const taken = await ask(request);
  if (taken.status !== 'pending') return taken;
  await record({ ...refund, providerReference: taken.providerReference });
  const nextIntervalMs = growingIntervals(POLL_INTERVAL_MIN_MS, POLL_INTERVAL_MAX_MS);
  for (;;) {
    await untilTimeToAsk(refund.id, nextIntervalMs());
    const found = await durably('findRefund', refund.id);
    if (found.status === 'succeeded' || found.status === 'failed') return found;
  }
}
