import { sql } from 'kysely';
import type { BookingStatus } from '../domain/booking.ts';
import type { ReadModel } from './database.ts';

/** A booking as an audit compares it; amounts in minor units. */
export interface AuditedBooking {
  readonly id: string;
  readonly status: BookingStatus;
  /** Indices. */
  readonly seats: readonly number[];
  readonly total: number;
  readonly captured: number;
  readonly refunded: number;
  readonly unresolvedAttempts: number;
}

/** All bookings of a show, with the sums of their payments and refunds, and the ids of the seats that are booked. */
export async function auditRowsOfShow(
  db: ReadModel,
  showId: string,
): Promise<{ readonly bookings: readonly AuditedBooking[]; readonly bookedSeats: readonly string[] }> {
  const { rows } = await sql<AuditedBooking>`
    select booking.id, booking.status,
      array(select (seat ->> 'index')::int from jsonb_array_elements(booking.seats) as seat) as seats,
      (booking.price #>> '{total,amount}')::bigint as total,
      coalesce(paid.captured, 0)::bigint as captured,
      coalesce(paid.unresolved, 0)::int as "unresolvedAttempts",
      coalesce((select sum(amount) from refunds where booking_id = booking.id and status = 'SUCCEEDED'), 0)::bigint
        as refunded
    from bookings as booking
    left join lateral (
      select sum(amount) filter (where status = 'SUCCEEDED') as captured,
        count(*) filter (where status in ('PENDING', 'UNKNOWN')) as unresolved
      from payments where booking_id = booking.id
    ) as paid on true
    where booking.show_id = ${showId}`.execute(db);
  const booked = await db.selectFrom('booked_seats').select('seat_id').where('show_id', '=', showId).execute();
  return { bookings: rows, bookedSeats: booked.map((row) => row.seat_id) };
}
