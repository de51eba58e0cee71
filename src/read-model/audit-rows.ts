import { sql } from 'kysely';
import type { BookingStatus } from '../domain/booking.ts';
import type { ReadModel } from './database.ts';

/** A booking as an audit compares it. */
export interface AuditedBooking {
  readonly id: string;
  readonly status: BookingStatus;
  /** Indices. */
  readonly seats: readonly number[];
}

/** The money of a booking and of those that it was exchanged for, in whatever shows; amounts in minor units. */
export interface AuditedMoney {
  /** Oldest first. */
  readonly bookingIds: readonly string[];
  readonly statuses: readonly BookingStatus[];
  /** Price of what is confirmed, and what cancellation policies have kept. */
  readonly owed: number;
  readonly captured: number;
  readonly refunded: number;
  readonly unresolvedAttempts: number;
}

/** All bookings of a show, the money of their chains, and the ids of the seats that are booked. */
export async function auditRowsOfShow(
  db: ReadModel,
  showId: string,
): Promise<{
  readonly bookings: readonly AuditedBooking[];
  readonly money: readonly AuditedMoney[];
  readonly bookedSeats: readonly string[];
}> {
  const { rows: bookings } = await sql<AuditedBooking>`
    select id, status, array(select (seat ->> 'index')::int from jsonb_array_elements(seats) as seat) as seats
    from bookings where show_id = ${showId}`.execute(db);
  const { rows: money } = await sql<AuditedMoney>`
    select array_agg(booking.id order by booking.held_at) as "bookingIds",
      array_agg(booking.status order by booking.held_at) as statuses,
      sum(booking.kept_amount
        + case when booking.status = 'CONFIRMED' then (booking.price #>> '{total,amount}')::bigint else 0 end)::bigint
        as owed,
      coalesce(sum(paid.captured), 0)::bigint as captured,
      coalesce(sum(paid.unresolved), 0)::int as "unresolvedAttempts",
      coalesce(sum(paid.refunded), 0)::bigint as refunded
    from bookings as booking
    cross join lateral (
      select sum(amount) filter (where status = 'SUCCEEDED') as captured,
        count(*) filter (where status in ('PENDING', 'UNKNOWN')) as unresolved,
        (select sum(amount) from refunds where booking_id = booking.id and status = 'SUCCEEDED') as refunded
      from payments where booking_id = booking.id
    ) as paid
    where coalesce(booking.chain_id, booking.id) in
      (select coalesce(chain_id, id) from bookings where show_id = ${showId})
    group by coalesce(booking.chain_id, booking.id)`.execute(db);
  const booked = await db.selectFrom('booked_seats').select('seat_id').where('show_id', '=', showId).execute();
  return { bookings, money, bookedSeats: booked.map((row) => row.seat_id) };
}
