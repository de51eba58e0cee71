import type pg from 'pg';
import type { EventType, WrittenEvent } from '../contracts/events.ts';
import type { Log } from './database.ts';
import { keepConnected, type LastingConnection } from './lasting-connection.ts';
import { OUTBOX_CHANNEL, QUEUES_CHANGED } from './outbox.ts';

/** Parts of the relay's work, by the hash of the booking: what several processes share is shared in these. */
export const OUTBOX_LANES = 64;
/** Of the advisory locks that guard the lanes; no other lock of ours has this first number. */
const LANE_LOCKS = 0x0b0e;
const SESSION_NAME = 'outbox relay';
/** No statement here takes a tenth of it. */
const STATEMENT_TIMEOUT_MS = 5_000;
/** Later than the server's own. */
const QUERY_TIMEOUT_MS = STATEMENT_TIMEOUT_MS + 1_000;
/** What is kept of an error; a partner's answer may be a page. */
const ERROR_CHARACTERS_MAX = 500;

/**
 * The lanes are session locks: the session of a machine that is gone must end soon. A commit here has nothing durable to
 * wait for: what a crash takes back is handed over once more. And all of it is looking up few rows of tables that are
 * empty or full from one minute to the next, so that Postgres' statistics would only mislead it: indexes, row by row.
 */
const SESSION_SETTINGS = [
  'tcp_keepalives_idle=5',
  'tcp_keepalives_interval=5',
  'tcp_keepalives_count=3',
  'synchronous_commit=off',
  `statement_timeout=${STATEMENT_TIMEOUT_MS}`,
  'enable_seqscan=off',
  'enable_bitmapscan=off',
  'enable_hashjoin=off',
  'enable_mergejoin=off',
  'jit=off',
];

/** A consumer as far as handing out has to know it. */
export interface Subscription {
  readonly queue: string;
  /** Null: all. */
  readonly types: readonly EventType[] | null;
}

/** An event that a queue's consumer has not accepted yet, the first of its booking. */
export interface Delivery {
  readonly queue: string;
  readonly bookingId: string;
  readonly eventId: number;
  readonly lane: number;
  /** Those that have failed. */
  readonly tries: number;
  /** Null: somebody has taken the event out of the outbox. */
  readonly event: WrittenEvent | null;
}

type Place = Pick<Delivery, 'queue' | 'bookingId' | 'eventId'>;

export type Outcome =
  | { readonly kind: 'accepted'; readonly delivery: Place }
  /** All of the booking's that wait in this queue wait with it. */
  | { readonly kind: 'postponed'; readonly delivery: Place; readonly pauseMs: number; readonly error: string }
  | { readonly kind: 'parked'; readonly delivery: Place; readonly error: string };

export interface OutboxSessionOptions {
  readonly log: Log;
  readonly onConnected: () => void;
  /** Every lane is gone. */
  readonly onLost: () => void;
  /** There is something new in the outbox. */
  readonly onEvents: () => void;
  /** Queues were made, closed, or given what was parked. */
  readonly onQueuesChanged: () => void;
  /** Another process has less than its share: nobody needs more lanes than these. */
  readonly onShareAsked: (lanesEnough: number) => void;
}

/** There is no connection, or none any more: what was asked may have been done or not. */
export class OutboxSessionLostError extends Error {
  override readonly name = 'OutboxSessionLostError';
}

/**
 * The relay's one connection: it has the locks on the lanes, and all that is done in a lane is done on it. So a process
 * that has lost its lanes can't write in them any more, whatever it still believes.
 */
export class OutboxSession {
  readonly #connection: LastingConnection;
  readonly #options: OutboxSessionOptions;
  #session: pg.Client | null = null;
  /** Settles when the statement that was sent last has ended. */
  #before: Promise<void> = Promise.resolve();

  constructor(databaseUrl: string, options: OutboxSessionOptions) {
    this.#options = options;
    this.#connection = keepConnected(databaseUrl, {
      name: SESSION_NAME,
      settings: {
        query_timeout: QUERY_TIMEOUT_MS,
        options: SESSION_SETTINGS.map((setting) => `-c ${setting}`).join(' '),
      },
      log: options.log,
      onConnected: (session) => this.#connected(session),
      onLost: () => this.#lost(),
    });
  }

  close(): Promise<void> {
    return this.#connection.close();
  }

  /** Those of the lanes that nobody had; now they are this process's. */
  async takeLanes(lanes: readonly number[]): Promise<number[]> {
    const rows = await this.#run<{ lane: number }>(
      'select lane from unnest($1::int[]) as lane where pg_try_advisory_lock($2::int, lane)',
      [lanes, LANE_LOCKS],
    );
    return rows.map(({ lane }) => lane);
  }

  async giveLanes(lanes: readonly number[]): Promise<void> {
    await this.#run('select pg_advisory_unlock($2::int, lane) from unnest($1::int[]) as lane', [lanes, LANE_LOCKS]);
  }

  /** Asks all others to keep no more lanes than their share, by the number of relays, where the caller has less. */
  async askForShare(ownLanes: number): Promise<void> {
    await this.#run(
      `select pg_notify($1, 'share:' || share)
       from (
         select count(*) as relays, ceil($2::numeric / greatest(count(*), 1)) as share
         from pg_stat_activity where application_name = $3 and datname = current_database()
       ) as connected
       where $4::int < $2::numeric - (relays - 1) * share`,
      [OUTBOX_CHANNEL, OUTBOX_LANES, `seatkeeper ${SESSION_NAME}`, ownLanes],
    );
  }

  /**
   * Makes deliveries of the oldest events of these lanes that have none: one for each subscription and each enabled
   * endpoint of a partner that wants it. Gives how many events, and which queues have something new.
   *
   * Events are found by not being marked, not by being above the last one seen: ids are given before the commit, and a
   * lower one may come to be visible later.
   */
  async handOut(
    lanes: readonly number[],
    subscriptions: readonly Subscription[],
    eventsMax: number,
  ): Promise<{ readonly events: number; readonly queues: readonly string[] }> {
    const [row] = await this.#run<{ events: number; queues: string[] | null }>(HAND_OUT, [
      lanes,
      JSON.stringify(subscriptions),
      eventsMax,
    ]);
    return { events: Number(row?.events ?? 0), queues: row?.queues ?? [] };
  }

  /** The next deliveries of a queue that are due, each the first of its booking, none of the bookings named. */
  async claim(
    queue: string,
    lanes: readonly number[],
    withoutBookings: readonly string[],
    deliveriesMax: number,
  ): Promise<Delivery[]> {
    const rows = await this.#run<ClaimedRow>(CLAIM, [queue, lanes, withoutBookings, deliveriesMax]);
    return rows.map((row) => ({
      queue,
      bookingId: row.booking_id,
      eventId: Number(row.event_id),
      lane: row.lane,
      tries: row.tries,
      event:
        row.type === null
          ? null
          : {
              id: Number(row.event_id),
              bookingId: row.booking_id,
              type: row.type,
              payload: row.payload,
              createdAtMs: row.created_at!.getTime(),
            },
    }));
  }

  async settle(outcomes: readonly Outcome[]): Promise<void> {
    for (const [kind, statement] of Object.entries(SETTLE)) {
      const rows = outcomes.filter((outcome) => outcome.kind === kind).map(settledJson);
      if (rows.length > 0) await this.#run(statement, [JSON.stringify(rows)]);
    }
  }

  /**
   * Deletes events behind `afterId` that were relayed longer ago than the retention and that nobody waits for, of at most
   * `eventsMax` that it looks at. Gives the last one looked at; null when it came to those that are too young.
   */
  async purge(
    afterId: number,
    { retentionMs, eventsMax }: { readonly retentionMs: number; readonly eventsMax: number },
  ): Promise<{ readonly deleted: number; readonly lastId: number | null }> {
    const [row] = await this.#run<{ deleted: number; last_id: string | null; is_old: boolean | null }>(PURGE, [
      afterId,
      eventsMax,
      retentionMs,
    ]);
    return { deleted: row!.deleted, lastId: row!.is_old === true ? Number(row!.last_id) : null };
  }

  /** Deletes what waits for endpoints that are gone, at most so much. */
  async purgeClosedQueues(deliveriesMax: number): Promise<void> {
    await this.#run(PURGE_CLOSED_QUEUES, [deliveriesMax]);
  }

  async #connected(session: pg.Client): Promise<void> {
    session.on('notification', ({ payload }) => this.#heard(payload ?? ''));
    await session.query(`listen ${OUTBOX_CHANNEL}`);
    this.#session = session;
    this.#options.onConnected();
  }

  #lost(): void {
    if (this.#session === null) return;
    this.#session = null;
    this.#options.onLost();
  }

  #heard(notice: string): void {
    const enough = /^share:(\d+)$/.exec(notice)?.[1];
    if (enough !== undefined) this.#options.onShareAsked(Number(enough));
    else if (notice === QUEUES_CHANGED) this.#options.onQueuesChanged();
    else this.#options.onEvents();
  }

  /** One statement after the other. */
  #run<Row extends pg.QueryResultRow>(text: string, values: readonly unknown[]): Promise<Row[]> {
    const session = this.#session;
    const result = this.#before.then(() => this.#runOn<Row>(session, text, values));
    this.#before = result.then(
      () => undefined,
      () => undefined,
    );
    return result;
  }

  /** After a query that failed nobody knows which locks the session has: it ends, and has none. */
  async #runOn<Row extends pg.QueryResultRow>(
    session: pg.Client | null,
    text: string,
    values: readonly unknown[],
  ): Promise<Row[]> {
    if (session === null || session !== this.#session) throw new OutboxSessionLostError('the relay is not connected');
    try {
      return (await session.query<Row>({ name: nameOf(text), text, values: [...values] })).rows;
    } catch (error) {
      if (session === this.#session) {
        this.#options.log.warn({ err: error }, 'the relay gives its lanes up');
        this.#lost();
        session.connection.stream.destroy();
      }
      throw new OutboxSessionLostError('the relay has lost its connection', { cause: error });
    }
  }
}

const names = new Map<string, string>();

/** Each of the few statements here is planned once. */
function nameOf(text: string): string {
  const name = names.get(text) ?? `outbox_${names.size}`;
  names.set(text, name);
  return name;
}

interface ClaimedRow {
  readonly booking_id: string;
  readonly event_id: string;
  readonly lane: number;
  readonly tries: number;
  readonly type: string | null;
  readonly payload: unknown;
  readonly created_at: Date | null;
}

/** Which lane a booking is in. */
const laneOf = (bookingId: string) => `(hashtext(${bookingId}) & ${OUTBOX_LANES - 1})`;

/** A booking that others of this queue wait for makes its new delivery wait, too: it would only be looked at in vain. */
const HAND_OUT = `
  with fresh as (
    update outbox set relayed_at = now()
    where id in (
      select id from outbox where relayed_at is null and ${laneOf('booking_id')} = any($1::int[]) order by id limit $3::int
    )
    returning id, booking_id, type
  ),
  subscription as (
    select queue, types from jsonb_to_recordset($2::jsonb) as subscription (queue text, types text[])
    union all
    select 'webhook/' || id, event_types from webhook_endpoints where enabled
  ),
  made as (
    insert into outbox_deliveries (booking_id, queue, event_id, lane, due_at)
    select booking_id, queue, id, ${laneOf('booking_id')}, coalesce(
      (select max(before.due_at) from outbox_deliveries as before
       where before.booking_id = fresh.booking_id and before.queue = subscription.queue), now())
    from fresh join subscription on types is null or type = any(types)
    order by id
    returning queue
  )
  select (select count(*) from fresh) as events, (select array_agg(distinct queue) from made) as queues`;

const CLAIM = `
  select d.booking_id, d.event_id, d.lane, d.tries, event.type, event.payload, event.created_at
  from outbox_deliveries as d left join outbox as event on event.id = d.event_id
  where d.queue = $1 and d.due_at <= now() and d.lane = any($2::smallint[]) and d.booking_id <> all($3::text[])
    and not exists (
      select from outbox_deliveries as before
      where before.booking_id = d.booking_id and before.queue = d.queue and before.event_id < d.event_id)
  order by d.due_at, d.event_id
  limit $4`;

const settledJson = (outcome: Outcome) => ({
  b: outcome.delivery.bookingId,
  q: outcome.delivery.queue,
  e: outcome.delivery.eventId,
  ...(outcome.kind === 'accepted' ? {} : { error: keptError(outcome.error) }),
  ...(outcome.kind === 'postponed' ? { pause: outcome.pauseMs } : {}),
});

/** Postgres keeps no NUL and no half of a surrogate pair. */
const keptError = (error: string): string =>
  error.slice(0, ERROR_CHARACTERS_MAX).toWellFormed().replaceAll('\0', '\u{FFFD}');

/** In this order: what was accepted counts, whatever else becomes of its booking. */
const SETTLE: Readonly<Record<Outcome['kind'], string>> = {
  accepted: `
    delete from outbox_deliveries as d using jsonb_to_recordset($1::jsonb) as s (b text, q text, e bigint)
    where d.booking_id = s.b and d.queue = s.q and d.event_id = s.e`,
  postponed: `
    update outbox_deliveries as d set
      due_at = now() + s.pause * interval '1 millisecond',
      tries = d.tries + (d.event_id = s.e)::int,
      first_failed_at = case when d.event_id = s.e then coalesce(d.first_failed_at, now()) else d.first_failed_at end,
      last_error = case when d.event_id = s.e then s.error else d.last_error end
    from jsonb_to_recordset($1::jsonb) as s (b text, q text, e bigint, pause double precision, error text)
    where d.booking_id = s.b and d.queue = s.q`,
  parked: `
    with parked as (
      delete from outbox_deliveries as d
      using jsonb_to_recordset($1::jsonb) as s (b text, q text, e bigint, error text)
      where d.booking_id = s.b and d.queue = s.q and d.event_id = s.e
      returning d.*, s.error
    )
    insert into outbox_parked (booking_id, queue, event_id, lane, tries, last_error, first_failed_at, parked_at)
    select booking_id, queue, event_id, lane, tries + 1, error, coalesce(first_failed_at, now()), now() from parked
    on conflict (booking_id, queue, event_id) do nothing`,
};

const PURGE = `
  with page as materialized (
    select id, booking_id, coalesce(relayed_at < now() - $3::double precision * interval '1 millisecond', false) as is_old
    from outbox where id > $1::bigint order by id limit $2::int
  ),
  deleted as (
    delete from outbox using page
    where outbox.id = page.id and page.is_old
      and not exists (
        select from outbox_deliveries as d where d.booking_id = page.booking_id and d.event_id = page.id)
      and not exists (select from outbox_parked as p where p.booking_id = page.booking_id and p.event_id = page.id)
    returning outbox.id
  ),
  -- Kept so that nobody is told twice: an event that is gone does not come again.
  told as (
    delete from notifications_sent using deleted where event_id = deleted.id
  )
  select (select count(*)::int from deleted) as deleted, max(id) as last_id, bool_and(is_old) as is_old from page`;

const PURGE_CLOSED_QUEUES = `
  delete from outbox_deliveries where (booking_id, queue, event_id) in (
    select booking_id, queue, event_id from outbox_deliveries as d
    where queue like 'webhook/%'
      and not exists (select from webhook_endpoints where 'webhook/' || id = d.queue)
    limit $1)`;
