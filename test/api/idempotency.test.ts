import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { BookingBody } from '../../src/contracts/http/bookings.ts';
import type { SessionBody } from '../../src/contracts/http/accounts.ts';
import { createBatches } from '../../src/api/batches.ts';
import { netCaptured, openShow, rowsOfSeats, statusesOf } from '../setup/shows.ts';
import { useTestSystem } from '../setup/system.ts';
import { deskOf } from './desk-of-tests.ts';
import { ApiClient, eventually, newGuest, newKey, staff } from './http-client.ts';

const faultsDir = mkdtempSync(join(tmpdir(), 'seatkeeper-faults-'));
const system = useTestSystem({
  apis: 2,
  apiEntry: 'test/api/mortal-api.ts',
  settings: { FAULTS_DIR: faultsDir },
});
afterAll(() => rmSync(faultsDir, { recursive: true }));
const url = (api = 0): string => system.apiUrls[api]!;

const rowsOfUser = (userId: string) =>
  system.db.selectFrom('bookings').select(['id', 'show_id', 'status']).where('user_id', '=', userId).execute();

/** The same request at both processes, several times at once. */
const stampede = <T>(buyer: ApiClient, send: (buyer: ApiClient) => Promise<T>, times = 8): Promise<T[]> =>
  Promise.all(Array.from({ length: times }, (_, n) => send(buyer.at(url(n % 2)))));

describe('one key, one booking', () => {
  test('sent many times at once, to several processes: one hold, one row, one answer', async () => {
    const show = await openShow(system);
    const buyer = await newGuest(url());
    const key = newKey();
    const answers = await stampede(buyer, (at) => at.hold(show.id, ['A1', 'A2'], key), 16);
    expect(new Set(answers.map(({ status, body }) => JSON.stringify([status, body]))).size).toBe(1);
    expect(answers[0]).toMatchObject({ status: 201, body: { status: 'HELD' } });
    expect(await rowsOfUser(buyer.userId!)).toHaveLength(1);
    expect(await statusesOf(system, show.id)).toMatch(/^hha+$/);
  });

  test('repeated after everything has changed: the booking as it was created', async () => {
    const show = await openShow(system);
    const buyer = await newGuest(url());
    const key = newKey();
    const first = await buyer.hold(show.id, ['A1', 'A2'], key);
    await buyer.send('PATCH', `/bookings/${first.body.id}`, { seatIds: ['B1'] });
    await buyer.post(`/bookings/${first.body.id}/extend`);
    expect((await buyer.pay(first.body.id, 'tok_ok')).status).toBe(200);
    const again = await buyer.at(url(1)).hold(show.id, ['A1', 'A2'], key);
    expect([again.status, again.headers.get('idempotent-replayed')]).toEqual([201, 'true']);
    expect(again.body).toEqual(first.body);
    expect(again.headers.get('location')).toBe(first.headers.get('location'));
    expect((await buyer.booking(first.body.id)).seats.map(({ id }) => id)).toEqual(['B1']);
  });

  test('with another body is refused, even while the first is running, and grants nothing more', async () => {
    const show = await openShow(system);
    const buyer = await newGuest(url());
    const key = newKey();
    expect((await buyer.hold(show.id, ['A1'], key)).status).toBe(201);
    const other = await buyer.hold(show.id, ['B1'], key);
    expect([other.status, other.body.code]).toEqual([422, 'IDEMPOTENCY_KEY_REUSED']);

    const racing = newKey();
    const answers = await Promise.all(
      ['C1', 'D1', 'E1'].map((seat, n) => buyer.at(url(n % 2)).hold(show.id, [seat], racing)),
    );
    expect(answers.map(({ status }) => status).sort()).toEqual([201, 422, 422]);
    expect((await statusesOf(system, show.id)).match(/h/g)).toHaveLength(2);
  });

  test('used for two shows at once: one booking, and the other show keeps its seats', async () => {
    const plan = rowsOfSeats(1, 10);
    for (let round = 0; round < 5; round++) {
      const shows = await Promise.all([openShow(system, { plan }), openShow(system, { plan })]);
      const buyer = await newGuest(url());
      const key = newKey();
      const answers = await Promise.all(shows.map((show, n) => buyer.at(url(n)).hold(show.id, ['A1', 'A2'], key)));
      expect(answers.map(({ status }) => status).sort()).toEqual([201, 422]);
      const won = answers.findIndex(({ status }) => status === 201);
      const rows = await rowsOfUser(buyer.userId!);
      expect(rows).toMatchObject([{ id: answers[won]!.body.id, show_id: shows[won]!.id }]);
      expect(await statusesOf(system, shows[won]!.id)).toMatch(/^hha+$/);
      expect(await statusesOf(system, shows[1 - won]!.id)).toMatch(/^a+$/);
      const paid = await buyer.pay(answers[won]!.body.id, 'tok_ok');
      expect([paid.status, paid.body.showId]).toEqual([200, shows[won]!.id]);
      expect(await statusesOf(system, shows[won]!.id)).toMatch(/^bba+$/);
    }
  }, 60_000);

  test('that was refused may try again', async () => {
    const show = await openShow(system);
    const [first, second] = [await newGuest(url()), await newGuest(url())];
    const blocking = await first.held(show.id, ['A1']);
    const key = newKey();
    expect((await second.hold(show.id, ['A1'], key)).status).toBe(409);
    await first.send('DELETE', `/bookings/${blocking.id}`);
    const again = await second.hold(show.id, ['A1'], key);
    expect([again.status, again.headers.get('idempotent-replayed')]).toEqual([201, null]);
  });

  test('belongs to its caller: another one gets another booking', async () => {
    const show = await openShow(system);
    const key = newKey();
    const [one, two] = await Promise.all([newGuest(url()), newGuest(url())]);
    const answers = [await one.hold(show.id, ['A1'], key), await two.hold(show.id, ['B1'], key)];
    expect(answers.map(({ status }) => status)).toEqual([201, 201]);
    expect(answers[0]!.body.id).not.toBe(answers[1]!.body.id);
  });
});

/** Sends a request to the first process, where it stands still at that point until what else is done has been done. */
async function whileStandingAt<T>(
  point: string,
  send: () => Promise<T>,
  meanwhile: () => Promise<unknown>,
): Promise<T> {
  writeFileSync(join(faultsDir, `stand-${point}`), '');
  const answer = send();
  const standing = join(faultsDir, `standing-${point}`);
  await eventually(
    () => Promise.resolve(existsSync(standing)),
    (isThere) => isThere,
  );
  await meanwhile();
  rmSync(standing);
  return answer;
}

describe('a request that another one overtakes', () => {
  test('a payment names the seats that it bought: changed meanwhile for others at the same price', async () => {
    const show = await openShow(system);
    const buyer = await newGuest(url());
    const booking = await buyer.held(show.id, ['A1']);
    const paid = await whileStandingAt(
      'before-pay',
      () => buyer.pay(booking.id, 'tok_ok'),
      () => buyer.at(url(1)).send('PATCH', `/bookings/${booking.id}`, { seatIds: ['B1'] }),
    );
    expect([paid.status, paid.body.seats.map(({ id }) => id)]).toEqual([200, ['B1']]);
    expect(paid.body).toEqual(await buyer.booking(booking.id));
    expect(await netCaptured(system, booking.id)).toBe(25_000);
  });

  test('a payment of another price than the buyer saw is refused, and its attempt ends', async () => {
    const show = await openShow(system);
    const buyer = await newGuest(url());
    const booking = await buyer.held(show.id, ['A1']);
    const key = newKey();
    const paid = await whileStandingAt(
      'before-pay',
      () => buyer.pay(booking.id, 'tok_ok', key),
      () => buyer.at(url(1)).send('PATCH', `/bookings/${booking.id}`, { seatIds: ['A1', 'A2'] }),
    );
    expect([paid.status, paid.body.code, paid.body.bookingStatus]).toEqual([409, 'BOOKING_STATE', 'HELD']);
    const { attempts } = await buyer.payment(booking.id);
    expect(attempts).toMatchObject([{ status: 'FAILED', failureReason: 'BOOKING_STATE' }]);
    expect((await buyer.pay(booking.id, 'tok_ok')).body).toMatchObject({ price: { total: { amount: 50_000 } } });
    expect(await netCaptured(system, booking.id)).toBe(50_000);
  });

  test('a refused payment stays refused for its key, even where the answer was not remembered', async () => {
    const show = await openShow(system);
    const buyer = await newGuest(url());
    const booking = await buyer.held(show.id, ['A1']);
    const key = newKey();
    await whileStandingAt(
      'before-pay',
      () => buyer.pay(booking.id, 'tok_ok', key),
      () => buyer.at(url(1)).send('PATCH', `/bookings/${booking.id}`, { seatIds: ['A1', 'A2'] }),
    );
    await system.db.deleteFrom('idempotency_answers').where('key', '=', key).execute();
    const again = await buyer.at(url(1)).pay(booking.id, 'tok_ok', key);
    expect([again.status, again.body.code]).toEqual([409, 'BOOKING_STATE']);
    expect(await netCaptured(system, booking.id)).toBe(0);
  });

  test('an extension names the seats that the hold has: changed meanwhile', async () => {
    const show = await openShow(system);
    const buyer = await newGuest(url());
    const booking = await buyer.held(show.id, ['A1']);
    const extended = await whileStandingAt(
      'before-extend',
      () => buyer.post<BookingBody>(`/bookings/${booking.id}/extend`),
      () => buyer.at(url(1)).send('PATCH', `/bookings/${booking.id}`, { seatIds: ['B1', 'B2'] }),
    );
    expect(extended.status).toBe(200);
    expect(extended.body).toEqual(await buyer.booking(booking.id));
  });

  test('a hold that its own repeat has made and paid meanwhile gets the booking as it was created', async () => {
    const show = await openShow(system);
    const buyer = await newGuest(url());
    const key = newKey();
    const first = await whileStandingAt(
      'before-seatCommand',
      () => buyer.hold(show.id, ['A1'], key),
      async () => {
        const { body } = await buyer.at(url(1)).hold(show.id, ['A1'], key);
        expect((await buyer.at(url(1)).pay(body.id, 'tok_ok')).status).toBe(200);
      },
    );
    expect([first.status, first.body.status, first.body.version]).toEqual([201, 'HELD', 1]);
    expect(first.headers.get('idempotent-replayed')).toBe('true');
    expect(await rowsOfUser(buyer.userId!)).toHaveLength(1);
    expect(await statusesOf(system, show.id)).toMatch(/^ba+$/);
  });
});

test('seats seen booked by the time its row had been looked for may be its own', async () => {
  const show = await openShow(system);
  const buyer = await newGuest(url());
  const key = newKey();
  let seen = { statuses: 'a'.repeat(50) };
  const batches = createBatches(system.db);
  let looks = 0;
  const desk = deskOf(system, {
    batches: {
      ...batches,
      findBooking: async (id) => {
        const found = await batches.findBooking(id);
        if (looks++ > 0) return found;
        const { body } = await buyer.hold(show.id, ['A1'], key);
        expect((await buyer.pay(body.id, 'tok_ok')).status).toBe(200);
        seen = { statuses: `b${'a'.repeat(49)}` };
        return found;
      },
    },
    seatMaps: { glance: () => seen },
  });
  const answer = await desk.book(buyer.userId!, key, { showId: show.id, seatIds: ['A1'] });
  expect(answer).toMatchObject({ status: 201, headers: { 'Idempotent-Replayed': 'true' }, body: { status: 'HELD' } });
});

/** The first process dies at that point of the request; the second one is there for the repeat. */
async function dyingAt(point: string, send: () => Promise<unknown>): Promise<void> {
  writeFileSync(join(faultsDir, point), '');
  await expect(send()).rejects.toThrow('fetch failed');
  await system.apis[0]!.exited();
}

describe('the API dies', () => {
  afterEach(async () => {
    await system.apis[0]!.start();
  }, 30_000);

  test.each([['before-startBooking'], ['after-startBooking'], ['after-seatCommand']])(
    '%s: the same request, repeated, gets its booking',
    async (point) => {
      const show = await openShow(system);
      const buyer = await newGuest(url());
      const key = newKey();
      await dyingAt(point, () => buyer.hold(show.id, ['A1', 'A2'], key));
      const again = await buyer.at(url(1)).hold(show.id, ['A1', 'A2'], key);
      expect(again.status).toBe(201);
      expect(await statusesOf(system, show.id)).toMatch(/^hha+$/);
      expect(await rowsOfUser(buyer.userId!)).toMatchObject([{ id: again.body.id, status: 'HELD' }]);
      expect((await buyer.at(url(1)).pay(again.body.id, 'tok_ok')).status).toBe(200);
    },
    30_000,
  );

  test.each([['before-pay'], ['after-pay']])(
    '%s: the same payment, repeated, is made once',
    async (point) => {
      const show = await openShow(system);
      const buyer = await newGuest(url());
      const booking = await buyer.held(show.id, ['A1']);
      const key = newKey();
      await dyingAt(point, () => buyer.pay(booking.id, 'tok_ok', key));
      const again = await buyer.at(url(1)).pay(booking.id, 'tok_ok', key);
      expect([again.status, again.body.status]).toEqual([200, 'CONFIRMED']);
      expect((await buyer.at(url(1)).payment(booking.id)).attempts).toMatchObject([{ status: 'SUCCEEDED' }]);
      expect(await netCaptured(system, booking.id)).toBe(25_000);
    },
    30_000,
  );

  test('with a declined payment answered but not remembered: repeated, declined again', async () => {
    const show = await openShow(system);
    const buyer = await newGuest(url());
    const booking = await buyer.held(show.id, ['A1']);
    const key = newKey();
    await dyingAt('after-pay', () => buyer.pay(booking.id, 'tok_declined', key));
    const again = await buyer.at(url(1)).pay(booking.id, 'tok_declined', key);
    expect([again.status, again.body.code]).toEqual([402, 'PAYMENT_DECLINED']);
    expect((await buyer.at(url(1)).payment(booking.id)).attempts).toHaveLength(1);
  }, 30_000);
});

describe('a hold whose time is over', () => {
  const HOLD_TTL_SECONDS = '5';

  beforeEach(async () => {
    await system.apis[0]!.kill();
    await system.apis[0]!.start({ HOLD_TTL_SECONDS });
  }, 30_000);

  afterAll(async () => {
    await system.apis[0]!.kill();
    await system.apis[0]!.start();
  }, 30_000);

  test('repeated after it has expired: the old booking, and no seats', async () => {
    const show = await openShow(system);
    const buyer = await newGuest(url());
    const key = newKey();
    const first = await buyer.hold(show.id, ['A1'], key);
    await eventually(
      () => buyer.booking(first.body.id),
      ({ status }) => status === 'EXPIRED',
    );
    const again = await buyer.hold(show.id, ['A1'], key);
    expect([again.status, again.body]).toEqual([201, first.body]);
    const path = `/bookings/${first.body.id}`;
    for (const { status, body } of [
      await buyer.send('DELETE', path),
      await buyer.send('PATCH', path, { seatIds: ['A2'] }),
      await buyer.post(`${path}/extend`),
      await buyer.pay(first.body.id, 'tok_ok'),
    ]) {
      expect([status, body.code]).toEqual([410, 'HOLD_EXPIRED']);
    }
    expect(await statusesOf(system, show.id)).toMatch(/^a+$/);
  }, 20_000);

  test.each([['after-seatCommand'], ['after-startBooking']])(
    'the API dies %s and nobody repeats it: the seats come back, and a late repeat does not win them',
    async (point) => {
      const show = await openShow(system);
      const buyer = await newGuest(url());
      const key = newKey();
      await dyingAt(point, () => buyer.hold(show.id, ['A1'], key));
      const survivor = buyer.at(url(1));
      await eventually(
        () => statusesOf(system, show.id),
        (statuses) => /^a+$/.test(statuses),
      );
      const late = await survivor.hold(show.id, ['A1'], key);
      expect(late).toMatchObject({ status: 201, body: { status: 'HELD', version: 1 } });
      expect(Date.parse(late.body.expiresAt!)).toBeLessThan(Date.now());
      await eventually(
        () => survivor.booking(late.body.id),
        ({ status }) => status === 'EXPIRED',
      );
      expect(await statusesOf(system, show.id)).toMatch(/^a+$/);
      expect((await survivor.pay(late.body.id, 'tok_ok')).body.code).toBe('HOLD_EXPIRED');
    },
    30_000,
  );
});

describe('other calls with a key', () => {
  test('an extension is made once', async () => {
    const show = await openShow(system);
    const buyer = await newGuest(url());
    const booking = await buyer.held(show.id, ['A1']);
    const key = newKey();
    const extend = (at: ApiClient) => at.post<BookingBody>(`/bookings/${booking.id}/extend`, {}, { key });
    const answers = await stampede(buyer, extend);
    expect(new Set(answers.map(({ status, body }) => JSON.stringify([status, body]))).size).toBe(1);
    expect(answers[0]).toMatchObject({ status: 200, body: { version: 2 } });
    expect(await buyer.booking(booking.id)).toEqual(answers[0]!.body);
  });

  test('a guest is made once, and gets the same tokens; they are stored nowhere', async () => {
    const key = newKey();
    const anyone = new ApiClient(url());
    const make = (at: ApiClient) => at.post<SessionBody>('/auth/guest', { email: `${key}@example.org` }, { key });
    const answers = await stampede(anyone, make);
    expect(answers.map(({ status }) => status)).toEqual(Array(8).fill(201));
    expect(new Set(answers.map(({ body }) => JSON.stringify(body))).size).toBe(1);
    const { user, accessToken, refreshToken } = answers[0]!.body;
    const users = await system.db.selectFrom('users').select('id').where('email', '=', `${key}@example.org`).execute();
    expect(users).toEqual([{ id: user.id }]);
    const kept = await system.db.selectFrom('idempotency_answers').select('body').where('key', '=', key).execute();
    expect(JSON.stringify(kept)).not.toContain(accessToken);
    expect(JSON.stringify(kept)).not.toContain(refreshToken);
    const other = await anyone.post('/auth/guest', { phone: '+919876543210' }, { key });
    expect([other.status, other.body.code]).toEqual([422, 'IDEMPOTENCY_KEY_REUSED']);
  });

  test('a theatre is made once, whichever process is asked', async () => {
    const admin = await staff(url());
    const { city_id: cityId } = await system.db
      .selectFrom('theatres')
      .select('city_id')
      .limit(1)
      .executeTakeFirstOrThrow();
    const key = newKey();
    const body = { cityId, name: `Theatre ${key}` };
    const answers = await stampede(admin, (at) => at.post<{ id: string }>('/admin/theatres', body, { key }));
    expect(answers.map(({ status }) => status)).toEqual(Array(8).fill(201));
    expect(new Set(answers.map(({ body: made }) => made.id)).size).toBe(1);
    const made = await system.db.selectFrom('theatres').select('id').where('name', '=', body.name).execute();
    expect(made).toHaveLength(1);
  });

  test('a refusal is remembered', async () => {
    const admin = await staff(url());
    const key = newKey();
    const body = { cityId: 'cit_unknown', name: 'Nowhere' };
    const first = await admin.post('/admin/theatres', body, { key });
    const again = await admin.at(url(1)).post('/admin/theatres', body, { key });
    expect([first.status, first.headers.get('idempotent-replayed')]).toEqual([404, null]);
    expect([again.status, again.headers.get('idempotent-replayed')]).toEqual([404, 'true']);
    expect(again.body).toEqual(first.body);
  });
});
