import { setTimeout as delay } from 'node:timers/promises';
import fc from 'fast-check';
import type { BookingBody, ExchangedBody } from '../../src/contracts/http/bookings.ts';
import type { TicketBody } from '../../src/contracts/http/tickets.ts';
import { newId } from '../../src/platform/ids.ts';
import type { Show } from '../../src/read-model/shows.ts';
import { chargeAtProvider } from '../setup/bookings.ts';
import { expectChainsToAgree } from '../setup/chains.ts';
import { eventually } from '../setup/eventually.ts';
import { untilQuiet } from '../setup/quiet.ts';
import { ledgerOf, openShow, rowsOfSeats } from '../setup/shows.ts';
import { useTestSystem } from '../setup/system.ts';
import { type ApiClient, newGuest, newKey, staff } from './http-client.ts';
import { deliverWebhook, paymentSucceeded } from './signed-webhook.ts';

/**
 * Buyers who ask for several things at once of what they have bought, each at any of the API processes: cancelling all or
 * some, exchanging for seats that others want too, giving away, going in at the door, paying again; money that nobody asked
 * for, notices that are forged, wrong or told twice; staff that cancels one show and moves another; workers that are killed,
 * and both providers away for a while. When all is quiet, money and seats agree, and nothing was answered by a defect.
 */
const WORKERS = 2;
const system = useTestSystem({ apis: 2, workers: WORKERS, settings: { PAYMENT_DEADLINE_SECONDS: '6' } });

const SHOWS = 4;
/** By number. */
const CANCELLED = 3;
const MOVED = 2;
const BUYERS_PER_SHOW = 6;
const SEATS_EACH = 3;
const SEATS_PER_ROW = 6;
/** Rows that nobody has at first: those who exchange meet there. */
const SPARE_ROWS = ['G', 'H'];
const SEAT_PRICES = [25_000, 40_000, 10_000, 25_000];
const HOUR_MS = 3_600_000;
const QUIET_WITHIN_MS = 90_000;
/** Between them the workers are killed, one after the other. */
const KILLS_AFTER_MS = [600, 1_500];
const PROVIDERS_AWAY_AFTER_MS = 400;
const PROVIDERS_AWAY_FOR_MS = 1_500;

const paidWith = fc.constantFrom(
  ...['tok_ok', 'tok_ok', 'tok_refund_pending', 'tok_refund_fails_twice', 'tok_timeout_charged'],
);
const token = fc.constantFrom(
  'tok_ok',
  'tok_ok',
  'tok_refund_fails_twice',
  'tok_pending',
  'tok_declined',
  'tok_redirect',
);
const seats = fc.uniqueArray(fc.integer({ min: 1, max: SEATS_EACH }), { minLength: 1, maxLength: SEATS_EACH });
const deed = fc.oneof(
  { weight: 3, arbitrary: fc.record({ does: fc.constant('cancel' as const) }) },
  { weight: 3, arbitrary: fc.record({ does: fc.constant('cancel seats' as const), seats }) },
  {
    weight: 5,
    arbitrary: fc.record({
      does: fc.constant('exchange' as const),
      show: fc.nat(SHOWS - 1),
      row: fc.constantFrom(...SPARE_ROWS),
      seats,
      token,
    }),
  },
  { weight: 1, arbitrary: fc.record({ does: fc.constant('transfer' as const) }) },
  { weight: 1, arbitrary: fc.record({ does: fc.constant('go in' as const) }) },
  { weight: 1, arbitrary: fc.record({ does: fc.constant('pay again' as const) }) },
  { weight: 2, arbitrary: fc.record({ does: fc.constant('money unasked' as const) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      does: fc.constant('tell' as const),
      type: fc.constantFrom('refund.succeeded', 'refund.failed', 'payment.succeeded', 'payment.failed'),
      wrong: fc.constantFrom('nothing', 'amount', 'booking', 'signature', 'age'),
    }),
  },
);
const life = fc.record({
  paidWith,
  deeds: fc.array(fc.record({ deed, afterMs: fc.constantFrom(0, 0, 0, 20, 300, 900), api: fc.nat(1) }), {
    minLength: 3,
    maxLength: 7,
  }),
});
const seed = Number(process.env.SEED ?? Date.now() % 1_000_000);
const lives = fc.sample(life, { numRuns: SHOWS * BUYERS_PER_SHOW, seed });
type Deed = (typeof lives)[number]['deeds'][number]['deed'];

/** What a buyer knows of; exchanges add to it. */
interface Buyer {
  readonly client: ApiClient;
  readonly bookings: BookingBody[];
}

interface Heard {
  readonly deed: string;
  readonly status: number;
  readonly code: string | undefined;
}

const heard: Heard[] = [];

type Answered = { readonly status: number; readonly body: unknown };

async function happens(
  what: Deed,
  { client, bookings }: Buyer,
  api: string,
  shows: readonly Show[],
): Promise<Answered> {
  const booking = bookings.at(-1)!;
  const path = `/bookings/${booking.id}`;
  const at = client.at(api);
  switch (what.does) {
    case 'cancel':
      return at.send('DELETE', path);
    case 'cancel seats': {
      const seatIds = [...new Set(what.seats.map((seat) => booking.seats[seat % booking.seats.length]!.id))];
      return at.post(`${path}/cancellations`, { seatIds }, { key: newKey() });
    }
    case 'exchange': {
      const wanted = { showId: shows[what.show]!.id, seatIds: what.seats.map((seat) => `${what.row}${seat}`) };
      const key = newKey();
      const ask = () => at.post<ExchangedBody>(`${path}/exchange`, { ...wanted, token: what.token }, { key });
      const answer = await ask();
      if (answer.status < 300) bookings.push(answer.body.new);
      return answer;
    }
    case 'transfer':
      return at.post(`${path}/transfer`, { email: 'ravi@example.org' }, { key: newKey() });
    case 'go in': {
      const { status, body } = await at.get<TicketBody>(`${path}/ticket`);
      if (status !== 200) return { status, body };
      return (await staff(api, 'support')).post('/tickets/verify', { code: body.code });
    }
    case 'pay again':
      return at.pay(booking.id, 'tok_ok');
    case 'money unasked': {
      const attemptId = newId('pay');
      // A provider that dies may have taken it all the same: asked again by its key, it says so.
      await eventually(() => chargeAtProvider(system, bookingWithPrice(booking), attemptId));
      return deliverWebhook(api, paymentSucceeded(booking.id, attemptId, booking.price.total));
    }
    case 'tell':
      return told(what, at, booking, api);
  }
}

const bookingWithPrice = ({ id, price }: BookingBody) => ({ id, price: { lines: [], total: price.total } });

async function told(
  { type, wrong }: Extract<Deed, { does: 'tell' }>,
  at: ApiClient,
  booking: BookingBody,
  api: string,
): Promise<Answered> {
  const { attempts = [], refunds = [] } = await at.payment(booking.id);
  const event = {
    id: `evt_${newKey()}`,
    type,
    bookingId: wrong === 'booking' ? newId('bkg') : booking.id,
    attemptId: attempts[0]?.id ?? newId('pay'),
    ...(type.startsWith('refund') && { refundId: refunds[0]?.id ?? newId('ref') }),
    amount: wrong === 'amount' ? { amount: 1, currency: 'INR' } : booking.price.total,
    at: new Date().toISOString(),
  };
  const sent = {
    ...(wrong === 'signature' && { secret: 'another secret, of somebody else' }),
    ...(wrong === 'age' && { atSeconds: Math.floor(Date.now() / 1_000) - 301 }),
  };
  const answers = await Promise.all([deliverWebhook(api, event, sent), deliverWebhook(api, event, sent)]);
  const isForged = wrong === 'signature' || wrong === 'age';
  expect(answers.map(({ status }) => status)).toEqual(isForged ? [400, 400] : [200, 200]);
  return answers[0];
}

async function paidBuyer(show: Show, number: number, method: string): Promise<Buyer> {
  const client = await newGuest(system.apiUrls[number % 2]!);
  const row = String.fromCharCode('A'.charCodeAt(0) + number);
  const held = await client.held(
    show.id,
    Array.from({ length: SEATS_EACH }, (_, seat) => `${row}${seat + 1}`),
  );
  await client.pay(held.id, method);
  await eventually(async () => expect(await client.booking(held.id)).toMatchObject({ status: 'CONFIRMED' }));
  return { client, bookings: [held] };
}

async function playLife(buyer: Buyer, { deeds }: (typeof lives)[number], shows: readonly Show[]): Promise<void> {
  const underWay: Promise<void>[] = [];
  for (const { deed: what, afterMs, api } of deeds) {
    await delay(afterMs);
    const happening = happens(what, buyer, system.apiUrls[api]!, shows).then(({ status, body }) => {
      heard.push({ deed: what.does, status, code: (body as { code?: string }).code });
    });
    underWay.push(happening);
    happening.catch(() => undefined);
  }
  await Promise.all(underWay);
}

async function staffChangesShows(shows: readonly Show[]): Promise<void> {
  const admin = await staff(system.apiUrls[0]!);
  await delay(KILLS_AFTER_MS[0]);
  const startsAt = new Date(Date.now() + 72 * HOUR_MS).toISOString();
  const path = `/admin/shows/${shows[MOVED]!.id}`;
  const headers = { 'If-Match': (await admin.get(`/shows/${shows[MOVED]!.id}`)).headers.get('ETag')! };
  const [moved, cancelled] = await Promise.all([
    admin.send('PATCH', path, { startsAt, refundUntil: startsAt }, { headers }),
    admin.post(`/admin/shows/${shows[CANCELLED]!.id}/cancel`, { reason: 'The hall is flooded' }),
  ]);
  expect([moved.status, cancelled.status]).toEqual([200, 202]);
}

async function workersDie(): Promise<void> {
  for (const [place, afterMs] of KILLS_AFTER_MS.entries()) {
    await delay(afterMs);
    const worker = system.workers[place % WORKERS]!;
    await worker.kill('SIGKILL');
    await worker.start();
  }
}

async function providersAreAway(): Promise<void> {
  await delay(PROVIDERS_AWAY_AFTER_MS);
  await system.simulator.kill('SIGKILL');
  await delay(PROVIDERS_AWAY_FOR_MS);
  await system.simulator.start();
}

async function expectNoPaymentGivenBackTwice(): Promise<void> {
  const byAttempt = Map.groupBy(await ledgerOf(system), ({ attemptId }) => attemptId);
  for (const [attemptId, movements] of byAttempt) {
    const sum = (wanted: string) =>
      movements.filter(({ kind }) => kind === wanted).reduce((total, { amount }) => total + amount.amount, 0);
    expect([attemptId, sum('charge') >= sum('refund')]).toEqual([attemptId, true]);
  }
}

test(
  `whoever asks for what at the same time, money and seats agree in the end (SEED=${seed})`,
  async () => {
    const plan = rowsOfSeats(BUYERS_PER_SHOW + SPARE_ROWS.length, SEATS_PER_ROW);
    const shows = await Promise.all(
      SEAT_PRICES.map((seatPrice, number) =>
        openShow(system, { plan, seatPrice, startsInMs: [48, 10, 30, 48][number]! * HOUR_MS }),
      ),
    );
    const buyers = await Promise.all(
      lives.map(({ paidWith: method }, number) =>
        paidBuyer(shows[number % SHOWS]!, Math.floor(number / SHOWS), method),
      ),
    );
    await Promise.all([
      ...buyers.map((buyer, number) => playLife(buyer, lives[number]!, shows)),
      staffChangesShows(shows),
      workersDie(),
      providersAreAway(),
    ]);
    await untilQuiet(system, QUIET_WITHIN_MS);
    await eventually(async () => {
      const changes = await system.db.selectFrom('show_changes').select('done_at').execute();
      expect(changes.map(({ done_at: doneAt }) => doneAt !== null)).toEqual([true, true]);
    }, QUIET_WITHIN_MS);
    await untilQuiet(system, QUIET_WITHIN_MS);
    await expectChainsToAgree(system, shows);
    await expectNoPaymentGivenBackTwice();
    const ofCancelled = system.db.selectFrom('bookings').select('id').where('show_id', '=', shows[CANCELLED]!.id);
    expect(await ofCancelled.where('status', '=', 'CONFIRMED').execute()).toEqual([]);
    // 504: a worker was away for longer than a call waits; what it was about goes on.
    expect(heard.filter(({ status }) => status >= 500 && status !== 503 && status !== 504)).toEqual([]);
    expect(heard.filter(({ status }) => status < 300).length).toBeGreaterThan(BUYERS_PER_SHOW);
  },
  3 * QUIET_WITHIN_MS,
);
