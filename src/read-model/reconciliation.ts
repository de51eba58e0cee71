import { sql } from 'kysely';
import type { Money } from '../domain/money.ts';
import type { CaseAttempt, CaseBooking, CaseChange, CaseRefund, MoneyCase } from '../domain/money-differences.ts';
import type { BookedSeat, SeatedBooking } from '../domain/seat-differences.ts';
import { seatsOf } from '../domain/seating-plan.ts';
import type { ReadModel } from './database.ts';
import { resendParked } from './outbox.ts';
import { findSeatingPlan } from './seating-plans.ts';

/** From the first moment on, and before the second; Unix ms. */
export interface TimeWindow {
  readonly fromMs: number;
  readonly toMs: number;
}

const within = (column: string, { fromMs, toMs }: TimeWindow) =>
  sql<boolean>`${sql.ref(column)} >= ${new Date(fromMs)} and ${sql.ref(column)} < ${new Date(toMs)}`;

/**
 * Where to end a slice that begins with the window, so that not many more than `limit` rows of a kind are in it: the
 * window's own end, or the time of the first row past the limit, but never the window's beginning. All rows of the window
 * are looked through: it should not be a long one.
 */
export async function sliceEnd(db: ReadModel, window: TimeWindow, limit: number): Promise<number> {
  const past = (table: 'bookings' | 'payments' | 'refunds', column: string) => sql`(
    select ${sql.ref(column)} from ${sql.table(table)} where ${within(column, window)}
    order by 1 offset ${limit} limit 1)`;
  const { rows } = await sql<{ at: Date | null }>`
    select least(${past('bookings', 'changed_at')}, ${past('payments', 'created_at')}, ${past('refunds', 'updated_at')})
      as at`.execute(db);
  const atMs = rows[0]?.at?.getTime() ?? window.toMs;
  return Math.max(atMs, window.fromMs + 1);
}

/** Bookings that anything has happened to in the window, by their rows. */
export async function bookingsWithin(db: ReadModel, window: TimeWindow): Promise<string[]> {
  const { rows } = await sql<{ id: string }>`
    select id from bookings where ${within('changed_at', window)}
    union select booking_id from payments where ${within('created_at', window)}
    union select booking_id from refunds where ${within('updated_at', window)}`.execute(db);
  return rows.map(({ id }) => id);
}

/** Bookings of attempts, for movements of money that only name the attempt. */
export async function bookingsOfAttempts(db: ReadModel, attemptIds: readonly string[]): Promise<Map<string, string>> {
  const rows = await db
    .selectFrom('payments')
    .select(['id', 'booking_id'])
    .where('id', '=', sql<string>`any(${attemptIds}::text[])`)
    .execute();
  return new Map(rows.map((row) => [row.id, row.booking_id]));
}

/** A case without what only the provider and the workflows can tell. */
export type RecordedCase = Omit<MoneyCase, 'movements' | 'pendingRefunds' | 'isAtWork' | 'isOwned'>;

/** The cases that these bookings belong to, each once; of a booking without a row too, as far as anything names it. */
export async function loadMoneyCases(db: ReadModel, bookingIds: readonly string[]): Promise<RecordedCase[]> {
  if (bookingIds.length === 0) return [];
  const chainIds = await chainsOf(db, bookingIds);
  const bookings = await bookingsOfChains(db, chainIds);
  const ids = [...new Set([...bookingIds, ...bookings.map(({ id }) => id)])];
  const [attempts, refunds, changes] = await Promise.all([attemptsOf(db, ids), refundsOf(db, ids), changesOf(db, ids)]);
  const chainOf = new Map(bookings.map(({ id, chainId }) => [id, chainId]));
  const byChain = <Item extends { readonly bookingId: string }>(items: readonly Item[]) =>
    Map.groupBy(items, ({ bookingId }) => chainOf.get(bookingId) ?? bookingId);
  const [attemptsIn, refundsIn, changesIn] = [byChain(attempts), byChain(refunds), byChain(changes)];
  const bookingsIn = Map.groupBy(bookings, ({ chainId }) => chainId);
  return chainIds.map((id) => ({
    id,
    bookings: bookingsIn.get(id) ?? [],
    attempts: attemptsIn.get(id) ?? [],
    refunds: refundsIn.get(id) ?? [],
    changes: changesIn.get(id) ?? [],
  }));
}

async function chainsOf(db: ReadModel, bookingIds: readonly string[]): Promise<string[]> {
  const { rows } = await sql<{ id: string }>`
    select distinct coalesce(booking.chain_id, asked.id) as id
    from unnest(${bookingIds}::text[]) as asked (id) left join bookings as booking using (id)`.execute(db);
  return rows.map(({ id }) => id);
}

async function bookingsOfChains(
  db: ReadModel,
  chainIds: readonly string[],
): Promise<(CaseBooking & { readonly chainId: string })[]> {
  const { rows } = await sql<{
    id: string;
    chain_id: string | null;
    show_id: string;
    status: CaseBooking['status'];
    total: Money;
    kept_amount: number;
    payment_id: string | null;
    expires_at: Date;
    changed_at: Date;
  }>`
    select id, chain_id, show_id, status, price -> 'total' as total, kept_amount, payment_id, expires_at, changed_at
    from bookings where id = any(${chainIds}::text[])
    union all
    select id, chain_id, show_id, status, price -> 'total', kept_amount, payment_id, expires_at, changed_at
    from bookings where chain_id = any(${chainIds}::text[]) and chain_id <> id`.execute(db);
  return rows.map((row) => ({
    id: row.id,
    chainId: row.chain_id ?? row.id,
    showId: row.show_id,
    status: row.status,
    total: row.total,
    kept: row.kept_amount,
    paidBy: row.payment_id,
    expiresAtMs: row.expires_at.getTime(),
    changedAtMs: row.changed_at.getTime(),
  }));
}

async function attemptsOf(db: ReadModel, bookingIds: readonly string[]): Promise<CaseAttempt[]> {
  const rows = await db
    .selectFrom('payments')
    .select(['id', 'booking_id', 'status', 'provider', 'amount', 'currency', 'created_at', 'updated_at'])
    .where('booking_id', '=', sql<string>`any(${bookingIds}::text[])`)
    .orderBy('created_at')
    .execute();
  return rows.map((row) => ({
    id: row.id,
    bookingId: row.booking_id,
    status: row.status,
    provider: row.provider,
    amount: { amount: row.amount, currency: row.currency },
    createdAtMs: row.created_at.getTime(),
    updatedAtMs: row.updated_at.getTime(),
  }));
}

async function refundsOf(db: ReadModel, bookingIds: readonly string[]): Promise<CaseRefund[]> {
  const rows = await db
    .selectFrom('refunds')
    .select(['id', 'payment_id', 'booking_id', 'status', 'amount', 'currency', 'change_id', 'updated_at'])
    .where('booking_id', '=', sql<string>`any(${bookingIds}::text[])`)
    .execute();
  return rows.map((row) => ({
    id: row.id,
    attemptId: row.payment_id,
    bookingId: row.booking_id,
    status: row.status,
    amount: { amount: row.amount, currency: row.currency },
    changeId: row.change_id,
    updatedAtMs: row.updated_at.getTime(),
  }));
}

async function changesOf(db: ReadModel, bookingIds: readonly string[]): Promise<CaseChange[]> {
  const rows = await db
    .selectFrom('booking_changes')
    .select(['id', 'booking_id', 'refund_amount', 'created_at'])
    .where('booking_id', '=', sql<string>`any(${bookingIds}::text[])`)
    .execute();
  return rows.map((row) => ({
    id: row.id,
    bookingId: row.booking_id,
    refund: row.refund_amount,
    createdAtMs: row.created_at.getTime(),
  }));
}

/** Of these bookings, the confirmed ones a seat of which has no row, with their shows. */
export async function confirmedWithoutRows(
  db: ReadModel,
  bookingIds: readonly string[],
): Promise<{ readonly id: string; readonly showId: string }[]> {
  // By the primary key, seat by seat: as a join Postgres would read all seats of a show for each of its bookings.
  const { rows } = await sql<{ id: string; show_id: string }>`
    select distinct booking.id, booking.show_id
    from bookings as booking
    cross join lateral jsonb_array_elements(booking.seats) as seat
    left join lateral (
      select booking_id from booked_seats
      where booked_seats.show_id = booking.show_id and booked_seats.seat_id = seat ->> 'id'
      limit 1
    ) as booked on true
    where booking.id = any(${bookingIds}::text[]) and booking.status = 'CONFIRMED'
      and booked.booking_id is distinct from booking.id`.execute(db);
  return rows.map((row) => ({ id: row.id, showId: row.show_id }));
}

/** Shows that were there in the window and whose seats have changed since it began, in the order of their ids. */
export async function showsChangedSince(
  db: ReadModel,
  { fromMs, toMs }: TimeWindow,
  { after, limit }: { readonly after: string; readonly limit: number },
): Promise<string[]> {
  const rows = await db
    .selectFrom('seat_map_snapshots')
    .innerJoin('shows', 'shows.id', 'seat_map_snapshots.show_id')
    .select('show_id')
    .where('show_id', '>', after)
    .where('as_of', '>=', new Date(fromMs))
    .where('created_at', '<', new Date(toMs))
    .orderBy('show_id')
    .limit(limit)
    .execute();
  return rows.map((row) => row.show_id);
}

/** Shows of these bookings whose seats have not changed since then, as readers see it. */
export async function showsUnchangedSince(
  db: ReadModel,
  bookingIds: readonly string[],
  sinceMs: number,
): Promise<string[]> {
  const { rows } = await sql<{ show_id: string }>`
    select distinct show_id from bookings left join seat_map_snapshots using (show_id)
    where id = any(${bookingIds}::text[]) and (as_of is null or as_of < ${new Date(sinceMs)})`.execute(db);
  return rows.map((row) => row.show_id);
}

export interface StoredMap {
  readonly version: number;
  readonly statuses: string;
}

/** Null if there is none. */
export async function findStoredMap(db: ReadModel, showId: string): Promise<StoredMap | null> {
  const row = await db
    .selectFrom('seat_map_snapshots')
    .select(['version', 'statuses'])
    .where('show_id', '=', showId)
    .executeTakeFirst();
  return row ?? null;
}

/**
 * Rows of a show's booked seats, and the bookings that they or the show (`claimants`) name. In this order: a booking that
 * is confirmed or cancelled meanwhile is seen to have changed of late.
 */
export async function loadSeatRecords(
  db: ReadModel,
  showId: string,
  claimants: readonly string[],
): Promise<{ readonly rows: BookedSeat[]; readonly bookings: SeatedBooking[] }> {
  const rows = await db
    .selectFrom('booked_seats')
    .select(['seat_id', 'booking_id'])
    .where('show_id', '=', showId)
    .execute();
  const ids = [...new Set([...claimants, ...rows.map((row) => row.booking_id)])];
  const found = await seatedBookings(db, showId, ids);
  const indexOf = new Map(
    found.flatMap(({ seats, seatIds }) => seatIds.map((id, place) => [id, seats[place]!] as const)),
  );
  const isKnown = rows.every((row) => indexOf.has(row.seat_id));
  const planned = isKnown ? null : await indicesInPlan(db, showId);
  return {
    rows: rows.map((row) => ({
      seat: indexOf.get(row.seat_id) ?? planned?.get(row.seat_id) ?? null,
      seatId: row.seat_id,
      bookingId: row.booking_id,
    })),
    bookings: found.map(({ seatIds: _, ...booking }) => booking),
  };
}

async function seatedBookings(db: ReadModel, showId: string, ids: readonly string[]) {
  const { rows } = await sql<{
    id: string;
    status: SeatedBooking['status'];
    seats: number[];
    seat_ids: string[];
    changed_at: Date;
    is_paid_for: boolean;
  }>`
    select id, status, changed_at,
      array(select (seat ->> 'index')::int from jsonb_array_elements(seats) as seat) as seats,
      array(select seat ->> 'id' from jsonb_array_elements(seats) as seat) as seat_ids,
      case when status in ('CONFIRMED', 'CANCELLED', 'EXCHANGED') then false else
        coalesce((select sum(amount) from payments where booking_id = booking.id and status in ('SUCCEEDED', 'PENDING', 'UNKNOWN')), 0)
          > coalesce((select sum(amount) from refunds where booking_id = booking.id and status <> 'FAILED'), 0)
      end as is_paid_for
    from bookings as booking
    where id = any(${ids}::text[]) and show_id = ${showId}`.execute(db);
  return rows.map((row) => ({
    id: row.id,
    status: row.status,
    seats: row.seats,
    seatIds: row.seat_ids,
    changedAtMs: row.changed_at.getTime(),
    isPaidFor: row.is_paid_for,
  }));
}

async function indicesInPlan(db: ReadModel, showId: string): Promise<Map<string, number>> {
  const show = await db.selectFrom('shows').select('seating_plan_id').where('id', '=', showId).executeTakeFirst();
  const plan = show && (await findSeatingPlan(db, show.seating_plan_id));
  return new Map(plan ? seatsOf(plan.plan).map((seat, index) => [seat.id, index]) : []);
}

// ---- repairs of the read model: each looks again at what makes it right, in its own statement ----

/** Rows of booked seats whose booking is not confirmed with them; how many there were. */
export async function deleteOrphanRows(db: ReadModel, showId: string, bookingId: string): Promise<number> {
  const { rows } = await sql<{ seat_id: string }>`
    delete from booked_seats as booked
    where show_id = ${showId} and booking_id = ${bookingId}
      and not exists (
        select from bookings, jsonb_array_elements(bookings.seats) as seat
        where bookings.id = booked.booking_id and bookings.show_id = booked.show_id
          and bookings.status = 'CONFIRMED' and seat ->> 'id' = booked.seat_id)
    returning seat_id`.execute(db);
  return rows.length;
}

/** Rows that a confirmed booking's seats lack; a seat that has a row keeps it, whosever it is. How many were missing. */
export async function insertMissingRows(db: ReadModel, bookingId: string): Promise<number> {
  const { rows } = await sql<{ seat_id: string }>`
    insert into booked_seats (show_id, seat_id, booking_id)
    select locked.show_id, seat ->> 'id', locked.id
    from (select id, show_id, seats from bookings where id = ${bookingId} and status = 'CONFIRMED' for share) as locked,
      jsonb_array_elements(locked.seats) as seat
    order by 1, 2
    on conflict do nothing
    returning seat_id`.execute(db);
  return rows.length;
}

/** The provider says so of a refund that had succeeded: another one may follow. False: it is not recorded as succeeded. */
export async function refundHasFailed(db: ReadModel, refundId: string): Promise<boolean> {
  const { rows } = await sql<{ id: string }>`
    update refunds set status = 'FAILED', updated_at = now() where id = ${refundId} and status = 'SUCCEEDED'
    returning id`.execute(db);
  return rows.length > 0;
}

/** The row that readers see becomes the map of this version, unless it has a newer one. False: it has. */
export async function replaceStoredMap(
  db: ReadModel,
  showId: string,
  map: StoredMap & { readonly asOfMs: number },
): Promise<boolean> {
  const { version, statuses } = map;
  const row = { version, statuses, as_of: new Date(map.asOfMs), available: statuses.split('a').length - 1 };
  const written = await db
    .insertInto('seat_map_snapshots')
    .values({ show_id: showId, total: statuses.length, ...row })
    .onConflict((conflict) =>
      conflict.column('show_id').doUpdateSet(row).where('seat_map_snapshots.version', '<=', version),
    )
    .returning('show_id')
    .executeTakeFirst();
  return written !== undefined;
}

/** A message that waits for somebody, or for the relay. */
export interface UnsentEvent {
  readonly eventId: number;
  readonly bookingId: string;
  readonly type: string;
  /** Null: the relay has not handed it out. Otherwise the consumer that has given it up. */
  readonly queue: string | null;
  readonly lastError: string | null;
}

interface UnsentEventRow {
  readonly id: number;
  readonly booking_id: string;
  readonly type: string | null;
  readonly queue: string | null;
  readonly last_error: string | null;
}

const toUnsentEvent = (row: UnsentEventRow): UnsentEvent => ({
  eventId: row.id,
  bookingId: row.booking_id,
  type: row.type ?? 'unknown',
  queue: row.queue,
  lastError: row.last_error,
});

/** Of the events written before a time, those that were never handed out or were given up, the oldest first. */
export async function findUnsentEvents(
  db: ReadModel,
  { writtenBeforeMs, limit }: { readonly writtenBeforeMs: number; readonly limit: number },
): Promise<UnsentEvent[]> {
  const before = new Date(writtenBeforeMs);
  const { rows } = await sql<UnsentEventRow>`
    (select id, booking_id, type, null as queue, null as last_error
      from outbox where relayed_at is null and created_at < ${before} order by id limit ${limit})
    union all
    (select parked.event_id, parked.booking_id, outbox.type, parked.queue, parked.last_error
      from outbox_parked as parked left join outbox on outbox.id = parked.event_id
      where outbox.created_at < ${before} order by parked.id limit ${limit})`.execute(db);
  return rows.map(toUnsentEvent);
}

/** One of those, by its name; null once it is handed out, or out of the queue. */
export async function findUnsentEvent(
  db: ReadModel,
  { eventId, queue }: Pick<UnsentEvent, 'eventId' | 'queue'>,
): Promise<UnsentEvent | null> {
  const { rows } = await (
    queue === null
      ? sql<UnsentEventRow>`select id, booking_id, type, null as queue, null as last_error
        from outbox where id = ${eventId} and relayed_at is null`
      : sql<UnsentEventRow>`select parked.event_id as id, parked.booking_id, outbox.type, parked.queue, parked.last_error
        from outbox_parked as parked join outbox on outbox.id = parked.event_id
        where parked.queue = ${queue} and parked.event_id = ${eventId}`
  ).execute(db);
  return rows[0] ? toUnsentEvent(rows[0]) : null;
}

/** Puts one event that a consumer has given up back into its queue; false if it is not there any more. */
export async function resendGivenUp(
  db: ReadModel,
  { queue, eventId }: { readonly queue: string; readonly eventId: number },
): Promise<boolean> {
  const parked = await db
    .selectFrom('outbox_parked')
    .select('id')
    .where('queue', '=', queue)
    .where('event_id', '=', eventId)
    .executeTakeFirst();
  return parked !== undefined && (await resendParked(db, { id: parked.id })) > 0;
}
