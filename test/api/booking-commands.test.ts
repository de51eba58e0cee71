import { BOOKING_COMMANDS_MAX } from '../../src/domain/booking.ts';
import type { BookingBody } from '../../src/contracts/http/bookings.ts';
import { findPaymentsOfBooking } from '../../src/read-model/payments.ts';
import { openShow } from '../setup/shows.ts';
import { useTestSystem } from '../setup/system.ts';
import { newGuest } from './http-client.ts';

const HOLD_TTL_SECONDS = 600;
const system = useTestSystem({
  apis: 1,
  settings: { HOLD_EXTENSIONS_MAX: '0', HOLD_TTL_SECONDS: String(HOLD_TTL_SECONDS) },
});

test('a booking hears so many changes and payments; then it is 429 until its hold is over, but may be given up', async () => {
  const show = await openShow(system);
  const buyer = await newGuest(system.apiUrls[0]!);
  const { id } = await buyer.held(show.id, ['A1']);
  for (let number = 0; number < BOOKING_COMMANDS_MAX; number++) {
    expect((await buyer.post(`/bookings/${id}/extend`)).body.code).toBe('EXTENSION_LIMIT');
  }
  const refused = [
    await buyer.send('PATCH', `/bookings/${id}`, { seatIds: ['A5'] }),
    await buyer.post(`/bookings/${id}/extend`),
    await buyer.pay(id, 'tok_ok'),
  ];
  for (const { status, body, headers } of refused) {
    expect([status, body.code]).toEqual([429, 'RATE_LIMITED']);
    expect(Number(headers.get('retry-after'))).toBeGreaterThan(0);
    expect(Number(headers.get('retry-after'))).toBeLessThanOrEqual(HOLD_TTL_SECONDS);
  }
  expect((await findPaymentsOfBooking(system.db, id)).attempts).toMatchObject([
    { status: 'FAILED', failureReason: 'RATE_LIMITED' },
  ]);
  const released = await buyer.send<BookingBody>('DELETE', `/bookings/${id}`);
  expect([released.status, released.body.status]).toEqual([200, 'RELEASED']);
});

test('of changes that are asked for at once each is done or refused, and the hold has the seats of the last one done', async () => {
  const show = await openShow(system);
  const buyer = await newGuest(system.apiUrls[0]!);
  const { id } = await buyer.held(show.id, ['A1']);
  const wanted = ['B1', 'C1', 'D1', 'E1', 'A10', 'B10', 'C10', 'D10'];
  const answers = await Promise.all(
    wanted.map((seat) => buyer.send<BookingBody & { code: string }>('PATCH', `/bookings/${id}`, { seatIds: [seat] })),
  );
  const done = answers
    .filter(({ status }) => status === 200)
    .sort((one, other) => one.body.version - other.body.version);
  expect(answers.filter(({ body }) => body.code === 'CHANGE_IN_PROGRESS').length).toBe(wanted.length - done.length);
  expect(done.map(({ body }) => body.version)).toEqual(done.map((_, index) => index + 2));
  expect((await buyer.booking(id)).seats).toEqual(done.at(-1)!.body.seats);
});
