import type { PayAnswer, PayCommand } from '../../contracts/booking-messages.ts';
import type { ErrorCode } from '../../contracts/error-codes.ts';
import type { PaymentRequest } from '../../contracts/http/bookings.ts';
import {
  ENDED,
  type Ended,
  OutcomeUnknownError,
  type WorkflowClient,
  WorkflowUnavailableError,
} from '../../contracts/workflow-client.ts';
import { BOOKING_COMMANDS_MAX, bookingCan, hasLiveHold, type Booking } from '../../domain/booking.ts';
import type { PayRefusal } from '../../domain/booking-process.ts';
import { derivedId } from '../../platform/ids.ts';
import type { Payment, PaymentFate } from '../../read-model/payments.ts';
import type { Show } from '../../read-model/shows.ts';
import type { SaleAdmission } from '../admission/sale-admission.ts';
import type { Batches } from '../batches.ts';
import { bookingAfter, bookingBody, bookingPath } from '../bookings/booking-body.ts';
import { endedRefusal } from '../bookings/booking-routes.ts';
import { bookingState, heardEnough, holdExpired, salesClosed } from '../bookings/refusals.ts';
import { ok, type Answer } from '../http/answer.ts';
import { ApiError, TooBusyError } from '../http/api-error.ts';
import { keyReused, type AnswerKey } from '../idempotency/answer-memory.ts';

export interface PaymentDeskDeps {
  readonly batches: Batches;
  readonly workflows: WorkflowClient;
  readonly admission: Pick<SaleAdmission, 'pay'>;
  readonly nowMs: () => number;
  findShow(showId: string): Promise<Pick<Show, 'status'>>;
  /** Those that there are. */
  findPayments(attemptIds: readonly string[]): Promise<readonly Payment[]>;
  findFate(attemptId: string): Promise<PaymentFate | null>;
  /** Ends the attempt unless a provider may know of it; false if one may, or if it has ended. */
  refuseUnsent(attemptId: string, reason: ErrorCode): Promise<boolean>;
}

/** Takes payments to the booking's workflow, never before the attempt is durable. */
export class PaymentDesk {
  readonly #deps: PaymentDeskDeps;

  constructor(deps: PaymentDeskDeps) {
    this.#deps = deps;
  }

  /** In its turn; one that would wait too long for it is refused before there is an attempt. */
  async pay(booking: Booking, key: AnswerKey, request: PaymentRequest): Promise<Answer> {
    try {
      return await this.#deps.admission.pay(booking.showId, () => this.#payNow(booking, key, request));
    } catch (error) {
      if (!(error instanceof TooBusyError) || !(await this.#mayHaveBeenTold(booking, key))) throw error;
      throw new OutcomeUnknownError('an attempt of this key has no outcome yet', { cause: error });
    }
  }

  async #payNow(booking: Booking, key: AnswerKey, { method, token }: PaymentRequest): Promise<Answer> {
    const attempt = await this.#durableAttempt(booking, key, method);
    const { id: attemptId, amount } = attempt;
    const answer = await this.#tellBooking(booking.id, { attemptId, amount, method, token });
    if (answer === ENDED) return this.#afterItsEnd(booking, attemptId);
    if (answer.outcome === 'refused') return this.#unlessSent(booking, attemptId, answer);
    // What came after the attempt has overtaken its answer, which is not to promise what the booking cannot keep.
    const isOvertaken = answer.outcome === 'pending' && answer.booking.status !== 'PAYMENT_PENDING';
    if (isOvertaken) return this.#whatBecameOf(booking, attemptId, notCharged);
    return payAnswer(this.#deps.batches, booking, answer);
  }

  /** @throws ApiError if nobody has heard of the attempt, nor ever will; OutcomeUnknownError if somebody may have */
  async #tellBooking(bookingId: string, command: PayCommand): Promise<PayAnswer | Ended> {
    try {
      return await this.#deps.workflows.pay(bookingId, command);
    } catch (error) {
      if (!(error instanceof WorkflowUnavailableError)) throw error;
      // Another request with this key may have reached the booking before.
      if (await this.#deps.refuseUnsent(command.attemptId, 'UNAVAILABLE')) throw partUnavailable();
      throw new OutcomeUnknownError('the booking may have heard of the attempt', { cause: error });
    }
  }

  /**
   * The attempt of this key. A try that certainly charged nothing (503, 502) is not remembered: the same key may try
   * again, with an attempt of its own, as often as the booking hears commands.
   */
  async #durableAttempt(booking: Booking, key: AnswerKey, method: PaymentRequest['method']): Promise<Payment> {
    const refusal = await this.#refusal(booking);
    let made: ReadonlyMap<string, Payment> = new Map();
    for (let tries = 0; tries < BOOKING_COMMANDS_MAX; tries++) {
      // Most keys have one try, which is made without a look for others.
      if (tries === (refusal ? 0 : 1)) made = await this.#triesOf(booking, key);
      const id = attemptIdOf(booking, key, tries);
      const payment = made.get(id) ?? (refusal ? null : await this.#insert(id, booking, key, method));
      if (!payment) throw refusal!;
      if (payment.fingerprint !== key.fingerprint) throw keyReused();
      const refused = this.#asRefused(booking, payment);
      if (refused) throw refused;
      if (payment.status !== 'FAILED') return payment;
    }
    throw refusal ?? heardEnough(booking.expiresAtMs, this.#deps.nowMs());
  }

  /** Whether an earlier request with this key may have charged something, or may do so yet. */
  async #mayHaveBeenTold(booking: Booking, key: AnswerKey): Promise<boolean> {
    if (!(await this.#deps.batches.findPayment(attemptIdOf(booking, key, 0)))) return false;
    return [...(await this.#triesOf(booking, key)).values()].some(({ status }) => status !== 'FAILED');
  }

  async #triesOf(booking: Booking, key: AnswerKey): Promise<ReadonlyMap<string, Payment>> {
    const ids = Array.from({ length: BOOKING_COMMANDS_MAX }, (_, tries) => attemptIdOf(booking, key, tries));
    const payments = await this.#deps.findPayments(ids);
    return new Map(payments.map((payment) => [payment.id, payment]));
  }

  async #insert(id: string, booking: Booking, { fingerprint }: AnswerKey, method: PaymentRequest['method']) {
    const attempt = { id, bookingId: booking.id, amount: booking.price.total, fingerprint, method };
    return (await this.#deps.batches.insertPaymentAttempt(attempt)).payment;
  }

  /**
   * As far as the row tells: then no new attempt is made, but one that was made is still answered for. Whether a hold's time is
   * over is for its booking to say: this process's clock may be wrong, and would refuse every payment.
   */
  async #refusal(booking: Booking): Promise<ApiError | null> {
    if (booking.status === 'EXPIRED') return holdExpired();
    if (!bookingCan[booking.status].pay) return bookingState(booking.status);
    return (await this.#deps.findShow(booking.showId)).status === 'CANCELLED' ? salesClosed() : null;
  }

  /** The booking's refusal of this very attempt, which is an answer: the key gets no further attempt for it. */
  #asRefused({ status }: Booking, payment: Payment): ApiError | null {
    if (payment.status !== 'FAILED') return null;
    if (payment.failureReason === ('HOLD_EXPIRED' satisfies PayRefusal)) return holdExpired();
    if (payment.failureReason === ('SALES_CLOSED' satisfies PayRefusal)) return salesClosed();
    return payment.failureReason === ('BOOKING_STATE' satisfies PayRefusal) ? bookingState(status) : null;
  }

  /**
   * The booking refuses an attempt that it does not know. A worker that died may have sent it before all the same, in a
   * task that is done again now: then the refusal is none.
   */
  async #unlessSent(before: Booking, attemptId: string, answer: Refused): Promise<Answer> {
    const refusal = refusalOf(answer, this.#deps.nowMs());
    if (await this.#deps.refuseUnsent(attemptId, answer.refusal)) throw refusal;
    return this.#whatBecameOf(before, attemptId, () => refusal);
  }

  /** The workflow is gone, and with it its memory of answers. */
  async #afterItsEnd(before: Booking, attemptId: string): Promise<Answer> {
    const ended = (await this.#deps.batches.findBooking(before.id)) ?? before;
    await this.#deps.refuseUnsent(attemptId, endedRefusal(ended).code);
    return this.#whatBecameOf(ended, attemptId, endedRefusal);
  }

  /**
   * The rows tell, once it is certain; only then may there be an answer that is remembered.
   * @throws OutcomeUnknownError while a provider may have charged it, or its money may still buy the seats: whoever
   *   settles late money finds out
   */
  async #whatBecameOf(
    before: Booking,
    attemptId: string,
    asNotCharged: (booking: Booking) => ApiError,
  ): Promise<Answer> {
    const fate = await this.#deps.findFate(attemptId);
    // After it: a booking that was confirmed by it must not be seen as it was before.
    const booking = (await this.#deps.batches.findBooking(before.id)) ?? before;
    if (!fate) throw asNotCharged(booking);
    const { payment, hasBought, isGivenBack } = fate;
    if (hasBought) return ok(bookingBody(booking));
    if (isGivenBack) throw refunded();
    if (payment.status === 'DECLINED') throw declined(payment.failureReason ?? 'declined');
    if (payment.status === 'FAILED') throw this.#asRefused(booking, payment) ?? asNotCharged(booking);
    throw new OutcomeUnknownError(`attempt ${attemptId} has no outcome yet`);
  }
}

const attemptIdOf = (booking: Booking, { key }: AnswerKey, tries: number): string =>
  derivedId('pay', booking.id, key, String(tries));

type Refused = Extract<PayAnswer, { outcome: 'refused' }>;

/** Changes of a booking from the row that was paid: the attempt's start, and the confirmation. */
const CHANGES_UNTIL_PENDING = 1;
const CHANGES_UNTIL_CONFIRMED = 2;

/** @throws ApiError for every outcome that is none for the buyer */
async function payAnswer(batches: Batches, before: Booking, answer: Exclude<PayAnswer, Refused>): Promise<Answer> {
  switch (answer.outcome) {
    case 'confirmed':
      return ok(bookingBody(await bookingAfter(batches, before, answer.booking, CHANGES_UNTIL_CONFIRMED)));
    case 'pending': {
      const booking = await bookingAfter(batches, before, answer.booking, CHANGES_UNTIL_PENDING);
      return {
        status: 202,
        headers: { Location: `${bookingPath(booking.id)}/payment` },
        body: { ...bookingBody(booking), nextAction: answer.nextAction },
      };
    }
    case 'declined':
      throw declined(answer.reason);
    case 'unavailable':
      throw noProvider();
    case 'gateway_error':
      throw new ApiError('GATEWAY_ERROR', 'The payment provider answered nonsense. Nothing was charged: try again.');
    case 'refunded':
      throw answer.reason === 'show_cancelled' ? refundedAsCancelled() : refunded();
  }
}

function refusalOf({ refusal, booking }: Refused, nowMs: number): ApiError {
  if (refusal === 'RATE_LIMITED') return heardEnough(booking.expiresAtMs, nowMs);
  if (refusal === 'SALES_CLOSED') return salesClosed();
  return refusal === 'HOLD_EXPIRED' ? holdExpired() : bookingState(booking.status);
}

/** Of an attempt that came to nothing by itself: the hold goes on, or has ended meanwhile. */
const notCharged = (booking: Booking): ApiError => (hasLiveHold(booking.status) ? noProvider() : endedRefusal(booking));

const declined = (reason: string): ApiError =>
  new ApiError('PAYMENT_DECLINED', 'The payment was declined. Another try takes a new Idempotency-Key.', { reason });

const refunded = (): ApiError =>
  new ApiError('HOLD_EXPIRED', 'The seats were gone when the payment came. The money goes back by itself.');

const refundedAsCancelled = (): ApiError =>
  new ApiError('SALES_CLOSED', 'The show was cancelled when the payment came. The money goes back by itself.');

const noProvider = (): ApiError =>
  new ApiError('PAYMENT_UNAVAILABLE', 'No payment provider is available. Nothing was charged: try again.');

const partUnavailable = (): ApiError =>
  new ApiError('UNAVAILABLE', 'A part of the service does not answer just now. Nothing was charged: try again.');
