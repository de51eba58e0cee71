import { type RawBuilder, sql } from 'kysely';
import { z } from 'zod';
import { bookingEvent } from '../contracts/events.ts';
import { isoTime } from '../contracts/http/primitives.ts';
import { asMade, type Booking, type BookingStatus, type NewBooking } from '../domain/booking.ts';
import { cursorOf, cursorText, cursorTimeMs, type Page, type PageRequest, toPage } from './cursors.ts';
import type { ReadModel } from './database.ts';
import { jsonRows } from './json-rows.ts';
import type { BookingRow } from './tables.ts';

/**
 * Writes the rows of bookings just held, HELD and version 1, with the events that tell of them, one statement for all. A
 * booking that is there already stays as it is. Gives for each, in order, whether this call wrote it. To be coalesced:
 * `coalesce((batch) => insertHeldBookings(db, batch), limits)`.
 */
export async function insertHeldBookings(db: ReadModel, bookings: readonly NewBooking[]): Promise<boolean[]> {
  const rows = jsonRows(
    bookings.map((booking) => ({
      ...bookingJson(asMade(booking)),
      held: heldEvent(booking).payload,
    })),
  );
  const { rows: inserted } = await sql<{ id: string }>`
    with record as materialized (
      select * from jsonb_to_recordset(${rows}::jsonb) as record (${bookingColumns}, held jsonb)
    ),
    inserted as (
      insert into bookings (${bookingColumnNames}, updated_at)
      select ${bookingColumnNames}, now() from record
      order by id
      on conflict (id) do nothing
      returning id
    ),
    posted as (
      insert into outbox (booking_id, type, payload)
      select distinct on (id) id, 'booking.held', held from inserted join record using (id)
    )
    select id from inserted`.execute(db);
  const newIds = new Set(inserted.map((row) => row.id));
  return bookings.map((booking) => newIds.delete(booking.id));
}

const heldEvent = ({ id, showId, expiresAtMs }: NewBooking) =>
  bookingEvent('booking.held', { bookingId: id, showId, expiresAt: isoTime(expiresAtMs) });

/** Bookings by id, in the order of `ids`, null where there is none; one statement for all, to be coalesced. */
export async function findBookings(db: ReadModel, ids: readonly string[]): Promise<(Booking | null)[]> {
  const rows = await db
    .selectFrom('bookings')
    .selectAll()
    .where('id', '=', sql<string>`any(${ids}::text[])`)
    .execute();
  const byId = new Map(rows.map((row) => [row.id, toBooking(row)]));
  return ids.map((id) => byId.get(id) ?? null);
}

const ownBookingsCursor = cursorOf('bookings', z.tuple([cursorTimeMs, cursorText]));

/**
 * A user's own bookings, newest first, a page of them.
 * @throws InvalidCursorError
 */
export async function listBookingsOfUser(
  db: ReadModel,
  { userId, status }: { readonly userId: string; readonly status?: BookingStatus | undefined },
  { limit, cursor }: PageRequest,
): Promise<Page<Booking>> {
  const after = ownBookingsCursor.decode(cursor);
  let query = db
    .selectFrom('bookings')
    .selectAll()
    .where('user_id', '=', userId)
    .orderBy('held_at', 'desc')
    .orderBy('id', 'desc')
    .limit(limit + 1);
  if (status !== undefined) query = query.where('status', '=', status);
  if (after !== null) {
    query = query.where(sql<boolean>`(held_at, id) < (${new Date(after[0])}, ${after[1]})`);
  }
  return toPage(await query.execute(), limit, toBooking, (row) =>
    ownBookingsCursor.encode([row.held_at.getTime(), row.id]),
  );
}

/**
 * Columns of a booking as a set of rows sent in one JSON parameter has them; `updated_at` is the server's, `kept_amount`
 * that of the changes.
 */
export const bookingColumns: RawBuilder<unknown> = sql.raw(
  'id text, booking_number text, show_id text, user_id text, city_id text, status text, seats jsonb, price jsonb, ' +
    'items jsonb, fingerprint text, held_at timestamptz, expires_at timestamptz, version integer, ' +
    'changed_at timestamptz, payment_status text, refund jsonb, as_created jsonb, ' +
    'cancellation_policy jsonb, chain_id text',
);
export const bookingColumnNames: RawBuilder<unknown> = sql.raw(
  'id, booking_number, show_id, user_id, city_id, status, seats, price, items, fingerprint, held_at, expires_at, ' +
    'version, changed_at, payment_status, refund, as_created, cancellation_policy, chain_id',
);

export const bookingJson = (booking: Booking) => ({
  id: booking.id,
  booking_number: booking.bookingNumber,
  show_id: booking.showId,
  user_id: booking.userId,
  city_id: booking.cityId,
  status: booking.status,
  seats: booking.seats,
  price: booking.price,
  items: [],
  fingerprint: booking.fingerprint,
  held_at: isoTime(booking.heldAtMs),
  expires_at: isoTime(booking.expiresAtMs),
  version: booking.version,
  changed_at: isoTime(booking.changedAtMs),
  payment_status: booking.payment?.status ?? null,
  refund: booking.refund,
  as_created: booking.asCreated,
  cancellation_policy: booking.cancellationPolicy ?? null,
  chain_id: booking.chainId === booking.id ? null : booking.chainId,
});

export const toBooking = (row: BookingRow): Booking => ({
  id: row.id,
  bookingNumber: row.booking_number,
  showId: row.show_id,
  userId: row.user_id,
  cityId: row.city_id,
  status: row.status,
  seats: row.seats,
  price: row.price,
  fingerprint: row.fingerprint,
  heldAtMs: row.held_at.getTime(),
  expiresAtMs: row.expires_at.getTime(),
  version: row.version,
  changedAtMs: row.changed_at.getTime(),
  payment: row.payment_status === null ? null : { status: row.payment_status },
  refund: row.refund,
  keptAmount: row.kept_amount,
  chainId: row.chain_id ?? row.id,
  asCreated: row.as_created,
  ...(row.cancellation_policy && { cancellationPolicy: row.cancellation_policy }),
  ...(row.exchange_of !== null && { exchangeOf: row.exchange_of }),
});
