import type { SessionBody } from '../../src/contracts/http/accounts.ts';
import type { BookingBody } from '../../src/contracts/http/bookings.ts';
import type { Problem } from '../../src/contracts/http/problems.ts';
import { TicketCodes } from '../../src/tickets/ticket-codes.ts';
import { changesOf } from '../setup/bookings.ts';
import { netCaptured, openShow } from '../setup/shows.ts';
import { testSecrets, useTestSystem } from '../setup/system.ts';
import { ApiClient, newGuest, newKey, staff } from './http-client.ts';

const system = useTestSystem({ apis: 2 });
const codes = new TicketCodes(testSecrets.TICKET_SIGNING_KEY);
const RECEIVER = 'ravi@example.org';
const HOUR_MS = 3_600_000;

type Answered = BookingBody & Pick<Problem, 'code' | 'errors' | 'bookingStatus'>;

async function paid(seatIds: readonly string[] = ['A1', 'A2']) {
  const show = await openShow(system);
  const buyer = await newGuest(system.apiUrls[0]!);
  const held = await buyer.held(show.id, seatIds);
  const { body } = await buyer.pay(held.id, 'tok_ok');
  expect(body.status).toBe('CONFIRMED');
  return { show, buyer, booking: body as BookingBody };
}

const transfer = (buyer: ApiClient, { id }: Pick<BookingBody, 'id'>, email = RECEIVER, key?: string) =>
  buyer.post<Answered>(`/bookings/${id}/transfer`, { email }, key === undefined ? {} : { key });

async function ownerOf({ id }: Pick<BookingBody, 'id'>) {
  const { user_id: userId } = await system.db
    .selectFrom('bookings')
    .select('user_id')
    .where('id', '=', id)
    .executeTakeFirstOrThrow();
  return system.db.selectFrom('users').selectAll().where('id', '=', userId).executeTakeFirstOrThrow();
}

const claim = (token: string, key?: string, url = system.apiUrls[0]!) =>
  new ApiClient(url).post<SessionBody & Pick<Problem, 'code'>>(
    '/auth/claim',
    { token },
    key === undefined ? {} : { key },
  );

const invitationOf = (userId: string, expiresInMs = HOUR_MS) =>
  codes.printInvitation({ userId, expiresAtMs: Date.now() + expiresInMs });

const codeOf = async (buyer: ApiClient, { id }: Pick<BookingBody, 'id'>) =>
  (await buyer.get<{ code: string }>(`/bookings/${id}/ticket`)).body.code;

describe('a booking that is given to somebody else', () => {
  test('is the former owner’s no more, nor is their ticket good', async () => {
    const { buyer, booking } = await paid();
    const oldCode = await codeOf(buyer, booking);
    const { status, body } = await transfer(buyer, booking);
    expect([status, body]).toEqual([200, { ...booking, version: booking.version + 1 }]);
    expect((await buyer.get(`/bookings/${booking.id}`)).status).toBe(404);
    expect((await buyer.send('DELETE', `/bookings/${booking.id}`)).status).toBe(404);
    const door = await staff(system.apiUrls[0]!);
    expect((await door.post('/tickets/verify', { code: oldCode })).status).toBe(404);
    const events = await system.db.selectFrom('outbox').selectAll().where('booking_id', '=', booking.id).execute();
    const receiver = await ownerOf(booking);
    expect(events.at(-1)).toMatchObject({
      type: 'booking.transferred',
      payload: { toUserId: receiver.id, fromUserId: buyer.userId },
    });
    expect(receiver).toMatchObject({ role: 'guest', email: RECEIVER });
    expect(await netCaptured(system, booking.id)).toBe(50_000);
  });

  test('is claimed once, with what the mail brought, and is then the receiver’s in everything', async () => {
    const { show, buyer, booking } = await paid();
    await transfer(buyer, booking);
    const { id: userId } = await ownerOf(booking);
    const token = invitationOf(userId);
    const key = newKey();
    const { status, body } = await claim(token, key);
    expect([status, body.user.id, body.user.email]).toEqual([200, userId, RECEIVER]);
    const again = await claim(token, key, system.apiUrls[1]);
    expect([again.status, again.body]).toEqual([200, body]);
    const used = await claim(token);
    expect([used.status, used.body.code]).toEqual([401, 'UNAUTHENTICATED']);

    const receiver = new ApiClient(system.apiUrls[1]!, { token: body.accessToken, userId });
    expect(await receiver.booking(booking.id)).toMatchObject({ id: booking.id, status: 'CONFIRMED' });
    const door = await staff(system.apiUrls[0]!);
    const entry = await door.post('/tickets/verify', { code: await codeOf(receiver, booking) });
    expect([entry.status, entry.body]).toMatchObject([200, { admitted: true }]);
    const other = await receiver.post<{ new: BookingBody }>(`/bookings/${booking.id}/exchange`, {
      showId: show.id,
      seatIds: ['B1', 'B2'],
    });
    expect(other.status).toBe(200);
    const cancelled = await receiver.send<BookingBody>('DELETE', `/bookings/${other.body.new.id}`);
    expect([cancelled.status, cancelled.body.refund?.amount.amount]).toEqual([200, 50_000]);
  });

  test('is given once, however often and to whomever at once it is asked for', async () => {
    const { buyer, booking } = await paid();
    const key = newKey();
    const answers = await Promise.all(
      Array.from({ length: 8 }, (_, number) =>
        transfer(
          buyer.at(system.apiUrls[number % 2]!),
          booking,
          number % 2 ? RECEIVER : `other${number}@example.org`,
          number % 2 ? key : newKey(),
        ),
      ),
    );
    expect(answers.some(({ status }) => status === 200)).toBe(true);
    for (const { status } of answers) expect([200, 404, 409]).toContain(status);
    expect(await changesOf(system, booking)).toHaveLength(1);
  });

  test('has the same answer under the same key, also when that answer got lost', async () => {
    const { buyer, booking } = await paid();
    const key = newKey();
    const first = await transfer(buyer, booking, RECEIVER, key);
    await system.db.deleteFrom('idempotency_answers').where('key', '=', key).execute();
    const again = await transfer(buyer.at(system.apiUrls[1]!), booking, RECEIVER, key);
    expect([again.status, again.body]).toEqual([200, first.body]);
    const otherwise = await transfer(buyer, booking, 'someone.else@example.org', key);
    expect([otherwise.status, otherwise.body.code]).toEqual([422, 'IDEMPOTENCY_KEY_REUSED']);
  });
});

describe('nobody is given', () => {
  test('somebody else’s booking, a hold, one’s own again, or a show that has begun', async () => {
    const { show, buyer, booking } = await paid();
    const stranger = await newGuest(system.apiUrls[0]!);
    const held = await buyer.held(show.id, ['C1']);
    const refusals = [
      await transfer(stranger, booking),
      await transfer(buyer, held),
      await transfer(buyer, booking, 'Asha@example.org'),
      await transfer(buyer, booking, 'nobody'),
    ];
    expect(refusals.map(({ status, body }) => [status, body.code])).toEqual([
      [404, 'NOT_FOUND'],
      [409, 'BOOKING_STATE'],
      [400, 'VALIDATION_FAILED'],
      [400, 'VALIDATION_FAILED'],
    ]);
    const startedAt = new Date(Date.now() - 1_000);
    await system.db.updateTable('shows').set({ starts_at: startedAt }).where('id', '=', show.id).execute();
    const late = await transfer(buyer, booking);
    expect([late.status, late.body.code]).toEqual([409, 'NOT_CANCELLABLE']);
    expect(await ownerOf(booking)).toMatchObject({ id: buyer.userId });
  });

  test('an account by a token that is forged, too old, or of nobody', async () => {
    const { buyer, booking } = await paid();
    await transfer(buyer, booking);
    const { id: userId } = await ownerOf(booking);
    const good = invitationOf(userId);
    const forger = new TicketCodes('a key that somebody has made up by himself');
    const wrong = [
      forger.printInvitation({ userId, expiresAtMs: Date.now() + HOUR_MS }),
      invitationOf(userId, -1_000),
      invitationOf('usr_nobody'),
      `${good.slice(0, -1)}${good.endsWith('A') ? 'B' : 'A'}`,
      codes.print({ bookingId: booking.id, ticketVersion: 2 }),
    ];
    for (const token of wrong) expect((await claim(token)).status).toBe(401);
    expect((await claim(good)).status).toBe(200);
  });
});
