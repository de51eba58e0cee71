import type { BookingBody } from '../../src/contracts/http/bookings.ts';
import { ScriptedStripe, secretKey, signedEvent, webhookSecret } from '../gateways/scripted-stripe.ts';
import { openShow } from '../setup/shows.ts';
import { useTestSystem } from '../setup/system.ts';
import { type ApiClient, eventually, newGuest } from './http-client.ts';

const DEADLINE_SECONDS = 8;
/** Before the system: its parts are told where it is. */
const stripe = await ScriptedStripe.start();
const system = useTestSystem({
  apis: 1,
  settings: {
    HOLD_TTL_SECONDS: '30',
    PAYMENT_DEADLINE_SECONDS: String(DEADLINE_SECONDS),
    PAYMENT_PROVIDERS: 'stripe',
    STRIPE_SECRET_KEY: secretKey,
    STRIPE_WEBHOOK_SECRET: webhookSecret,
    STRIPE_API_URL: stripe.url,
    STRIPE_RETURN_URL: 'https://seats.example/paid',
  },
});
const url = (): string => system.apiUrls[0]!;

afterAll(() => stripe.close());

async function newHold(): Promise<{ buyer: ApiClient; booking: BookingBody }> {
  const buyer = await newGuest(url());
  const show = await openShow(system);
  return { buyer, booking: await buyer.held(show.id, ['A1']) };
}

const endsAs = (buyer: ApiClient, id: string, status: string): Promise<BookingBody> =>
  eventually(
    () => buyer.booking(id),
    (booking) => booking.status === status,
  );
const chargesOf = (bookingId: string) => stripe.charges.filter(({ metadata }) => metadata.bookingId === bookingId);

async function attemptOf(buyer: ApiClient, booking: BookingBody) {
  const { attempts } = await buyer.payment(booking.id);
  return attempts.at(-1)!;
}

const effectOf = async (eventId: string) =>
  (await system.db.selectFrom('webhook_events').selectAll().where('event_id', '=', eventId).executeTakeFirst())?.effect;

test('a card is charged, and the booking is confirmed at once, with the reference of Stripe', async () => {
  const { buyer, booking } = await newHold();
  const paid = await buyer.pay(booking.id, 'pm_card_visa');
  expect([paid.status, paid.body.status]).toEqual([200, 'CONFIRMED']);
  expect(await buyer.payment(booking.id)).toMatchObject({
    status: 'SUCCEEDED',
    provider: 'stripe',
    attempts: [{ status: 'SUCCEEDED', providerReference: expect.stringMatching(/^pi_/) as string }],
  });
  expect(chargesOf(booking.id)).toMatchObject([{ amount: 25_000, currency: 'inr' }]);
}, 20_000);

test('a decline is a 402 with the reason of the bank; another card may be better', async () => {
  const { buyer, booking } = await newHold();
  const declined = await buyer.pay(booking.id, 'pm_card_visa_chargeDeclinedInsufficientFunds');
  expect([declined.status, declined.body.code, declined.body.reason]).toEqual([
    402,
    'PAYMENT_DECLINED',
    'insufficient_funds',
  ]);
  expect((await buyer.pay(booking.id, 'pm_card_visa')).status).toBe(200);
  expect(chargesOf(booking.id)).toHaveLength(1);
}, 20_000);

describe('3-D Secure', () => {
  async function atTheBank(): Promise<{ buyer: ApiClient; booking: BookingBody; attemptId: string }> {
    const { buyer, booking } = await newHold();
    const pending = await buyer.pay(booking.id, 'pm_card_threeDSecure2Required');
    expect(pending.status).toBe(202);
    expect(pending.body).toMatchObject({
      status: 'PAYMENT_PENDING',
      nextAction: { type: 'redirect', url: expect.stringContaining('https://hooks.stripe.com/') as string },
    });
    return { buyer, booking, attemptId: (await attemptOf(buyer, booking)).id };
  }

  test('the buyer passes, the webhook tells it, and the booking is confirmed; told again it changes nothing', async () => {
    const { buyer, booking, attemptId } = await atTheBank();
    const intent = stripe.settle(attemptId, 'succeeded');
    const { body, signature } = signedEvent('payment_intent.succeeded', intent);
    const send = () =>
      fetch(`${url()}/api/v1/webhooks/payments/stripe`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'stripe-signature': signature },
        body,
      });
    expect((await send()).status).toBe(200);
    const confirmed = await endsAs(buyer, booking.id, 'CONFIRMED');
    expect((await send()).status).toBe(200);
    expect(await buyer.booking(booking.id)).toEqual(confirmed);
    expect(chargesOf(booking.id)).toHaveLength(1);
    expect(await effectOf((JSON.parse(body) as { id: string }).id)).toBe('accepted');
  }, 20_000);

  test('the buyer fails, and the hold goes on', async () => {
    const { buyer, booking, attemptId } = await atTheBank();
    const answer = await stripe.tell(url(), 'payment_intent.payment_failed', stripe.settle(attemptId, 'failed'));
    expect(answer.status).toBe(200);
    await endsAs(buyer, booking.id, 'HELD');
    expect((await attemptOf(buyer, booking)).failureReason).toBe('payment_intent_authentication_failure');
  }, 20_000);

  test('the buyer does nothing: past the deadline nobody can pay any more, and nobody has', async () => {
    const { buyer, booking, attemptId } = await atTheBank();
    await eventually(
      () => Promise.resolve(stripe.intentOfAttempt(attemptId)!.status),
      (status) => status === 'canceled',
    );
    await eventually(
      () => buyer.booking(booking.id),
      ({ status }) => status !== 'PAYMENT_PENDING',
    );
    expect(chargesOf(booking.id)).toEqual([]);
  }, 40_000);
});

describe('when the answer of Stripe is lost', () => {
  test.each([
    ['is done and hangs up', 1],
    ['hangs up', 1],
  ] as const)(
    'a confirmation that %s ends confirmed, charged once',
    async (does, charges) => {
      const { buyer, booking } = await newHold();
      stripe.goesWrong('confirm', { does });
      const paid = await buyer.pay(booking.id, 'pm_card_visa');
      expect([200, 202]).toContain(paid.status);
      await endsAs(buyer, booking.id, 'CONFIRMED');
      expect(chargesOf(booking.id)).toHaveLength(charges);
    },
    30_000,
  );

  test('while Stripe is away nothing is charged, and the buyer is told so', async () => {
    const { buyer, booking } = await newHold();
    stripe.goesWrong('create', { error: 'unavailable' });
    const refused = await buyer.pay(booking.id, 'pm_card_visa');
    expect([refused.status, refused.body.code]).toEqual([503, 'PAYMENT_UNAVAILABLE']);
    expect((await buyer.pay(booking.id, 'pm_card_visa')).status).toBe(200);
    expect(chargesOf(booking.id)).toHaveLength(1);
  }, 20_000);
});

describe('a webhook', () => {
  test('whose signature is wrong is a 400', async () => {
    const { body, signature } = signedEvent('payment_intent.succeeded', {}, 'whsec_of_somebody_else_0123');
    const answer = await fetch(`${url()}/api/v1/webhooks/payments/stripe`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'stripe-signature': signature },
      body,
    });
    expect(answer.status).toBe(400);
    expect(await answer.json()).toMatchObject({ code: 'SIGNATURE_INVALID', reason: 'signature_mismatch' });
  });

  test('of a kind that is no concern of ours, or about somebody else, is a 200, and kept', async () => {
    for (const [type, object] of [
      ['customer.created', { id: 'cus_1', object: 'customer' }],
      ['payment_intent.succeeded', { id: 'pi_1', status: 'succeeded', amount: 1, amount_received: 1, currency: 'inr' }],
    ] as const) {
      expect((await stripe.tell(url(), type, object)).status).toBe(200);
    }
    const kept = await system.db.selectFrom('webhook_events').selectAll().where('effect', '=', 'no_concern').execute();
    expect(kept.map((event) => [event.provider, event.booking_id])).toEqual([
      ['stripe', null],
      ['stripe', null],
    ]);
  });

  test('of a provider that is not chosen is a 404', async () => {
    const answer = await fetch(`${url()}/api/v1/webhooks/payments/simulator`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{}',
    });
    expect(answer.status).toBe(404);
  });

  test('of money for a booking that has ended gives the money back through Stripe', async () => {
    const { buyer, booking } = await newHold();
    expect((await buyer.pay(booking.id, 'pm_processing')).status).toBe(202);
    const { id: attemptId } = await attemptOf(buyer, booking);
    await endsAs(buyer, booking.id, 'EXPIRED');
    const other = await newGuest(url());
    await other.held(booking.showId, ['A1']);
    await stripe.tell(url(), 'payment_intent.succeeded', stripe.settle(attemptId, 'succeeded'));
    const refunds = await eventually(
      () => Promise.resolve(stripe.refunds.filter(({ metadata }) => metadata.attemptId === attemptId)),
      (made) => made.length > 0,
    );
    expect(refunds).toMatchObject([{ amount: 25_000, metadata: { bookingId: booking.id, attemptId } }]);
    await eventually(
      () => buyer.booking(booking.id),
      ({ refund }) => refund?.status === 'SUCCEEDED',
    );
  }, 60_000);
});
