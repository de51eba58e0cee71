import { type RawBuilder, sql } from 'kysely';

/**
 * True for shows that start on a calendar date at their venue; the statement has `shows` and `cities`. The first
 * condition, in UTC, is implied by the second (zones reach from -12 to +14 hours) and is what an index can answer.
 */
export const onVenueDate = (date: string): RawBuilder<boolean> => sql<boolean>`
  shows.starts_at >= ${date}::date::timestamp at time zone 'UTC' - interval '14 hours'
  and shows.starts_at < ${date}::date::timestamp at time zone 'UTC' + interval '36 hours'
  and (shows.starts_at at time zone cities.zone)::date = ${date}::date`;
