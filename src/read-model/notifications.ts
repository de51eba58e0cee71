import { sql } from 'kysely';
import type { OptOut } from '../contracts/opt-outs.ts';
import type { BookingStatus, PricedSeat } from '../domain/booking.ts';
import type { Language } from '../domain/language.ts';
import type { Money } from '../domain/money.ts';
import type { TicketShow } from '../domain/ticket.ts';
import type { ReadModel } from './database.ts';

/** A booking as messages tell of it. */
export interface BookingFacts {
  readonly bookingId: string;
  readonly bookingNumber: string | null;
  readonly status: BookingStatus;
  readonly userId: string;
  readonly seats: readonly PricedSeat[];
  readonly total: Money;
  /** Another booking was exchanged for this one. */
  readonly isExchange: boolean;
  readonly show: TicketShow & { readonly salesCloseAtMs: number; readonly isCancelled: boolean };
}

export async function findBookingFacts(db: ReadModel, bookingId: string): Promise<BookingFacts | null> {
  const row = await db
    .selectFrom('bookings')
    .innerJoin('shows', 'shows.id', 'bookings.show_id')
    .innerJoin('movies', 'movies.id', 'shows.movie_id')
    .innerJoin('screens', 'screens.id', 'shows.screen_id')
    .innerJoin('theatres', 'theatres.id', 'shows.theatre_id')
    .innerJoin('cities', 'cities.id', 'theatres.city_id')
    .select(['bookings.booking_number', 'bookings.status', 'bookings.user_id', 'bookings.seats', 'bookings.price'])
    .select('bookings.chain_id')
    .select(['bookings.show_id', 'movies.title', 'shows.starts_at', 'shows.sales_close_at', 'shows.cancelled_at'])
    .select(['cities.zone', 'theatres.name as venue', 'screens.name as screen'])
    .where('bookings.id', '=', bookingId)
    .executeTakeFirst();
  if (row === undefined) return null;
  return {
    bookingId,
    bookingNumber: row.booking_number,
    status: row.status,
    userId: row.user_id,
    seats: row.seats,
    total: row.price.total,
    isExchange: row.chain_id !== null,
    show: {
      id: row.show_id,
      title: row.title,
      startsAtMs: row.starts_at.getTime(),
      timeZone: row.zone,
      venue: row.venue,
      screen: row.screen,
      salesCloseAtMs: row.sales_close_at.getTime(),
      isCancelled: row.cancelled_at !== null,
    },
  };
}

/** How somebody is reached, and what about. */
export interface Contact {
  readonly userId: string;
  readonly email: string | null;
  readonly phone: string | null;
  readonly pushToken: string | null;
  readonly language: Language;
  readonly optOuts: readonly OptOut[];
}

export async function findContact(db: ReadModel, userId: string): Promise<Contact | null> {
  const row = await db.selectFrom('users').selectAll().where('id', '=', userId).executeTakeFirst();
  if (row === undefined) return null;
  const { email, phone, push_token: pushToken, locale: language, opt_outs: optOuts } = row;
  return { userId, email, phone, pushToken, language, optOuts };
}

/** True where the show's map, as last projected, has all of a booking's seats on sale. */
export async function areSeatsFree(db: ReadModel, bookingId: string): Promise<boolean> {
  const { rows } = await sql<{ free: boolean }>`
    select not exists (
      select from jsonb_array_elements(bookings.seats) as seat
      where substr(seat_map_snapshots.statuses, (seat ->> 'index')::integer + 1, 1) <> 'a'
    ) as free
    from bookings join seat_map_snapshots using (show_id)
    where bookings.id = ${bookingId}`.execute(db);
  return rows[0]?.free ?? false;
}

/** One message of an event: to whom, over what. */
export interface MessageKey {
  readonly eventId: number;
  readonly channel: string;
  readonly userId: string;
}

/** Channels and people of an event that were served already, as `channel userId`. */
export async function findServed(db: ReadModel, eventId: number): Promise<ReadonlySet<string>> {
  const rows = await db
    .selectFrom('notifications_sent')
    .select(['channel', 'user_id'])
    .where('event_id', '=', eventId)
    .execute();
  return new Set(rows.map((row) => `${row.channel} ${row.user_id}`));
}

export const markSent = (db: ReadModel, key: MessageKey): Promise<void> => mark(db, key, 'SENT', null);

/** @param reason for whoever wonders why nobody was told */
export const markSkipped = (db: ReadModel, key: MessageKey, reason: string): Promise<void> =>
  mark(db, key, 'SKIPPED', reason);

async function mark(db: ReadModel, key: MessageKey, outcome: 'SENT' | 'SKIPPED', reason: string | null): Promise<void> {
  await db
    .insertInto('notifications_sent')
    .values({ event_id: key.eventId, channel: key.channel, user_id: key.userId, outcome, reason })
    .onConflict((conflict) => conflict.doNothing())
    .execute();
}
