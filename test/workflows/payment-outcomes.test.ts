import { setTimeout as delay } from 'node:timers/promises';
import type { PayAnswer } from '../../src/contracts/booking-messages.ts';
import type { Ended } from '../../src/contracts/workflow-client.ts';
import type { BookingStatus, NewBooking } from '../../src/domain/booking.ts';
import type { BookingTerms } from '../../src/domain/booking-process.ts';
import { newId } from '../../src/platform/ids.ts';
import { findPaymentsOfBooking } from '../../src/read-model/payments.ts';
import type { Show } from '../../src/read-model/shows.ts';
import { expectAgreement } from '../setup/agreement.ts';
import { book, decideAtProvider, endOf, lateEndOf, pay, rowOf } from '../setup/bookings.ts';
import { eventually } from '../setup/eventually.ts';
import { ledgerOf, netCaptured, openShow, rowsOfSeats } from '../setup/shows.ts';
import { useTestSystem } from '../setup/system.ts';

/**
 * Every token of the payment simulator. No API runs here, so no webhook ever arrives: what the provider's notices would
 * say is found by asking it.
 */
const system = useTestSystem({ settings: { PAYMENT_DEADLINE_SECONDS: '6' } });
const deadline = { paymentDeadlineMs: 6_000 };
const patient = { paymentDeadlineMs: 60_000 };

interface Scenario {
  readonly token: string;
  readonly terms: Partial<BookingTerms>;
  /** Patterns for the answer to the payer. */
  readonly answers: object;
  /** State of the row once the payment is settled. */
  readonly becomes: BookingStatus;
  /** Of the attempt. */
  readonly payment: string;
  readonly act?: (answer: PayAnswer | Ended, booking: NewBooking) => Promise<unknown>;
}

const confirmedOrPending = { outcome: expect.stringMatching(/^(confirmed|pending)$/) as string };

const scenarios: Readonly<Record<string, Scenario>> = {
  'tok_ok buys the seats': {
    token: 'tok_ok',
    terms: deadline,
    answers: { outcome: 'confirmed' },
    becomes: 'CONFIRMED',
    payment: 'SUCCEEDED',
  },
  'tok_declined leaves the hold': {
    token: 'tok_declined',
    terms: deadline,
    answers: { outcome: 'declined', reason: 'card_declined', booking: { status: 'HELD' } },
    becomes: 'HELD',
    payment: 'DECLINED',
  },
  'tok_insufficient_funds leaves the hold': {
    token: 'tok_insufficient_funds',
    terms: deadline,
    answers: { outcome: 'declined', reason: 'insufficient_funds', booking: { status: 'HELD' } },
    becomes: 'HELD',
    payment: 'DECLINED',
  },
  'a token that nobody knows is declined': {
    token: 'tok_of_nobody',
    terms: deadline,
    answers: { outcome: 'declined', reason: 'invalid_token' },
    becomes: 'HELD',
    payment: 'DECLINED',
  },
  'tok_pending is confirmed although its webhook is lost': {
    token: 'tok_pending',
    terms: patient,
    answers: { outcome: 'pending', nextAction: { type: 'await' }, booking: { status: 'PAYMENT_PENDING' } },
    becomes: 'CONFIRMED',
    payment: 'SUCCEEDED',
  },
  'tok_pending_fail leaves the hold, as far as it still has time': {
    token: 'tok_pending_fail',
    terms: patient,
    answers: { outcome: 'pending', nextAction: { type: 'await' } },
    becomes: 'HELD',
    payment: 'DECLINED',
  },
  'tok_redirect is confirmed once the buyer approves': {
    token: 'tok_redirect',
    terms: patient,
    answers: {
      outcome: 'pending',
      nextAction: { type: 'redirect', url: expect.stringContaining('/approve/') as string },
    },
    becomes: 'CONFIRMED',
    payment: 'SUCCEEDED',
    act: (answer) => decideAtProvider(answer, 'approve'),
  },
  'tok_redirect leaves the hold when the buyer declines': {
    token: 'tok_redirect',
    terms: patient,
    answers: { outcome: 'pending', nextAction: { type: 'redirect' } },
    becomes: 'HELD',
    payment: 'DECLINED',
    act: (answer) => decideAtProvider(answer, 'decline'),
  },
  'tok_redirect ends the booking when the buyer declines after the hold was over': {
    token: 'tok_redirect',
    terms: { ...patient, holdTtlMs: 6_000 },
    answers: { outcome: 'pending' },
    becomes: 'EXPIRED',
    payment: 'DECLINED',
    act: async (answer, booking) => {
      await delay(booking.expiresAtMs - Date.now());
      await decideAtProvider(answer, 'decline');
    },
  },
  'tok_redirect ends the booking when the buyer never decides': {
    token: 'tok_redirect',
    terms: { paymentDeadlineMs: 2_000 },
    answers: { outcome: 'pending' },
    becomes: 'EXPIRED',
    payment: 'FAILED',
  },
  'tok_slow is confirmed': {
    token: 'tok_slow',
    terms: patient,
    answers: confirmedOrPending,
    becomes: 'CONFIRMED',
    payment: 'SUCCEEDED',
  },
  'tok_500_twice is confirmed': {
    token: 'tok_500_twice',
    terms: patient,
    answers: confirmedOrPending,
    becomes: 'CONFIRMED',
    payment: 'SUCCEEDED',
  },
  'tok_timeout_charged is confirmed, charged once': {
    token: 'tok_timeout_charged',
    terms: patient,
    answers: confirmedOrPending,
    becomes: 'CONFIRMED',
    payment: 'SUCCEEDED',
  },
  'tok_timeout_not_charged leaves the hold once it is certain that nothing was charged': {
    token: 'tok_timeout_not_charged',
    terms: patient,
    answers: { outcome: 'pending' },
    becomes: 'HELD',
    payment: 'FAILED',
  },
  'tok_timeout_not_charged ends the booking at the payment deadline': {
    token: 'tok_timeout_not_charged',
    terms: deadline,
    answers: { outcome: 'pending' },
    becomes: 'EXPIRED',
    payment: 'FAILED',
  },
  'tok_down leaves the hold: no provider would take it': {
    token: 'tok_down',
    terms: deadline,
    answers: { outcome: 'unavailable', booking: { status: 'HELD' } },
    becomes: 'HELD',
    payment: 'FAILED',
  },
};

interface Run {
  readonly booking: NewBooking;
  readonly attemptId: string;
  readonly answer: PayAnswer | Ended;
}

const runs = new Map<string, Promise<Run>>();
let show: Show;

// They mostly wait: all at once they take as long as the longest.
beforeAll(async () => {
  show = await openShow(system, { plan: rowsOfSeats(20, 10) });
  Object.entries(scenarios).forEach(([name, scenario], index) => runs.set(name, play(scenario, index * 10)));
});

async function play({ token, terms, act }: Scenario, seat: number): Promise<Run> {
  const booking = await book(system, show, [seat, seat + 1], { holdTtlMs: 600_000, ...terms });
  const attemptId = newId('pay');
  const answer = await pay(system, booking, token, attemptId);
  await act?.(answer, booking);
  return { booking, attemptId, answer };
}

test.each(Object.keys(scenarios))('%s', async (name) => {
  const { answers, becomes, payment } = scenarios[name]!;
  const { booking, attemptId, answer } = await runs.get(name)!;
  expect(answer).toMatchObject(answers);
  await eventually(async () => {
    expect(await rowOf(system, booking)).toMatchObject({ status: becomes, payment: { status: payment } });
    const { attempts } = await findPaymentsOfBooking(system.db, booking.id);
    expect(attempts).toMatchObject([{ id: attemptId, status: payment }]);
  }, 50_000);
  expect(await netCaptured(system, booking.id)).toBe(becomes === 'CONFIRMED' ? 50_000 : 0);
});

/** What the bank decides meanwhile is known when the provider goes on, and not before. */
async function whileProviderStands<Result>(work: () => Promise<Result>): Promise<Result> {
  system.simulator.signal('SIGSTOP');
  try {
    return await work();
  } finally {
    system.simulator.signal('SIGCONT');
  }
}

describe('tok_pending_late: the money comes after the payment deadline', () => {
  test('and buys the seats, as they are still free', async () => {
    const booking = await book(system, show, [180, 181], deadline);
    const attemptId = newId('pay');
    expect(await pay(system, booking, 'tok_pending_late', attemptId)).toMatchObject({ outcome: 'pending' });
    await whileProviderStands(async () => {
      expect(await endOf(system, booking)).toBe('EXPIRED');
      expect(await rowOf(system, booking)).toMatchObject({ status: 'EXPIRED', payment: { status: 'PENDING' } });
    });
    expect(await lateEndOf(system, booking, attemptId)).toBe('confirmed');
    expect(await rowOf(system, booking)).toMatchObject({ status: 'CONFIRMED', payment: { status: 'SUCCEEDED' } });
  });

  test('and goes back by itself, as another buyer has them', async () => {
    const booking = await book(system, show, [190, 191], deadline);
    const attemptId = newId('pay');
    expect(await pay(system, booking, 'tok_pending_late', attemptId)).toMatchObject({ outcome: 'pending' });
    const other = await whileProviderStands(async () => {
      expect(await endOf(system, booking)).toBe('EXPIRED');
      return book(system, show, [191], { holdTtlMs: 600_000 });
    });
    expect(await lateEndOf(system, booking, attemptId)).toBe('refunded');
    expect(await pay(system, other, 'tok_ok')).toMatchObject({ outcome: 'confirmed' });
    expect(await rowOf(system, booking)).toMatchObject({
      status: 'EXPIRED',
      refund: { amount: { amount: 50_000 }, status: 'SUCCEEDED' },
    });
    const items = (await ledgerOf(system)).filter((item) => item.bookingId === booking.id);
    expect(items.map(({ kind }) => kind)).toEqual(['charge', 'refund']);
  });
});

test('in the end money and seats agree, and nothing is left running', async () => {
  for (const run of runs.values()) await system.workflows.release((await run).booking.id);
  await expectAgreement(system, show);
});
