import { setTimeout as delay } from 'node:timers/promises';
import { taskQueues } from '../../src/contracts/workflow-ids.ts';
import type { BookingStatus, NewBooking } from '../../src/domain/booking.ts';
import type { BookingTerms } from '../../src/domain/booking-process.ts';
import { newId } from '../../src/platform/ids.ts';
import { loadSeatMap } from '../../src/read-model/seat-maps.ts';
import type { Show } from '../../src/read-model/shows.ts';
import { connectClient } from '../../temporal/connection.ts';
import { TemporalWorkflowClient } from '../../temporal/workflow-client.ts';
import { expectAgreement } from '../setup/agreement.ts';
import { book, captured, chargeAtProvider, endOf, lateEndOf, pay, recordAttempt, seatsAt } from '../setup/bookings.ts';
import { eventually } from '../setup/eventually.ts';
import { TestProcess } from '../setup/process.ts';
import { netCaptured, openShow, statusesOf } from '../setup/shows.ts';
import { type TestSystem, useTestSystem } from '../setup/system.ts';
import { claimNamespace } from '../setup/temporal.ts';
import { untilKnown } from '../setup/until-known.ts';

/**
 * A worker is killed, or stands still, in the middle of each step of a booking's life, before or after the step's
 * effect; another worker goes on. What was under way ends as if nothing had happened, and money and seats agree.
 */
const system = useTestSystem({ workers: 0 });

/** Each has a namespace and workers of its own; they mostly wait for time-outs. */
const CASES_AT_ONCE = 4;
const PATIENCE_MS = 240_000;
/** Longer than it takes until a worker's tasks are given to another one. */
const STANDS_STILL_MS = 4_000;

interface Case {
  readonly at: string;
  readonly terms?: Partial<BookingTerms>;
  /** What somebody does while the worker dies. */
  readonly act: (system: TestSystem, booking: NewBooking, show: Show) => Promise<unknown>;
  readonly ends: BookingStatus;
}

const paying = (token: string): Case['act'] =>
  named(`paying with ${token}`, (system, booking) => pay(system, booking, token));

const named = (name: string, act: Case['act']): Case['act'] => Object.defineProperty(act, 'name', { value: name });

const expiring: Case['act'] = (system, booking) => endOf(system, booking);

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

const killed: readonly Case[] = [
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

const stopped: readonly Case[] = [
  { at: 'before chargePayment', act: paying('tok_ok'), ends: 'CONFIRMED' },
  { at: 'before confirmSeats', act: paying('tok_ok'), ends: 'CONFIRMED' },
  { at: 'after confirmSeats', act: paying('tok_ok'), ends: 'CONFIRMED' },
  { at: 'before recordConfirmed', act: paying('tok_ok'), ends: 'CONFIRMED' },
  { at: 'before releaseHold', terms: { holdTtlMs: 500 }, act: expiring, ends: 'EXPIRED' },
  { at: 'before refundPayment', act: payingForASeatThatIsTaken, ends: 'FAILED' },
  { at: 'before projectSeatMap', act: paying('tok_ok'), ends: 'CONFIRMED' },
];

interface Entry extends Case {
  readonly by: 'SIGKILL' | 'SIGSTOP';
  readonly outcome: PromiseWithResolvers<void>;
}

const entriesOf = (by: Entry['by'], cases: readonly Case[]): Entry[] =>
  cases.map((each) => ({ ...each, by, outcome: Promise.withResolvers<void>() }));
const entries = [...entriesOf('SIGKILL', killed), ...entriesOf('SIGSTOP', stopped)];

beforeAll(() => {
  const queue = entries.values();
  const lane = async (): Promise<void> => {
    for (const entry of queue) {
      entry.outcome.promise.catch(() => undefined);
      await play(entry).then(entry.outcome.resolve, entry.outcome.reject);
    }
  };
  for (let number = 0; number < CASES_AT_ONCE; number++) void lane();
});

async function play({ at, by, terms, act, ends }: Entry): Promise<void> {
  const namespace = await claimNamespace();
  const env: Record<string, string> = { ...system.env, TEMPORAL_NAMESPACE: namespace };
  const temporal = await connectClient({ address: env.TEMPORAL_ADDRESS!, namespace });
  const own: TestSystem = { ...system, env, temporal, workflows: new TemporalWorkflowClient(temporal) };
  const first = new TestProcess('first worker', ['test/setup/interrupted-worker.ts'], {
    ...env,
    INTERRUPT_AT: at,
    INTERRUPT_BY: by,
  });
  const next = new TestProcess('next worker', ['src/main/worker.ts'], env);
  try {
    await first.start();
    const show = await openShow(own);
    const booking = await book(own, show, [0, 1], { holdTtlMs: 120_000, paymentDeadlineMs: 60_000, ...terms });
    const acting = act(own, booking, show);
    acting.catch(() => undefined);
    await eventually(() => expect(first.log).toContain('{"msg":"interrupted"}'));
    await next.start();
    if (by === 'SIGSTOP') await Promise.race([acting, delay(STANDS_STILL_MS)]);
    first.signal('SIGCONT');
    await acting;
    expect(await endOf(own, booking)).toBe(ends);
    // What it has under way is done before a worker that is asked to stop has stopped.
    await first.kill('SIGTERM');
    await expectAgreement(own, show);
    await expectProjected(own, show);
  } finally {
    await Promise.all([first.kill(), next.kill()]);
    await temporal.connection.close();
  }
}

async function expectProjected(own: TestSystem, show: Show): Promise<void> {
  const statuses = await statusesOf(own, show.id);
  await eventually(async () => expect(await loadSeatMap(own.db, show.id)).toMatchObject({ statuses }));
}

const table = (by: Entry['by']) =>
  entries
    .filter((entry) => entry.by === by)
    .map((entry, index): [string, Entry] => [`${index + 1}. ${entry.at}, ${entry.act.name}: ${entry.ends}`, entry]);

describe('a worker is killed', () => {
  test.each(table('SIGKILL'))('%s', (_name, { outcome }) => outcome.promise, PATIENCE_MS);
});

describe('a worker stands still while another one takes over, and goes on', () => {
  test.each(table('SIGSTOP'))('%s', (_name, { outcome }) => outcome.promise, PATIENCE_MS);
});
