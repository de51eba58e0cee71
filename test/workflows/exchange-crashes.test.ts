import type { TransferChange } from '../../src/contracts/change-messages.ts';
import type { NewBooking } from '../../src/domain/booking.ts';
import { newId } from '../../src/platform/ids.ts';
import { findBookings } from '../../src/read-model/bookings.ts';
import type { Show } from '../../src/read-model/shows.ts';
import { expectAgreement } from '../setup/agreement.ts';
import { eventually } from '../setup/eventually.ts';
import { changeEndOf, changesOf, pay, rowOf } from '../setup/bookings.ts';
import { exchangeFor } from '../setup/exchanges.ts';
import { CASE_PATIENCE_MS, type InterruptedCase, playInterrupted } from '../setup/interrupted-cases.ts';
import { ledgerOf, openShow, statusesOf } from '../setup/shows.ts';
import { type TestSystem, useTestSystem } from '../setup/system.ts';
import { untilKnown } from '../setup/until-known.ts';

/**
 * A worker is killed, or stands still, in the middle of each step of an exchange or a transfer, before or after the step's
 * effect; another worker goes on. Either all of it has happened or nothing, in both shows; money moved once.
 */
const system = useTestSystem({ workers: 0 });

interface Exchanging {
  readonly to: Show;
  readonly seats: readonly number[];
  readonly token?: string;
  readonly holdTtlMs?: number;
}

/** Another worker comes up, and asks the provider again, before a hold and its payment are over. */
const patient = { holdTtlMs: 60_000 };

async function exchange(own: TestSystem, booking: NewBooking, { to, seats, token, ...terms }: Exchanging) {
  const change = { ...exchangeFor(booking, to, seats, token), ...patient, ...terms };
  const answer = await untilKnown(() => own.workflows.exchangeBooking(change, booking));
  await changeEndOf(own, booking);
  const [other] = await findBookings(own.db, [change.to.id]);
  return { answer, other };
}

const named = (name: string, act: InterruptedCase['act']): InterruptedCase['act'] =>
  Object.defineProperty(act, 'name', { value: name });

const forADearerShow = (token = 'tok_ok') =>
  named(`exchanging with ${token}`, async (own, booking) => {
    expect(await pay(own, booking, 'tok_ok')).toMatchObject({ outcome: 'confirmed' });
    const to = await openShow(own, { seatPrice: 40_000 });
    const { answer, other } = await exchange(own, booking, { to, seats: [3, 4], token });
    expect(answer).toMatchObject({ ok: true });
    expect(other).toMatchObject({ status: 'CONFIRMED' });
    expect(await rowOf(own, booking)).toMatchObject({ status: 'EXCHANGED' });
    expect((await statusesOf(own, to.id)).slice(0, 6)).toBe('aaabba');
    expect((await ledgerOf(own)).filter(({ bookingId }) => bookingId === other!.id)).toHaveLength(1);
    expect(await changesOf(own, booking)).toHaveLength(1);
    await expectAgreement(own, to);
  });

const forCheaper: InterruptedCase['act'] = async (own, booking) => {
  expect(await pay(own, booking, 'tok_ok')).toMatchObject({ outcome: 'confirmed' });
  const to = await openShow(own, { seatPrice: 10_000 });
  expect(await exchange(own, booking, { to, seats: [3, 4] })).toMatchObject({ other: { status: 'CONFIRMED' } });
  expect(await rowOf(own, booking)).toMatchObject({ refund: { amount: { amount: 30_000 }, status: 'SUCCEEDED' } });
  await expectAgreement(own, to);
};

const withinTheShow: InterruptedCase['act'] = async (own, booking, show) => {
  expect(await pay(own, booking, 'tok_ok')).toMatchObject({ outcome: 'confirmed' });
  expect(await exchange(own, booking, { to: show, seats: [1, 2, 3] })).toMatchObject({
    other: { status: 'CONFIRMED' },
  });
  expect((await statusesOf(own, show.id)).slice(0, 5)).toBe('abbba');
};

/** The hold of its new seats has ended when another worker goes on. */
const withAShortHold: InterruptedCase['act'] = async (own, booking) => {
  expect(await pay(own, booking, 'tok_ok')).toMatchObject({ outcome: 'confirmed' });
  const to = await openShow(own, { seatPrice: 40_000 });
  const { other } = await exchange(own, booking, { to, seats: [3, 4], holdTtlMs: 2_000 });
  expect(other).toMatchObject({ status: 'CONFIRMED' });
  expect((await statusesOf(own, to.id)).slice(0, 6)).toBe('aaabba');
  await expectAgreement(own, to);
};

/** Its payment is on record; and before another worker goes on with it the new booking, which is recorded, gives its seats back. */
const givenBackAtOnce: InterruptedCase['act'] = async (own, booking) => {
  expect(await pay(own, booking, 'tok_ok')).toMatchObject({ outcome: 'confirmed' });
  const to = await openShow(own, { seatPrice: 40_000 });
  const change = exchangeFor(booking, to, [3, 4], 'tok_pending');
  const exchanging = untilKnown(() => own.workflows.exchangeBooking(change, booking));
  exchanging.catch(() => undefined);
  await eventually(async () => {
    expect(await findBookings(own.db, [change.to.id])).toMatchObject([{ status: 'CONFIRMED' }]);
  }, 30_000);
  // It reaches the show first: nobody is there to go on with the exchange.
  await untilKnown(() => own.workflows.seatCommand(to.id, { kind: 'return', bookingId: change.to.id }));
  await exchanging;
  await changeEndOf(own, booking);
  expect(await rowOf(own, booking)).toMatchObject({ status: 'EXCHANGED', refund: null });
  expect((await ledgerOf(own)).filter(({ bookingId }) => bookingId === change.to.id)).toMatchObject([
    { kind: 'charge' },
  ]);
};

/** There is nothing to be held, and the money of one seat goes back. */
const keepingOneSeat: InterruptedCase['act'] = async (own, booking, show) => {
  expect(await pay(own, booking, 'tok_ok')).toMatchObject({ outcome: 'confirmed' });
  expect(await exchange(own, booking, { to: show, seats: [1] })).toMatchObject({
    answer: { ok: true },
    other: { status: 'CONFIRMED' },
  });
  expect(await rowOf(own, booking)).toMatchObject({ status: 'EXCHANGED', refund: { status: 'SUCCEEDED' } });
  expect((await statusesOf(own, show.id)).slice(0, 3)).toBe('aba');
};

const declined: InterruptedCase['act'] = async (own, booking) => {
  expect(await pay(own, booking, 'tok_ok')).toMatchObject({ outcome: 'confirmed' });
  const to = await openShow(own, { seatPrice: 40_000 });
  const { answer, other } = await exchange(own, booking, { to, seats: [3, 4], token: 'tok_declined' });
  expect(answer).toMatchObject({ ok: false, refusal: 'PAYMENT_DECLINED' });
  expect(other).toMatchObject({ status: 'FAILED' });
  expect(await statusesOf(own, to.id)).toMatch(/^a+$/);
  expect(await rowOf(own, booking)).toMatchObject({ status: 'CONFIRMED' });
  await expectAgreement(own, to);
};

/** Another booking has a row for one of the seats: all of it is undone, in the one show as in two. */
const forASeatThatIsTaken = (isWithinShow: boolean) =>
  named(`exchanging for a seat that is taken${isWithinShow ? ' in the show' : ''}`, async (own, booking, show) => {
    expect(await pay(own, booking, 'tok_ok')).toMatchObject({ outcome: 'confirmed' });
    const to = isWithinShow ? show : await openShow(own, { seatPrice: 40_000 });
    const row = { show_id: to.id, seat_id: 'seat-3', booking_id: newId('bkg') };
    await own.db.insertInto('booked_seats').values(row).execute();
    const { answer, other } = await exchange(own, booking, { to, seats: [1, 2, 3] });
    expect(answer).toMatchObject({ ok: false, refusal: 'SEATS_REFUSED' });
    await own.db.deleteFrom('booked_seats').where('booking_id', '=', row.booking_id).execute();
    expect(other).toMatchObject({ status: 'FAILED', refund: { status: 'SUCCEEDED' } });
    expect(await rowOf(own, booking)).toMatchObject({ status: 'CONFIRMED', refund: null });
    await expectAgreement(own, to);
  });

const transferring: InterruptedCase['act'] = async (own, booking) => {
  expect(await pay(own, booking, 'tok_ok')).toMatchObject({ outcome: 'confirmed' });
  const to = { userId: newId('usr'), email: 'ravi@example.org', language: 'hi' } as const;
  const requested = { changeId: newId('chg'), bookingId: booking.id, requestedBy: booking.userId };
  const change: TransferChange = { kind: 'transfer', ...requested, to };
  expect(await untilKnown(() => own.workflows.changeBooking(change, booking))).toMatchObject({ ok: true });
  await changeEndOf(own, booking);
  expect(await rowOf(own, booking)).toMatchObject({ status: 'CONFIRMED', userId: to.userId });
  expect(await changesOf(own, booking)).toHaveLength(1);
};

const ends = 'CONFIRMED' as const;

const table = playInterrupted(system, {
  SIGKILL: [
    ...['holdSeats', 'openExchange', 'chargePayment#2', 'confirmSeats#2', 'recordExchange', 'returnSeats'].flatMap(
      (step) => [
        { at: `before ${step}`, act: forADearerShow(), ends },
        { at: `after ${step}`, act: forADearerShow(), ends },
      ],
    ),
    { at: 'after resolveCharge', act: forADearerShow('tok_timeout_charged'), ends },
    { at: 'before findCharge', act: forADearerShow('tok_pending'), ends },
    { at: 'after recordExchange', act: forCheaper, ends },
    { at: 'after refundPayment', act: forCheaper, ends },
    { at: 'before exchangeSeats', act: withinTheShow, ends },
    { at: 'after exchangeSeats', act: withinTheShow, ends },
    { at: 'after recordExchange', act: withinTheShow, ends },
    { at: 'after recordFailedExchange', act: declined, ends },
    { at: 'before releaseHold', act: declined, ends },
    { at: 'after recordExchange', act: forASeatThatIsTaken(false), ends },
    { at: 'after exchangeSeats#2', act: forASeatThatIsTaken(true), ends },
    { at: 'after recordTransfer', act: transferring, ends },
    { at: 'after recordExchange', act: givenBackAtOnce, ends },
    // What was looked up before is on record, unlike what the killed worker did then.
    { at: 'after openExchange', failing: 'findExchange', act: withAShortHold, ends },
    { at: 'after recordExchange', failing: 'findExchange', act: forADearerShow(), ends },
    { at: 'after recordExchange', failing: 'findExchange', act: keepingOneSeat, ends },
  ],
  SIGSTOP: [
    { at: 'before holdSeats', act: forADearerShow(), ends },
    { at: 'before chargePayment#2', act: forADearerShow(), ends },
    { at: 'before confirmSeats#2', act: forADearerShow(), ends },
    { at: 'before recordExchange', act: forADearerShow(), ends },
    { at: 'before exchangeSeats', act: withinTheShow, ends },
    { at: 'before exchangeSeats#2', act: forASeatThatIsTaken(true), ends },
    { at: 'before recordTransfer', act: transferring, ends },
    { at: 'before openExchange', failing: 'findExchange', act: withAShortHold, ends },
  ],
});

describe('a worker is killed', () => {
  test.each(table('SIGKILL'))('%s', (_name, outcome) => outcome.promise, CASE_PATIENCE_MS);
});

describe('a worker stands still while another one takes over, and goes on', () => {
  test.each(table('SIGSTOP'))('%s', (_name, outcome) => outcome.promise, CASE_PATIENCE_MS);
});
