import { sql } from 'kysely';
import { bookingEvent, type NewEvent } from '../contracts/events.ts';
import { isoTime } from '../contracts/http/primitives.ts';
import type { CancellationProgress, ShowChangeKind } from '../contracts/show-changes.ts';
import type { ReadModel, ReadModelTransaction } from './database.ts';
import { translatingErrors } from './errors.ts';
import type { NewShow, Show } from './shows.ts';

/** A change of a show as it is recorded. */
export interface RecordedShowChange {
  readonly showId: string;
  readonly kind: ShowChangeKind;
  /** That the show has by it. */
  readonly showVersion: number;
  /** When the show was to begin before, and by it. */
  readonly fromStartsAtMs: number;
  readonly toStartsAtMs: number;
  /** That it gives to those who have bought; null: nothing changes about that. */
  readonly fullRefundUntilMs: number | null;
  /** User id of staff. */
  readonly requestedBy: string;
  readonly createdAtMs: number;
  readonly isDone: boolean;
}

export interface NewShowChange {
  readonly requestedBy: string;
  readonly atMs: number;
}

/**
 * Cancels the show, in the transaction of its record. Null: it was cancelled before, and stays so for the first reason.
 * Gives the version that the show has by it.
 */
export async function cancelShow(
  trx: ReadModelTransaction,
  show: Pick<Show, 'id' | 'startsAtMs'>,
  { reason, requestedBy, atMs }: NewShowChange & { readonly reason: string },
): Promise<number | null> {
  const cancelled = await trx
    .updateTable('shows')
    .set({ cancelled_at: new Date(atMs), cancel_reason: reason, version: sql<number>`version + 1` })
    .where('id', '=', show.id)
    .where('cancelled_at', 'is', null)
    .returning('version')
    .executeTakeFirst();
  if (cancelled === undefined) return null;
  await insertShowChange(trx, show.id, {
    kind: 'cancelled',
    showVersion: cancelled.version,
    ...{ fromStartsAtMs: show.startsAtMs, toStartsAtMs: show.startsAtMs, fullRefundUntilMs: null },
    ...{ requestedBy, atMs },
  });
  return cancelled.version;
}

/** When a show is played and sold. */
export type ShowTimes = Pick<
  NewShow,
  'startsAtMs' | 'endsAtMs' | 'salesOpenAtMs' | 'salesCloseAtMs' | 'overlapOverridden'
>;

export interface NewShowTimes extends NewShowChange {
  readonly kind: Exclude<ShowChangeKind, 'cancelled'>;
  readonly times: ShowTimes;
  /** Until when those who have bought by now may have all their money back; null for a show that is not moved. */
  readonly fullRefundUntilMs: number | null;
}

/**
 * Gives a show other times, in the transaction of its record. Null: the show has changed since `show` was read, or is
 * cancelled. Gives the version that the show has by it.
 * @throws ShowOverlapError another show is on that screen at that time, and neither overrides it
 */
export async function changeShowTimes(
  trx: ReadModelTransaction,
  show: Pick<Show, 'id' | 'startsAtMs' | 'version'>,
  { kind, times, fullRefundUntilMs, requestedBy, atMs }: NewShowTimes,
): Promise<number | null> {
  const changed = await translatingErrors(
    trx
      .updateTable('shows')
      .set({
        starts_at: new Date(times.startsAtMs),
        ends_at: new Date(times.endsAtMs),
        sales_open_at: new Date(times.salesOpenAtMs),
        sales_close_at: new Date(times.salesCloseAtMs),
        overlap_overridden: times.overlapOverridden,
        version: sql<number>`version + 1`,
        ...(fullRefundUntilMs !== null && {
          moved_at: new Date(atMs),
          full_refund_until: new Date(fullRefundUntilMs),
        }),
      })
      .where('id', '=', show.id)
      .where('version', '=', show.version)
      .where('cancelled_at', 'is', null)
      .returning('version')
      .executeTakeFirst(),
  );
  if (changed === undefined) return null;
  await insertShowChange(trx, show.id, {
    kind,
    showVersion: changed.version,
    ...{ fromStartsAtMs: show.startsAtMs, toStartsAtMs: times.startsAtMs, fullRefundUntilMs },
    ...{ requestedBy, atMs },
  });
  return changed.version;
}

type ChangeRecord = NewShowChange & Omit<RecordedShowChange, 'showId' | 'createdAtMs' | 'isDone'>;

async function insertShowChange(trx: ReadModelTransaction, showId: string, change: ChangeRecord): Promise<void> {
  await trx
    .insertInto('show_changes')
    .values({
      show_id: showId,
      show_version: change.showVersion,
      kind: change.kind,
      requested_by: change.requestedBy,
      from_starts_at: new Date(change.fromStartsAtMs),
      to_starts_at: new Date(change.toStartsAtMs),
      full_refund_until: change.fullRefundUntilMs === null ? null : new Date(change.fullRefundUntilMs),
      created_at: new Date(change.atMs),
    })
    .execute();
}

type ChangeKey = Pick<RecordedShowChange, 'showId' | 'showVersion'>;

/** The changes of a show in their order. */
export async function findShowChanges(db: ReadModel, showId: string): Promise<RecordedShowChange[]> {
  const rows = await db
    .selectFrom('show_changes')
    .selectAll()
    .where('show_id', '=', showId)
    .orderBy('show_version')
    .execute();
  return rows.map((row) => ({
    showId: row.show_id,
    kind: row.kind,
    showVersion: row.show_version,
    fromStartsAtMs: row.from_starts_at.getTime(),
    toStartsAtMs: row.to_starts_at.getTime(),
    fullRefundUntilMs: row.full_refund_until?.getTime() ?? null,
    requestedBy: row.requested_by,
    createdAtMs: row.created_at.getTime(),
    isDone: row.done_at !== null,
  }));
}

/** Changes made before that time whose effects are not done, oldest first. */
export async function findShowChangesUnderWay(
  db: ReadModel,
  { createdBeforeMs, limit }: { readonly createdBeforeMs: number; readonly limit: number },
): Promise<(ChangeKey & Pick<RecordedShowChange, 'kind'>)[]> {
  const rows = await db
    .selectFrom('show_changes')
    .select(['show_id', 'show_version', 'kind'])
    .where('done_at', 'is', null)
    .where('created_at', '<', new Date(createdBeforeMs))
    .orderBy('created_at')
    .limit(limit)
    .execute();
  return rows.map((row) => ({ showId: row.show_id, showVersion: row.show_version, kind: row.kind }));
}

/** Repeatable. */
export async function endShowChange(db: ReadModel, { showId, showVersion }: ChangeKey, atMs: number): Promise<void> {
  await db
    .updateTable('show_changes')
    .set({ done_at: new Date(atMs) })
    .where('show_id', '=', showId)
    .where('show_version', '=', showVersion)
    .where('done_at', 'is', null)
    .execute();
}

/** What bookings are told of the change; null for one that is no news for them. */
export function newsOf(show: Show, change: RecordedShowChange): ((bookingId: string) => NewEvent) | null {
  const { id: showId, cancelled } = show;
  if (change.kind === 'cancelled') {
    return (bookingId) => bookingEvent('show.cancelled', { bookingId, showId, reason: cancelled?.reason ?? '' });
  }
  // Who is told that a show is cancelled need not hear afterwards that it was moved before.
  if (change.kind !== 'moved' || cancelled) return null;
  return (bookingId) =>
    bookingEvent('show.moved', {
      bookingId,
      showId,
      fromStartsAt: isoTime(change.fromStartsAtMs),
      toStartsAt: isoTime(change.toStartsAtMs),
      refundUntil: change.fullRefundUntilMs === null ? null : isoTime(change.fullRefundUntilMs),
    });
}

/**
 * Tells those of the bookings whose purchase is under way or done, each once however often this is called: one statement
 * for all. Gives how many were told by this call.
 */
export async function tellBookings(
  db: ReadModel,
  { showId, showVersion }: ChangeKey,
  bookingIds: readonly string[],
  news: (bookingId: string) => NewEvent,
): Promise<number> {
  if (bookingIds.length === 0) return 0;
  const events = bookingIds.map(news);
  // The rows of the bookings are locked, in the order of all who lock several: a booking's events stand in their order.
  const { rows } = await sql<{ booking_id: string }>`
    with event as (
      select * from unnest(
        ${[...bookingIds]}::text[],
        ${events.map(({ type }) => type)}::text[],
        ${events.map(({ payload }) => JSON.stringify(payload))}::jsonb[]) as event (booking_id, type, payload)
    ),
    concerned as (
      select id from bookings
      where id in (select booking_id from event) and show_id = ${showId}
        and status in ('HELD', 'PAYMENT_PENDING', 'CONFIRMED')
      order by id
      for no key update
    ),
    told as (
      insert into show_change_bookings (show_id, show_version, booking_id)
      select ${showId}, ${showVersion}, id from concerned
      on conflict do nothing
      returning booking_id
    ),
    posted as (
      insert into outbox (booking_id, type, payload)
      select booking_id, type, payload from told join event using (booking_id)
    )
    select booking_id from told`.execute(db);
  return rows.length;
}

/** Bookings that have sold seats of the show, in the order of their ids. */
export async function bookingsWithSeats(
  db: ReadModel,
  showId: string,
  { after, limit }: { readonly after: string; readonly limit: number },
): Promise<string[]> {
  const rows = await db
    .selectFrom('booked_seats')
    .select('booking_id')
    .distinct()
    .where('show_id', '=', showId)
    .where('booking_id', '>', after)
    .orderBy('booking_id')
    .limit(limit)
    .execute();
  return rows.map((row) => row.booking_id);
}

/** How far the refunds of a cancelled show have come; by `version` of the cancellation. */
export async function cancellationProgress(
  db: ReadModel,
  { showId, showVersion }: ChangeKey,
  nowMs: number,
): Promise<CancellationProgress> {
  const { rows } = await sql<Omit<CancellationProgress, 'waiting'>>`
    select
      count(*) filter (where status <> 'EXCHANGED')::integer as total,
      count(*) filter (where status = 'CANCELLED' and coalesce(refund ->> 'status', 'SUCCEEDED') = 'SUCCEEDED')::integer
        as refunded,
      count(*) filter (where status = 'CANCELLED' and refund ->> 'status' = 'FAILED' and goes_on)::integer as failed,
      count(*) filter (where status = 'CANCELLED' and refund ->> 'status' = 'FAILED' and not goes_on)::integer
        as "nothingCaptured",
      count(*) filter (where status = 'CONFIRMED')::integer as confirmed,
      coalesce((
        select length(statuses) - length(replace(statuses, 'b', ''))
        from seat_map_snapshots join shows on shows.id = show_id
        where show_id = ${showId} and ends_at > ${new Date(nowMs)}
      ), 0) as "seatsBooked"
    from show_change_bookings as told
      join bookings on bookings.id = told.booking_id
      cross join lateral (
        select exists (
          select from refunds as last
          where last.booking_id = bookings.id and bookings.refund ->> 'status' = 'FAILED'
            and last.status = 'FAILED' and not last.nothing_captured
            and not exists (
              select from refunds as next
              where next.booking_id = last.booking_id and next.payment_id = last.payment_id
                and split_part(next.id, '.', 1) = split_part(last.id, '.', 1)
                and (next.created_at, next.id) > (last.created_at, last.id))) as goes_on
      ) as failing
    where told.show_id = ${showId} and told.show_version = ${showVersion} and booking_number is not null`.execute(db);
  const counted = rows[0]!;
  return { ...counted, waiting: counted.total - counted.refunded - counted.failed - counted.nothingCaptured };
}
