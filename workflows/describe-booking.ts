import type { BookingProcess } from '../src/domain/booking-process.ts';

/** What an operator reads in the Temporal UI without opening the history. Markdown. */
export function describeBooking(process: BookingProcess): string {
  const { booking, attempts } = process;
  const seats = booking.seats.map((seat) => seat.label).join(', ');
  const { amount, currency } = booking.price.total;
  const lines = [
    `**${booking.status}** ${booking.bookingNumber ?? ''} — ${seats} — ${amount} ${currency} (minor units)`,
    `hold until ${new Date(booking.expiresAtMs).toISOString()}, version ${booking.version}`,
    ...attempts.map(({ id, status, provider, failureReason }) =>
      [`payment ${id}: ${status}`, provider, failureReason].filter(Boolean).join(' · '),
    ),
  ];
  if (booking.refund) lines.push(`refund ${booking.refund.status}: ${booking.refund.amount.amount} ${currency}`);
  return lines.join('\n\n');
}
