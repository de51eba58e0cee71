import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { httpFront } from '../../bench/peers/http-front.ts';
import { Overloaded, type SeatSeller } from '../../bench/peers/peer.ts';

/** Has one seat, number 7, and is overloaded when it is asked for number 9. */
const seller: SeatSeller = {
  openShow: () => Promise.resolve(),
  settle: () => Promise.resolve(),
  hold: ({ seats }) => {
    if (seats.includes(9)) return Promise.reject(new Overloaded());
    return Promise.resolve(seats.every((seat) => seat === 7) ? 'show.1' : null);
  },
  pay: (bookingId) => Promise.resolve(bookingId === 'show.1'),
  confirmedBookings: () => Promise.resolve([{ bookingId: 'show.1', showId: 'show', seats: [7] }]),
};
const card = { method: 'card', token: 'tok_ok' };

describe('the HTTP front of peers', () => {
  const server = httpFront(seller);
  let origin: string;
  beforeAll(async () => {
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterAll(() => server.close());

  const post = (path: string, body: unknown) =>
    fetch(`${origin}${path}`, { method: 'POST', body: typeof body === 'string' ? body : JSON.stringify(body) });
  const hold = (...seats: number[]) => post('/holds', { showId: 'show', seats, buyer: 'buyer-1' });

  it('holds, refuses what is taken, and pays', async () => {
    const held = await hold(7);
    expect([held.status, await held.json()]).toEqual([201, { bookingId: 'show.1', status: 'HELD' }]);
    expect((await hold(8)).status).toBe(409);
    const paid = await post('/bookings/show.1/payment', card);
    expect([paid.status, await paid.json()]).toEqual([200, { bookingId: 'show.1', status: 'CONFIRMED' }]);
    expect((await post('/bookings/show.2/payment', card)).status).toBe(410);
  });

  it('opens shows, settles, and tells what is confirmed', async () => {
    expect((await post('/shows', { showId: 'show', seats: 10 })).status).toBe(201);
    expect((await post('/settled', {})).status).toBe(200);
    expect(await (await fetch(`${origin}/confirmed-bookings`)).json()).toHaveLength(1);
  });

  it('says when to come again where it is overloaded', async () => {
    const refused = await hold(9);
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([503, '1']);
  });

  it('refuses what it does not understand', async () => {
    expect((await hold(7, 7)).status).toBe(400);
    expect((await post('/holds', 'no JSON')).status).toBe(400);
    expect((await post('/holds', 'x'.repeat(300_000))).status).toBe(400);
    expect((await post('/elsewhere', {})).status).toBe(404);
  });
});
