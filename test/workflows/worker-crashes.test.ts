import { taskQueues } from '../../src/contracts/workflow-ids.ts';
import type { NewBooking } from '../../src/domain/booking.ts';
import { newId } from '../../src/platform/ids.ts';
import type { Show } from '../../src/read-model/shows.ts';
import { connectClient } from '../../temporal/connection.ts';
import { TemporalWorkflowClient } from '../../temporal/workflow-client.ts';
import { captured, chargeAtProvider, endOf, lateEndOf, pay, recordAttempt, seatsAt } from '../setup/bookings.ts';
import { eventually } from '../setup/eventually.ts';
import { CASE_PATIENCE_MS, type InterruptedCase, playInterrupted } from '../setup/interrupted-cases.ts';
import { netCaptured } from '../setup/shows.ts';
import { type TestSystem, useTestSystem } from '../setup/system.ts';
import { untilKnown } from '../setup/until-known.ts';

/**
 * A worker is killed, or stands still, in the middle of each step of a booking's life, before or after the step's
 * effect; another worker goes on. What was under way ends as if nothing had happened, and money and seats agree.
 */
const system = useTestSystem({ workers: 0 });

const paying = (token: string): InterruptedCase['act'] =>
  named(`paying with ${token}`, (system, booking) => pay(system, booking, token));

const named = (name: string, act: InterruptedCase['act']): InterruptedCase['act'] =>
  Object.defineProperty(act, 'name', { value: name });

const expiring: InterruptedCase['act'] = (system, booking) => endOf(system, booking);

/** The buyer is told that it is bought, not that the time is over. */
const bought = async (system: TestSystem, booking: NewBooking): Promise<void> => {
  expect(await untilKnown(() => pay(system, booking, 'tok_ok'))).toMatchObject({ outcome: 'confirmed' });
  expect(await netCaptured(system, booking.id)).toBe(booking.price.total.amount);
};

const declinedThenPaid = async (system: TestSystem, booking: NewBooking): Promise<void> => {
  expect(await pay(system, booking, 'tok_declined')).toMatchObject({ outcome: 'declined' });
  expect(await pay(system, booking, 'tok_ok')).toMatchObject({ outcome: 'confirmed' });
};

const changedThenPaid = async (system: TestSystem, booking: NewBooking, show: Show): Promise<void> => {
  const other = seatsAt(show, [5, 6, 7]);
  const change = () => system.workflows.changeSeats(booking.id, 'change', other);
  expect(await untilKnown(change)).toMatchObject({ ok: true });
  expect(await pay(system, { ...booking, ...other }, 'tok_ok')).toMatchObject({ outcome: 'confirmed' });
};

const releasing = (system: TestSystem, booking: NewBooking): Promise<unknown> =>
  untilKnown(() => system.workflows.release(booking.id));

/** Another booking has a row for one of the seats: what was paid goes back. */
const payingForASeatThatIsTaken = async (system: TestSystem, booking: NewBooking, show: Show): Promise<void> => {
  const row = { show_id: show.id, seat_id: 'seat-1', booking_id: booking.id };
  await system.db.insertInto('booked_seats').values(row).execute();
  await pay(system, booking, 'tok_ok');
  await endOf(system, booking);
  await system.db.deleteFrom('booked_seats').where('show_id', '=', show.id).execute();
};

/** Money that arrives after the hold has expired; the seats are still free. */
const payingLate = async (system: TestSystem, booking: NewBooking): Promise<void> => {
  expect(await endOf(system, booking)).toBe('EXPIRED');
  const attemptId = newId('pay');
  await recordAttempt(system, booking, attemptId);
  const notice = captured(booking, attemptId, await chargeAtProvider(system, booking, attemptId));
  await untilKnown(() => system.workflows.notifyPayment(notice, booking));
  expect(await lateEndOf(system, booking, attemptId)).toBe('confirmed');
};

/** A hold that must be secured before it is paid. */
const shortHold = { holdTtlMs: 50_000 };

/** The payer's process dies too, and nobody ever asks again: what was charged is found by the sweep. */
const payingAndDying = async (system: TestSystem, booking: NewBooking): Promise<void> => {
  const attemptId = newId('pay');
  await recordAttempt(system, booking, attemptId, 20_000);
  const { TEMPORAL_ADDRESS: address, TEMPORAL_NAMESPACE: namespace } = system.env;
  const payer = await connectClient({ address: address!, namespace: namespace! });
  const paying = new TemporalWorkflowClient(payer).pay(booking.id, {
    attemptId,
    amount: booking.price.total,
    method: 'card',
    token: 'tok_ok',
  });
  paying.catch(() => undefined);
  await eventually(async () => expect(await netCaptured(system, booking.id)).toBe(50_000));
  await payer.connection.close();
  const sweep = { workflowId: newId('pay'), taskQueue: taskQueues.bookings, args: [] };
  await system.temporal.workflow.execute('paymentSweepWorkflow', sweep);
};

const killed: readonly InterruptedCase[] = [
  { at: 'before extendHold', terms: shortHold, act: paying('tok_ok'), ends: 'CONFIRMED' },
  { at: 'after extendHold', terms: shortHold, act: paying('tok_ok'), ends: 'CONFIRMED' },
  { at: 'before chargePayment', act: paying('tok_ok'), ends: 'CONFIRMED' },
  { at: 'after chargePayment', act: paying('tok_ok'), ends: 'CONFIRMED' },
  { at: 'after chargePayment', act: payingAndDying, ends: 'CONFIRMED' },
  { at: 'before resolveCharge', act: paying('tok_timeout_charged'), ends: 'CONFIRMED' },
  { at: 'after resolveCharge', act: paying('tok_500_twice'), ends: 'CONFIRMED' },
  { at: 'after findCharge', act: paying('tok_pending'), ends: 'CONFIRMED' },
  { at: 'before confirmSeats', act: paying('tok_ok'), ends: 'CONFIRMED' },
  { at: 'after confirmSeats', act: paying('tok_ok'), ends: 'CONFIRMED' },
  { at: 'after confirmSeats', terms: shortHold, act: bought, ends: 'CONFIRMED' },
  { at: 'before recordConfirmed', act: paying('tok_ok'), ends: 'CONFIRMED' },
  { at: 'after recordConfirmed', act: paying('tok_ok'), ends: 'CONFIRMED' },
  { at: 'after recordBooking', act: declinedThenPaid, ends: 'CONFIRMED' },
  { at: 'after swapSeats', act: changedThenPaid, ends: 'CONFIRMED' },
  { at: 'after releaseHold', act: releasing, ends: 'RELEASED' },
  { at: 'before releaseHold', terms: { holdTtlMs: 500 }, act: expiring, ends: 'EXPIRED' },
  { at: 'after returnSeats', act: payingForASeatThatIsTaken, ends: 'FAILED' },
  { at: 'before refundPayment', act: payingForASeatThatIsTaken, ends: 'FAILED' },
  { at: 'after refundPayment', act: payingForASeatThatIsTaken, ends: 'FAILED' },
  { at: 'after confirmSeats', terms: { holdTtlMs: 500 }, act: payingLate, ends: 'EXPIRED' },
  { at: 'after recordConfirmed', terms: { holdTtlMs: 500 }, act: payingLate, ends: 'EXPIRED' },
];

const stopped: readonly InterruptedCase[] = [
  { at: 'before chargePayment', act: paying('tok_ok'), ends: 'CONFIRMED' },
  { at: 'before confirmSeats', act: paying('tok_ok'), ends: 'CONFIRMED' },
  { at: 'after confirmSeats', act: paying('tok_ok'), ends: 'CONFIRMED' },
  { at: 'before recordConfirmed', act: paying('tok_ok'), ends: 'CONFIRMED' },
  { at: 'before releaseHold', terms: { holdTtlMs: 500 }, act: expiring, ends: 'EXPIRED' },
  { at: 'before refundPayment', act: payingForASeatThatIsTaken, ends: 'FAILED' },
  { at: 'before projectSeatMap', act: paying('tok_ok'), ends: 'CONFIRMED' },
];

const table = playInterrupted(system, { SIGKILL: killed, SIGSTOP: stopped });

describe('a worker is killed', () => {
  test.each(table('SIGKILL'))('%s', (_name, outcome) => outcome.promise, CASE_PATIENCE_MS);
});

describe('a worker stands still while another one takes over, and goes on', () => {
  test.each(table('SIGSTOP'))('%s', (_name, outcome) => outcome.promise, CASE_PATIENCE_MS);
});
