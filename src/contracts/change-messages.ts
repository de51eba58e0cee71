import type { Booking, BookingStatus, RefundStatus } from '../domain/booking.ts';
import type { AppliedTier } from '../domain/cancellation-policy.ts';
import type { Money } from '../domain/money.ts';

/** What may happen to a booking that is confirmed. */
export const bookingChangeKinds = ['cancellation', 'show_cancelled', 'show_moved', 'exchange', 'transfer'] as const;
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

export type BookingChange = CancellationChange | ShowCancelledChange;

export interface BookingChangeInput {
  readonly change: BookingChange;
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
  readonly answer: ChangeAnswer | null;
  readonly refunds: readonly { readonly id: string; readonly amount: Money; readonly status: RefundStatus }[];
}

/** Names of the change workflow's messages. */
export const changeMessages = {
  /** Update: one more change; its answer comes when the change is durable. */
  change: 'change',
  /** Signal: a provider has told how a refund ended, which is asked for at once. */
  refundNotification: 'refundNotification',
  status: 'status',
} as const;

/**
 * Type of the failure by which the validator refuses a change while another one is under way; its only detail is the
 * answer all the same. Such a change leaves no history.
 */
export const CHANGE_UNHEARD_FAILURE = 'BookingChangeUnheard';
