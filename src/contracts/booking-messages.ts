import type { Booking, NewBooking, PaymentMethod, PricedSeat, RefundStatus } from '../domain/booking.ts';
import type { BookingTerms, PaymentAttempt, PayRefusal } from '../domain/booking-process.ts';
import type { Money } from '../domain/money.ts';
import type { Price } from '../domain/pricing.ts';
import type { SeatCommandResult } from '../domain/seat-commands.ts';
import type { ChargeOutcome, NextAction } from './payments.ts';

export interface BookingWorkflowInput {
  readonly booking: NewBooking;
  readonly terms: BookingTerms;
  /** What a payment tries first, in one go in the worker. Absent in runs that began before a purchase was tried whole. */
  readonly firstTry?: 'purchase';
  /**
   * Nothing is decided by the workflow's clock, which tells another time where a task was lost and is done again; a purchase
   * secures its hold itself. Absent in runs that began before.
   */
  readonly readsNoClock?: true;
  /** What a local activity has answered is gone on with after all else that came with it. Absent in runs that began before. */
  readonly localActivitiesComeLast?: true;
}

/** What a purchase asks of a hold whose time ends before: to last until then, Unix ms. */
export interface HoldToSecure {
  readonly untilMs: number;
  /** Of the changes of a hold the one that was asked for last counts, Unix ms. */
  readonly askedAtMs: number;
}

/**
 * How far the first try of a purchase came: its hold secured, where it had to be, then charged, confirmed, and recorded. What
 * is not there was not done, or failed, or nobody knows. Without a charge, none was asked for.
 */
export interface PurchaseProgress {
  readonly secured?: SeatCommandResult;
  readonly charge?: ChargeOutcome;
  readonly seats?: SeatCommandResult;
  readonly recorded?: RecordOutcome;
}

/** What changes in a booking after it is made; with the row's seats and price it makes the whole booking. */
export type BookingView = Pick<Booking, 'status' | 'version' | 'expiresAtMs' | 'bookingNumber' | 'payment' | 'refund'>;

export interface PayCommand {
  /** Derived from booking and idempotency key: repeated, it gets the same answer. */
  readonly attemptId: string;
  /** The price that the payer saw, and that the attempt's row has. */
  readonly amount: Money;
  readonly method: PaymentMethod;
  readonly token: string;
}

export interface ChangeSeatsCommand {
  /** Of the booking as it was when this was asked for. One that has changed since is left as it is. */
  readonly version?: number;
  readonly seats: readonly PricedSeat[];
  readonly price: Price;
}

/** Codes of `error-codes.ts` by which a booking refuses; `bookingStatus` comes with the view. */
export type BookingRefusalCode =
  | 'BOOKING_STATE'
  | 'HOLD_EXPIRED'
  | 'EXTENSION_LIMIT'
  | 'SEAT_UNAVAILABLE'
  | 'ORPHAN_SEAT'
  | 'TOO_MANY_SEATS'
  | 'SALES_CLOSED'
  /** Somebody else's change came first. */
  | 'CHANGE_IN_PROGRESS'
  /** `BOOKING_COMMANDS_MAX`. */
  | 'RATE_LIMITED';

export type BookingAnswer =
  | { readonly ok: true; readonly booking: BookingView }
  | {
      readonly ok: false;
      readonly refusal: BookingRefusalCode;
      readonly booking: BookingView;
      /** Per code: conflicts `[seat, status]` of SEAT_UNAVAILABLE, stranded seats of ORPHAN_SEAT. */
      readonly conflicts?: readonly (readonly [seat: number, status: string])[];
      readonly seats?: readonly number[];
    };

/** Why money goes back by itself. */
export type GivenBackBecause = 'seats_gone' | 'show_cancelled' | 'paid_twice' | 'amount_differs';

export type PayAnswer =
  | { readonly outcome: 'confirmed'; readonly booking: BookingView }
  /** Not known in time. The booking may have gone on since, or have ended: then its row tells what became of it. */
  | { readonly outcome: 'pending'; readonly booking: BookingView; readonly nextAction: NextAction }
  | { readonly outcome: 'declined'; readonly booking: BookingView; readonly reason: string }
  /** Certainly not charged: no provider would process it (503), or the provider answered nonsense (502). */
  | { readonly outcome: 'unavailable'; readonly booking: BookingView }
  | { readonly outcome: 'gateway_error'; readonly booking: BookingView }
  /** Charged, but the seats could not be had: the money goes back by itself. */
  | { readonly outcome: 'refunded'; readonly booking: BookingView; readonly reason?: GivenBackBecause }
  | { readonly outcome: 'refused'; readonly booking: BookingView; readonly refusal: PayRefusal | 'RATE_LIMITED' };

/** Answer of the `status` query, for operators. */
export interface BookingStatusView {
  readonly booking: Booking;
  readonly attempts: readonly PaymentAttempt[];
  readonly endsAtMs: number;
}

/** Names of the booking workflow's messages. */
export const bookingMessages = {
  pay: 'pay',
  extend: 'extend',
  release: 'release',
  changeSeats: 'changeSeats',
  paymentNotification: 'paymentNotification',
  status: 'status',
} as const;

/**
 * Type of the failure by which the validator refuses a command past `BOOKING_COMMANDS_MAX`; its only detail is the answer
 * all the same. Such a command leaves no history.
 */
export const HEARD_ENOUGH_FAILURE = 'BookingHasHeardEnough';

/** Settles money that arrived after its booking had ended. */
export interface LatePaymentInput {
  readonly booking: NewBooking;
  readonly attemptId: string;
  /** Of the attempt, if it is recorded; else what a notice says of it. */
  readonly amount: Money;
  /** The booking's own workflow has the attempt, with this amount. Without it the attempt's row is asked for. */
  readonly isRecorded?: boolean;
}

/** `seat_taken`: the second line of defence fired. `paid_by`: another attempt has confirmed the booking already. */
export type RecordOutcome =
  | { readonly kind: 'recorded'; readonly bookingNumber: string }
  | { readonly kind: 'seat_taken' }
  | { readonly kind: 'paid_by'; readonly attemptId: string };

/** A refund as it is recorded. */
export interface Refund {
  readonly id: string;
  readonly attemptId: string;
  readonly amount: Money;
  readonly status: RefundStatus;
  readonly providerReference: string | null;
  /** FAILED, and no other one follows: the provider says that it never had the money. */
  readonly nothingCaptured?: boolean;
}
