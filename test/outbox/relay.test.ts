import { setTimeout } from 'node:timers/promises';
import fc from 'fast-check';
import { sql } from 'kysely';
import pg from 'pg';
import { type OutboxConsumer, type OutboxEvent, UndeliverableEventError } from '../../src/contracts/events.ts';
import type { OutboxRelay } from '../../src/outbox/relay.ts';
import { findParked, listParked, resendParked } from '../../src/read-model/outbox.ts';
import { eventually } from '../setup/eventually.ts';
import { markSent } from '../../src/read-model/notifications.ts';
import { useTestDatabase } from '../setup/postgres.ts';
import { someId } from '../read-model/bookings-of-tests.ts';
import { plainEvent, startRelay, waiting, writeEvents } from './relays-of-tests.ts';

const test = useTestDatabase();
let running: OutboxRelay[] = [];
const start = (...options: Parameters<typeof startRelay> extends [string, ...infer Rest] ? Rest : never) => {
  const relay = startRelay(test.url, ...options);
  running.push(relay);
  return relay;
};
afterEach(async () => {
  await Promise.all(running.map((relay) => relay.stop(1_000)));
  running = [];
  await sql`truncate outbox, outbox_deliveries, outbox_parked`.execute(test.db);
});

/** A consumer that notes what it has accepted. */
function recorder(name = 'recorder', before: (event: OutboxEvent) => unknown = () => undefined) {
  const accepted: OutboxEvent[] = [];
  const consumer: OutboxConsumer = {
    name,
    handle: async (event) => {
      await before(event);
      accepted.push(event);
    },
  };
  return { consumer, accepted, ids: () => accepted.map(({ id }) => id) };
}

const bookings = (count: number) => Array.from({ length: count }, () => someId('bkg'));

describe('the relay', () => {
  it('gives every consumer every event, and keeps nothing of it', async () => {
    const [a, b] = [recorder('a'), recorder('b')];
    start([a.consumer, b.consumer]);
    const [bookingId] = bookings(1);
    const [id] = await writeEvents(test.db, [{ bookingId: bookingId! }]);
    await eventually(() => expect([a.ids(), b.ids()]).toEqual([[id], [id]]));
    const { type, version, payload } = a.accepted[0]!;
    expect({ type, version, payload }).toEqual({
      type: 'booking.confirmed',
      version: 1,
      payload: { bookingId, showId: 'shw_1' },
    });
    await eventually(async () => expect(await waiting(test.db)).toEqual([]));
  });

  it('gives a consumer only the types that it asks for', async () => {
    const { consumer, accepted } = recorder();
    start([{ ...consumer, types: ['booking.expired'] }]);
    const [bookingId] = bookings(1);
    await writeEvents(test.db, [
      { bookingId: bookingId! },
      { bookingId: bookingId!, event: plainEvent(bookingId!, 'booking.expired') },
    ]);
    await eventually(() => expect(accepted.map(({ type }) => type)).toEqual(['booking.expired']));
  });

  it('keeps the order of each booking, whatever fails: an event comes after the one before was accepted or parked', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.record({ booking: fc.nat(3), failures: fc.nat(5) }), { minLength: 1, maxLength: 25 }),
        async (plan) => {
          const ids = bookings(4);
          const failuresLeft = new Map<number, number>();
          const tried: OutboxEvent[] = [];
          const { consumer, accepted } = recorder('ordered', (event) => {
            tried.push(event);
            const left = failuresLeft.get(event.id) ?? 0;
            failuresLeft.set(event.id, left - 1);
            if (left > 0) throw new Error('not now');
          });
          const written = await writeEvents(
            test.db,
            plan.map(({ booking }) => ({ bookingId: ids[booking]! })),
          );
          plan.forEach(({ failures }, index) => failuresLeft.set(written[index]!, failures));
          const relay = startRelay(test.url, [consumer], { triesMax: 5, pauseMs: 1 });
          await eventually(async () => {
            const { items } = await listParked(test.db, {}, { limit: 100 });
            expect(accepted.length + items.length).toBe(plan.length);
            expect(await waiting(test.db)).toEqual([]);
          });
          await relay.stop(1_000);
          for (const bookingId of ids) {
            const order = tried.filter((event) => event.bookingId === bookingId).map(({ id }) => id);
            expect(order).toEqual(order.toSorted((x, y) => x - y));
          }
          const parked = (await listParked(test.db, {}, { limit: 100 })).items.map(({ eventId }) => eventId);
          expect(parked.toSorted()).toEqual(written.filter((_, index) => plan[index]!.failures >= 5).toSorted());
          await sql`truncate outbox, outbox_deliveries, outbox_parked`.execute(test.db);
        },
      ),
      { numRuns: 15 },
    );
  }, 60_000);

  it('skips no event whose transaction commits after those of higher ids', async () => {
    const { consumer, ids } = recorder();
    start([consumer]);
    const late = new pg.Client({ connectionString: test.url });
    await late.connect();
    await late.query('begin');
    const { rows } = await late.query<{ id: string }>(
      `insert into outbox (booking_id, type, payload) values ('bkg_late', 'booking.confirmed', '{"bookingId":"bkg_late","showId":"s"}') returning id`,
    );
    const lateId = Number(rows[0]!.id);
    const [early] = await writeEvents(test.db, [{ bookingId: 'bkg_early' }]);
    expect(early).toBeGreaterThan(lateId);
    await eventually(() => expect(ids()).toEqual([early]));
    await late.query('commit');
    await late.end();
    await eventually(() => expect(ids()).toEqual([early, lateId]));
  });

  it('lets no consumer, and no booking, wait for another that fails or hangs', async () => {
    const healthy = recorder('healthy');
    const [stuck, fine] = bookings(2);
    const sick = recorder('sick', ({ bookingId }) => (bookingId === stuck ? new Promise(() => undefined) : undefined));
    start([healthy.consumer, sick.consumer]);
    await writeEvents(test.db, [{ bookingId: stuck! }, { bookingId: stuck! }, { bookingId: fine! }]);
    await eventually(() => expect(healthy.accepted).toHaveLength(3));
    await eventually(() => expect(sick.accepted.map(({ bookingId }) => bookingId)).toEqual([fine]));
  });

  it('parks what fails again and again, goes on behind it, and delivers it when it is sent again', async () => {
    let isBroken = true;
    const [bookingId] = bookings(1);
    const written = await writeEvents(test.db, [{ bookingId: bookingId! }, { bookingId: bookingId! }]);
    const { consumer, ids } = recorder('fragile', ({ id }) => {
      if (isBroken && id === written[0]) throw new Error('no such \0 template');
    });
    start([consumer], { triesMax: 3 });
    await eventually(() => expect(ids()).toEqual([written[1]]));
    const { items } = await listParked(test.db, { queue: 'fragile' }, { limit: 10 });
    expect(items).toEqual([
      expect.objectContaining({ eventId: written[0], tries: 3, lastError: 'no such \u{FFFD} template', bookingId }),
    ]);
    isBroken = false;
    expect(await resendParked(test.db, { id: items[0]!.id })).toBe(1);
    expect(await resendParked(test.db, { id: items[0]!.id })).toBe(0);
    await eventually(() => expect(ids()).toEqual([written[1], written[0]]));
    expect(await findParked(test.db, items[0]!.id)).toBeNull();
  });

  it('parks at once what no consumer can read, and what a consumer calls undeliverable', async () => {
    const [bookingId] = bookings(1);
    const { consumer, accepted } = recorder('strict', ({ type }) => {
      if (type === 'booking.expired') throw new UndeliverableEventError('nobody to tell');
    });
    start([consumer]);
    await writeEvents(test.db, [
      { bookingId: bookingId!, event: { type: 'booking.eaten', payload: {} } },
      { bookingId: bookingId!, event: { type: 'booking.confirmed', payload: { showId: 7 } } },
      { bookingId: bookingId!, event: plainEvent(bookingId!, 'booking.expired') },
      { bookingId: bookingId!, event: plainEvent(bookingId!, 'booking.released') },
    ]);
    await eventually(() => expect(accepted.map(({ type }) => type)).toEqual(['booking.released']));
    const { items } = await listParked(test.db, {}, { limit: 10 });
    expect(items.map(({ tries, lastError }) => [tries, lastError.split('\n')[0]])).toEqual([
      [1, 'no event is called booking.eaten'],
      [1, expect.stringContaining('the payload of a booking.confirmed is wrong')],
      [1, 'nobody to tell'],
    ]);
  });

  it('sends all that is parked again, of one queue or of all', async () => {
    let isBroken = true;
    const broken = () => {
      if (isBroken) throw new UndeliverableEventError('down');
    };
    const [a, b] = [recorder('a', broken), recorder('b', broken)];
    start([a.consumer, b.consumer]);
    await writeEvents(
      test.db,
      bookings(3).map((bookingId) => ({ bookingId })),
    );
    const parked = async () => (await listParked(test.db, {}, { limit: 100 })).items.length;
    await eventually(async () => expect(await parked()).toBe(6));
    isBroken = false;
    expect(await resendParked(test.db, { queue: 'a', limit: 2 })).toBe(2);
    expect(await resendParked(test.db, { limit: 100 })).toBe(4);
    await eventually(() => expect([a.accepted.length, b.accepted.length]).toEqual([3, 3]));
  });

  it('shares the bookings among processes, and each event goes to one of them', async () => {
    const [first, second] = [recorder(), recorder()];
    const one = start([first.consumer]);
    await eventually(() => expect(one.lanes).toBe(64));
    const two = start([second.consumer]);
    await eventually(() => expect([one.lanes, two.lanes]).toEqual([32, 32]), 20_000);
    const written = await writeEvents(
      test.db,
      bookings(200).map((bookingId) => ({ bookingId })),
    );
    await eventually(() => expect([...first.ids(), ...second.ids()].toSorted((x, y) => x - y)).toEqual(written));
    expect(Math.min(first.accepted.length, second.accepted.length)).toBeGreaterThan(50);
    await two.stop(1_000);
    await eventually(() => expect(one.lanes).toBe(64), 5_000);
  }, 40_000);

  it('keeps the order of each booking while its share moves from one process to another and back', async () => {
    const ids = bookings(60);
    const accepted: OutboxEvent[] = [];
    const consumer: OutboxConsumer = {
      name: 'moving',
      handle: async (event) => {
        await setTimeout(Math.random() * 5);
        accepted.push(event);
      },
    };
    const one = start([consumer]);
    const written: number[] = [];
    const tellAll = async () =>
      written.push(
        ...(await writeEvents(
          test.db,
          ids.map((bookingId) => ({ bookingId })),
        )),
      );
    for (let round = 0; round < 2; round++) {
      const two = start([consumer]);
      await eventually(async () => {
        await tellAll();
        expect([one.lanes, two.lanes]).toEqual([32, 32]);
      }, 20_000);
      // Past its time it gives up what is under way, and the other one gives it again: it has the ten seconds of a process.
      const stopped = two.stop(10_000);
      await tellAll();
      await stopped;
    }
    await eventually(() => expect(accepted.map(({ id }) => id).toSorted((x, y) => x - y)).toEqual(written), 20_000);
    for (const bookingId of ids) {
      const order = accepted.filter((event) => event.bookingId === bookingId).map(({ id }) => id);
      expect(order).toEqual(order.toSorted((x, y) => x - y));
    }
  }, 60_000);

  it('goes on after it has lost its connection', async () => {
    const { consumer, ids } = recorder();
    start([consumer]);
    const [first] = await writeEvents(test.db, [{ bookingId: 'bkg_1' }]);
    await eventually(() => expect(ids()).toEqual([first]));
    await sql`select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'seatkeeper outbox relay'
      and datname = current_database()`.execute(test.db);
    const [second] = await writeEvents(test.db, [{ bookingId: 'bkg_1' }]);
    await eventually(() => expect(ids().at(-1)).toBe(second));
  });

  it('deletes what everybody has had when its time is over, and nothing that somebody waits for', async () => {
    const isDown = ({ bookingId }: OutboxEvent) => {
      if (bookingId === 'bkg_parked') throw new UndeliverableEventError('never');
      if (bookingId === 'bkg_waiting') throw new Error('later');
    };
    const { consumer, accepted } = recorder('picky', isDown);
    const relay = start([consumer], { retentionMs: 0, triesMax: 1_000, pauseMs: 200 });
    await writeEvents(
      test.db,
      ['bkg_done', 'bkg_parked', 'bkg_waiting', 'bkg_done'].map((bookingId) => ({ bookingId })),
    );
    await eventually(() => expect(accepted).toHaveLength(2));
    await eventually(async () => {
      await relay.purge();
      const left = await test.db.selectFrom('outbox').select('booking_id').orderBy('id').execute();
      expect(left.map((row) => row.booking_id)).toEqual(['bkg_parked', 'bkg_waiting']);
    });
  });

  it('deletes with an event the notes of who was told of it', async () => {
    const { consumer, accepted } = recorder('picky', ({ bookingId }) => {
      if (bookingId === 'bkg_parked') throw new UndeliverableEventError('never');
    });
    const relay = start([consumer], { retentionMs: 0 });
    const written = await writeEvents(
      test.db,
      ['bkg_done', 'bkg_parked'].map((bookingId) => ({ bookingId })),
    );
    for (const eventId of written) await markSent(test.db, { eventId, channel: 'email', userId: 'usr_1' });
    await eventually(() => expect(accepted).toHaveLength(1));
    await eventually(async () => {
      await relay.purge();
      const left = await test.db.selectFrom('notifications_sent').select('event_id').execute();
      expect(left.map((row) => row.event_id)).toEqual([written[1]]);
    });
  });

  it('spends less than half a millisecond of a core on an event for two consumers: a thousand a second are little', async () => {
    const [a, b] = [recorder('a'), recorder('b')];
    const events = bookings(1_500).flatMap((bookingId) => [{ bookingId }, { bookingId }]);
    start([a.consumer, b.consumer]);
    const spentMs: number[] = [];
    // The best of three: the use is that of the whole process, which at first compiles, and may do other things besides.
    for (const given of [3_000, 6_000, 9_000]) {
      const before = process.cpuUsage();
      await writeEvents(test.db, events);
      await eventually(() => expect([a.accepted.length, b.accepted.length]).toEqual([given, given]), 20_000);
      const { user, system } = process.cpuUsage(before);
      spentMs.push((user + system) / 1_000);
    }
    expect(Math.min(...spentMs) / events.length).toBeLessThan(0.5);
  }, 60_000);
});
