import type {
  BookingBody,
  CancellationQuoteBody,
  ExchangedBody,
  PendingExchangeBody,
} from '../../src/contracts/http/bookings.ts';
import type { Problem } from '../../src/contracts/http/problems.ts';
import { bookingChangeWorkflowId } from '../../src/contracts/workflow-ids.ts';
import type { Show } from '../../src/read-model/shows.ts';
import { rowOf } from '../setup/bookings.ts';
import { expectChainsToAgree } from '../setup/chains.ts';
import { comeByFurtherSeat } from '../setup/exchanges.ts';
import { cancelledByStaff } from '../setup/show-changes.ts';
import { ledgerOf, openShow, type ShowOptions, statusesOf } from '../setup/shows.ts';
import { useTestSystem } from '../setup/system.ts';
import { useBankClock } from './bank-clock.ts';
import { type ApiClient, eventually, newGuest, newKey } from './http-client.ts';

const system = useTestSystem({ apis: 2 });
const bankClock = useBankClock(system);
const HOUR_MS = 3_600_000;
const PRICE = 25_000;
const inr = (amount: number) => ({ amount, currency: 'INR' });

type Answered = ExchangedBody &
  Pick<PendingExchangeBody, 'nextAction'> &
  Pick<Problem, 'code' | 'reason' | 'errors' | 'conflicts' | 'bookingStatus'>;

async function paid(seatIds: readonly string[], options: ShowOptions = {}) {
  const show = await openShow(system, options);
  return { show, ...(await paidAt(show, seatIds)) };
}

async function paidAt(show: Show, seatIds: readonly string[], url = system.apiUrls[0]!) {
  const buyer = await newGuest(url);
  const held = await buyer.held(show.id, seatIds);
  const { status, body } = await buyer.pay(held.id, 'tok_ok');
  if (status !== 200) throw new Error(`not paid: ${status} ${JSON.stringify(body)}`);
  return { buyer, booking: body as BookingBody };
}

interface Wanted {
  readonly seatIds: readonly string[];
  readonly token?: string;
  readonly key?: string;
}

const exchange = (buyer: ApiClient, { id }: BookingBody, { id: showId }: Show, { key, ...body }: Wanted) =>
  buyer.post<Answered>(`/bookings/${id}/exchange`, { showId, ...body }, key === undefined ? {} : { key });

const movementsOf = async (...bookings: readonly Pick<BookingBody, 'id'>[]) =>
  (await ledgerOf(system))
    .filter(({ bookingId }) => bookings.some(({ id }) => id === bookingId))
    .map(({ kind, bookingId, amount }) => [kind, bookingId, amount.amount]);

const changeEnd = ({ id }: Pick<BookingBody, 'id'>) =>
  system.temporal.workflow.getHandle(bookingChangeWorkflowId(id)).result();

describe('an exchange', () => {
  test('for seats of the same price in another show moves no money, and is a booking of its own', async () => {
    const { show, buyer, booking } = await paid(['A1', 'A2']);
    const other = await openShow(system);
    const { status, body } = await exchange(buyer, booking, other, { seatIds: ['B1', 'B2'] });
    expect(status).toBe(200);
    expect(body.old).toMatchObject({ id: booking.id, status: 'EXCHANGED', refund: null, seats: [{ id: 'A1' }, {}] });
    expect(body.new).toMatchObject({
      status: 'CONFIRMED',
      showId: other.id,
      seats: [{ id: 'B1' }, { id: 'B2' }],
      price: { total: inr(2 * PRICE) },
      payment: { status: 'SUCCEEDED' },
    });
    expect(body.new.bookingNumber).not.toBe(booking.bookingNumber);
    expect(await statusesOf(system, show.id)).toMatch(/^a+$/);
    expect(await movementsOf(booking, body.new)).toEqual([['charge', booking.id, 2 * PRICE]]);
    expect(await buyer.booking(body.new.id)).toEqual(body.new);
    expect((await buyer.get(`/bookings/${body.new.id}/ticket`)).status).toBe(200);
    expect((await buyer.get(`/bookings/${booking.id}/ticket`)).status).toBe(409);
    await expectChainsToAgree(system, [show, other]);
  });

  test('for dearer seats charges the difference, for the new booking', async () => {
    const { show, buyer, booking } = await paid(['A1', 'A2']);
    const other = await openShow(system, { seatPrice: 40_000 });
    const { status, body } = await exchange(buyer, booking, other, { seatIds: ['A1', 'A2'], token: 'tok_ok' });
    expect([status, body.new?.status]).toEqual([200, 'CONFIRMED']);
    expect(await movementsOf(booking, body.new)).toEqual([
      ['charge', booking.id, 50_000],
      ['charge', body.new.id, 30_000],
    ]);
    await expectChainsToAgree(system, [show, other]);
  });

  test('for cheaper seats gives the difference back', async () => {
    const { show, buyer, booking } = await paid(['A1', 'A2']);
    const other = await openShow(system, { seatPrice: 10_000 });
    const { status, body } = await exchange(buyer, booking, other, { seatIds: ['A1', 'A2'] });
    expect([status, body.old?.refund?.amount]).toEqual([200, inr(30_000)]);
    expect(await changeEnd(booking)).toBe('EXCHANGED');
    expect(await movementsOf(booking, body.new)).toEqual([
      ['charge', booking.id, 50_000],
      ['refund', booking.id, 30_000],
    ]);
    expect((await buyer.booking(booking.id)).refund).toEqual({ amount: inr(30_000), status: 'SUCCEEDED' });
    await expectChainsToAgree(system, [show, other]);
  });

  test.each([
    ['ten hours before the start, half of the difference goes back', 10, 50],
    ['an hour before the start, nothing of it', 1, 0],
  ])('%s, and no more of the new seats ever', async (_when, hours, percent) => {
    const { show, buyer, booking } = await paid(['A1', 'A2'], { startsInMs: hours * HOUR_MS });
    const nextWeek = await openShow(system, { startsInMs: 7 * 24 * HOUR_MS, seatPrice: 10_000 });
    const { status, body } = await exchange(buyer, booking, nextWeek, { seatIds: ['A1', 'A2'] });
    const back = (30_000 * percent) / 100;
    expect([status, body.old.refund?.amount.amount ?? 0]).toEqual([200, back]);
    await expectChainsToAgree(system, [show, nextWeek]);
    const quote = await buyer.get<CancellationQuoteBody>(`/bookings/${body.new.id}/cancellation-quote`);
    expect(quote.body).toMatchObject({ tier: { refundPercent: percent }, refund: inr((20_000 * percent) / 100) });
    const cancelled = await buyer.send<BookingBody>('DELETE', `/bookings/${body.new.id}`);
    expect(cancelled.status).toBe(200);
    await changeEnd(body.new);
    await expectChainsToAgree(system, [show, nextWeek]);
  });

  test('within a show may keep some of the seats', async () => {
    const { show, buyer, booking } = await paid(['A1', 'A2']);
    const first = await exchange(buyer, booking, show, { seatIds: ['A2', 'A3'] });
    expect(first.status).toBe(200);
    expect((await statusesOf(system, show.id)).slice(0, 4)).toBe('abba');
    await expectChainsToAgree(system, [show]);
    const fewer = await exchange(buyer, first.body.new, show, { seatIds: ['A3'] });
    expect([fewer.status, fewer.body.old?.refund?.amount]).toEqual([200, inr(PRICE)]);
    const more = await exchange(buyer, fewer.body.new, show, { seatIds: ['A3', 'A4', 'A5'], token: 'tok_ok' });
    expect(more.status).toBe(200);
    await changeEnd(first.body.new);
    expect((await statusesOf(system, show.id)).slice(0, 6)).toBe('aabbba');
    await expectChainsToAgree(system, [show]);
  });

  test('within a show is not kept off by the cap per buyer, which counts the old seats or the new ones', async () => {
    const show = await openShow(system, { seatsPerBuyerMax: 2 });
    const { buyer, booking } = await paidAt(show, ['A1', 'A2']);
    const swapped = await exchange(buyer, booking, show, { seatIds: ['B1', 'B2'] });
    expect(swapped.status).toBe(200);
    const more = await exchange(buyer, swapped.body.new, show, { seatIds: ['B2', 'B3', 'B4'], token: 'tok_ok' });
    expect([more.status, more.body.code]).toEqual([422, 'TOO_MANY_SEATS']);
    expect((await exchange(buyer, swapped.body.new, show, { seatIds: ['B2', 'B3'] })).status).toBe(200);
    await expectChainsToAgree(system, [show]);
  });

  test('within a show, right after another one that has yet to return its seats, returns them too', async () => {
    const { show, buyer, booking } = await paid(['A1', 'A2']);
    await comeByFurtherSeat(system, await rowOf(system, booking), 9);
    const swapped = await exchange(buyer, booking, show, { seatIds: ['A2', 'A3'] });
    expect(swapped.status).toBe(200);
    await changeEnd(booking);
    expect((await statusesOf(system, show.id)).slice(0, 10)).toBe('abbaaaaaaa');
    await expectChainsToAgree(system, [show]);
  });

  test('can be followed by others, and by a cancellation that gives all of it back', async () => {
    const { show, buyer, booking } = await paid(['A1']);
    const dear = await openShow(system, { seatPrice: 40_000 });
    const same = await openShow(system, { seatPrice: 40_000 });
    const once = await exchange(buyer, booking, dear, { seatIds: ['A1'], token: 'tok_ok' });
    const twice = await exchange(buyer, once.body.new, same, { seatIds: ['A1'] });
    expect(twice.status).toBe(200);
    const cancelled = await buyer.send<BookingBody>('DELETE', `/bookings/${twice.body.new.id}`);
    expect([cancelled.status, cancelled.body.refund?.amount]).toEqual([200, inr(40_000)]);
    await changeEnd(twice.body.new);
    expect((await movementsOf(booking, once.body.new, twice.body.new)).toSorted()).toEqual(
      [
        ['charge', booking.id, 25_000],
        ['charge', once.body.new.id, 15_000],
        ['refund', booking.id, 25_000],
        ['refund', once.body.new.id, 15_000],
      ].toSorted(),
    );
    await expectChainsToAgree(system, [show, dear, same]);
  });

  test('under one key is one exchange, at whichever process; the key is of no use for other seats', async () => {
    const { show, buyer, booking } = await paid(['A1']);
    const other = await openShow(system, { seatPrice: 40_000 });
    const wanted = { seatIds: ['A1'], token: 'tok_ok', key: newKey() };
    const answers = await Promise.all(
      Array.from({ length: 6 }, (_, number) => exchange(buyer.at(system.apiUrls[number % 2]!), booking, other, wanted)),
    );
    for (const answer of answers) expect([answer.status, answer.body]).toEqual([200, answers[0]!.body]);
    await system.db.deleteFrom('idempotency_answers').where('key', '=', wanted.key).execute();
    const late = await exchange(buyer, booking, other, wanted);
    expect([late.status, late.body]).toEqual([200, answers[0]!.body]);
    expect((await exchange(buyer, booking, other, { ...wanted, seatIds: ['B1'] })).body.code).toBe(
      'IDEMPOTENCY_KEY_REUSED',
    );
    await expectChainsToAgree(system, [show, other]);
  });
});

describe('an exchange that cannot be had leaves everything as it was', () => {
  async function expectUntouched(buyer: ApiClient, booking: BookingBody, shows: readonly Show[]) {
    expect(await buyer.booking(booking.id)).toMatchObject({ status: 'CONFIRMED', seats: booking.seats });
    await expectChainsToAgree(system, shows);
  }

  test('a payment that is declined; another try takes another key', async () => {
    const { show, buyer, booking } = await paid(['A1']);
    const other = await openShow(system, { seatPrice: 40_000 });
    const key = newKey();
    const declined = await exchange(buyer, booking, other, { seatIds: ['A1'], token: 'tok_declined', key });
    expect([declined.status, declined.body.code]).toEqual([402, 'PAYMENT_DECLINED']);
    expect(await statusesOf(system, other.id)).toMatch(/^a+$/);
    await expectUntouched(buyer, booking, [show, other]);
    await system.db.deleteFrom('idempotency_answers').where('key', '=', key).execute();
    const again = await exchange(buyer, booking, other, { seatIds: ['A1'], token: 'tok_declined', key });
    expect([again.status, again.body.code, again.body.reason]).toEqual([402, 'PAYMENT_DECLINED', declined.body.reason]);
    const paidNow = await exchange(buyer, booking, other, { seatIds: ['A1'], token: 'tok_ok', key: newKey() });
    expect(paidNow.status).toBe(200);
    await expectChainsToAgree(system, [show, other]);
  });

  test('one card after the other: after five that were declined none is taken any more', async () => {
    const { show, buyer, booking } = await paid(['A1']);
    const other = await openShow(system, { seatPrice: 40_000 });
    for (let tries = 1; tries <= 5; tries++) {
      expect((await exchange(buyer, booking, other, { seatIds: ['A1'], token: 'tok_declined' })).status).toBe(402);
    }
    const refused = await exchange(buyer, booking, other, { seatIds: ['A1'], token: 'tok_ok' });
    expect([refused.status, refused.body.code, refused.body.bookingStatus]).toEqual([
      409,
      'BOOKING_STATE',
      'CONFIRMED',
    ]);
    expect(await statusesOf(system, other.id)).toMatch(/^a+$/);
    expect((await exchange(buyer, booking, show, { seatIds: ['B1'] })).status).toBe(200);
    await expectChainsToAgree(system, [show, other]);
  });

  test('seats that somebody else has', async () => {
    const { show, buyer, booking } = await paid(['A1', 'A2']);
    const other = await openShow(system);
    await paidAt(other, ['B2']);
    const refused = await exchange(buyer, booking, other, { seatIds: ['B1', 'B2'] });
    expect([refused.status, refused.body.code]).toEqual([409, 'SEAT_UNAVAILABLE']);
    expect(refused.body.conflicts).toEqual([{ seatId: 'B2', reason: 'booked' }]);
    const orphan = await exchange(buyer, booking, other, { seatIds: ['B4', 'B5'] });
    expect([orphan.status, orphan.body.code]).toEqual([422, 'ORPHAN_SEAT']);
    await expectUntouched(buyer, booking, [show, other]);
  });

  test('what is asked for wrongly', async () => {
    const { show, buyer, booking } = await paid(['A1', 'A2']);
    const dear = await openShow(system, { seatPrice: 40_000 });
    const over = await openShow(system, { salesCloseInMs: -1_000 });
    const stranger = await newGuest(system.apiUrls[0]!);
    const refusals = await Promise.all([
      exchange(stranger, booking, dear, { seatIds: ['A1'], token: 'tok_ok' }),
      exchange(buyer, booking, dear, { seatIds: ['A1', 'A2'] }),
      exchange(buyer, booking, dear, { seatIds: ['Z1'] }),
      exchange(buyer, booking, dear, { seatIds: ['A1', 'A1'] }),
      exchange(buyer, booking, over, { seatIds: ['A1'] }),
      exchange(buyer, booking, show, { seatIds: ['A2', 'A1'] }),
      exchange(buyer, booking, { ...show, id: 'shw_0Zr3c4QyS5uY1nXbK2mWpA' }, { seatIds: ['A1'] }),
    ]);
    expect(refusals.map(({ status, body }) => [status, body.code])).toEqual([
      [404, 'NOT_FOUND'],
      [400, 'VALIDATION_FAILED'],
      [400, 'UNKNOWN_SEAT'],
      [422, 'DUPLICATE_SEAT'],
      [409, 'SALES_CLOSED'],
      [400, 'VALIDATION_FAILED'],
      [404, 'NOT_FOUND'],
    ]);
    expect(refusals[1].body.errors).toMatchObject([{ path: 'token' }]);
    await expectUntouched(buyer, booking, [show, dear]);
  });

  test('a show that was cancelled, and one that has begun', async () => {
    const { show, buyer, booking } = await paid(['A1']);
    const cancelled = await openShow(system);
    await cancelledByStaff(system, cancelled);
    const gone = await exchange(buyer, booking, cancelled, { seatIds: ['A1'] });
    expect([gone.status, gone.body.code]).toEqual([409, 'SALES_CLOSED']);
    const other = await openShow(system);
    const startedAt = new Date(Date.now() - 1_000);
    await system.db.updateTable('shows').set({ starts_at: startedAt }).where('id', '=', show.id).execute();
    const late = await exchange(buyer, booking, other, { seatIds: ['A1'] });
    expect([late.status, late.body.code]).toEqual([409, 'NOT_CANCELLABLE']);
    expect(await statusesOf(system, other.id)).toMatch(/^a+$/);
    await expectUntouched(buyer, booking, [show, other]);
  });

  test('a booking that is not paid, or is no more', async () => {
    const { show, buyer, booking } = await paid(['A1']);
    const held = await buyer.held(show.id, ['B1']);
    await buyer.send('DELETE', `/bookings/${booking.id}`);
    for (const each of [held, booking]) {
      const refused = await exchange(buyer, each, show, { seatIds: ['C1'] });
      expect([refused.status, refused.body.code]).toEqual([409, 'BOOKING_STATE']);
    }
  });
});

describe('the difference of an exchange', () => {
  test('is charged once though its first answer gets lost', async () => {
    const { show, buyer, booking } = await paid(['A1']);
    const other = await openShow(system, { seatPrice: 40_000 });
    const wanted = { seatIds: ['A1'], token: 'tok_timeout_charged', key: newKey() };
    const answer = await eventually(
      () => exchange(buyer, booking, other, wanted),
      ({ status }) => status !== 504,
    );
    expect([answer.status, answer.body.new?.status]).toEqual([200, 'CONFIRMED']);
    expect(await movementsOf(answer.body.new)).toEqual([['charge', answer.body.new.id, 15_000]]);
    await expectChainsToAgree(system, [show, other]);
  }, 60_000);

  test('may wait for the bank: both bookings go on as they are until it has come', async () => {
    const { show, buyer, booking } = await paid(['A1']);
    const other = await openShow(system, { seatPrice: 40_000 });
    const waiting = await bankClock.whileStanding(async () => {
      const answer = await exchange(buyer, booking, other, { seatIds: ['A1'], token: 'tok_pending' });
      expect([answer.status, answer.body.old.status, answer.body.new.status]).toEqual([
        202,
        'CONFIRMED',
        'PAYMENT_PENDING',
      ]);
      const cancel = await buyer.send<Problem>('DELETE', `/bookings/${booking.id}`);
      expect([cancel.status, cancel.body.code]).toEqual([409, 'CHANGE_IN_PROGRESS']);
      return answer;
    });
    expect(await changeEnd(booking)).toBe('EXCHANGED');
    expect(await buyer.booking(waiting.body.new.id)).toMatchObject({ status: 'CONFIRMED' });
    await expectChainsToAgree(system, [show, other]);
  }, 60_000);

  test('that the buyer never approves ends the exchange at its deadline; the old seats stay', async () => {
    const { show, buyer, booking } = await paid(['A1']);
    const other = await openShow(system, { seatPrice: 40_000 });
    const waiting = await exchange(buyer, booking, other, { seatIds: ['A1'], token: 'tok_redirect' });
    expect([waiting.status, waiting.body.nextAction?.type]).toEqual([202, 'redirect']);
    expect(await changeEnd(booking)).toBeNull();
    expect(await buyer.booking(waiting.body.new.id)).toMatchObject({ status: 'FAILED' });
    expect(await buyer.booking(booking.id)).toMatchObject({ status: 'CONFIRMED' });
    expect(await statusesOf(system, other.id)).toMatch(/^a+$/);
    await expectChainsToAgree(system, [show, other]);
  }, 60_000);

  test('that the buyer approves completes it', async () => {
    const { show, buyer, booking } = await paid(['A1']);
    const other = await openShow(system, { seatPrice: 40_000 });
    const waiting = await exchange(buyer, booking, other, { seatIds: ['A1'], token: 'tok_redirect' });
    const { nextAction } = waiting.body;
    if (nextAction?.type !== 'redirect') throw new Error('nothing to approve');
    await fetch(nextAction.url, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ decision: 'approve' }),
    });
    expect(await changeEnd(booking)).toBe('EXCHANGED');
    await expectChainsToAgree(system, [show, other]);
  }, 60_000);

  test('goes back when the show is cancelled while it is paid', async () => {
    const { show, buyer, booking } = await paid(['A1']);
    const other = await openShow(system, { seatPrice: 40_000 });
    const waiting = await bankClock.whileStanding(async () => {
      const answer = await exchange(buyer, booking, other, { seatIds: ['A1'], token: 'tok_pending' });
      await system.workflows.startShowChange(await cancelledByStaff(system, other));
      return answer;
    });
    await changeEnd(booking);
    expect(await buyer.booking(waiting.body.new.id)).toMatchObject({
      status: 'FAILED',
      refund: { amount: inr(15_000) },
    });
    expect(await buyer.booking(booking.id)).toMatchObject({ status: 'CONFIRMED' });
    await expectChainsToAgree(system, [show, other]);
  }, 60_000);
});

describe('at once', () => {
  test('twenty exchanges and cancellations of one booking: one of them has it, and the money agrees', async () => {
    const { show, buyer, booking } = await paid(['A1', 'A2']);
    const dear = await openShow(system, { seatPrice: 30_000 });
    const cheap = await openShow(system, { seatPrice: 20_000 });
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, number): Promise<{ status: number; body: unknown }> => {
        const at = buyer.at(system.apiUrls[number % 2]!);
        if (number % 4 === 0) return at.send('DELETE', `/bookings/${booking.id}`);
        const to = number % 4 === 1 ? dear : number % 4 === 2 ? cheap : show;
        return exchange(at, booking, to, { seatIds: [`B${(number % 5) * 2 + 1}`], token: 'tok_ok' });
      }),
    );
    expect(answers.filter(({ status }) => status === 200).length).toBeGreaterThan(0);
    for (const { status } of answers) expect([200, 409, 410, 422]).toContain(status);
    await changeEnd(booking);
    await expectChainsToAgree(system, [show, dear, cheap]);
  }, 60_000);

  test('two buyers exchange for the same seats: one gets them, the other keeps the old ones', async () => {
    const other = await openShow(system, { seatPrice: 40_000 });
    const show = await openShow(system);
    const [one, two] = [await paidAt(show, ['A1']), await paidAt(show, ['B1'])];
    const answers = await Promise.all(
      [one, two].map(({ buyer, booking }) => exchange(buyer, booking, other, { seatIds: ['A1'], token: 'tok_ok' })),
    );
    expect(answers.map(({ status }) => status).toSorted()).toEqual([200, 409]);
    await expectChainsToAgree(system, [show, other]);
  }, 60_000);
});
