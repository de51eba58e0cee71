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
 * Writes a `booking.reminder` for bookings whose show is about to begin, once for each and for each start that the show is
 * given, at most `limit` of them; answers how many. Who books or pays for a show that is about to begin knows of it: each
 * show is looked at until all of its bookings are reminded, and no more after that. Several may run at once.
 */
export async function insertDueReminders(db: ReadModel, { nowMs, leadMs, limit }: DueReminders): Promise<number> {
  const { rows } = await sql<{ booking_id: string }>`
    with due_show as materialized (
      select id, starts_at
      from shows
      where starts_at > ${new Date(nowMs)} and starts_at <= ${new Date(nowMs + leadMs)} and cancelled_at is null
        and not exists (
          select from show_reminders as done where done.show_id = shows.id and done.starts_at = shows.starts_at)
    ),
    due as (
      select bookings.id, bookings.show_id, due_show.starts_at
      from bookings join due_show on due_show.id = bookings.show_id
      where bookings.status = 'CONFIRMED'
        and bookings.id in (select booking_id from booked_seats where show_id in (select id from due_show))
        and bookings.held_at <= due_show.starts_at - make_interval(secs => ${leadMs / 1_000})
        and not exists (
          select from booking_reminders as sent
          where sent.booking_id = bookings.id and sent.starts_at = due_show.starts_at)
      order by bookings.id
      limit ${limit}
      for no key update of bookings
    ),
    reminded as (
      insert into booking_reminders (booking_id, starts_at)
      select id, starts_at from due
      on conflict do nothing
      returning booking_id
    ),
    done as (
      insert into show_reminders (show_id, starts_at)
      select id, starts_at from due_show where (select count(*) from due) < ${limit}
      on conflict do nothing
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
