import type { PayAnswer } from '../../src/contracts/booking-messages.ts';
import { type Ended, OutcomeUnknownError } from '../../src/contracts/workflow-client.ts';
import type { BookingStatus, NewBooking } from '../../src/domain/booking.ts';
import type { BookingTerms } from '../../src/domain/booking-process.ts';
import { newId } from '../../src/platform/ids.ts';
import type { Show } from '../../src/read-model/shows.ts';
import { connectClient } from '../../temporal/connection.ts';
import { TemporalWorkflowClient } from '../../temporal/workflow-client.ts';
import { expectAgreement } from '../setup/agreement.ts';
import { book, captured, chargeAtProvider, endOf, lateEndOf, pay, recordAttempt, seatsAt } from '../setup/bookings.ts';
import { TestProcess } from '../setup/process.ts';
import { openShow } from '../setup/shows.ts';
import { type TestSystem, useTestSystem } from '../setup/system.ts';
import { claimNamespace } from '../setup/temporal.ts';

/**
 * A worker is killed in the middle of each step of a booking's life, before or after the step's effect; another worker
 * goes on. Whatever was under way ends as if nothing had happened, and money and seats agree.
 */
const system = useTestSystem({ workers: 0 });

/** Each has a namespace and workers of its own; they mostly wait for time-outs. */
const CASES_AT_ONCE = 4;

interface Case {
  readonly at: string;
  readonly terms?: Partial<BookingTerms>;
  /** What somebody does while the worker dies. */
  readonly act: (system: TestSystem, booking: NewBooking, show: Show) => Promise<unknown>;
  readonly ends: BookingStatus;
}

const paying =
  (token: string) =>
  (system: TestSystem, booking: NewBooking): Promise<unknown> =>
    payUntilAnswered(system, booking, token);

/** What a client does that was told that the outcome is not known: the same again. */
async function payUntilAnswered(system: TestSystem, booking: NewBooking, token: string): Promise<PayAnswer | Ended> {
  const attemptId = newId('pay');
  return repeated(() => pay(system, booking, token, attemptId));
}

async function repeated<Answer>(call: () => Promise<Answer>): Promise<Answer> {
  for (;;) {
    try {
      return await call();
    } catch (error) {
      if (!(error instanceof OutcomeUnknownError)) throw error;
    }
  }
}

const declinedThenPaid = async (system: TestSystem, booking: NewBooking): Promise<void> => {
  expect(await payUntilAnswered(system, booking, 'tok_declined')).toMatchObject({ outcome: 'declined' });
  expect(await payUntilAnswered(system, booking, 'tok_ok')).toMatchObject({ outcome: 'confirmed' });
};

const changedThenPaid = async (system: TestSystem, booking: NewBooking, show: Show): Promise<void> => {
  const change = () => system.workflows.changeSeats(booking.id, 'change', seatsAt(show, [5, 6, 7]));
  expect(await repeated(change)).toMatchObject({ ok: true });
  expect(await payUntilAnswered(system, booking, 'tok_ok')).toMatchObject({ outcome: 'confirmed' });
};

const releasing = (system: TestSystem, booking: NewBooking): Promise<unknown> =>
  repeated(() => system.workflows.release(booking.id));

/** Another booking has a row for one of the seats: what was paid goes back. */
const payingForASeatThatIsTaken = async (system: TestSystem, booking: NewBooking, show: Show): Promise<void> => {
  const row = { show_id: show.id, seat_id: 'seat-1', booking_id: booking.id };
  await system.db.insertInto('booked_seats').values(row).execute();
  await payUntilAnswered(system, booking, 'tok_ok');
  await endOf(system, booking);
  await system.db.deleteFrom('booked_seats').where('show_id', '=', show.id).execute();
};

/** Money that arrives after the hold has expired; the seats are still free. */
const payingLate = async (system: TestSystem, booking: NewBooking): Promise<void> => {
  expect(await endOf(system, booking)).toBe('EXPIRED');
  const attemptId = newId('pay');
  await recordAttempt(system, booking, attemptId);
  const notice = captured(booking, attemptId, await chargeAtProvider(system, booking, attemptId));
  await repeated(() => system.workflows.notifyPayment(notice, booking));
  expect(await lateEndOf(system, booking, attemptId)).toBe('confirmed');
};

/** A hold that must be secured before it is paid. */
const shortHold = { holdTtlMs: 50_000 };

const cases: readonly Case[] = [
  { at: 'before extendHold', terms: shortHold, act: paying('tok_ok'), ends: 'CONFIRMED' },
  { at: 'after extendHold', terms: shortHold, act: paying('tok_ok'), ends: 'CONFIRMED' },
  { at: 'before chargePayment', act: paying('tok_ok'), ends: 'CONFIRMED' },
  { at: 'after chargePayment', act: paying('tok_ok'), ends: 'CONFIRMED' },
  { at: 'after chargePayment', act: declinedThenPaid, ends: 'CONFIRMED' },
  { at: 'before resolveCharge', act: paying('tok_timeout_charged'), ends: 'CONFIRMED' },
  { at: 'after resolveCharge', act: paying('tok_500_twice'), ends: 'CONFIRMED' },
  { at: 'before findCharge', act: paying('tok_pending'), ends: 'CONFIRMED' },
  { at: 'after findCharge', act: paying('tok_pending'), ends: 'CONFIRMED' },
  { at: 'before confirmSeats', act: paying('tok_ok'), ends: 'CONFIRMED' },
  { at: 'after confirmSeats', act: paying('tok_ok'), ends: 'CONFIRMED' },
  { at: 'before recordConfirmed', act: paying('tok_ok'), ends: 'CONFIRMED' },
  { at: 'after recordConfirmed', act: paying('tok_ok'), ends: 'CONFIRMED' },
  { at: 'before recordBooking', act: declinedThenPaid, ends: 'CONFIRMED' },
  { at: 'after recordBooking', act: declinedThenPaid, ends: 'CONFIRMED' },
  { at: 'before swapSeats', act: changedThenPaid, ends: 'CONFIRMED' },
  { at: 'after swapSeats', act: changedThenPaid, ends: 'CONFIRMED' },
  { at: 'before releaseHold', act: releasing, ends: 'RELEASED' },
  { at: 'after releaseHold', act: releasing, ends: 'RELEASED' },
  { at: 'before releaseHold', terms: { holdTtlMs: 500 }, act: endOf, ends: 'EXPIRED' },
  { at: 'before returnSeats', act: payingForASeatThatIsTaken, ends: 'FAILED' },
  { at: 'after returnSeats', act: payingForASeatThatIsTaken, ends: 'FAILED' },
  { at: 'before refundPayment', act: payingForASeatThatIsTaken, ends: 'FAILED' },
  { at: 'after refundPayment', act: payingForASeatThatIsTaken, ends: 'FAILED' },
  { at: 'after amendBooking', act: payingForASeatThatIsTaken, ends: 'FAILED' },
  { at: 'after confirmSeats', terms: { holdTtlMs: 500 }, act: payingLate, ends: 'EXPIRED' },
  { at: 'after recordConfirmed', terms: { holdTtlMs: 500 }, act: payingLate, ends: 'EXPIRED' },
];

const nameOf = ({ at, act, ends }: Case, index: number) => `${index + 1}. ${at} of ${act.name || 'paying'}: ${ends}`;
const runs = cases.map(() => Promise.withResolvers<void>());

beforeAll(() => {
  const queue = cases.entries();
  const lane = async (): Promise<void> => {
    for (const [index, each] of queue) {
      const { promise, resolve, reject } = runs[index]!;
      promise.catch(() => undefined);
      await play(each).then(resolve, reject);
    }
  };
  for (let number = 0; number < CASES_AT_ONCE; number++) void lane();
});

async function play({ at, terms, act, ends }: Case): Promise<void> {
  const namespace = await claimNamespace();
  const env = { ...system.env, TEMPORAL_NAMESPACE: namespace };
  const temporal = await connectClient({ address: env.TEMPORAL_ADDRESS!, namespace });
  const own: TestSystem = { ...system, temporal, workflows: new TemporalWorkflowClient(temporal) };
  const dying = new TestProcess('dying worker', ['test/setup/crashing-worker.ts'], { ...env, CRASH_AT: at });
  const next = new TestProcess('next worker', ['src/main/worker.ts'], env);
  try {
    await dying.start();
    const show = await openShow(own);
    const booking = await book(own, show, [0, 1], { holdTtlMs: 120_000, paymentDeadlineMs: 60_000, ...terms });
    const acting = act(own, booking, show);
    acting.catch(() => undefined);
    await dying.exited();
    await next.start();
    await acting;
    expect(await endOf(own, booking)).toBe(ends);
    await expectAgreement(own, show);
  } finally {
    await Promise.all([dying.kill(), next.kill()]);
    await temporal.connection.close();
  }
}

describe('a worker that is killed', () => {
  test.each(cases.map((each, index) => [nameOf(each, index), index] as const))(
    '%s',
    async (_name, index) => runs[index]!.promise,
    180_000,
  );
});
