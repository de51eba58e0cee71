import type { BookingView } from '../../contracts/booking-messages.ts';
import type { BookingBody } from '../../contracts/http/bookings.ts';
import { BASE_PATH } from '../../contracts/http/endpoints.ts';
import { hasLiveHold, type Booking, type NewBooking } from '../../domain/booking.ts';

export const bookingPath = (bookingId: string): string => `${BASE_PATH}/bookings/${bookingId}`;

/** A booking as clients see it. */
export const bookingBody = (booking: Booking): BookingBody => ({
  id: booking.id,
  bookingNumber: booking.bookingNumber,
  showId: booking.showId,
  status: booking.status,
  seats: [...booking.seats],
  items: [],
  price: { lines: [...booking.price.lines], total: booking.price.total },
  expiresAt: hasLiveHold(booking.status) ? new Date(booking.expiresAtMs).toISOString() : null,
  payment: booking.payment,
  refund: booking.refund,
  createdAt: new Date(booking.heldAtMs).toISOString(),
  version: booking.version,
});

/** The booking as it was answered when it was made, whatever has become of it. */
export const bookingAsCreated = (booking: NewBooking & Partial<Pick<Booking, 'asCreated'>>): BookingBody =>
  bookingBody({
    ...booking,
    ...booking.asCreated,
    asCreated: null,
    bookingNumber: null,
    status: 'HELD',
    version: 1,
    payment: null,
    refund: null,
  });

/** The row, with what its workflow has just answered. */
export const bookingNow = (row: Booking, view: BookingView): Booking => ({ ...row, ...view });
