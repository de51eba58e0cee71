import { sql } from 'kysely';
import type { Booking } from '../domain/booking.ts';
import { bookingColumnNames, bookingColumns, bookingJson, toBooking } from './bookings.ts';
import type { ReadModelTransaction } from './database.ts';
import { translatingErrors } from './errors.ts';
import { jsonRows } from './json-rows.ts';
import type { BookingRow } from './tables.ts';

/** The row of a booking that another one is exchanged for, before it is paid. One that is there already stays as it is. */
export async function insertExchange(trx: ReadModelTransaction, booking: Booking): Promise<void> {
  await sql`
    insert into bookings (${bookingColumnNames}, exchange_of, updated_at)
    select ${bookingColumnNames}, ${booking.exchangeOf ?? null}, now()
    from jsonb_to_recordset(${jsonRows([bookingJson(booking)])}::jsonb) as record (${bookingColumns})
    on conflict (id) do nothing`.execute(trx);
}

/**
 * The booking is bought, by that attempt: its number, and its seats under `unique (show_id, seat_id)`.
 * @throws SeatAlreadyBookedError another booking has one of the seats
 */
export async function confirmExchange(
  trx: ReadModelTransaction,
  { id, showId, seats, changedAtMs }: Booking,
  paymentId: string,
): Promise<Booking> {
  const { rows } = await sql<BookingRow>`
    update bookings set status = 'CONFIRMED', booking_number = next_booking_number(), payment_id = ${paymentId},
      payment_status = 'SUCCEEDED', version = version + 1, updated_at = now(),
      changed_at = greatest(changed_at, ${new Date(changedAtMs)})
    where id = ${id}
    returning *`.execute(trx);
  const booked = seats.map((seat) => ({ show_id: showId, seat_id: seat.id, booking_id: id }));
  await translatingErrors(trx.insertInto('booked_seats').values(booked).execute());
  return toBooking(rows[0]!);
}

/** Payments of exchanges that were declined, of all that were tried for one chain of bookings. */
export async function countDeclinedExchanges(trx: ReadModelTransaction, chainId: string): Promise<number> {
  const { declined } = await trx
    .selectFrom('bookings')
    .innerJoin('payments', 'payments.booking_id', 'bookings.id')
    .select((payment) => payment.fn.countAll<number>().as('declined'))
    .where('bookings.chain_id', '=', chainId)
    .where('payments.status', '=', 'DECLINED')
    .executeTakeFirstOrThrow();
  return Number(declined);
}

/** The attempt that bought a booking; null before it is confirmed. */
export async function findBuyingAttempt(trx: ReadModelTransaction, bookingId: string): Promise<string | null> {
  const row = await trx.selectFrom('bookings').select('payment_id').where('id', '=', bookingId).executeTakeFirst();
  return row?.payment_id ?? null;
}
