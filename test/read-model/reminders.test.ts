import { setTimeout as delay } from 'node:timers/promises';
import { readEvent } from '../../src/contracts/events.ts';
import { recordConfirmations } from '../../src/read-model/booking-records.ts';
import { insertHeldBookings } from '../../src/read-model/bookings.ts';
import { insertDueReminders } from '../../src/read-model/reminders.ts';
import { useTestDatabase } from '../setup/postgres.ts';
import { someConfirmation, someHold } from './bookings-of-tests.ts';
import { insertSomeShow } from './catalogue-of-tests.ts';

const database = useTestDatabase();
const HOUR_MS = 3_600_000;
const NOW_MS = Date.UTC(2026, 10, 20, 12);
const LEAD_MS = 3 * HOUR_MS;

beforeEach(() => database.db.updateTable('shows').set({ cancelled_at: new Date() }).execute());

const showIn = async (hours: number, seatCount = 4): Promise<string> =>
  (await insertSomeShow(database.db, { startsAtMs: NOW_MS + hours * HOUR_MS, seatCount })).showId;

async function booked(showId: string, seatIds: readonly string[], heldAtMs = NOW_MS - 24 * HOUR_MS): Promise<string> {
  const hold = someHold({ showId, seatIds, heldAtMs });
  await recordConfirmations(database.db, [someConfirmation(hold)]);
  return hold.id;
}

const remind = (nowMs = NOW_MS, limit = 100) => insertDueReminders(database.db, { nowMs, leadMs: LEAD_MS, limit });

const remindersOf = async (bookingId: string) => {
  const rows = await database.db
    .selectFrom('outbox')
    .selectAll()
    .where('booking_id', '=', bookingId)
    .where('type', '=', 'booking.reminder')
    .execute();
  return rows.map((row) => readEvent({ ...row, bookingId: row.booking_id, createdAtMs: row.created_at.getTime() }));
};

describe('a reminder', () => {
  it('is written once for each booking whose show begins within the time, however often it is looked', async () => {
    const showId = await showIn(2);
    const bookings = [await booked(showId, ['A1', 'A2']), await booked(showId, ['A3'])];
    expect(await remind()).toBe(2);
    expect(await remind()).toBe(0);
    expect(await remind(NOW_MS + HOUR_MS)).toBe(0);
    for (const bookingId of bookings) {
      expect(await remindersOf(bookingId)).toMatchObject([{ version: 1, payload: { bookingId, showId } }]);
    }
  });

  it('is written once when several look at the same time', async () => {
    const showId = await showIn(2, 40);
    for (let seat = 1; seat <= 40; seat += 1) await booked(showId, [`A${seat}`]);
    const written = await Promise.all(Array.from({ length: 8 }, () => remind()));
    expect(written.reduce((sum, count) => sum + count, 0)).toBe(40);
    expect(await remind()).toBe(0);
    const { count } = await database.db
      .selectFrom('outbox')
      .select((row) => row.fn.countAll<number>().as('count'))
      .where('type', '=', 'booking.reminder')
      .where('payload', '@>', JSON.stringify({ showId }) as never)
      .executeTakeFirstOrThrow();
    expect(count).toBe(40);
  });

  it('is due from exactly the time before the show, until the show begins', async () => {
    const showId = await showIn(3);
    const bookingId = await booked(showId, ['A1']);
    expect(await remind(NOW_MS - 1)).toBe(0);
    expect(await remind(NOW_MS + LEAD_MS)).toBe(0);
    expect(await remind(NOW_MS)).toBe(1);
    expect(await remindersOf(bookingId)).toHaveLength(1);
  });

  it('is written again where the show was moved after it, once for the new time', async () => {
    const showId = await showIn(2);
    const bookingId = await booked(showId, ['A1', 'A2']);
    expect(await remind()).toBe(1);
    const starts_at = new Date(NOW_MS + 8 * HOUR_MS);
    const ends_at = new Date(NOW_MS + 10 * HOUR_MS);
    await database.db.updateTable('shows').set({ starts_at, ends_at }).where('id', '=', showId).execute();
    expect(await remind(NOW_MS + HOUR_MS)).toBe(0);
    expect(await remind(NOW_MS + 6 * HOUR_MS)).toBe(1);
    expect(await remind(NOW_MS + 7 * HOUR_MS)).toBe(0);
    expect(await remindersOf(bookingId)).toHaveLength(2);
  });

  it('is written for a booking that is being changed at that moment, as soon as that is done', async () => {
    const bookingId = await booked(await showIn(2), ['A1']);
    const { promise: changed, resolve } = Promise.withResolvers<void>();
    const change = database.db.transaction().execute(async (trx) => {
      await trx.updateTable('bookings').set({ version: 7 }).where('id', '=', bookingId).execute();
      await changed;
    });
    const reminding = remind();
    await Promise.race([reminding, delay(200)]);
    resolve();
    await change;
    expect(await reminding).toBe(1);
  });

  it('has no seats looked at of a show that is done with', async () => {
    const showId = await showIn(2, 40);
    for (let seat = 1; seat <= 40; seat += 1) await booked(showId, [`A${seat}`]);
    expect(await remind()).toBe(40);
    await database.db.deleteFrom('booking_reminders').execute();
    expect(await remind(NOW_MS + 60_000)).toBe(0);
  });

  it('is not for who booked within that time', async () => {
    const bookingId = await booked(await showIn(2), ['A1'], NOW_MS - HOUR_MS + 1);
    expect(await remind()).toBe(0);
    expect(await remindersOf(bookingId)).toEqual([]);
  });

  it('is not for a show that is cancelled, nor for a booking that is not confirmed', async () => {
    const cancelled = await showIn(2);
    await booked(cancelled, ['A1']);
    await database.db.updateTable('shows').set({ cancelled_at: new Date() }).where('id', '=', cancelled).execute();
    const showId = await showIn(2);
    await insertHeldBookings(database.db, [someHold({ showId, heldAtMs: NOW_MS - 24 * HOUR_MS })]);
    const gone = await booked(showId, ['A3']);
    await database.db.updateTable('bookings').set({ status: 'CANCELLED' }).where('id', '=', gone).execute();
    expect(await remind()).toBe(0);
  });

  it('comes page by page', async () => {
    const showId = await showIn(2);
    for (const seat of ['A1', 'A2', 'A3']) await booked(showId, [seat]);
    expect([await remind(NOW_MS, 2), await remind(NOW_MS, 2), await remind(NOW_MS, 2)]).toEqual([2, 1, 0]);
  });
});
