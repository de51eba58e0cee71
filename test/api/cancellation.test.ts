import type { BookingBody, CancellationQuoteBody } from '../../src/contracts/http/bookings.ts';
import type { Problem } from '../../src/contracts/http/problems.ts';
import { bookingChangeWorkflowId } from '../../src/contracts/workflow-ids.ts';
import { newId } from '../../src/platform/ids.ts';
import { insertTheatre } from '../../src/read-model/catalogue.ts';
import type { Show } from '../../src/read-model/shows.ts';
import { changeEndOf, changesOf } from '../setup/bookings.ts';
import { ledgerOf, netCaptured, openShow, type ShowOptions, statusesOf } from '../setup/shows.ts';
import { useTestSystem } from '../setup/system.ts';
import { useBankClock } from './bank-clock.ts';
import { type ApiClient, eventually, newGuest, newKey, staff } from './http-client.ts';
import { deliverWebhook } from './signed-webhook.ts';

const system = useTestSystem({ apis: 2 });
const bankClock = useBankClock(system);
const HOUR_MS = 3_600_000;
const PRICE = 25_000;
const inr = (amount: number) => ({ amount, currency: 'INR' });

interface Paid {
  readonly show: Show;
  readonly buyer: ApiClient;
  readonly booking: BookingBody;
}

/** A booking of these seats that is paid. */
async function paid(
  seatIds: readonly string[],
  { token = 'tok_ok', ...options }: ShowOptions & { token?: string } = {},
) {
  const show = await openShow(system, options);
  return paidAt(show, seatIds, token);
}

async function paidAt(
  show: Show,
  seatIds: readonly string[],
  token = 'tok_ok',
  url = system.apiUrls[0]!,
): Promise<Paid> {
  const buyer = await newGuest(url);
  const held = await buyer.held(show.id, seatIds);
  const { status, body } = await buyer.pay(held.id, token);
  if (status !== 200) throw new Error(`not paid: ${status} ${JSON.stringify(body)}`);
  return { show, buyer, booking: body };
}

type Answered = BookingBody & Pick<Problem, 'code' | 'bookingStatus' | 'seatIds'>;

const cancel = (buyer: ApiClient, { id }: Pick<BookingBody, 'id'>) => buyer.send<Answered>('DELETE', `/bookings/${id}`);
const cancelSeats = (buyer: ApiClient, { id }: Pick<BookingBody, 'id'>, seatIds: readonly string[], key?: string) =>
  buyer.post<Answered>(`/bookings/${id}/cancellations`, { seatIds }, key === undefined ? {} : { key });
const quote = async (buyer: ApiClient, { id }: Pick<BookingBody, 'id'>, query = '') =>
  (await buyer.get<CancellationQuoteBody>(`/bookings/${id}/cancellation-quote${query}`)).body;
const movementsOf = async ({ id }: Pick<BookingBody, 'id'>) =>
  (await ledgerOf(system)).filter(({ bookingId }) => bookingId === id).map(({ kind, amount }) => [kind, amount.amount]);

describe('a cancellation', () => {
  test.each([
    ['two days before', 48 * HOUR_MS, 100, 2 * PRICE],
    ['ten hours before', 10 * HOUR_MS, 50, PRICE],
    ['an hour before', HOUR_MS, 0, 0],
  ])('%s gives back what its quote has said', async (_when, startsInMs, refundPercent, refund) => {
    const { show, buyer, booking } = await paid(['A1', 'A2'], { startsInMs });
    const offered = await quote(buyer, booking);
    expect(offered).toMatchObject({ cancellable: true, reason: null, seatIds: ['A1', 'A2'], tier: { refundPercent } });
    expect([offered.refund, offered.kept]).toEqual([inr(refund), inr(2 * PRICE - refund)]);

    const { status, body } = await cancel(buyer, booking);
    expect([status, body.status, body.refund?.amount]).toEqual([200, 'CANCELLED', inr(refund)]);
    expect(await statusesOf(system, show.id)).toMatch(/^a+$/);
    await changeEndOf(system, booking);
    expect(await netCaptured(system, booking.id)).toBe(2 * PRICE - refund);
    expect((await buyer.booking(booking.id)).refund).toEqual({ amount: inr(refund), status: 'SUCCEEDED' });
  });

  test('is done once: repeated it is the same 200, and no more money moves', async () => {
    const { buyer, booking } = await paid(['A1', 'A2']);
    const first = await cancel(buyer, booking);
    await changeEndOf(system, booking);
    for (const url of system.apiUrls) {
      const { status, body } = await cancel(buyer.at(url), booking);
      expect([status, body.status, body.refund?.amount]).toEqual([200, 'CANCELLED', first.body.refund?.amount]);
    }
    expect(await movementsOf(booking)).toEqual([
      ['charge', 2 * PRICE],
      ['refund', 2 * PRICE],
    ]);
  });

  test('asked for twenty times at once is one cancellation and one refund', async () => {
    const { show, buyer, booking } = await paid(['A1', 'A2']);
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, number) => cancel(buyer.at(system.apiUrls[number % 2]!), booking)),
    );
    const granted = answers.filter(({ status }) => status === 200);
    expect(granted.length).toBeGreaterThan(0);
    for (const { body } of granted) {
      expect(body).toMatchObject({ status: 'CANCELLED', refund: { amount: inr(2 * PRICE) } });
    }
    for (const { status, body } of answers.filter((answer) => answer.status !== 200)) {
      expect([status, body.code]).toEqual([409, 'CHANGE_IN_PROGRESS']);
    }
    await changeEndOf(system, booking);
    expect(await movementsOf(booking)).toEqual([
      ['charge', 2 * PRICE],
      ['refund', 2 * PRICE],
    ]);
    expect(await changesOf(system, booking)).toHaveLength(1);
    expect(await statusesOf(system, show.id)).toMatch(/^a+$/);
  });

  test('puts the seats on sale at once: the next buyer has them before the map has told of it', async () => {
    const { show, buyer, booking } = await paid(['A1', 'A2']);
    // This process has seen them booked.
    const other = await newGuest(system.apiUrls[0]!);
    await eventually(
      () => other.hold(show.id, ['A1', 'A2']),
      ({ status }) => status === 409,
    );
    expect((await cancel(buyer, booking)).status).toBe(200);
    expect((await other.hold(show.id, ['A1', 'A2'])).status).toBe(201);
  });

  test('of somebody else’s booking, or of none, is a 404 and changes nothing', async () => {
    const { buyer, booking } = await paid(['A1']);
    const stranger = await newGuest(system.apiUrls[0]!);
    for (const id of [booking.id, newId('bkg')]) {
      const answers = [
        await cancel(stranger, { id }),
        await cancelSeats(stranger, { id }, ['A1']),
        await stranger.get(`/bookings/${id}/cancellation-quote`),
      ];
      expect(answers.map(({ status }) => status)).toEqual([404, 404, 404]);
    }
    expect(await buyer.booking(booking.id)).toMatchObject({ status: 'CONFIRMED', refund: null });
  });

  test('after the start of the show is refused', async () => {
    const { show, buyer, booking } = await paid(['A1']);
    const startedAt = new Date(Date.now() - 1_000);
    await system.db.updateTable('shows').set({ starts_at: startedAt }).where('id', '=', show.id).execute();
    expect(await quote(buyer, booking)).toMatchObject({ cancellable: false, reason: 'NOT_CANCELLABLE', tier: null });
    for (const refused of [await cancel(buyer, booking), await cancelSeats(buyer, booking, ['A1'])]) {
      expect([refused.status, refused.body.code]).toEqual([409, 'NOT_CANCELLABLE']);
    }
    expect(await movementsOf(booking)).toEqual([['charge', PRICE]]);
  });

  test('of a hold gives it back as ever; one whose payment is pending is left alone', async () => {
    const show = await openShow(system);
    const buyer = await newGuest(system.apiUrls[0]!);
    const [held, pending] = [await buyer.held(show.id, ['A1']), await buyer.held(show.id, ['B1'])];
    expect((await buyer.pay(pending.id, 'tok_redirect')).status).toBe(202);
    for (const each of [held, pending]) {
      expect(await quote(buyer, each)).toMatchObject({ cancellable: false, reason: 'BOOKING_STATE', refund: inr(0) });
      const refused = await cancelSeats(
        buyer,
        each,
        each.seats.map(({ id }) => id),
      );
      expect([refused.status, refused.body.code]).toEqual([409, 'BOOKING_STATE']);
    }
    expect((await cancel(buyer, held)).body).toMatchObject({ status: 'RELEASED', refund: null });
    const refused = await cancel(buyer, pending);
    expect([refused.status, refused.body.code, refused.body.bookingStatus]).toEqual([
      409,
      'BOOKING_STATE',
      'PAYMENT_PENDING',
    ]);
  });
});

describe('some seats of a booking', () => {
  test('are cancelled one after the other, and add up to the whole', async () => {
    const { show, buyer, booking } = await paid(['A1', 'A2', 'A3'], { startsInMs: 10 * HOUR_MS });
    expect(await quote(buyer, booking, '?seatIds=A2')).toMatchObject({ seatIds: ['A2'], refund: inr(PRICE / 2) });
    const first = await cancelSeats(buyer, booking, ['A2']);
    expect(first.body).toMatchObject({
      status: 'CONFIRMED',
      bookingNumber: booking.bookingNumber,
      seats: [{ id: 'A1' }, { id: 'A3' }],
      price: { lines: [{ kind: 'seats', label: '2 × Standard', amount: inr(2 * PRICE) }], total: inr(2 * PRICE) },
      refund: { amount: inr(PRICE / 2) },
    });
    expect((await statusesOf(system, show.id)).slice(0, 3)).toBe('bab');
    await changeEndOf(system, booking);
    const last = await cancel(buyer, booking);
    expect(last.body).toMatchObject({ status: 'CANCELLED', refund: { amount: inr((3 * PRICE) / 2) } });
    await changeEndOf(system, booking);
    expect(await movementsOf(booking)).toEqual([
      ['charge', 3 * PRICE],
      ['refund', PRICE / 2],
      ['refund', PRICE],
    ]);
    const { refunds } = await buyer.payment(booking.id);
    expect(refunds).toMatchObject([
      { status: 'SUCCEEDED', amount: inr(PRICE / 2) },
      { status: 'SUCCEEDED', amount: inr(PRICE) },
    ]);
  });

  test('under one key are cancelled once; the key is of no use for other seats', async () => {
    const { buyer, booking } = await paid(['A1', 'A2']);
    const key = newKey();
    const first = await cancelSeats(buyer, booking, ['A1'], key);
    const again = await cancelSeats(buyer.at(system.apiUrls[1]!), booking, ['A1'], key);
    expect([again.status, again.body]).toEqual([200, first.body]);
    const other = await cancelSeats(buyer, booking, ['A2'], key);
    expect([other.status, other.body.code]).toEqual([422, 'IDEMPOTENCY_KEY_REUSED']);
    await changeEndOf(system, booking);
    expect(await netCaptured(system, booking.id)).toBe(PRICE);
  });

  test.each([
    ['some of them', ['A1']],
    ['all of them', ['A1', 'A2']],
  ])('whose answer got lost are answered again under their key: %s', async (_which, seatIds) => {
    const { buyer, booking } = await paid(['A1', 'A2']);
    const key = newKey();
    const first = await cancelSeats(buyer, booking, seatIds, key);
    await changeEndOf(system, booking);
    await system.db.deleteFrom('idempotency_answers').where('key', '=', key).execute();
    const other = await cancelSeats(buyer, booking, ['A2'], key);
    expect([other.status, other.body.code]).toEqual([422, 'IDEMPOTENCY_KEY_REUSED']);
    const again = await cancelSeats(buyer.at(system.apiUrls[1]!), booking, seatIds, key);
    expect([again.status, again.body.seats]).toEqual([200, first.body.seats]);
    expect(await netCaptured(system, booking.id)).toBe((2 - seatIds.length) * PRICE);
  });

  test('at once by many requests go back once each, however they overlap', async () => {
    const seats = ['A1', 'A2', 'A3', 'A4'];
    const { show, buyer, booking } = await paid(seats);
    const asked = seats.flatMap((seat) => [[seat], [seat, 'A1']]).map((wanted) => [...new Set(wanted)]);
    const answers = await Promise.all(
      asked.map((wanted, number) => cancelSeats(buyer.at(system.apiUrls[number % 2]!), booking, wanted)),
    );
    for (const { status, body } of answers) {
      expect(['CONFIRMED', 'CANCELLED', 'CHANGE_IN_PROGRESS', 'UNKNOWN_SEAT', 'BOOKING_STATE']).toContain(
        status === 200 ? body.status : body.code,
      );
    }
    await changeEndOf(system, booking);
    const after = await buyer.booking(booking.id);
    const left = after.status === 'CONFIRMED' ? after.seats.length : 0;
    expect(left).toBeLessThan(seats.length);
    expect(await netCaptured(system, booking.id)).toBe(left * PRICE);
    expect([...(await statusesOf(system, show.id))].filter((status) => status === 'b')).toHaveLength(left);
  });

  test('that the booking does not have, or named twice, are refused', async () => {
    const { buyer, booking } = await paid(['A1', 'A2']);
    const foreign = await cancelSeats(buyer, booking, ['A1', 'B7']);
    expect([foreign.status, foreign.body.code, foreign.body.seatIds]).toEqual([400, 'UNKNOWN_SEAT', ['B7']]);
    const twice = await cancelSeats(buyer, booking, ['A1', 'A1']);
    expect([twice.status, twice.body.code]).toEqual([422, 'DUPLICATE_SEAT']);
    expect((await cancelSeats(buyer, booking, [])).status).toBe(400);
    const unquoted = await buyer.get(`/bookings/${booking.id}/cancellation-quote?seatIds=B7`);
    expect([unquoted.status, unquoted.body.code]).toEqual([400, 'UNKNOWN_SEAT']);
    expect(await buyer.booking(booking.id)).toEqual(booking);
  });
});

describe('a refund', () => {
  test('that the provider refuses twice is asked for until it is given', async () => {
    const { buyer, booking } = await paid(['A1'], { token: 'tok_refund_fails_twice' });
    expect((await cancel(buyer, booking)).body.refund).toEqual({ amount: inr(PRICE), status: 'PENDING' });
    await changeEndOf(system, booking);
    expect((await buyer.booking(booking.id)).refund).toEqual({ amount: inr(PRICE), status: 'SUCCEEDED' });
    expect((await buyer.payment(booking.id)).refunds).toMatchObject([{ status: 'SUCCEEDED', amount: inr(PRICE) }]);
    expect(await netCaptured(system, booking.id)).toBe(0);
  }, 30_000);

  test('of a part that the provider refuses twice is of that part alone', async () => {
    const { buyer, booking } = await paid(['A1', 'A2'], { token: 'tok_refund_fails_twice' });
    await cancelSeats(buyer, booking, ['A1']);
    await changeEndOf(system, booking);
    expect(await netCaptured(system, booking.id)).toBe(PRICE);
  }, 30_000);

  test('that is under way at the provider keeps neither the seats nor other changes waiting', async () => {
    const { show, buyer, booking } = await paid(['A1', 'A2'], { token: 'tok_refund_pending' });
    await bankClock.whileStanding(async () => {
      await cancelSeats(buyer, booking, ['A1']);
      expect((await buyer.booking(booking.id)).refund).toEqual({ amount: inr(PRICE), status: 'PENDING' });
      expect((await cancel(buyer, booking)).body).toMatchObject({
        status: 'CANCELLED',
        refund: { amount: inr(2 * PRICE), status: 'PENDING' },
      });
      expect(await statusesOf(system, show.id)).toMatch(/^a+$/);
    });
    await changeEndOf(system, booking);
    expect((await buyer.booking(booking.id)).refund?.status).toBe('SUCCEEDED');
    expect(await netCaptured(system, booking.id)).toBe(0);
  }, 30_000);

  test('told of by webhook is known at once; replayed, reordered, wrong or unknown notices change nothing', async () => {
    const { buyer, booking } = await paid(['A1'], { token: 'tok_refund_pending' });
    const { notice, told } = await bankClock.whileStanding(async () => {
      await cancel(buyer, booking);
      const { attempts, refunds } = await buyer.payment(booking.id);
      const notice = {
        id: `evt_${newKey()}`,
        type: 'refund.succeeded',
        bookingId: booking.id,
        attemptId: attempts[0]!.id,
        refundId: refunds[0]!.id,
        amount: inr(PRICE),
        at: new Date().toISOString(),
      };
      const told = (changes: Partial<typeof notice>) =>
        deliverWebhook(system.apiUrls[0]!, { ...notice, id: `evt_${newKey()}`, ...changes });
      // Nobody believes a notice before the provider says the same when asked.
      const early = [
        await told({}),
        await told({ type: 'refund.failed' }),
        await told({ amount: inr(1) }),
        await told({ refundId: newId('ref') }),
        await told({ bookingId: newId('bkg'), refundId: newId('ref') }),
      ];
      expect(early.map(({ status }) => status)).toEqual([200, 200, 200, 200, 200]);
      expect((await buyer.booking(booking.id)).refund?.status).toBe('PENDING');
      return { notice, told };
    });
    await changeEndOf(system, booking);
    const after = await buyer.booking(booking.id);
    expect(after.refund).toEqual({ amount: inr(PRICE), status: 'SUCCEEDED' });
    await deliverWebhook(system.apiUrls[0]!, notice);
    await deliverWebhook(system.apiUrls[0]!, notice);
    await told({ type: 'refund.failed' });
    expect(await buyer.booking(booking.id)).toEqual(after);
    expect(await netCaptured(system, booking.id)).toBe(0);
  }, 30_000);

  test('is told of in the outbox: cancelled, started, succeeded, in this order', async () => {
    const { buyer, booking } = await paid(['A1']);
    await cancel(buyer, booking);
    await changeEndOf(system, booking);
    const events = await system.db
      .selectFrom('outbox')
      .select(['type', 'payload'])
      .where('booking_id', '=', booking.id)
      .orderBy('id')
      .execute();
    expect(events.map(({ type }) => type)).toEqual([
      'booking.held',
      'booking.confirmed',
      'booking.cancelled',
      'refund.started',
      'refund.succeeded',
    ]);
    expect(events[2]!.payload).toMatchObject({
      seatIds: ['A1'],
      refund: inr(PRICE),
      kept: inr(0),
      whole: true,
      by: 'buyer',
    });
  });
});

const setPolicy = (admin: ApiClient, id: string, cancellationPolicy: unknown, ifMatch: string | null = '*') =>
  admin.send(
    'PATCH',
    `/admin/theatres/${id}`,
    { cancellationPolicy },
    {
      headers: ifMatch === null ? {} : { 'If-Match': ifMatch },
    },
  );

describe('the policy of a theatre', () => {
  const strict = {
    tiers: [
      { hoursBefore: 72, refundPercent: 80 },
      { hoursBefore: 2, refundPercent: 30 },
    ],
  };

  test('is set by staff, and applies to what is bought from then on', async () => {
    const admin = await staff(system.apiUrls[0]!);
    const before = await paid(['A1']);
    const { show } = before;
    const changed = await setPolicy(admin, show.theatreId, strict);
    expect([changed.status, changed.body]).toMatchObject([200, { cancellationPolicy: strict }]);
    expect((await admin.get(`/theatres/${show.theatreId}`)).body).toMatchObject({ cancellationPolicy: strict });
    // At a process that has not sold this show a moment ago.
    const after = await paidAt(show, ['B1'], 'tok_ok', system.apiUrls[1]);
    const offered = await quote(after.buyer, after.booking);
    expect(offered.refund).toEqual(inr((PRICE * 30) / 100));
    expect((await quote(before.buyer, before.booking)).refund).toEqual(inr(PRICE));
    const reset = await setPolicy(admin, show.theatreId, null);
    expect(reset.body).toMatchObject({ cancellationPolicy: { tiers: [{ hoursBefore: 24 }, { hoursBefore: 4 }] } });
  });

  test.each([
    [
      'hours that do not go down',
      {
        tiers: [
          { hoursBefore: 4, refundPercent: 50 },
          { hoursBefore: 24, refundPercent: 20 },
        ],
      },
    ],
    [
      'money that does not go down',
      {
        tiers: [
          { hoursBefore: 24, refundPercent: 50 },
          { hoursBefore: 4, refundPercent: 50 },
        ],
      },
    ],
    ['more than everything', { tiers: [{ hoursBefore: 24, refundPercent: 101 }] }],
    ['half hours', { tiers: [{ hoursBefore: 0.5, refundPercent: 10 }] }],
    ['no tiers at all', {}],
  ])('with %s is a 400', async (_what, cancellationPolicy) => {
    const admin = await staff(system.apiUrls[0]!);
    const cityId = newId('cit');
    const location = { lat: 0, lng: 0 };
    await system.db
      .insertInto('cities')
      .values({ id: cityId, name: cityId, country: 'IN', zone: 'Asia/Kolkata', ...location, population: 1 })
      .execute();
    const theatre = { id: newId('thr'), cityId, name: 'A', address: null, location };
    await insertTheatre(system.db, theatre);
    const answers = [
      await setPolicy(admin, theatre.id, cancellationPolicy),
      await admin.post('/admin/theatres', { cityId, name: 'B', cancellationPolicy }),
    ];
    expect(answers.map(({ status, body }) => [status, body.code])).toEqual([
      [400, 'VALIDATION_FAILED'],
      [400, 'VALIDATION_FAILED'],
    ]);
  });

  test('is changed by who has seen it as it is', async () => {
    const admin = await staff(system.apiUrls[0]!);
    const { theatreId } = await openShow(system);
    const seen = (await admin.get(`/theatres/${theatreId}`)).headers.get('etag');
    const blind = await setPolicy(admin, theatreId, strict, null);
    expect([blind.status, blind.body.code]).toEqual([428, 'IF_MATCH_REQUIRED']);
    const both = [strict, { tiers: [] }].map((policy) => setPolicy(admin, theatreId, policy, seen));
    const answers = await Promise.all(both);
    expect(answers.map(({ status }) => status).toSorted()).toEqual([200, 412]);
    const late = answers.find(({ status }) => status === 412)!;
    const now = (await admin.get(`/theatres/${theatreId}`)).headers.get('etag');
    expect([late.body.code, late.headers.get('etag')]).toEqual(['VERSION_MISMATCH', now]);
    expect((await setPolicy(admin, theatreId, strict, now)).status).toBe(200);
  });

  test('of no theatre is a 404, and none of a buyer’s business', async () => {
    const admin = await staff(system.apiUrls[0]!);
    const buyer = await newGuest(system.apiUrls[0]!);
    const id = newId('thr');
    expect((await setPolicy(admin, id, strict)).status).toBe(404);
    for (const other of [buyer, await staff(system.apiUrls[0]!, 'theatre_owner')]) {
      expect((await setPolicy(other, id, strict)).status).toBe(403);
    }
  });
});

test('an operator reads what became of a change without opening its history', async () => {
  const { buyer, booking } = await paid(['A1']);
  await cancel(buyer, booking);
  await changeEndOf(system, booking);
  const handle = system.temporal.workflow.getHandle(bookingChangeWorkflowId(booking.id));
  expect(await handle.query('status')).toMatchObject({
    change: { kind: 'cancellation', bookingId: booking.id },
    answer: { ok: true },
    refunds: [{ status: 'SUCCEEDED', amount: inr(PRICE) }],
  });
  const { searchAttributes } = await handle.describe();
  expect(searchAttributes).toMatchObject({
    SeatkeeperShowId: [booking.showId],
    SeatkeeperUserId: [buyer.userId],
    SeatkeeperBookingStatus: ['CANCELLED'],
  });
});
