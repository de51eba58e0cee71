import { sql } from 'kysely';
import { z } from 'zod';
import { cursorNumber, cursorOf, type Page, type PageRequest, toPage } from './cursors.ts';
import type { ReadModel } from './database.ts';

/** What the relay listens to: `''` there are new events, `queues` the queues have changed. */
export const OUTBOX_CHANNEL = 'seatkeeper_outbox';
export const QUEUES_CHANGED = 'queues';

/** How long a process collects before it tells the relay: commits that notify go one after the other in Postgres. */
const BELL_PAUSE_MS = 200;

/**
 * Tells the relay that there are new events, after their commit and in a transaction of its own, at most five times a
 * second. A notice that is lost costs a second: the relay looks by itself, too.
 */
export function createOutboxBell(db: ReadModel): () => void {
  let isRinging = false;
  return () => {
    if (isRinging) return;
    isRinging = true;
    setTimeout(() => {
      isRinging = false;
      sql`select pg_notify(${OUTBOX_CHANNEL}, '')`.execute(db).catch(() => undefined);
    }, BELL_PAUSE_MS).unref();
  };
}

/** Tells the relay that there is something to do in a queue that no new event tells of. */
export async function tellQueuesChanged(db: ReadModel): Promise<void> {
  await sql`select pg_notify(${OUTBOX_CHANNEL}, ${QUEUES_CHANGED})`.execute(db);
}

/** A delivery that was given up. */
export interface ParkedDelivery {
  readonly id: number;
  readonly queue: string;
  readonly bookingId: string;
  readonly eventId: number;
  /** Null: the event is gone from the outbox. */
  readonly type: string | null;
  readonly payload: unknown;
  readonly tries: number;
  readonly lastError: string;
  readonly firstFailedAtMs: number;
  readonly parkedAtMs: number;
}

const parkedCursor = cursorOf('outbox-parked', z.tuple([cursorNumber]));

/**
 * Deliveries that were given up, the longest ago first, a page of them.
 * @throws InvalidCursorError
 */
export async function listParked(
  db: ReadModel,
  { queue }: { readonly queue?: string | undefined },
  { limit, cursor }: PageRequest,
): Promise<Page<ParkedDelivery>> {
  const [after] = parkedCursor.decode(cursor) ?? [0];
  let query = parkedWithEvent(db)
    .where('parked.id', '>', after)
    .orderBy('parked.id')
    .limit(limit + 1);
  if (queue !== undefined) query = query.where('parked.queue', '=', queue);
  return toPage(await query.execute(), limit, toParked, (row) => parkedCursor.encode([row.id]));
}

export async function findParked(db: ReadModel, id: number): Promise<ParkedDelivery | null> {
  const row = await parkedWithEvent(db).where('parked.id', '=', id).executeTakeFirst();
  return row === undefined ? null : toParked(row);
}

const parkedWithEvent = (db: ReadModel) =>
  db
    .selectFrom('outbox_parked as parked')
    .leftJoin('outbox', 'outbox.id', 'parked.event_id')
    .selectAll('parked')
    .select(['outbox.type', 'outbox.payload']);

type ParkedRow = Awaited<ReturnType<ReturnType<typeof parkedWithEvent>['execute']>>[number];

const toParked = (row: ParkedRow): ParkedDelivery => ({
  id: row.id,
  queue: row.queue,
  bookingId: row.booking_id,
  eventId: row.event_id,
  type: row.type,
  payload: row.payload,
  tries: row.tries,
  lastError: row.last_error,
  firstFailedAtMs: row.first_failed_at.getTime(),
  parkedAtMs: row.parked_at.getTime(),
});

/**
 * Puts parked deliveries back into their queues, due at once and with all their tries: the one of the id, or the oldest
 * of a queue or of all, at most `limit`. Gives how many. What has been delivered of the same booking since comes before.
 */
export async function resendParked(
  db: ReadModel,
  which: { readonly id: number } | { readonly queue?: string | undefined; readonly limit: number },
): Promise<number> {
  const wanted =
    'id' in which
      ? sql`id = ${which.id}`
      : sql`id in (
          select id from outbox_parked ${which.queue === undefined ? sql`` : sql`where queue = ${which.queue}`}
          order by id limit ${which.limit} for update skip locked)`;
  const { rows } = await sql`
    with resent as (
      delete from outbox_parked where ${wanted} returning booking_id, queue, event_id, lane
    )
    insert into outbox_deliveries (booking_id, queue, event_id, lane, due_at)
    select booking_id, queue, event_id, lane, now() from resent
    on conflict (booking_id, queue, event_id) do nothing
    returning 1`.execute(db);
  if (rows.length > 0) await tellQueuesChanged(db);
  return rows.length;
}

/** What waits in each queue. */
export interface QueueBacklog {
  readonly queue: string;
  readonly waiting: number;
  /** Of the one that has been due longest; negative while none is. */
  readonly overdueMs: number;
  readonly parked: number;
}

/** Of all queues in which something waits or is parked, and how long the oldest event has been waiting to be handed out. */
export async function outboxBacklog(
  db: ReadModel,
): Promise<{ readonly queues: readonly QueueBacklog[]; readonly notHandedOutMs: number }> {
  const { rows } = await sql<{ queue: string; waiting: number; overdue_ms: number; parked: number }>`
    select queue, sum(waiting)::int as waiting, max(overdue_ms)::float8 as overdue_ms, sum(parked)::int as parked
    from (
      select queue, count(*) as waiting, extract(epoch from now() - min(due_at)) * 1000 as overdue_ms, 0 as parked
      from outbox_deliveries group by queue
      union all
      select queue, 0, 0, count(*) from outbox_parked group by queue
    ) as backlog
    group by queue order by queue`.execute(db);
  const oldest = await sql<{ age_ms: number | null }>`
    select (extract(epoch from now() - created_at) * 1000)::float8 as age_ms
    from outbox where relayed_at is null order by id limit 1`.execute(db);
  return {
    queues: rows.map(({ overdue_ms, ...row }) => ({ ...row, overdueMs: overdue_ms })),
    notHandedOutMs: oldest.rows[0]?.age_ms ?? 0,
  };
}
