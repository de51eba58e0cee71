import type { Booking, BookingStatus, NewBooking } from '../domain/booking.ts';
import type { ReadModel } from './database.ts';
import type { Page, PageRequest } from './cursors.ts';

/**
 * Writes the rows of bookings just held, one statement for all: HELD, version 1. A booking that is there already stays
 * as it is. To be coalesced by the caller: `coalesce((batch) => insertHeldBookings(db, batch), limits)`.
 */
export declare function insertHeldBookings(db: ReadModel, bookings: readonly NewBooking[]): Promise<void>;

/** Bookings by id, in the order of `ids`, null where there is none; one statement for all. */
export declare function findBookings(db: ReadModel, ids: readonly string[]): Promise<(Booking | null)[]>;

/** A user's own bookings, newest first, a page of them. */
export declare function listBookingsOfUser(
  db: ReadModel,
  filter: { readonly userId: string; readonly status?: BookingStatus },
  page: PageRequest,
): Promise<Page<Booking>>;
