import type { BookingBody } from '../../src/contracts/http/bookings.ts';
import type { NextAction } from '../../src/contracts/payments.ts';
import { bookingWorkflowId, latePaymentWorkflowId } from '../../src/contracts/workflow-ids.ts';
import type { NewBooking } from '../../src/domain/booking.ts';
import { money } from '../../src/domain/money.ts';
import { derivedId, fingerprintOf, newId } from '../../src/platform/ids.ts';
import { findPaymentsOfBooking, insertPaymentAttempts, markPaymentsSent } from '../../src/read-model/payments.ts';
import { expectAgreement } from '../setup/agreement.ts';
import { book, chargeAtProvider, endOf, lateEndOf, recordAttempt, rowOf } from '../setup/bookings.ts';
import { eventually } from '../setup/eventually.ts';
import { ledgerOf, netCaptured, openShow } from '../setup/shows.ts';
import { useTestSystem } from '../setup/system.ts';
import { type ApiClient, newGuest, newKey } from './http-client.ts';
import { deliverWebhook, paymentSucceeded, type Sent } from './signed-webhook.ts';

/**
 * A signature says who speaks, not that it is true: a provider may be at fault, or its secret be known. Only what agrees
 * with the attempt that was made durable before its charge is believed; of the rest the provider's books tell.
 */
const system = useTestSystem({ apis: 1, settings: { HOLD_TTL_SECONDS: '25', PAYMENT_DEADLINE_SECONDS: '4' } });
const url = (): string => system.apiUrls[0]!;

const PRICE = money(25_000, 'INR');
const notThePrice = [money(1, 'INR'), money(25_000, 'JPY')];

type Show = Awaited<ReturnType<typeof openShow>>;

async function held(show?: Show, seat = 'A1'): Promise<{ buyer: ApiClient; booking: BookingBody }> {
  const buyer = await newGuest(url());
  return { buyer, booking: await buyer.held((show ?? (await openShow(system))).id, [seat]) };
}

async function expired(show: Show, seat = 0): Promise<NewBooking> {
  const booking = await book(system, show, [seat], { holdTtlMs: 300 });
  expect(await endOf(system, booking)).toBe('EXPIRED');
  return booking;
}

/** Answers what the webhook did, as it is recorded. */
async function told(event: ReturnType<typeof paymentSucceeded>, sent?: Sent): Promise<string | undefined> {
  expect((await deliverWebhook(url(), event, sent)).status).toBe(200);
  const events = system.db.selectFrom('webhook_events').select('effect').where('event_id', '=', event.id);
  return (await events.executeTakeFirst())?.effect;
}

const priced = <B extends { readonly id: string }>(booking: B, total = PRICE) => ({
  ...booking,
  price: { lines: [], total },
});

const attemptsOf = async ({ id }: { readonly id: string }) => (await findPaymentsOfBooking(system.db, id)).attempts;
const refundsOf = async ({ id }: { readonly id: string }) => (await findPaymentsOfBooking(system.db, id)).refunds;
const movements = async ({ id }: { readonly id: string }) =>
  (await ledgerOf(system)).filter((item) => item.bookingId === id).map(({ kind, amount }) => ({ kind, amount }));

/** As the buyer does on the provider's page. */
async function approved(nextAction: NextAction): Promise<void> {
  if (nextAction.type !== 'redirect') throw new Error('nothing to approve');
  expect((await fetch(nextAction.url, { method: 'POST' })).status).toBe(200);
}

async function activitiesOf(workflowId: string): Promise<string[]> {
  const { events } = await system.temporal.workflow.getHandle(workflowId).fetchHistory();
  return (events ?? []).flatMap(
    ({ activityTaskScheduledEventAttributes: scheduled }) => scheduled?.activityType?.name ?? [],
  );
}

describe('a signed success over something else than the attempt', () => {
  test('confirms nothing: the provider, who has captured nothing, is believed', async () => {
    const bookings = await Promise.all(
      notThePrice.map(async (amount) => {
        const { buyer, booking } = await held();
        expect((await buyer.pay(booking.id, 'tok_redirect')).status).toBe(202);
        const [attempt] = await attemptsOf(booking);
        expect(await told(paymentSucceeded(booking.id, attempt!.id, amount))).toBe('other_amount');
        return { booking, attemptId: attempt!.id };
      }),
    );
    for (const { booking, attemptId } of bookings) {
      expect(await endOf(system, booking)).toBe('EXPIRED');
      expect(await lateEndOf(system, booking, attemptId)).toBe('not_charged');
      expect(await attemptsOf(booking)).toMatchObject([{ id: attemptId, status: 'FAILED' }]);
      expect(await movements(booking)).toEqual([]);
    }
  }, 40_000);

  test('while it is true, confirms by what the provider has captured', async () => {
    const show = await openShow(system);
    const booking = await expired(show);
    const attemptId = newId('pay');
    await recordAttempt(system, booking, attemptId);
    await chargeAtProvider(system, booking, attemptId);
    expect(await told(paymentSucceeded(booking.id, attemptId, money(1, 'INR')))).toBe('other_amount');
    expect(await lateEndOf(system, booking, attemptId)).toBe('confirmed');
    expect(await attemptsOf(booking)).toMatchObject([{ status: 'SUCCEEDED', amount: PRICE }]);
    expect(await movements(booking)).toMatchObject([{ kind: 'charge', amount: PRICE }]);
    await expectAgreement(system, show);
  });

  test.each([money(100, 'INR'), money(25_000, 'JPY'), money(31_000, 'INR')])(
    'that the provider has captured (%j) buys nothing, and all of it goes back',
    async (amount) => {
      const booking = await expired(await openShow(system));
      const attemptId = newId('pay');
      await recordAttempt(system, booking, attemptId);
      await chargeAtProvider(system, priced(booking, amount), attemptId);
      expect(await told(paymentSucceeded(booking.id, attemptId, amount))).toBe('other_amount');
      expect(await lateEndOf(system, booking, attemptId)).toBe('refunded');
      expect(await rowOf(system, booking)).toMatchObject({
        status: 'EXPIRED',
        refund: { amount, status: 'SUCCEEDED' },
      });
      expect(await movements(booking)).toEqual([
        { kind: 'charge', amount },
        { kind: 'refund', amount },
      ]);
    },
  );
});

test.each([
  ['sent by nobody yet', false],
  ['sent before', true],
])('a payment, %s, of which less than the price was captured is given back, not confirmed', async (_when, isSent) => {
  const { buyer, booking } = await held();
  const key = newKey();
  const attemptId = derivedId('pay', booking.id, key, '0');
  const fingerprint = fingerprintOf({ method: 'card', token: 'tok_ok' });
  const attempt = { id: attemptId, bookingId: booking.id, amount: PRICE, method: 'card', fingerprint } as const;
  await insertPaymentAttempts(system.db, [{ ...attempt, createdAtMs: Date.now() }]);
  if (isSent) await markPaymentsSent(system.db, [attemptId]);
  const amount = money(100, 'INR');
  await chargeAtProvider(system, priced(booking, amount), attemptId);

  const paid = await buyer.pay(booking.id, 'tok_ok', key);
  expect([paid.status, paid.body.code]).toEqual([410, 'HOLD_EXPIRED']);
  expect(await endOf(system, booking)).toBe('FAILED');
  expect(await buyer.booking(booking.id)).toMatchObject({ status: 'FAILED', refund: { amount, status: 'SUCCEEDED' } });
  expect(await netCaptured(system, booking.id)).toBe(0);
  expect((await (await newGuest(url())).hold(booking.showId, ['A1'])).status).toBe(201);
});

test("a signed success over another booking's attempt has no effect on either", async () => {
  const show = await openShow(system);
  const [paying, other] = [await held(show), await held(show, 'A5')];
  expect((await paying.buyer.pay(paying.booking.id, 'tok_redirect')).status).toBe(202);
  const [attempt] = await attemptsOf(paying.booking);
  expect(await told(paymentSucceeded(other.booking.id, attempt!.id, PRICE))).toBe('other_booking');
  expect(await attemptsOf(paying.booking)).toMatchObject([{ status: 'PENDING' }]);

  expect((await other.buyer.pay(other.booking.id, 'tok_ok')).status).toBe(200);
  expect(await attemptsOf(other.booking)).toHaveLength(1);
  expect(await endOf(system, paying.booking)).toBe('EXPIRED');
  expect(await lateEndOf(system, paying.booking, attempt!.id)).toBe('not_charged');
  expect(await movements(paying.booking)).toEqual([]);
  expect(await movements(other.booking)).toMatchObject([{ kind: 'charge', amount: PRICE }]);
}, 40_000);

describe('a signed success over an attempt that nobody has made', () => {
  test.each([PRICE, ...notThePrice])(
    'is recorded, and changes nothing of a booking that has ended: %j',
    async (amount) => {
      const booking = await expired(await openShow(system));
      const before = await rowOf(system, booking);
      const attemptId = newId('pay');
      expect(await told(paymentSucceeded(booking.id, attemptId, amount))).toBe('unknown_attempt');
      expect(await lateEndOf(system, booking, attemptId)).toBe('not_charged');
      expect(await rowOf(system, booking)).toEqual(before);
      expect(await attemptsOf(booking)).toEqual([]);
    },
  );

  test('changes nothing of a booking that is held', async () => {
    const { buyer, booking } = await held();
    const attemptId = newId('pay');
    expect(await told(paymentSucceeded(booking.id, attemptId, PRICE))).toBe('unknown_attempt');
    expect(await lateEndOf(system, booking, attemptId)).toBe('not_charged');
    expect(await buyer.booking(booking.id)).toEqual(booking);
    expect((await buyer.pay(booking.id, 'tok_ok')).status).toBe(200);
    expect(await attemptsOf(booking)).toHaveLength(1);
  });

  test('and that the provider has captured all the same buys the seats, or goes back', async () => {
    const show = await openShow(system);
    const [lucky, late] = await Promise.all([expired(show, 0), expired(show, 5)]);
    const other = await book(system, show, [5]);
    const [forLucky, forLate] = [newId('pay'), newId('pay')];
    await Promise.all([chargeAtProvider(system, lucky, forLucky), chargeAtProvider(system, late, forLate)]);
    for (const [{ id }, attemptId] of [[lucky, forLucky] as const, [late, forLate] as const])
      expect(await told(paymentSucceeded(id, attemptId, money(1, 'INR')))).toBe('unknown_attempt');
    expect(await lateEndOf(system, lucky, forLucky)).toBe('confirmed');
    expect(await lateEndOf(system, late, forLate)).toBe('refunded');
    await system.workflows.release(other.id);
    await expectAgreement(system, show);
  });

  test('but captured for another booking has no effect', async () => {
    const show = await openShow(system);
    const [booking, payer] = await Promise.all([expired(show, 0), expired(show, 5)]);
    const attemptId = newId('pay');
    await chargeAtProvider(system, payer, attemptId);
    expect(await told(paymentSucceeded(booking.id, attemptId, PRICE))).toBe('unknown_attempt');
    expect(await lateEndOf(system, booking, attemptId)).toBe('not_charged');
    expect(await rowOf(system, booking)).toMatchObject({ status: 'EXPIRED', payment: null, refund: null });
    expect(await attemptsOf(booking)).toEqual([]);
  });
});

describe('a signed success that agrees with its attempt', () => {
  test('is believed without asking the provider, in time and late', async () => {
    const show = await openShow(system);
    const { buyer, booking } = await held(show);
    await approved((await buyer.pay(booking.id, 'tok_redirect')).body.nextAction);
    const late = await expired(show, 5);
    const attemptId = newId('pay');
    await recordAttempt(system, late, attemptId);
    await chargeAtProvider(system, late, attemptId);
    expect(await told(paymentSucceeded(late.id, attemptId, PRICE))).toBe('accepted');

    expect(await endOf(system, booking)).toBe('CONFIRMED');
    expect(await activitiesOf(bookingWorkflowId(booking.id))).not.toContain('findCharge');
    expect(await lateEndOf(system, late, attemptId)).toBe('confirmed');
    const steps = ['recordAttempt', 'loadBooking', 'confirmSeats', 'recordConfirmed'];
    expect(await activitiesOf(latePaymentWorkflowId(late.id, attemptId))).toEqual(steps);
  });

  test('although the provider has captured nothing: giving it back comes to an end', async () => {
    const show = await openShow(system);
    const booking = await expired(show);
    await book(system, show, [0]);
    const attemptId = newId('pay');
    await recordAttempt(system, booking, attemptId);
    expect(await told(paymentSucceeded(booking.id, attemptId, PRICE))).toBe('accepted');
    expect(await lateEndOf(system, booking, attemptId)).toBe('not_charged');
    expect(await refundsOf(booking)).toMatchObject([{ status: 'FAILED' }]);
    expect(await movements(booking)).toEqual([]);
    // Neither does it capture later what has not gone back.
    await chargeAtProvider(system, booking, attemptId);
    expect(await movements(booking)).toEqual([]);
  });

  test('although it comes from the other provider, goes back where it was captured', async () => {
    const show = await openShow(system);
    const booking = await expired(show);
    await book(system, show, [0]);
    const attemptId = newId('pay');
    await recordAttempt(system, booking, attemptId);
    await chargeAtProvider(system, booking, attemptId);
    const event = paymentSucceeded(booking.id, attemptId, PRICE);
    expect(await told(event, { provider: 'simulator-backup' })).toBe('accepted');
    expect(await lateEndOf(system, booking, attemptId)).toBe('refunded');
    await eventually(async () =>
      expect(await movements(booking)).toMatchObject([{ kind: 'charge' }, { kind: 'refund' }]),
    );
    expect(await refundsOf(booking)).toMatchObject([{ status: 'FAILED' }, { status: 'SUCCEEDED' }]);
  });
});
