import type { Booking, BookingStatus, NewBooking, PaymentMethod, RefundStatus } from '../domain/booking.ts';
import type { AppliedTier } from '../domain/cancellation-policy.ts';
import type { Language } from '../domain/language.ts';
import type { Money } from '../domain/money.ts';
import type { SeatRefusal } from '../domain/seat-commands.ts';
import type { NextAction } from './payments.ts';

/** What may happen to a booking that is confirmed. */
export const bookingChangeKinds = ['cancellation', 'show_cancelled', 'exchange', 'transfer'] as const;
export type BookingChangeKind = (typeof bookingChangeKinds)[number];

interface ChangeOf<Kind extends BookingChangeKind> {
  readonly kind: Kind;
  /** `chg_…`. Derived by whoever asks from what makes the request this one: repeated, it has one effect and one answer. */
  readonly changeId: string;
  readonly bookingId: string;
}

/** The buyer gives back all seats, or those named; the policy says how much of the money they get. */
export interface CancellationChange extends ChangeOf<'cancellation'> {
  /** User id, for the records. */
  readonly requestedBy: string;
  readonly seatIds?: readonly string[];
}

/** Staff has cancelled the show: all of the money goes back, whatever the policy. */
export interface ShowCancelledChange extends ChangeOf<'show_cancelled'> {
  readonly requestedBy: string;
  readonly reason: string;
}

/** The buyer takes other seats instead, of this show or another one, and pays or gets the difference. */
export interface ExchangeChange extends ChangeOf<'exchange'> {
  readonly requestedBy: string;
  /** The price of the booking that the difference was made of. Should it be another one now, nothing is done. */
  readonly price: Money;
  /** The booking that it is to become; its id follows from the change's. Its times are those of its hold. */
  readonly to: Omit<NewBooking, 'heldAtMs' | 'expiresAtMs'>;
  /** For so long the new seats are held, and a payment that waits for the buyer is waited for, in milliseconds. */
  readonly holdTtlMs: number;
  /** Of a new price above the old one. */
  readonly payment?: {
    readonly attemptId: string;
    readonly amount: Money;
    readonly method: PaymentMethod;
    readonly token: string;
  };
}

/** The buyer gives the booking to somebody else, who is a guest of that id from then on. */
export interface TransferChange extends ChangeOf<'transfer'> {
  readonly requestedBy: string;
  readonly to: { readonly userId: string; readonly email: string; readonly language: Language };
}

export type BookingChange = CancellationChange | ShowCancelledChange | ExchangeChange | TransferChange;

/**
 * Times that one run waits for a provider: some 2,000 events. A refund that is polled once an hour for months would else
 * outgrow what Temporal keeps of a run.
 */
export const WAITS_PER_RUN_MAX = 200;

export interface BookingChangeInput {
  readonly change: BookingChange;
  /** Of the run before, when continued as new: further changes whose refunds have not ended. */
  readonly goesOnWith?: readonly BookingChange[];
  /** After so many waits for a provider another run goes on. Absent, in runs of a version that knew no limit: never. */
  readonly waitsMax?: number;
  /** As in `BookingWorkflowInput`. */
  readonly localActivitiesComeLast?: true;
}

/**
 * Codes of `error-codes.ts` by which a change is refused. `NOT_CANCELLABLE`: the show has begun. `UNKNOWN_SEAT`: the
 * booking does not have it (any more).
 */
export type ChangeRefusalCode =
  'NOT_FOUND' | 'BOOKING_STATE' | 'NOT_CANCELLABLE' | 'CHANGE_IN_PROGRESS' | 'UNKNOWN_SEAT';

export interface ChangeRefused {
  readonly ok: false;
  readonly refusal: ChangeRefusalCode;
  /** With BOOKING_STATE. */
  readonly bookingStatus?: BookingStatus;
  /** With UNKNOWN_SEAT. */
  readonly seatIds?: readonly string[];
}

/** `booking` as the change has left it; `other` the one that it was exchanged for. */
export type ChangeAnswer = { readonly ok: true; readonly booking: Booking; readonly other?: Booking } | ChangeRefused;

/**
 * Why an exchange came to nothing; the booking is as it was. `SEATS_REFUSED`: by the show, as `seats` says. `OUTCOME_UNKNOWN`:
 * nobody knows whether the difference was captured; if it was, it goes back by itself.
 */
export interface ExchangeRefused {
  readonly ok: false;
  readonly refusal:
    'SEATS_REFUSED' | 'PAYMENT_DECLINED' | 'PAYMENT_UNAVAILABLE' | 'GATEWAY_ERROR' | 'OUTCOME_UNKNOWN' | 'GIVEN_BACK';
  readonly seats?: SeatRefusal;
  /** With PAYMENT_DECLINED. */
  readonly reason?: string;
}

/** `nextAction`: the difference is not paid yet. Both bookings are as they are meanwhile, and go on by themselves. */
export type ExchangeAnswer =
  | ChangeRefused
  | ExchangeRefused
  | { readonly ok: true; readonly booking: Booking; readonly other?: Booking; readonly nextAction?: NextAction };

/** One of the refunds of a change, as it is first asked for. Each is a part of one payment. */
export interface PlannedRefund {
  /** Its own id and idempotency key; should it fail for good, the next one has the next number. */
  readonly id: string;
  readonly changeId: string;
  readonly cause: BookingChangeKind;
  /** Whose money goes back. */
  readonly bookingId: string;
  readonly amount: Money;
  /** What this very refund is known to have come to; a repeat of the change goes on from there. */
  readonly status: RefundStatus;
  readonly payment: {
    readonly attemptId: string;
    /** The payment's own: of a booking that was exchanged, the one before it. */
    readonly bookingId: string;
    readonly amount: Money;
    readonly provider: string;
    readonly providerReference: string;
  };
}

/** A change that is durable: what is left to do is to give its seats back to the show, and its money to the buyer. */
export interface RecordedChange {
  readonly ok: true;
  readonly booking: Booking;
  /** The one that it was exchanged for. */
  readonly other?: Booking;
  /** Indices of the seats that are the booking's no more. */
  readonly seats: readonly number[];
  readonly refunds: readonly PlannedRefund[];
}

/** As they are recorded, append-only. */
export interface BookingChangeRecord {
  readonly id: string;
  readonly bookingId: string;
  readonly kind: BookingChangeKind;
  readonly requestedBy: string;
  readonly reason: string | null;
  readonly seatIds: readonly string[];
  /** Their indices in the show. */
  readonly seats: readonly number[];
  readonly tier: AppliedTier | null;
  readonly refund: Money;
  readonly kept: Money;
  readonly otherBookingId: string | null;
  readonly createdAtMs: number;
}

/** Answer of the `status` query, for operators. */
export interface BookingChangeStatus {
  /** The last one that was begun; `answer` is null while it is under way. */
  readonly change: BookingChange;
  readonly answer: ExchangeAnswer | null;
  readonly refunds: readonly { readonly id: string; readonly amount: Money; readonly status: RefundStatus }[];
}

/** Names of the change workflow's messages. */
export const changeMessages = {
  /** Update: one more change; its answer comes when the change is durable. */
  change: 'change',
  /** Signal: a provider has told how a refund ended, which is asked for at once. */
  refundNotification: 'refundNotification',
  /** Signal: what a provider tells of the payment of an exchange's difference. */
  paymentNotification: 'paymentNotification',
  status: 'status',
} as const;

/**
 * Type of the failure by which the validator refuses a change while another one is under way; its only detail is the
 * answer all the same. Such a change leaves no history.
 */
export const CHANGE_UNHEARD_FAILURE = 'BookingChangeUnheard';
