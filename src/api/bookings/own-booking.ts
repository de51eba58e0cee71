import type { Booking } from '../../domain/booking.ts';
import type { Caller } from '../accounts/tokens.ts';
import type { Batches } from '../batches.ts';
import { notFound } from '../http/problem.ts';

/** @throws ApiError NOT_FOUND also for someone else's */
export async function ownBooking(
  batches: Pick<Batches, 'findBooking'>,
  caller: Caller,
  bookingId: string,
): Promise<Booking> {
  const booking = await batches.findBooking(bookingId);
  if (booking?.userId !== caller.userId) throw notFound('booking');
  return booking;
}
