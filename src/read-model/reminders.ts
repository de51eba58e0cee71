import { sql } from 'kysely';
import { bookingEvent, eventCatalogue } from '../contracts/events.ts';
import type { ReadModel } from './database.ts';

export interface DueReminders {
  readonly nowMs: number;
  /** Reminded are those whose show begins within this long, and who booked earlier than that. */
  readonly leadMs: number;
  readonly limit: number;
}

/**
 * Writes a `booking.reminder` for bookings whose show is about to begin, once for each, at most `limit` of them; answers
 * how many. Who books a show that is about to begin knows of it. Several may run at once. A booking that is being changed
 * at this moment is left for the next time.
 */
export async function insertDueReminders(db: ReadModel, { nowMs, leadMs, limit }: DueReminders): Promise<number> {
  const { rows } = await sql<{ booking_id: string }>`
    with due as (
      select bookings.id, bookings.show_id
      from bookings
      where bookings.status = 'CONFIRMED'
        and bookings.id in (
          select booked_seats.booking_id
          from shows
            join booked_seats on booked_seats.show_id = shows.id
          where shows.starts_at > ${new Date(nowMs)} and shows.starts_at <= ${new Date(nowMs + leadMs)}
            and shows.cancelled_at is null
            and not exists (select from booking_reminders as sent where sent.booking_id = booked_seats.booking_id))
        and bookings.held_at <= (select starts_at from shows where shows.id = bookings.show_id)
          - make_interval(secs => ${leadMs / 1_000})
      order by bookings.id
      limit ${limit}
      for no key update of bookings skip locked
    ),
    reminded as (
      insert into booking_reminders (booking_id)
      select id from due
      on conflict do nothing
      returning booking_id
    )
    insert into outbox (booking_id, type, payload)
    select due.id, ${reminder.type}::text,
      jsonb_build_object('version', ${eventCatalogue['booking.reminder'].version}::integer,
        'bookingId', due.id, 'showId', due.show_id)
    from due join reminded on reminded.booking_id = due.id
    order by due.id
    returning booking_id`.execute(db);
  return rows.length;
}

const reminder = bookingEvent('booking.reminder', { bookingId: '', showId: '' });
