import { sql } from 'kysely';
import { bookingEvent, type EventType, type NewEvent, type OutboxConsumer } from '../../src/contracts/events.ts';
import { queueOf } from '../../src/outbox/queue.ts';
import { OutboxRelay } from '../../src/outbox/relay.ts';
import type { ReadModel } from '../../src/read-model/database.ts';

export const silent = { warn: () => undefined, info: () => undefined };
const DAY_MS = 24 * 3_600_000;

/** Events whose payload is no more than the booking. */
export type PlainType = Extract<EventType, 'booking.confirmed' | 'booking.released' | 'booking.expired'>;

export const plainEvent = (bookingId: string, type: PlainType = 'booking.confirmed'): NewEvent =>
  bookingEvent(type, { bookingId, showId: 'shw_1' });

/** Writes events of bookings, in this order, each batch in one transaction; gives their ids. */
export async function writeEvents(
  db: ReadModel,
  events: readonly { readonly bookingId: string; readonly event?: { type: string; payload: unknown } }[],
): Promise<number[]> {
  const rows = JSON.stringify(
    events.map(({ bookingId, event = plainEvent(bookingId) }, place) => ({ place, bookingId, ...event })),
  );
  const { rows: written } = await sql<{ id: number }>`
    insert into outbox (booking_id, type, payload)
    select "bookingId", type, payload
    from jsonb_to_recordset(${rows}::jsonb) as event (place int, "bookingId" text, type text, payload jsonb)
    order by place
    returning id`.execute(db);
  return written.map(({ id }) => id);
}

export interface RelayOfTests {
  readonly triesMax?: number;
  readonly retentionMs?: number;
  /** Instead of the seconds and minutes of a real queue. */
  readonly pauseMs?: number;
}

/** A relay in the test's own process, with pauses that a test can wait for. */
export function startRelay(
  databaseUrl: string,
  consumers: readonly OutboxConsumer[],
  { triesMax = 5, retentionMs = 30 * DAY_MS, pauseMs = 20 }: RelayOfTests = {},
  onQueuesChanged: () => void = () => undefined,
): OutboxRelay {
  return new OutboxRelay({
    databaseUrl,
    queues: consumers.map((consumer) => ({
      ...queueOf(consumer, triesMax),
      pauseMsAfter: (failures) => (failures >= triesMax ? null : pauseMs),
    })),
    retentionMs,
    observer: { settled: () => undefined },
    onQueuesChanged,
    log: silent,
  });
}

/** What nobody has accepted yet. */
export const waiting = (db: ReadModel) => db.selectFrom('outbox_deliveries').selectAll().orderBy('event_id').execute();
