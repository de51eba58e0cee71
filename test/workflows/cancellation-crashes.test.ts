import type { CancellationChange } from '../../src/contracts/change-messages.ts';
import type { NewBooking } from '../../src/domain/booking.ts';
import { newId } from '../../src/platform/ids.ts';
import { changeEndOf, changesOf, pay, rowOf } from '../setup/bookings.ts';
import { eventually } from '../setup/eventually.ts';
import { CASE_PATIENCE_MS, type InterruptedCase, playInterrupted } from '../setup/interrupted-cases.ts';
import { ledgerOf, statusesOf } from '../setup/shows.ts';
import { type TestSystem, useTestSystem } from '../setup/system.ts';
import { untilKnown } from '../setup/until-known.ts';

/**
 * A worker is killed, or stands still, in the middle of each step of a cancellation, before or after the step's effect;
 * another worker goes on. Seats and money have moved once, and agree.
 */
const system = useTestSystem({ workers: 0 });

async function cancel(own: TestSystem, booking: NewBooking, seatIds?: readonly string[]): Promise<void> {
  const requested = { changeId: newId('chg'), bookingId: booking.id, requestedBy: booking.userId };
  const change: CancellationChange = { kind: 'cancellation', ...requested, ...(seatIds && { seatIds }) };
  expect(await untilKnown(() => own.workflows.changeBooking(change, booking))).toMatchObject({ ok: true });
  await changeEndOf(own, booking);
  expect(await changesOf(own, booking)).toHaveLength(1);
}

const refundsOf = async (own: TestSystem, { id }: NewBooking) =>
  (await ledgerOf(own)).filter(({ bookingId, kind }) => bookingId === id && kind === 'refund');

const cancelling: InterruptedCase['act'] = async (own, booking, show) => {
  expect(await pay(own, booking, 'tok_ok')).toMatchObject({ outcome: 'confirmed' });
  await cancel(own, booking);
  expect(await rowOf(own, booking)).toMatchObject({ status: 'CANCELLED', refund: { status: 'SUCCEEDED' } });
  expect(await refundsOf(own, booking)).toMatchObject([{ amount: { amount: 50_000 } }]);
  expect(await statusesOf(own, show.id)).toMatch(/^a+$/);
};

const cancellingASeat: InterruptedCase['act'] = async (own, booking, show) => {
  expect(await pay(own, booking, 'tok_refund_pending')).toMatchObject({ outcome: 'confirmed' });
  await cancel(own, booking, ['seat-1']);
  expect(await rowOf(own, booking)).toMatchObject({ status: 'CONFIRMED', refund: { status: 'SUCCEEDED' } });
  expect(await refundsOf(own, booking)).toMatchObject([{ amount: { amount: 25_000 } }]);
  expect((await statusesOf(own, show.id)).slice(0, 2)).toBe('ba');
};

/** The buyer sees that it is confirmed before the worker, had it lived, would have ended the purchase. */
const cancellingMeanwhile: InterruptedCase['act'] = async (own, booking) => {
  const paying = pay(own, booking, 'tok_ok');
  await eventually(async () => expect(await rowOf(own, booking)).toMatchObject({ status: 'CONFIRMED' }));
  await cancel(own, booking);
  await paying;
  expect(await rowOf(own, booking)).toMatchObject({ status: 'CANCELLED', refund: { status: 'SUCCEEDED' } });
  expect(await refundsOf(own, booking)).toMatchObject([{ amount: { amount: 50_000 } }]);
};

const table = playInterrupted(system, {
  SIGKILL: [
    ...['recordCancellation', 'returnSeats', 'refundPayment', 'recordChangeRefund'].flatMap((step) => [
      { at: `before ${step}`, act: cancelling, ends: 'CONFIRMED' as const },
      { at: `after ${step}`, act: cancellingASeat, ends: 'CONFIRMED' as const },
    ]),
    { at: 'before findRefund', act: cancellingASeat, ends: 'CONFIRMED' },
    { at: 'after recordConfirmed', act: cancellingMeanwhile, ends: 'CONFIRMED' },
  ],
  SIGSTOP: [
    { at: 'before recordCancellation', act: cancellingASeat, ends: 'CONFIRMED' },
    { at: 'before returnSeats', act: cancelling, ends: 'CONFIRMED' },
    { at: 'before refundPayment', act: cancelling, ends: 'CONFIRMED' },
  ],
});

describe('a worker is killed', () => {
  test.each(table('SIGKILL'))('%s', (_name, outcome) => outcome.promise, CASE_PATIENCE_MS);
});

describe('a worker stands still while another one takes over, and goes on', () => {
  test.each(table('SIGSTOP'))('%s', (_name, outcome) => outcome.promise, CASE_PATIENCE_MS);
});
