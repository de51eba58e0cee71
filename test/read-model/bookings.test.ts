import { isoTime } from '../../src/contracts/http/primitives.ts';
import { coalesce } from '../../src/read-model/coalesce.ts';
import { findBookings, insertHeldBookings, listBookingsOfUser } from '../../src/read-model/bookings.ts';
import { recordBookingStates } from '../../src/read-model/booking-records.ts';
import { InvalidCursorError } from '../../src/read-model/errors.ts';
import { useTestDatabase } from '../setup/postgres.ts';
import { someBooking, someHold, someId } from './bookings-of-tests.ts';

const test = useTestDatabase();

describe('bookings just held', () => {
  it('come back exactly as they were written', async () => {
    const hold = someHold({ heldAtMs: Date.UTC(2026, 10, 20, 12, 0, 0, 123) });
    expect(await insertHeldBookings(test.db, [hold])).toEqual([true]);
    const expected = {
      bookingNumber: null,
      status: 'HELD',
      version: 1,
      payment: null,
      refund: null,
      keptAmount: 0,
      chainId: hold.id,
      asCreated: null,
      changedAtMs: hold.heldAtMs,
    };
    expect(await findBookings(test.db, [hold.id])).toEqual([{ ...hold, ...expected }]);
  });

  it('stay as they are when written again, also with other content', async () => {
    const hold = someHold();
    const other = someHold();
    await insertHeldBookings(test.db, [hold]);
    expect(await insertHeldBookings(test.db, [{ ...hold, userId: 'usr_other' }, other])).toEqual([false, true]);
    const [found] = await findBookings(test.db, [hold.id]);
    expect(found!.userId).toBe(hold.userId);
  });

  it('are told of once, however often they are written', async () => {
    const [hold, other] = [someHold(), someHold()];
    await insertHeldBookings(test.db, [hold, hold]);
    await insertHeldBookings(test.db, [other, hold]);
    const events = await test.db.selectFrom('outbox').selectAll().where('booking_id', '=', hold.id).execute();
    const payload = { version: 1, bookingId: hold.id, showId: hold.showId, expiresAt: isoTime(hold.expiresAtMs) };
    expect(events).toEqual([expect.objectContaining({ type: 'booking.held', payload })]);
  });

  it('never overwrite a later state: the API may come after the workflow', async () => {
    const hold = someHold();
    await recordBookingStates(test.db, [{ booking: someBooking({ ...hold, status: 'EXPIRED', version: 2 }) }]);
    await insertHeldBookings(test.db, [hold]);
    expect((await findBookings(test.db, [hold.id]))[0]!.status).toBe('EXPIRED');
  });

  it('are found in the order asked for, missing ones as null, doubles twice', async () => {
    const [a, b] = [someHold(), someHold()];
    await insertHeldBookings(test.db, [a, b]);
    const found = await findBookings(test.db, [b.id, 'bkg_none', a.id, b.id]);
    expect(found.map((booking) => booking?.id ?? null)).toEqual([b.id, null, a.id, b.id]);
    expect(await findBookings(test.db, [])).toEqual([]);
  });

  it('a row that Postgres refuses does not fail its neighbours in the batch', async () => {
    const insert = coalesce((batch: Parameters<typeof insertHeldBookings>[1]) => insertHeldBookings(test.db, batch), {
      maxBatch: 50,
      maxQueued: 100,
    });
    const holds = Array.from({ length: 20 }, () => someHold());
    const poisoned = { ...someHold(), fingerprint: 'nul \0 byte' };
    const results = await Promise.allSettled([...holds, poisoned].map(insert));
    expect(results.map((result) => result.status)).toEqual([...holds.map(() => 'fulfilled'), 'rejected']);
    expect(
      (
        await findBookings(
          test.db,
          [...holds, poisoned].map(({ id }) => id),
        )
      ).filter(Boolean),
    ).toHaveLength(20);
  });
});

describe("a user's own bookings", () => {
  it('come newest first, page by page, each once, while new ones arrive', async () => {
    const userId = someId('usr');
    const holds = Array.from({ length: 7 }, (_, index) => someHold({ userId, heldAtMs: 1_000_000 + (index >> 1) }));
    await insertHeldBookings(test.db, [...holds, someHold()]);
    const seen: string[] = [];
    let cursor: string | null | undefined;
    do {
      const page = await listBookingsOfUser(test.db, { userId }, { limit: 3, cursor: cursor ?? undefined });
      seen.push(...page.items.map(({ id }) => id));
      cursor = page.nextCursor;
      await insertHeldBookings(test.db, [someHold({ userId, heldAtMs: 2_000_000 })]);
    } while (cursor !== null);
    const expected = [...holds].sort((a, b) => b.heldAtMs - a.heldAtMs || (a.id < b.id ? 1 : -1));
    expect(seen).toEqual(expected.map(({ id }) => id));
  });

  it('are filtered by status', async () => {
    const userId = someId('usr');
    const expired = someBooking({ userId, status: 'EXPIRED', version: 2 });
    await insertHeldBookings(test.db, [someHold({ userId })]);
    await recordBookingStates(test.db, [{ booking: expired }]);
    const page = await listBookingsOfUser(test.db, { userId, status: 'EXPIRED' }, { limit: 20 });
    expect(page).toEqual({ items: [expired], nextCursor: null });
  });

  it.each(['', 'x', 'W10', Buffer.from('["movies",[0,"a","b"]]').toString('base64url'), '%%%%'])(
    'refuse the cursor %p, which is none of theirs',
    async (cursor) => {
      const page = listBookingsOfUser(test.db, { userId: 'usr_1' }, { limit: 20, cursor });
      await expect(page).rejects.toThrow(InvalidCursorError);
    },
  );
});
