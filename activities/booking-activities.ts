import { ApplicationFailure, log } from '@temporalio/activity';
import type { GivenBackBecause, RecordOutcome, Refund } from '../src/contracts/booking-messages.ts';
import { bookingEvent } from '../src/contracts/events.ts';
import { providerCallMs } from '../src/contracts/payment-time-limits.ts';
import type {
  ChargeOutcome,
  ChargeRequest,
  FoundCharge,
  RefundAnswer,
  RefundRequest,
} from '../src/contracts/payments.ts';
import { givingBackEvent } from '../src/contracts/refund-events.ts';
import { ShowNotRunningError } from '../src/contracts/workflow-client.ts';
import type { Booking } from '../src/domain/booking.ts';
import type { PaymentAttempt } from '../src/domain/booking-process.ts';
import { isSameMoney } from '../src/domain/money.ts';
import type { SeatCommand, SeatCommandResult } from '../src/domain/seat-commands.ts';
import type { PaymentGateway } from '../src/gateways/payment-gateway.ts';
import {
  type BookingStateRecord,
  type ConfirmationRecord,
  recordBookingStates,
  recordConfirmations,
  recordMoney,
} from '../src/read-model/booking-records.ts';
import { findBookings } from '../src/read-model/bookings.ts';
import { coalesce } from '../src/read-model/coalesce.ts';
import type { ReadModel } from '../src/read-model/database.ts';
import { SeatAlreadyBookedError } from '../src/read-model/errors.ts';
import { createOutboxBell } from '../src/read-model/outbox.ts';
import {
  findPayment,
  findPaymentsOfBooking,
  markPaymentsSent,
  type Payment,
  type Refund as RefundRow,
} from '../src/read-model/payments.ts';

/** One statement's worth, and as many waiting as the worker has slots for local activities. */
const RECORD_LIMITS = { maxBatch: 100, maxQueued: 2_000 };

export interface BookingActivityDeps {
  readonly db: ReadModel;
  readonly gateway: PaymentGateway;
  readonly sendSeatCommand: (showId: string, command: SeatCommand) => Promise<SeatCommandResult>;
}

type HoldOf = { readonly showId: string; readonly bookingId: string };

export type BookingActivities = ReturnType<typeof createBookingActivities>;

/**
 * Every effect of a booking. Each is idempotent: by the charge's and the refund's key, by the seat's owner, by the
 * booking's version.
 */
export function createBookingActivities({ db, gateway, ...deps }: BookingActivityDeps) {
  const tellRelay = createOutboxBell(db);
  const confirm = coalesce(async (batch: readonly ConfirmationRecord[]) => {
    const results = await recordConfirmations(db, batch);
    tellRelay();
    return results;
  }, RECORD_LIMITS);
  const markSent = coalesce((batch: readonly string[]) => markPaymentsSent(db, batch), RECORD_LIMITS);
  const save = coalesce(async (batch: readonly BookingStateRecord[]) => {
    await recordBookingStates(db, batch);
    if (batch.some(({ outbox, refundOutbox }) => outbox !== undefined || refundOutbox !== undefined)) tellRelay();
    return batch.map(() => undefined);
  }, RECORD_LIMITS);

  async function sendSeatCommand(showId: string, command: SeatCommand): Promise<SeatCommandResult> {
    try {
      return await deps.sendSeatCommand(showId, command);
    } catch (error) {
      if (error instanceof ShowNotRunningError) return answerAfterTheShow(command);
      throw error;
    }
  }

  const isConfirmed = async ({ id }: Booking): Promise<boolean> => {
    const [row] = await findBookings(db, [id]);
    return (row?.bookingNumber ?? null) !== null;
  };

  return {
    /**
     * The first try. Should this activity run again, the mark tells that a provider may know the charge already: then it
     * is only asked for, and charged again, if need be, by `resolveCharge`, which has the time.
     */
    async chargePayment(request: ChargeRequest): Promise<ChargeOutcome> {
      const mark = await markSent(request.attemptId);
      if (mark === 'refused') return { status: 'not_processed', provider: '', reason: 'refused_before' };
      if (mark === 'first') return gateway.charge(request, providerCallMs.firstCharge);
      const found = await gateway.findCharge(request.attemptId);
      if (found.status !== 'not_found') return found;
      return { status: 'unknown', provider: found.provider, reason: 'sent_before' };
    },

    /**
     * Finds out what became of a charge whose outcome is unknown: asks by key, and charges under the same key again if
     * the provider never heard of it. Fails, to be retried, while it stays unknown.
     */
    async resolveCharge(request: ChargeRequest): Promise<ChargeOutcome> {
      const found = await gateway.findCharge(request.attemptId);
      const outcome =
        found.status === 'not_found'
          ? await gateway.charge({ ...request, repeated: true }, providerCallMs.charge)
          : found;
      if (outcome.status === 'unknown') throw ApplicationFailure.retryable(outcome.reason, 'ChargeUnknown');
      return outcome;
    },

    findCharge: (attemptId: string): Promise<FoundCharge> => gateway.findCharge(attemptId),

    /** Ends with certainty: the key will never charge, or it has and this is its outcome. */
    async voidCharge(attemptId: string): Promise<ChargeOutcome> {
      const outcome = await gateway.voidCharge(attemptId);
      if (outcome.status === 'unknown') throw ApplicationFailure.retryable(outcome.reason, 'VoidUnknown');
      return outcome;
    },

    /**
     * Ends when the provider has taken the refund up, or says by its books that this one has failed for good; retried
     * until then: a refund that was merely refused may be asked for again under the same key. One that can never be had,
     * because its charge is none or another, ends too.
     */
    async refundPayment(request: RefundRequest): Promise<RefundAnswer> {
      const outcome = await gateway.refund(request);
      if (outcome.status === 'succeeded' || outcome.status === 'pending') return outcome;
      if (outcome.status === 'failed') {
        if ((await gateway.findRefund(request.refundId)).status === 'failed') return outcome;
        const otherwise = otherThanRefunded(request, await gateway.voidCharge(request.attemptId));
        if (otherwise) return otherwise;
      }
      throw ApplicationFailure.retryable(outcome.reason, 'RefundFailed');
    },

    /** All refunds of an attempt that bought nothing, as they are recorded, whoever has asked for them. */
    async findRefunds(bookingId: string, attemptId: string): Promise<Refund[]> {
      const { refunds } = await findPaymentsOfBooking(db, bookingId);
      return refunds
        .filter(({ paymentId, changeId }) => paymentId === attemptId && changeId === null)
        .map(({ id, amount, status, providerReference }) => ({ id, attemptId, amount, status, providerReference }));
    },

    findRefund: (refundId: string) => gateway.findRefund(refundId),

    /** `askedAtMs`: see the seat commands. A show that has heard a later change refuses this one. */
    extendHold: ({ showId, bookingId }: HoldOf, expiresAtMs: number, askedAtMs: number): Promise<SeatCommandResult> =>
      sendSeatCommand(showId, { kind: 'extend', bookingId, expiresAtMs, askedAtMs }),

    releaseHold: ({ showId, bookingId }: HoldOf): Promise<SeatCommandResult> =>
      sendSeatCommand(showId, { kind: 'release', bookingId }),

    swapSeats: (
      { showId, bookingId }: HoldOf,
      seats: readonly number[],
      askedAtMs: number,
    ): Promise<SeatCommandResult> => sendSeatCommand(showId, { kind: 'swap', bookingId, seats, askedAtMs }),

    /**
     * The pivot. `reclaim`: the hold has ended, but the money is here: takes the seats if all are still free. One that is
     * confirmed on record has had its seats, whatever the show says by now: in a task that was lost, after which its buyer
     * may have cancelled some of them.
     */
    async confirmSeats(booking: Booking, { reclaim }: { readonly reclaim: boolean }): Promise<SeatCommandResult> {
      if (reclaim && (await isConfirmed(booking))) return confirmedBefore(booking);
      const answer = await sendSeatCommand(booking.showId, {
        kind: 'confirm',
        bookingId: booking.id,
        buyerId: booking.userId,
        seats: booking.seats.map((seat) => seat.index),
        reclaim,
      });
      return !answer.ok && (await isConfirmed(booking)) ? confirmedBefore(booking) : answer;
    },

    /** Booked seats go back on sale: all of the booking's, or those named. */
    returnSeats: ({ showId, bookingId }: HoldOf, seats?: readonly number[]): Promise<SeatCommandResult> =>
      sendSeatCommand(showId, { kind: 'return', bookingId, seats }),

    /** One transaction: booking, its seats, its payment, its outbox row. Returns the booking's number. */
    async recordConfirmed(booking: Booking, attempt: PaymentAttempt): Promise<RecordOutcome> {
      const outbox = [bookingEvent('booking.confirmed', { bookingId: booking.id, showId: booking.showId })];
      try {
        const result = await confirm({ booking, payment: paymentRow(booking.id, attempt), outbox });
        return result.confirmed
          ? { kind: 'recorded', bookingNumber: result.bookingNumber }
          : { kind: 'paid_by', attemptId: result.paidBy };
      } catch (error) {
        if (!(error instanceof SeatAlreadyBookedError)) throw error;
        log.error('a seat would have been sold twice', { alert: 'second_line_fired', bookingId: booking.id });
        return { kind: 'seat_taken' };
      }
    },

    /** Every other state of a booking, with what is known of its attempt. */
    async recordBooking(booking: Booking, attempt: PaymentAttempt | null): Promise<'recorded'> {
      await save({
        booking,
        payment: attempt ? paymentRow(booking.id, attempt) : undefined,
        outbox: outboxFor(booking),
      });
      return 'recorded';
    },

    /**
     * As `recordBooking`, for what is learnt after the end: readers of the outbox have heard of that already, but not of
     * the money that goes back, nor `because` of what. Of that they hear also where another payment has bought the booking.
     */
    async amendBooking(
      booking: Booking,
      attempt: PaymentAttempt,
      refund: Refund | null,
      because?: GivenBackBecause,
    ): Promise<void> {
      await save({
        booking,
        payment: paymentRow(booking.id, attempt),
        refund: refund ? refundRow(booking.id, refund) : undefined,
        refundOutbox: refund && because ? toldOf(booking, refund, because) : undefined,
      });
    },

    /** The attempt as its row has it, whatever anybody says of it; null if it was never made. */
    async findAttempt(attemptId: string): Promise<Pick<Payment, 'bookingId' | 'amount' | 'status'> | null> {
      const payment = await findPayment(db, attemptId);
      return payment && { bookingId: payment.bookingId, amount: payment.amount, status: payment.status };
    },

    async loadBooking(bookingId: string): Promise<Booking | null> {
      const [booking] = await findBookings(db, [bookingId]);
      return booking ?? null;
    },

    /** What is known of an attempt and its refund, where the booking itself does not change. `of`: for who is told. */
    async recordAttempt(
      bookingId: string,
      attempt: PaymentAttempt,
      refund: Refund | null,
      of?: { readonly showId: string; readonly because: GivenBackBecause },
    ): Promise<void> {
      await recordMoney(db, {
        bookingId,
        payment: paymentRow(bookingId, attempt),
        refund: refund ? refundRow(bookingId, refund) : undefined,
        refundOutbox: refund && of ? toldOf({ id: bookingId, showId: of.showId }, refund, of.because) : undefined,
      });
      if (refund) tellRelay();
    },
  };
}

/** A show that has ended has no seats to give or take back: without this answer late money would wait for ever. */
function answerAfterTheShow({ kind }: SeatCommand): SeatCommandResult {
  const givesBack = kind === 'release' || kind === 'return';
  return givesBack
    ? { ok: true, seats: [], expiresAtMs: null, heldAtMs: null }
    : { ok: false, refusal: 'NO_SUCH_HOLD' };
}

/** What the show answers to a confirmation that is repeated. */
const confirmedBefore = ({ seats }: Booking): SeatCommandResult => ({
  ok: true,
  seats: seats.map(({ index }) => index),
  expiresAtMs: null,
  heldAtMs: null,
});

/**
 * Why the provider refuses to give a charge back, where its books tell. The void makes sure of a charge that captured
 * nothing so far: the money that goes back must not come later.
 */
function otherThanRefunded(request: RefundRequest, charge: ChargeOutcome): RefundAnswer | null {
  switch (charge.status) {
    case 'declined':
    case 'not_processed':
    case 'failed':
      return { status: 'nothing_captured' };
    case 'succeeded': {
      const { provider, providerReference, captured = { amount: request.chargeAmount ?? request.amount } } = charge;
      const { provider: asked, amount, chargeAmount = amount } = request;
      const isAsAsked = provider === asked && isSameMoney(captured.amount, chargeAmount);
      return isAsAsked ? null : { status: 'captured_otherwise', provider, providerReference, amount: captured.amount };
    }
    case 'pending':
    case 'unknown':
      return null;
  }
}

/** States that readers of the outbox hear of, besides the confirmation. */
function outboxFor(booking: Booking): BookingStateRecord['outbox'] {
  const told = { RELEASED: 'booking.released', EXPIRED: 'booking.expired', FAILED: 'booking.failed' } as const;
  const { status } = booking;
  if (status !== 'RELEASED' && status !== 'EXPIRED' && status !== 'FAILED') return undefined;
  return [bookingEvent(told[status], { bookingId: booking.id, showId: booking.showId })];
}

const toldOf = (
  { id: bookingId, showId }: Pick<Booking, 'id' | 'showId'>,
  { id, amount, status }: Refund,
  because: GivenBackBecause,
) => [givingBackEvent({ bookingId, showId, id, amount, status }, because)];

/** What is known of an attempt, as it is recorded. */
export function paymentRow(bookingId: string, attempt: PaymentAttempt): Payment {
  const nowMs = Date.now();
  // The API's row has method and fingerprint; an attempt only known from a provider's notice has neither.
  return { ...attempt, bookingId, method: null, fingerprint: null, createdAtMs: nowMs, updatedAtMs: nowMs };
}

function refundRow(bookingId: string, { attemptId, ...refund }: Refund): RefundRow {
  const nowMs = Date.now();
  return { ...refund, paymentId: attemptId, bookingId, changeId: null, createdAtMs: nowMs, updatedAtMs: nowMs };
}
