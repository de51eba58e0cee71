import { endpoints } from '../../contracts/http/endpoints.ts';
import type {
  PaymentNotification,
  RefundNotification,
  WebhookEvent,
  WebhookVerifier,
} from '../../contracts/payments.ts';
import { givingBackEvent } from '../../contracts/refund-events.ts';
import type { WorkflowClient } from '../../contracts/workflow-client.ts';
import { isSameMoney } from '../../domain/money.ts';
import { RefundExceedsCaptureError } from '../../domain/refund-plan.ts';
import type { Logger } from '../../platform/logger.ts';
import { findWhyGivenBack, recordMoney } from '../../read-model/booking-records.ts';
import type { ReadModel } from '../../read-model/database.ts';
import {
  findPayment,
  findPaymentsOfBooking,
  findRefund,
  type Payment,
  type Refund,
} from '../../read-model/payments.ts';
import { findWebhookEffect, recordWebhookEvent } from '../../read-model/webhook-events.ts';
import type { Batches } from '../batches.ts';
import { ok, type Answer } from '../http/answer.ts';
import { ApiError } from '../http/api-error.ts';
import { notFound } from '../http/problem.ts';
import { route, type Route } from '../http/route.ts';

export interface WebhookDeps {
  readonly db: ReadModel;
  readonly batches: Pick<Batches, 'findBooking'>;
  readonly workflows: Pick<WorkflowClient, 'notifyPayment' | 'notifyRefund'>;
  readonly webhooks: ReadonlyMap<string, WebhookVerifier>;
  readonly logger: Logger;
  readonly nowMs: () => number;
}

/** `unknown_attempt`, `other_amount`: not believed, but where it tells of money the provider is asked. */
type Effect =
  | 'accepted'
  | 'without_effect'
  | 'no_concern'
  | 'unknown_booking'
  | 'other_booking'
  | 'unknown_attempt'
  | 'other_amount'
  | 'unknown_refund'
  | 'other_refund'
  | 'exceeds_capture';

/** A provider whose word is not what our records say is at fault, or somebody has its secret. */
const suspicious: ReadonlySet<Effect> = new Set([
  'other_booking',
  'unknown_attempt',
  'other_amount',
  'other_refund',
  'exceeds_capture',
]);

const received = (): Answer => ok({ received: true });

/** Answers 200 only once what the provider says is kept by whoever acts on it; until then the provider repeats it. */
export const webhookRoutes = (deps: WebhookDeps): readonly Route[] => [
  route(endpoints.receiveWebhook, async ({ params: { provider }, headers, body }) => {
    const verifier = deps.webhooks.get(provider);
    if (!verifier) throw notFound('payment provider');
    const signature = headers[verifier.signatureHeader];
    const verdict = verifier.verify(typeof signature === 'string' ? signature : undefined, body, deps.nowMs());
    if (!verdict.ok)
      throw new ApiError('SIGNATURE_INVALID', 'This webhook cannot be believed.', { reason: verdict.reason });
    const { event } = verdict;
    const { eventId } = event.kind === 'other' ? event.notice : event.notification;
    if (await findWebhookEffect(deps.db, provider, eventId)) return received();
    const { bookingId, attemptId } = event.kind === 'other' ? ofNobody : event.notification;
    const effect = await effectOf(deps, event);
    await recordWebhookEvent(deps.db, { provider, eventId, body: jsonOf(body), bookingId, effect });
    if (suspicious.has(effect)) {
      const told = { alert: 'webhook_not_believed', effect, provider, eventId, bookingId, attemptId };
      deps.logger.error(told, 'a webhook says something else than our records');
    }
    return received();
  }),
];

const ofNobody = { bookingId: null, attemptId: null };

async function effectOf(deps: WebhookDeps, event: WebhookEvent): Promise<Effect> {
  if (event.kind === 'other') return 'no_concern';
  return event.kind === 'payment' ? acceptPayment(deps, event.notification) : acceptRefund(deps, event.notification);
}

async function acceptPayment(deps: WebhookDeps, notice: PaymentNotification): Promise<Effect> {
  const booking = await deps.batches.findBooking(notice.bookingId);
  if (!booking) return 'unknown_booking';
  const payment = await findPayment(deps.db, notice.attemptId);
  const effect = comparedWith(payment, notice);
  const isNews = effect !== 'without_effect' && effect !== 'other_booking';
  // Of an attempt that nobody has made, a failure tells nothing.
  const tellsOfMoney = payment !== null || notice.outcome === 'succeeded';
  if (isNews && tellsOfMoney) {
    await deps.workflows.notifyPayment({ ...notice, matchesRecord: effect === 'accepted' }, booking);
  }
  return effect;
}

/** A notice is believed only as far as it agrees with the attempt that was made durable before its charge. */
function comparedWith(payment: Payment | null, notice: PaymentNotification): Effect {
  if (!payment) return 'unknown_attempt';
  if (payment.bookingId !== notice.bookingId) return 'other_booking';
  if (isSettled(payment.status, notice.outcome)) return 'without_effect';
  return isSameMoney(payment.amount, notice.amount) ? 'accepted' : 'other_amount';
}

/** The attempt has ended already as the provider says: there is nobody to tell. */
const isSettled = (status: string, outcome: PaymentNotification['outcome']): boolean =>
  outcome === 'succeeded' ? status === 'SUCCEEDED' : status === 'DECLINED' || status === 'FAILED';

/**
 * The refund's workflow asks the provider itself. Of one that belongs to a change of a booking it is told to ask now; the
 * row of any other learns it here at once.
 */
async function acceptRefund(deps: WebhookDeps, notice: RefundNotification): Promise<Effect> {
  const { db, workflows } = deps;
  const refund = await refundOf(db, notice);
  if (!refund) return 'unknown_refund';
  if (refund.paymentId !== notice.attemptId || !isSameMoney(refund.amount, notice.amount)) return 'other_refund';
  const status = notice.outcome === 'succeeded' ? 'SUCCEEDED' : 'FAILED';
  if (refund.changeId !== null) {
    if (refund.status !== 'PENDING') return 'without_effect';
    await workflows.notifyRefund(refund.bookingId, refund.id);
    return 'accepted';
  }
  const { providerReference } = notice;
  return recordEnd(deps, { ...refund, status, providerReference, updatedAtMs: deps.nowMs() });
}

/** What was said to have failed may be said to have succeeded when another refund gives the money back already. */
async function recordEnd({ db, batches }: WebhookDeps, refund: Refund): Promise<Effect> {
  const { id, bookingId, amount, status } = refund;
  const booking = await batches.findBooking(bookingId);
  const reason = (await findWhyGivenBack(db, bookingId, id)) ?? 'other';
  const told = booking && [givingBackEvent({ bookingId, showId: booking.showId, id, amount, status }, reason)];
  try {
    await recordMoney(db, { bookingId, refund, refundOutbox: told ?? undefined });
  } catch (error) {
    if (!(error instanceof RefundExceedsCaptureError)) throw error;
    return 'exceeds_capture';
  }
  return 'accepted';
}

/** By its id or, where the provider does not tell that, the one of its payment that is under way. */
async function refundOf(db: ReadModel, { refundId, bookingId, attemptId }: RefundNotification): Promise<Refund | null> {
  if (refundId !== null) return findRefund(db, refundId);
  const { refunds } = await findPaymentsOfBooking(db, bookingId);
  return refunds.find(({ paymentId, status }) => paymentId === attemptId && status === 'PENDING') ?? null;
}

const jsonOf = (rawBody: Buffer): unknown => JSON.parse(rawBody.toString('utf8')) as unknown;
