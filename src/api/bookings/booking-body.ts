import type { BookingView } from '../../contracts/booking-messages.ts';
import type { BookingBody } from '../../contracts/http/bookings.ts';
import { BASE_PATH } from '../../contracts/http/endpoints.ts';
import { isoTime } from '../../contracts/http/primitives.ts';
import { asMade, hasLiveHold, type Booking, type NewBooking } from '../../domain/booking.ts';
import type { Money } from '../../domain/money.ts';
import type { Batches } from '../batches.ts';

export const bookingPath = (bookingId: string): string => `${BASE_PATH}/bookings/${bookingId}`;

/** A booking as clients see it, the same to the byte whether it comes from memory or from a row. */
export const bookingBody = (booking: Booking): BookingBody => ({
  id: booking.id,
  bookingNumber: booking.bookingNumber,
  showId: booking.showId,
  status: booking.status,
  seats: booking.seats.map(({ id, index, label, category, price }) => ({
    id,
    index,
    label,
    category,
    price: amount(price),
  })),
  items: [],
  price: {
    lines: booking.price.lines.map((line) => ({ kind: line.kind, label: line.label, amount: amount(line.amount) })),
    total: amount(booking.price.total),
  },
  expiresAt: hasLiveHold(booking.status) ? isoTime(booking.expiresAtMs) : null,
  payment: booking.payment,
  refund: booking.refund && { amount: amount(booking.refund.amount), status: booking.refund.status },
  createdAt: isoTime(booking.heldAtMs),
  version: booking.version,
});

/** With its fields in one order, which a row does not keep. */
const amount = ({ amount: units, currency }: Money): Money => ({ amount: units, currency });

/** The booking as it was answered when it was made, whatever has become of it. */
export const bookingAsCreated = (booking: NewBooking & Partial<Pick<Booking, 'asCreated'>>): BookingBody =>
  bookingBody(asMade({ ...booking, ...booking.asCreated }));

/**
 * The booking after a command: the row from before it, with what the workflow has answered. A version further on than the
 * command's own `changes` make it says that another command came between and may have changed seats and price; only then
 * is the row read anew, which a workflow writes before it answers.
 */
export async function bookingAfter(
  batches: Pick<Batches, 'findBooking'>,
  before: Booking,
  view: BookingView,
  changes: number,
): Promise<Booking> {
  const isNext = view.version <= before.version + changes;
  const row = isNext ? before : ((await batches.findBooking(before.id)) ?? before);
  return { ...row, ...view };
}
