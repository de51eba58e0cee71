import { sql } from 'kysely';
import type { BookingStatus } from '../domain/booking.ts';
import type { Language } from '../domain/language.ts';
import type { Ticket, TicketClaim } from '../domain/ticket.ts';
import type { ReadModel, ReadModelTransaction } from './database.ts';

/** The ticket of a booking; null for one that is not confirmed, or not there. */
export async function findTicket(db: ReadModel, bookingId: string): Promise<(Ticket & { language: Language }) | null> {
  const row = await db
    .selectFrom('bookings')
    .innerJoin('shows', 'shows.id', 'bookings.show_id')
    .innerJoin('movies', 'movies.id', 'shows.movie_id')
    .innerJoin('screens', 'screens.id', 'shows.screen_id')
    .innerJoin('theatres', 'theatres.id', 'shows.theatre_id')
    .innerJoin('cities', 'cities.id', 'theatres.city_id')
    .innerJoin('seating_plans', 'seating_plans.id', 'shows.seating_plan_id')
    .leftJoin('users', 'users.id', 'bookings.user_id')
    .select(['bookings.booking_number', 'bookings.ticket_version', 'bookings.seats', 'bookings.show_id'])
    .select(['movies.title', 'shows.starts_at', 'shows.categories', 'cities.zone', 'users.locale'])
    .select(['theatres.name as venue', 'screens.name as screen'])
    // Of the layout of a large hall, the one list that is needed.
    .select(sql<readonly number[]>`seating_plans.layout -> 'accessibleSeats'`.as('accessible'))
    .where('bookings.id', '=', bookingId)
    .where('bookings.status', '=', 'CONFIRMED')
    .executeTakeFirst();
  if (row === undefined) return null;
  const accessible = new Set(row.accessible);
  return {
    bookingId,
    ticketVersion: row.ticket_version,
    bookingNumber: row.booking_number!,
    language: row.locale ?? 'en',
    seats: row.seats.map(({ id, index, label, category }) => ({
      id,
      index,
      label,
      category: row.categories.find((each) => each.id === category)?.name ?? category,
      accessible: accessible.has(index),
    })),
    show: {
      id: row.show_id,
      title: row.title,
      startsAtMs: row.starts_at.getTime(),
      timeZone: row.zone,
      venue: row.venue,
      screen: row.screen,
    },
  };
}

export type Admission =
  | { readonly admitted: true; readonly firstAdmittedAtMs: number; readonly repeated: boolean }
  /** `replaced`: the booking has a newer ticket, or there is no such booking. */
  | { readonly admitted: false; readonly why: 'replaced' }
  | { readonly admitted: false; readonly why: 'not confirmed'; readonly status: BookingStatus };

/**
 * Lets a ticket's bearers in, and remembers the first time: of several doors that are shown the same ticket at once exactly
 * one is told that it was the first. A booking that is being cancelled is either admitted or cancelled.
 * @param byUserId who looked at the ticket
 */
export async function admitTicket(
  trx: ReadModelTransaction,
  { bookingId, ticketVersion }: TicketClaim,
  byUserId: string,
): Promise<Admission> {
  const booking = await trx
    .selectFrom('bookings')
    .select(['status', 'ticket_version'])
    .where('id', '=', bookingId)
    .forShare()
    .executeTakeFirst();
  if (booking === undefined) return { admitted: false, why: 'replaced' };
  if (booking.status !== 'CONFIRMED') return { admitted: false, why: 'not confirmed', status: booking.status };
  if (booking.ticket_version !== ticketVersion) return { admitted: false, why: 'replaced' };
  const { first_admitted_at, scans } = await trx
    .insertInto('ticket_admissions')
    .values({ booking_id: bookingId, first_admitted_by: byUserId })
    .onConflict((conflict) =>
      conflict.column('booking_id').doUpdateSet({ scans: sql<number>`ticket_admissions.scans + 1` }),
    )
    .returning(['first_admitted_at', 'scans'])
    .executeTakeFirstOrThrow();
  return { admitted: true, firstAdmittedAtMs: first_admitted_at.getTime(), repeated: scans > 1 };
}
