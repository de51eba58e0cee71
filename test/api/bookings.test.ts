import type { BookingBody } from '../../src/contracts/http/bookings.ts';
import { openShow, rowsOfSeats, statusesOf } from '../setup/shows.ts';
import { useTestSystem } from '../setup/system.ts';
import { type ApiClient, eventually, newGuest, newKey } from './http-client.ts';

const system = useTestSystem({ apis: 1, settings: { HOLD_EXTENSIONS_MAX: '1' } });
const url = (): string => system.apiUrls[0]!;
const guest = (): Promise<ApiClient> => newGuest(url());

describe('holding seats', () => {
  test('answers 201 with the booking, its price and where to find it; the row is there', async () => {
    const show = await openShow(system);
    const buyer = await guest();
    const answer = await buyer.hold(show.id, ['A2', 'A1']);
    expect(answer.status).toBe(201);
    expect(answer.headers.get('location')).toBe(`/api/v1/bookings/${answer.body.id}`);
    expect(answer.body).toMatchObject({
      showId: show.id,
      status: 'HELD',
      version: 1,
      bookingNumber: null,
      payment: null,
      refund: null,
      items: [],
      price: { total: { amount: 50_000, currency: 'INR' } },
    });
    expect(answer.body.seats.map(({ id, index }) => [id, index])).toEqual([
      ['A1', 0],
      ['A2', 1],
    ]);
    expect(Date.parse(answer.body.expiresAt!) - Date.parse(answer.body.createdAt)).toBe(30_000);
    expect(await buyer.booking(answer.body.id)).toEqual(answer.body);
    expect(await statusesOf(system, show.id)).toMatch(/^hha+$/);
  });

  test('is refused as a whole when one of the seats is taken, and says which and why', async () => {
    const show = await openShow(system);
    await (await guest()).held(show.id, ['A2']);
    const answer = await (await guest()).hold(show.id, ['A2', 'A3']);
    expect(answer.status).toBe(409);
    expect(answer.body).toMatchObject({
      code: 'SEAT_UNAVAILABLE',
      status: 409,
      type: '/problems/seat-unavailable',
      instance: '/api/v1/bookings',
      conflicts: [{ seatId: 'A2', reason: 'held' }],
    });
    expect(answer.headers.get('content-type')).toContain('application/problem+json');
    expect(await statusesOf(system, show.id)).toMatch(/^aha+$/);
  });

  test('is refused where it would strand a seat', async () => {
    const show = await openShow(system);
    await (await guest()).held(show.id, ['A1']);
    const answer = await (await guest()).hold(show.id, ['A3', 'A4']);
    expect([answer.status, answer.body.code, answer.body.seatIds]).toEqual([422, 'ORPHAN_SEAT', ['A2']]);
  });

  test('takes the best seats side by side, and says when there are none', async () => {
    const show = await openShow(system, { plan: rowsOfSeats(1, 5) });
    const best = { showId: show.id, bestAvailable: { count: 4 } };
    const first = await (await guest()).post<BookingBody>('/bookings', best, { key: newKey() });
    expect(first.status).toBe(201);
    expect(first.body.seats).toHaveLength(4);
    const second = await (await guest()).post('/bookings', best, { key: newKey() });
    expect([second.status, second.body.code]).toEqual([422, 'NO_ADJACENT_SEATS']);
    await (await guest()).post('/bookings', { showId: show.id, bestAvailable: { count: 1 } }, { key: newKey() });
    const third = await (await guest()).post('/bookings', best, { key: newKey() });
    expect([third.status, third.body.code]).toEqual([409, 'SOLD_OUT']);
  });

  test('keeps to the cap per buyer', async () => {
    const show = await openShow(system, { seatsPerBuyerMax: 2 });
    const buyer = await guest();
    await buyer.held(show.id, ['A1', 'A2']);
    const answer = await buyer.hold(show.id, ['B1']);
    expect([answer.status, answer.body.code]).toEqual([422, 'TOO_MANY_SEATS']);
  });

  test('is refused after the sale has closed', async () => {
    const show = await openShow(system, { startsInMs: 1_500 });
    await eventually(
      () => Promise.resolve(Date.now()),
      (nowMs) => nowMs >= show.salesCloseAtMs,
    );
    const answer = await (await guest()).hold(show.id, ['A1']);
    expect([answer.status, answer.body.code]).toEqual([409, 'SALES_CLOSED']);
  });
});

describe('a hold', () => {
  test('is changed to other seats, all or none, and keeps its expiry', async () => {
    const show = await openShow(system);
    const buyer = await guest();
    const booking = await buyer.held(show.id, ['A1', 'A2']);
    await (await guest()).held(show.id, ['C1']);
    const changed = await buyer.send<BookingBody>('PATCH', `/bookings/${booking.id}`, { seatIds: ['A2', 'A3', 'A4'] });
    expect(changed.status).toBe(200);
    expect(changed.body).toMatchObject({ expiresAt: booking.expiresAt, version: 2, status: 'HELD' });
    expect(changed.body.price.total.amount).toBe(75_000);
    expect(changed.body.seats.map(({ id }) => id)).toEqual(['A2', 'A3', 'A4']);
    expect(await buyer.booking(booking.id)).toEqual(changed.body);

    const refused = await buyer.send('PATCH', `/bookings/${booking.id}`, { seatIds: ['A2', 'C1'] });
    expect([refused.status, refused.body.code]).toEqual([409, 'SEAT_UNAVAILABLE']);
    expect(await buyer.booking(booking.id)).toEqual(changed.body);
    expect(await statusesOf(system, show.id)).toMatch(/^ahhha{16}ha+$/);
  });

  test('is extended as often as allowed, then refused', async () => {
    const show = await openShow(system);
    const buyer = await guest();
    const booking = await buyer.held(show.id, ['A1']);
    const extended = await buyer.post<BookingBody>(`/bookings/${booking.id}/extend`);
    expect(extended.status).toBe(200);
    expect(Date.parse(extended.body.expiresAt!)).toBeGreaterThan(Date.parse(booking.expiresAt!));
    expect(await buyer.booking(booking.id)).toEqual(extended.body);
    const again = await buyer.post(`/bookings/${booking.id}/extend`, {});
    expect([again.status, again.body.code]).toEqual([409, 'EXTENSION_LIMIT']);
  });

  test('is released; repeated, the same 200', async () => {
    const show = await openShow(system);
    const buyer = await guest();
    const booking = await buyer.held(show.id, ['A1']);
    const released = await buyer.send<BookingBody>('DELETE', `/bookings/${booking.id}`);
    expect([released.status, released.body.status, released.body.expiresAt]).toEqual([200, 'RELEASED', null]);
    const again = await buyer.send<BookingBody>('DELETE', `/bookings/${booking.id}`);
    expect([again.status, again.body]).toEqual([200, released.body]);
    expect(await statusesOf(system, show.id)).toMatch(/^a+$/);
  });

  test('that has ended cannot be paid, extended or changed', async () => {
    const show = await openShow(system);
    const buyer = await guest();
    const booking = await buyer.held(show.id, ['A1']);
    await buyer.send('DELETE', `/bookings/${booking.id}`);
    const paid = await buyer.pay(booking.id, 'tok_ok');
    expect([paid.status, paid.body.code, paid.body.bookingStatus]).toEqual([409, 'BOOKING_STATE', 'RELEASED']);
    const extended = await buyer.post(`/bookings/${booking.id}/extend`);
    expect([extended.status, extended.body.code]).toEqual([409, 'BOOKING_STATE']);
    const changed = await buyer.send('PATCH', `/bookings/${booking.id}`, { seatIds: ['A2'] });
    expect([changed.status, changed.body.code]).toEqual([409, 'BOOKING_STATE']);
  });

  test('of someone else is not there, for any call', async () => {
    const show = await openShow(system);
    const booking = await (await guest()).held(show.id, ['A1']);
    const other = await guest();
    const calls = [
      other.get(`/bookings/${booking.id}`),
      other.send('PATCH', `/bookings/${booking.id}`, { seatIds: ['A2'] }),
      other.send('DELETE', `/bookings/${booking.id}`),
      other.post(`/bookings/${booking.id}/extend`),
      other.pay(booking.id, 'tok_ok'),
      other.get(`/bookings/${booking.id}/payment`),
    ];
    for (const { status, body } of await Promise.all(calls)) expect([status, body.code]).toEqual([404, 'NOT_FOUND']);
    expect(await statusesOf(system, show.id)).toMatch(/^ha+$/);
  });
});

describe('the list of bookings', () => {
  test("has the caller's own, newest first, page by page and by status", async () => {
    const show = await openShow(system);
    const buyer = await guest();
    const made: string[] = [];
    for (const seat of ['A1', 'B1', 'C1']) made.unshift((await buyer.held(show.id, [seat])).id);
    await buyer.send('DELETE', `/bookings/${made[1]}`);
    const first = await buyer.get<{ items: BookingBody[]; nextCursor: string }>('/bookings?limit=2');
    const second = await buyer.get<{ items: BookingBody[]; nextCursor: null }>(
      `/bookings?limit=2&cursor=${first.body.nextCursor}`,
    );
    expect([...first.body.items, ...second.body.items].map(({ id }) => id)).toEqual(made);
    expect(second.body.nextCursor).toBeNull();
    const held = await buyer.get<{ items: BookingBody[] }>('/bookings?status=HELD');
    expect(held.body.items.map(({ id }) => id)).toEqual([made[0], made[2]]);
  });
});
