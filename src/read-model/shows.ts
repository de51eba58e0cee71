import { type InferResult, sql } from 'kysely';
import { z } from 'zod';
import type { ShowStatus } from '../contracts/http/catalogue.ts';
import type { CancellationPolicy } from '../domain/cancellation-policy.ts';
import type { CategoryPrice } from '../domain/pricing.ts';
import { cursorOf, cursorText, cursorTimeMs, type Page, type PageRequest, toPage } from './cursors.ts';
import type { ReadModel } from './database.ts';
import { InvalidReferenceError, translatingErrors } from './errors.ts';
import type { NewShowRow, ShowRow } from './tables.ts';
import { onVenueDate } from './venue-dates.ts';

export interface NewShow {
  readonly id: string;
  readonly movieId: string;
  readonly screenId: string;
  readonly seatingPlanId: string;
  readonly startsAtMs: number;
  readonly endsAtMs: number;
  readonly salesOpenAtMs: number;
  readonly salesCloseAtMs: number;
  readonly language: string;
  readonly format: string;
  /** All in one currency. */
  readonly categories: readonly CategoryPrice[];
  /** Staff allows another show on the screen at that time. */
  readonly overlapOverridden: boolean;
}

/** What staff has decided about a show since it was made. */
export interface StaffDecisions {
  /** Counts what staff changes; 1 as made. */
  readonly version: number;
  readonly cancelled: { readonly atMs: number; readonly reason: string } | null;
  /** When it was last moved, and until when those who had bought before may have all their money back. */
  readonly moved: { readonly atMs: number; readonly fullRefundUntilMs: number } | null;
}

export interface Show extends NewShow, StaffDecisions {
  readonly theatreId: string;
  readonly cityId: string;
  readonly timeZone: string;
  readonly movieTitle: string;
  readonly theatreName: string;
  /** The theatre's own, for what is bought now; null: the default. */
  readonly cancellationPolicy: CancellationPolicy | null;
  /** At the time asked for. It follows from the show's times; stored is only what staff decided. */
  readonly status: ShowStatus;
  readonly availability: { readonly available: number; readonly total: number; readonly asOfVersion: number };
}

/**
 * A show with its seat map, version 0 and all available, so that it can be read before its workflow has run.
 * @throws ShowOverlapError another show is on that screen at that time, and neither overrides it
 * @throws InvalidReferenceError no such screen, seating plan or movie
 */
export async function insertShow(db: ReadModel, show: NewShow, createdAtMs: number): Promise<void> {
  const screen = await db.selectFrom('screens').select('theatre_id').where('id', '=', show.screenId).executeTakeFirst();
  if (screen === undefined) throw new InvalidReferenceError('screen_id');
  const createdAt = new Date(createdAtMs);
  // One statement, so that no show is ever there without its seat map.
  await translatingErrors(
    db
      .with('show', (query) =>
        query
          .insertInto('shows')
          .values(showRow(show, screen.theatre_id, createdAt))
          .returning('id'),
      )
      .insertInto('seat_map_snapshots')
      .columns(['show_id', 'version', 'as_of', 'statuses', 'available', 'total'])
      .expression((query) =>
        query
          .selectFrom(['show', 'seating_plans'])
          .where('seating_plans.id', '=', show.seatingPlanId)
          .select((row) => [
            row.ref('show.id').as('show_id'),
            sql<number>`0`.as('version'),
            sql<Date>`${createdAt}::timestamptz`.as('as_of'),
            sql<string>`repeat('a', seat_count)`.as('statuses'),
            row.ref('seat_count').as('available'),
            row.ref('seat_count').as('total'),
          ]),
      )
      .execute(),
  );
}

const showRow = (show: NewShow, theatreId: string, createdAt: Date): NewShowRow => ({
  id: show.id,
  movie_id: show.movieId,
  theatre_id: theatreId,
  screen_id: show.screenId,
  seating_plan_id: show.seatingPlanId,
  starts_at: new Date(show.startsAtMs),
  ends_at: new Date(show.endsAtMs),
  sales_open_at: new Date(show.salesOpenAtMs),
  sales_close_at: new Date(show.salesCloseAtMs),
  language: show.language,
  format: show.format,
  categories: JSON.stringify(show.categories),
  overlap_overridden: show.overlapOverridden,
  created_at: createdAt,
});

export interface ShowFilter {
  readonly movieId?: string | undefined;
  readonly theatreId?: string | undefined;
  readonly cityId?: string | undefined;
  /** A calendar date at the venue, `2026-11-20`. Absent: shows that have not ended yet. */
  readonly date?: string | undefined;
}

const showCursor = cursorOf('shows', z.tuple([cursorTimeMs, cursorText]));

/**
 * Soonest first.
 * @throws InvalidCursorError
 */
export async function listShows(
  db: ReadModel,
  { movieId, theatreId, cityId, date }: ShowFilter,
  { limit, cursor }: PageRequest,
  nowMs: number,
): Promise<Page<Show>> {
  const after = showCursor.decode(cursor);
  let query = selectShows(db)
    .orderBy('shows.starts_at')
    .orderBy('shows.id')
    .limit(limit + 1);
  if (movieId !== undefined) query = query.where('movie_id', '=', movieId);
  if (theatreId !== undefined) query = query.where('theatre_id', '=', theatreId);
  if (cityId !== undefined) query = query.where('city_id', '=', cityId);
  query = date === undefined ? query.where('ends_at', '>', new Date(nowMs)) : query.where(onVenueDate(date));
  if (after !== null) {
    query = query.where(sql<boolean>`(shows.starts_at, shows.id) > (${new Date(after[0])}, ${after[1]})`);
  }
  const toItem = (row: ShowRowWithVenue): Show => toShow(row, nowMs);
  return toPage(await query.execute(), limit, toItem, (row) => showCursor.encode([row.starts_at.getTime(), row.id]));
}

/** `nowMs` is the time that its status is of. */
export async function findShow(db: ReadModel, id: string, nowMs: number): Promise<Show | null> {
  const row = await selectShows(db).where('shows.id', '=', id).executeTakeFirst();
  return row === undefined ? null : toShow(row, nowMs);
}

const selectShows = (db: ReadModel) =>
  db
    .selectFrom('shows')
    .innerJoin('movies', 'movies.id', 'shows.movie_id')
    .innerJoin('theatres', 'theatres.id', 'shows.theatre_id')
    .innerJoin('cities', 'cities.id', 'theatres.city_id')
    .innerJoin('seat_map_snapshots', 'seat_map_snapshots.show_id', 'shows.id')
    .selectAll('shows')
    .select([
      'movies.title as movie_title',
      'theatres.name as theatre_name',
      'theatres.city_id',
      'theatres.cancellation_policy',
      'cities.zone',
    ])
    .select(['seat_map_snapshots.available', 'seat_map_snapshots.total'])
    .select('seat_map_snapshots.version as seat_map_version');

type ShowRowWithVenue = InferResult<ReturnType<typeof selectShows>>[number];

const toShow = (row: ShowRowWithVenue, nowMs: number): Show => ({
  id: row.id,
  movieId: row.movie_id,
  movieTitle: row.movie_title,
  theatreId: row.theatre_id,
  theatreName: row.theatre_name,
  cancellationPolicy: row.cancellation_policy,
  cityId: row.city_id,
  timeZone: row.zone,
  screenId: row.screen_id,
  seatingPlanId: row.seating_plan_id,
  startsAtMs: row.starts_at.getTime(),
  endsAtMs: row.ends_at.getTime(),
  salesOpenAtMs: row.sales_open_at.getTime(),
  salesCloseAtMs: row.sales_close_at.getTime(),
  language: row.language,
  format: row.format,
  categories: row.categories,
  overlapOverridden: row.overlap_overridden,
  status: statusAt(row, nowMs),
  availability: { available: row.available, total: row.total, asOfVersion: row.seat_map_version },
  ...staffDecisions(row),
});

const staffDecisions = (row: ShowRow): StaffDecisions => ({
  version: row.version,
  cancelled: row.cancelled_at && { atMs: row.cancelled_at.getTime(), reason: row.cancel_reason ?? '' },
  moved:
    row.moved_at && row.full_refund_until
      ? { atMs: row.moved_at.getTime(), fullRefundUntilMs: row.full_refund_until.getTime() }
      : null,
});

/** A border belongs to what begins there. */
function statusAt(row: ShowRow, nowMs: number): ShowStatus {
  if (row.cancelled_at !== null) return 'CANCELLED';
  if (nowMs >= row.ends_at.getTime()) return 'ENDED';
  if (nowMs >= row.sales_close_at.getTime()) return 'SALES_CLOSED';
  return nowMs >= row.sales_open_at.getTime() ? 'ON_SALE' : 'SCHEDULED';
}
