import type { Booking } from '../domain/booking.ts';
import type { ReadModel } from './database.ts';
import type { Payment, Refund } from './payments.ts';

/** An event for the readers of the outbox, written with the change it tells of. */
export interface OutboxEvent {
  /** `booking.confirmed`, say. */
  readonly type: string;
  readonly payload: Record<string, unknown>;
}

export interface ConfirmationRecord {
  /** As it becomes: the row gets status CONFIRMED, whatever `status` says here, and the number is assigned here. */
  readonly booking: Booking;
  /** The attempt that paid. */
  readonly payment: Payment;
  readonly outbox: readonly OutboxEvent[];
}

export type ConfirmationResult =
  /** Recorded by this call, or by an earlier one with the same attempt: the same number again. */
  | { readonly confirmed: true; readonly bookingNumber: string; readonly version: number }
  /** The booking is paid already, by another attempt: this one's money goes back. */
  | { readonly confirmed: false; readonly paidBy: string };

/**
 * Records confirmations, all of a batch in one statement: the booking CONFIRMED with its number, its seats under
 * `unique (show_id, seat_id)`, the payment SUCCEEDED, the outbox. All or nothing for each record; repeatable. One result
 * per record, in order: a `SeatAlreadyBookedError` or another failure of one record is its result and no other's.
 */
export declare function recordConfirmations(
  db: ReadModel,
  records: readonly ConfirmationRecord[],
): Promise<PromiseSettledResult<ConfirmationResult>[]>;

/** A change of a booking other than its confirmation: PAYMENT_PENDING, HELD again, RELEASED, EXPIRED, FAILED. */
export interface BookingStateRecord {
  readonly booking: Booking;
  readonly payment?: Payment | undefined;
  readonly refund?: Refund | undefined;
  readonly outbox?: readonly OutboxEvent[] | undefined;
}

/**
 * Records states of bookings, all of a batch in one statement: the row if its version is lower (inserted if missing),
 * payment and refund by their own rules, the outbox only where the row changed. A confirmed booking never goes back to
 * an earlier state, whatever the version. Repeatable.
 */
export declare function recordBookingStates(db: ReadModel, records: readonly BookingStateRecord[]): Promise<void>;
