import { setTimeout as delay } from 'node:timers/promises';
import { MockActivityEnvironment } from '@temporalio/testing';
import { createSweepActivities } from '../../activities/sweep-activities.ts';
import type { PaymentNotification } from '../../src/contracts/payments.ts';
import { latePaymentWorkflowId } from '../../src/contracts/workflow-ids.ts';
import type { NewBooking } from '../../src/domain/booking.ts';
import { createPaymentGateways, type PaymentGateways } from '../../src/gateways/payment-providers.ts';
import { newId } from '../../src/platform/ids.ts';
import { findPayment, findPaymentsOfBooking, markPaymentsSent } from '../../src/read-model/payments.ts';
import { expectAgreement } from '../setup/agreement.ts';
import {
  book,
  captured,
  chargeAtProvider,
  decideAtProvider,
  endOf,
  lateEndOf,
  pay,
  recordAttempt,
  rowOf,
} from '../setup/bookings.ts';
import { eventually } from '../setup/eventually.ts';
import { ledgerOf, netCaptured, openShow, statusesOf } from '../setup/shows.ts';
import { useTestSystem } from '../setup/system.ts';
import { withHaltingWorker } from '../setup/with-halting-worker.ts';

const system = useTestSystem();
let gateways: PaymentGateways;
beforeAll(async () => {
  // Attempts are swept here when a test says so.
  await system.temporal.schedule.getHandle('payment-sweep').pause('of a test');
  gateways = createPaymentGateways({ gatewayUrl: system.simulatorUrl });
});
afterAll(() => gateways.close());

/** A charge that the booking's workflow never heard of, and the provider's notice of it. */
async function chargedUnheard(booking: NewBooking) {
  const attemptId = newId('pay');
  await recordAttempt(system, booking, attemptId);
  const notice = captured(booking, attemptId, await chargeAtProvider(system, booking, attemptId));
  return { attemptId, tell: () => tellAnew(notice, booking) };
}

/** A webhook of its own for the same news. */
const tellAnew = (notice: PaymentNotification, booking: NewBooking) =>
  system.workflows.notifyPayment({ ...notice, eventId: newId('pay') }, booking);

async function expired(show: Awaited<ReturnType<typeof openShow>>, seats: readonly number[]): Promise<NewBooking> {
  const booking = await book(system, show, seats, { holdTtlMs: 300 });
  expect(await endOf(system, booking)).toBe('EXPIRED');
  return booking;
}

const movements = async ({ id }: NewBooking) =>
  (await ledgerOf(system)).filter((item) => item.bookingId === id).map(({ kind }) => kind);

/** What its buyer hears of money that goes back, and why it does. */
async function toldOfMoney({ id }: NewBooking): Promise<[string, string][]> {
  const events = system.db.selectFrom('outbox').select(['type', 'payload']).where('booking_id', '=', id);
  return (await events.orderBy('id').execute())
    .filter(({ type }) => type.includes('refund'))
    .map(({ type, payload }) => [type, (payload as { reason: string }).reason]);
}

describe('money that nobody was waiting for', () => {
  test('buys the seats while they are held; told of again it has no effect', async () => {
    const show = await openShow(system);
    const booking = await book(system, show, [0, 1]);
    const { attemptId, tell } = await chargedUnheard(booking);
    await Promise.all([tell(), tell(), tell()]);
    expect(await endOf(system, booking)).toBe('CONFIRMED');
    const { version } = await rowOf(system, booking);
    // Its workflow has ended: a successor looks after this one, and finds nothing to do.
    await tell();
    expect(await lateEndOf(system, booking, attemptId)).toBe('confirmed');
    expect(await rowOf(system, booking)).toMatchObject({ status: 'CONFIRMED', version });
    expect(await movements(booking)).toEqual(['charge']);
    await expectAgreement(system, show);
  });

  test('buys the seats after their hold expired, as long as all of them are free', async () => {
    const show = await openShow(system);
    const booking = await expired(show, [0, 1]);
    const { attemptId, tell } = await chargedUnheard(booking);
    await Promise.all([tell(), tell()]);
    expect(await lateEndOf(system, booking, attemptId)).toBe('confirmed');
    expect(await rowOf(system, booking)).toMatchObject({ status: 'CONFIRMED', payment: { status: 'SUCCEEDED' } });
    expect((await statusesOf(system, show.id)).slice(0, 2)).toBe('bb');
    await expectAgreement(system, show);
  });

  test('goes back when another buyer has one of the seats', async () => {
    const show = await openShow(system);
    const booking = await expired(show, [0, 1]);
    const other = await book(system, show, [1]);
    const { attemptId, tell } = await chargedUnheard(booking);
    await tell();
    expect(await lateEndOf(system, booking, attemptId)).toBe('refunded');
    expect(await rowOf(system, booking)).toMatchObject({ status: 'EXPIRED', refund: { status: 'SUCCEEDED' } });
    expect(await movements(booking)).toEqual(['charge', 'refund']);
    await system.workflows.release(other.id);
    await expectAgreement(system, show);
  });

  test('goes back when the buyer had released the seats', async () => {
    const show = await openShow(system);
    const booking = await book(system, show, [0]);
    await system.workflows.release(booking.id);
    expect(await endOf(system, booking)).toBe('RELEASED');
    const { attemptId, tell } = await chargedUnheard(booking);
    await tell();
    expect(await lateEndOf(system, booking, attemptId)).toBe('refunded');
    expect(await rowOf(system, booking)).toMatchObject({ status: 'RELEASED', refund: { status: 'SUCCEEDED' } });
    await expectAgreement(system, show);
  });

  test('goes back when another payment has bought the seats meanwhile', async () => {
    const show = await openShow(system);
    const booking = await book(system, show, [0]);
    const answer = await pay(system, booking, 'tok_redirect');
    const { attemptId, tell } = await chargedUnheard(booking);
    await tell();
    await decideAtProvider(answer, 'approve');
    expect(await endOf(system, booking)).toBe('CONFIRMED');
    expect(await lateEndOf(system, booking, attemptId)).toBe('refunded');
    expect(await rowOf(system, booking)).toMatchObject({ status: 'CONFIRMED', refund: null });
    expect(await netCaptured(system, booking.id)).toBe(25_000);
    expect(await toldOfMoney(booking)).toEqual([
      ['payment.refunded', 'paid_twice'],
      ['refund.succeeded', 'paid_twice'],
    ]);
    await expectAgreement(system, show);
  });

  test('goes back, all of it, when it is not the price', async () => {
    const show = await openShow(system);
    const booking = await book(system, show, [0], { holdTtlMs: 2_000 });
    const otherPrice = { lines: [], total: { amount: 31_000, currency: 'INR' } };
    const { attemptId, tell } = await chargedUnheard({ ...booking, price: otherPrice });
    await tell();
    expect(await endOf(system, booking)).toBe('EXPIRED');
    expect(await lateEndOf(system, booking, attemptId)).toBe('refunded');
    expect(await netCaptured(system, booking.id)).toBe(0);
    await expectAgreement(system, show);
  });

  test('goes back when the show has ended', async () => {
    const show = await openShow(system);
    const booking = await expired(show, [0]);
    await system.workflows.changeSale(show.id, { showVersion: 2, endsAtMs: Date.now() });
    await system.temporal.workflow.getHandle(`show/${show.id}`).result();
    const { attemptId, tell } = await chargedUnheard(booking);
    await tell();
    expect(await lateEndOf(system, booking, attemptId)).toBe('refunded');
    expect(await netCaptured(system, booking.id)).toBe(0);
  });

  test('that went back buys nothing any more, however often it is told of', async () => {
    const show = await openShow(system);
    const booking = await book(system, show, [0]);
    const attemptId = newId('pay');
    const answer = await pay(system, booking, 'tok_redirect', attemptId);
    // The seats are lost against all rules, and free again once the money has gone back.
    await system.workflows.seatCommand(show.id, { kind: 'release', bookingId: booking.id });
    const other = await book(system, show, [0]);
    const providerReference = await decideAtProvider(answer, 'approve');
    expect(await endOf(system, booking)).toBe('EXPIRED');
    expect(await movements(booking)).toEqual(['charge', 'refund']);
    await system.workflows.release(other.id);

    await system.workflows.notifyPayment(captured(booking, attemptId, providerReference), booking);
    expect(await lateEndOf(system, booking, attemptId)).toBe('refunded');
    expect(await rowOf(system, booking)).toMatchObject({ status: 'EXPIRED', refund: { status: 'SUCCEEDED' } });
    expect(await movements(booking)).toEqual(['charge', 'refund']);
    await expectAgreement(system, show);
  });

  test('goes back by the next refund where an earlier run of its workflow has seen one fail for good', async () => {
    const show = await openShow(system);
    const booking = await expired(show, [0]);
    const other = await book(system, show, [0]);
    const attemptId = newId('pay');
    await recordAttempt(system, booking, attemptId);
    const reference = await chargeAtProvider(system, booking, attemptId, 'tok_refund_refused_once');
    const refunds = async () => (await findPaymentsOfBooking(system.db, booking.id)).refunds;
    await tellAnew(captured(booking, attemptId, reference), booking);
    await eventually(async () => expect(await refunds()).toMatchObject([{ status: 'FAILED' }]));
    await system.temporal.workflow.getHandle(latePaymentWorkflowId(booking.id, attemptId)).terminate();

    await tellAnew(captured(booking, attemptId, reference), booking);
    expect(await lateEndOf(system, booking, attemptId)).toBe('refunded');
    const first = attemptId.replace('pay_', 'ref_');
    expect(await refunds()).toMatchObject([
      { id: first, status: 'FAILED' },
      { id: `${first}.2`, status: 'SUCCEEDED' },
    ]);
    expect(await rowOf(system, booking)).toMatchObject({ status: 'EXPIRED', refund: { status: 'SUCCEEDED' } });
    expect(await movements(booking)).toEqual(['charge', 'refund']);
    expect(await toldOfMoney(booking)).toEqual([
      ['payment.refunded', 'seats_gone'],
      ['refund.failed', 'seats_gone'],
      ['refund.started', 'seats_gone'],
      ['refund.succeeded', 'seats_gone'],
    ]);
    await system.workflows.release(other.id);
    await expectAgreement(system, show);
  });

  test('finds its way although an operator cancels the workflow that looks after it', async () => {
    const show = await openShow(system);
    const booking = await book(system, show, [0], { holdTtlMs: 4_000, paymentDeadlineMs: 60_000 });
    const answer = await pay(system, booking, 'tok_redirect');
    const { attemptId, tell } = await chargedUnheard(booking);
    await tell();
    const late = system.temporal.workflow.getHandle(latePaymentWorkflowId(booking.id, attemptId));
    await eventually(() => late.cancel());
    await delay(booking.expiresAtMs - Date.now());
    await decideAtProvider(answer, 'decline');
    expect(await endOf(system, booking)).toBe('EXPIRED');
    expect(await lateEndOf(system, booking, attemptId)).toBe('confirmed');
    await expectAgreement(system, show);
  });
});

describe('news of a payment that failed', () => {
  test('changes nothing where nobody knows the attempt', async () => {
    const show = await openShow(system);
    const booking = await book(system, show, [0]);
    const notice = { ...captured(booking, newId('pay'), 'ch_none'), matchesRecord: false };
    const failed = { ...notice, outcome: 'failed', reason: 'no' } as const;
    await tellAnew(failed, booking);
    expect(await pay(system, booking, 'tok_ok')).toMatchObject({ outcome: 'confirmed' });
    // The workflow has ended: its successor asks the provider, which never heard of it.
    await tellAnew(failed, booking);
    expect(await lateEndOf(system, booking, failed.attemptId)).toBe('not_charged');
    expect(await rowOf(system, booking)).toMatchObject({ status: 'CONFIRMED', refund: null });
    await expectAgreement(system, show);
  });

  test('of the attempt under way is believed without asking', async () => {
    const show = await openShow(system);
    const booking = await book(system, show, [0]);
    const attemptId = newId('pay');
    await pay(system, booking, 'tok_redirect', attemptId);
    const failed = { ...captured(booking, attemptId, 'ch_1'), outcome: 'failed', reason: 'declined_by_bank' } as const;
    await system.workflows.notifyPayment(failed, booking);
    await eventually(async () => {
      expect(await rowOf(system, booking)).toMatchObject({ status: 'HELD', payment: { status: 'DECLINED' } });
    });
    expect(await findPayment(system.db, attemptId)).toMatchObject({ failureReason: 'declined_by_bank' });
    await system.workflows.release(booking.id);
  });
});

describe('an attempt that was made durable, and then its process died', () => {
  const sweep = () =>
    system.temporal.workflow.execute('paymentSweepWorkflow', {
      workflowId: newId('pay'),
      taskQueue: 'seatkeeper-bookings',
      args: [],
    });
  const statusOf = async (attemptId: string) => (await findPayment(system.db, attemptId))?.status;
  const YOUNG_MS = 5_000;
  const OLD_MS = 20_000;
  const OVERDUE_MS = 60_000;
  /** As many as one sweep looks at. */
  const PER_SWEEP_MAX = 200;

  test('is left alone while it is young, and while its payment may still come', async () => {
    const show = await openShow(system);
    const booking = await book(system, show, [0]);
    const [young, old] = [newId('pay'), newId('pay')];
    await recordAttempt(system, booking, young, YOUNG_MS);
    await recordAttempt(system, booking, old, OLD_MS);
    await chargeAtProvider(system, booking, young);
    await sweep();
    expect([await statusOf(young), await statusOf(old)]).toEqual(['PENDING', 'PENDING']);
    expect(await rowOf(system, booking)).toMatchObject({ status: 'HELD' });
  });

  test('and was never charged, ends FAILED, and its key never charges again', async () => {
    const show = await openShow(system);
    const booking = await book(system, show, [0]);
    const attemptId = newId('pay');
    await recordAttempt(system, booking, attemptId, OVERDUE_MS);
    await sweep();
    expect(await statusOf(attemptId)).toBe('FAILED');
    await chargeAtProvider(system, booking, attemptId);
    expect(await netCaptured(system, booking.id)).toBe(0);
    expect(await pay(system, booking, 'tok_ok')).toMatchObject({ outcome: 'confirmed' });
    await expectAgreement(system, show);
  });

  test('and was never approved, ends FAILED past its time, and can be approved no more', async () => {
    const show = await openShow(system);
    const booking = await expired(show, [0]);
    const [inTime, overdue] = [newId('pay'), newId('pay')];
    await recordAttempt(system, booking, inTime, OLD_MS);
    await recordAttempt(system, booking, overdue, OVERDUE_MS);
    for (const attemptId of [inTime, overdue]) await chargeAtProvider(system, booking, attemptId, 'tok_redirect');
    await sweep();
    expect([await statusOf(inTime), await statusOf(overdue)]).toEqual(['PENDING', 'FAILED']);
    expect(await gateways.gateway.findCharge(overdue)).toMatchObject({ status: 'not_processed' });
  });

  test('and was declined, ends DECLINED; the hold goes on', async () => {
    const show = await openShow(system);
    const booking = await book(system, show, [0]);
    const attemptId = newId('pay');
    await recordAttempt(system, booking, attemptId, OLD_MS);
    await chargeAtProvider(system, booking, attemptId, 'tok_declined');
    await sweep();
    expect(await statusOf(attemptId)).toBe('DECLINED');
    expect(await pay(system, booking, 'tok_ok')).toMatchObject({ outcome: 'confirmed' });
  });

  test('and was never sent, ends FAILED although no provider answers; one that was sent stays open', async () => {
    const show = await openShow(system);
    const booking = await expired(show, [0]);
    const [unsent, sent] = [newId('pay'), newId('pay')];
    for (const attemptId of [unsent, sent]) await recordAttempt(system, booking, attemptId, OVERDUE_MS);
    await markPaymentsSent(system.db, [sent]);
    system.simulator.signal('SIGSTOP');
    try {
      await sweep();
    } finally {
      system.simulator.signal('SIGCONT');
    }
    expect(await findPayment(system.db, unsent)).toMatchObject({ status: 'FAILED', failureReason: 'never_sent' });
    expect(await statusOf(sent)).toBe('PENDING');
    expect(await markPaymentsSent(system.db, [unsent])).toEqual(['refused']);
    await sweep();
    expect(await statusOf(sent)).toBe('FAILED');
  });

  test('is not kept waiting by hundreds of older ones that stay open', async () => {
    const show = await openShow(system);
    const long = { holdTtlMs: 120_000 };
    const [waiting, booking] = [await book(system, show, [0], long), await book(system, show, [5], long)];
    const older = Array.from({ length: PER_SWEEP_MAX }, () => newId('pay'));
    await Promise.all(older.map((attemptId) => recordAttempt(system, waiting, attemptId, OLD_MS)));
    const attemptId = newId('pay');
    await recordAttempt(system, booking, attemptId, OLD_MS - 1_000);
    await chargeAtProvider(system, booking, attemptId);
    await sweep();
    await sweep();
    expect(await endOf(system, booking)).toBe('CONFIRMED');
    expect(await statusOf(older[0]!)).toBe('PENDING');
  });

  test('after it was charged, buys the seats that are still held', async () => {
    const show = await openShow(system);
    const booking = await book(system, show, [0]);
    const attemptId = newId('pay');
    await recordAttempt(system, booking, attemptId, OLD_MS);
    await chargeAtProvider(system, booking, attemptId);
    await sweep();
    expect(await endOf(system, booking)).toBe('CONFIRMED');
    expect(await statusOf(attemptId)).toBe('SUCCEEDED');
    await expectAgreement(system, show);
  });

  test('after it was charged, buys seats that are free again, or goes back', async () => {
    const show = await openShow(system);
    const [lucky, late] = await Promise.all([expired(show, [0]), expired(show, [5])]);
    const other = await book(system, show, [5]);
    const [forLucky, forLate] = [newId('pay'), newId('pay')];
    await recordAttempt(system, lucky, forLucky, OLD_MS);
    await recordAttempt(system, late, forLate, OLD_MS);
    await Promise.all([chargeAtProvider(system, lucky, forLucky), chargeAtProvider(system, late, forLate)]);
    await sweep();
    expect(await lateEndOf(system, lucky, forLucky)).toBe('confirmed');
    expect(await lateEndOf(system, late, forLate)).toBe('refunded');
    await system.workflows.release(other.id);
    await expectAgreement(system, show);
    const { refunds } = await findPaymentsOfBooking(system.db, late.id);
    expect(refunds).toMatchObject([{ status: 'SUCCEEDED' }]);
  });

  test('and was told of while its booking ended, is told of again', () =>
    withHaltingWorker(system, async (own, halts) => {
      const { db, workflows } = own;
      const activities = createSweepActivities({ db, gateway: gateways.gateway, workflows, paymentDeadlineMs: 10_000 });
      const environment = new MockActivityEnvironment({ currentAttemptScheduledTimestampMs: Date.now() });
      const sweepOnce = () => environment.run(() => activities.sweepAttempt(attemptId));
      const show = await openShow(own);
      // Its payment has to be waited for longer than its hold lasts: so the show is asked first.
      const booking = await book(own, show, [0], { holdTtlMs: 60_000, paymentDeadlineMs: 120_000 });
      const attemptId = newId('pay');
      await recordAttempt(own, booking, attemptId, OLD_MS);
      await chargeAtProvider(own, booking, attemptId);
      await workflows.seatCommand(show.id, { kind: 'release', bookingId: booking.id });
      // The news of the money is heard while the show is asked, by a task after the first try, for the hold that is gone.
      await halts.haltBefore('extendHold', booking);
      const paying = pay(own, booking, 'tok_ok', attemptId);
      paying.catch(() => undefined);
      await halts.untilHalted(booking);
      await halts.haltBefore('extendHold', booking);
      await halts.fail(booking);
      await halts.untilHalted(booking);
      await sweepOnce();
      await halts.fail(booking);
      expect(await paying).toMatchObject({ outcome: 'refused', refusal: 'HOLD_EXPIRED' });
      expect(await endOf(own, booking)).toBe('EXPIRED');
      expect(await statusOf(attemptId)).toBe('PENDING');
      await sweepOnce();
      expect(await lateEndOf(own, booking, attemptId)).toBe('confirmed');
      await expectAgreement(own, show);
    }));

  test('and comes back with a repeated payment, is charged once', async () => {
    const show = await openShow(system);
    const booking = await book(system, show, [0]);
    const attemptId = newId('pay');
    await recordAttempt(system, booking, attemptId, OLD_MS);
    await chargeAtProvider(system, booking, attemptId);
    await Promise.all([pay(system, booking, 'tok_ok', attemptId), sweep()]);
    expect(await endOf(system, booking)).toBe('CONFIRMED');
    expect(await movements(booking)).toEqual(['charge']);
    await expectAgreement(system, show);
  });
});
