import { newId } from '../../src/platform/ids.ts';
import type { BookingChangeInput, CancellationChange } from '../../src/contracts/change-messages.ts';
import { bookingChangeWorkflowId, taskQueues } from '../../src/contracts/workflow-ids.ts';
import type { NewBooking } from '../../src/domain/booking.ts';
import { findPaymentsOfBooking } from '../../src/read-model/payments.ts';
import { expectAgreement } from '../setup/agreement.ts';
import { book, changeEndOf, pay, rowOf } from '../setup/bookings.ts';
import { eventually } from '../setup/eventually.ts';
import { ledgerOf, netCaptured, openShow, statusesOf } from '../setup/shows.ts';
import { useTestSystem } from '../setup/system.ts';

const system = useTestSystem();
const HOUR_MS = 3_600_000;

const cancellation = ({ id, userId }: NewBooking, seatIds?: readonly string[]): CancellationChange => ({
  kind: 'cancellation',
  changeId: newId('chg'),
  bookingId: id,
  requestedBy: userId,
  ...(seatIds && { seatIds }),
});

async function confirmed(seats: readonly number[], { token = 'tok_ok', startsInMs = 48 * HOUR_MS } = {}) {
  const show = await openShow(system, { startsInMs });
  const booking = await book(system, show, seats);
  expect(await pay(system, booking, token)).toMatchObject({ outcome: 'confirmed' });
  return { show, booking };
}

describe('a confirmed booking that is cancelled', () => {
  test('two days before gives its seats back at once and all of the money', async () => {
    const { show, booking } = await confirmed([0, 1]);
    const answer = await system.workflows.changeBooking(cancellation(booking), booking);
    expect(answer).toMatchObject({
      ok: true,
      booking: { status: 'CANCELLED', refund: { amount: { amount: 50_000, currency: 'INR' } }, keptAmount: 0 },
    });
    expect(await statusesOf(system, show.id)).toMatch(/^a+$/);
    expect(await changeEndOf(system, booking)).toBe('CANCELLED');
    expect(await netCaptured(system, booking.id)).toBe(0);
    expect(await rowOf(system, booking)).toMatchObject({ status: 'CANCELLED', refund: { status: 'SUCCEEDED' } });
    await expectAgreement(system, show);
  });

  test("by who has given it away meanwhile is not: it is another one's", async () => {
    const { show, booking } = await confirmed([0]);
    const to = { userId: newId('usr'), email: 'ravi@example.org', language: 'hi' } as const;
    const asked = { changeId: newId('chg'), bookingId: booking.id, requestedBy: booking.userId };
    const late = cancellation(booking);
    expect(await system.workflows.changeBooking({ kind: 'transfer', ...asked, to }, booking)).toMatchObject({
      ok: true,
    });
    expect(await system.workflows.changeBooking(late, booking)).toEqual({ ok: false, refusal: 'NOT_FOUND' });
    await changeEndOf(system, booking);
    expect(await rowOf(system, booking)).toMatchObject({ status: 'CONFIRMED', userId: to.userId });
    await expectAgreement(system, show);
  });

  test('ten hours before gives half of it back and keeps the rest', async () => {
    const { show, booking } = await confirmed([0, 1], { startsInMs: 10 * HOUR_MS });
    await system.workflows.changeBooking(cancellation(booking), booking);
    await changeEndOf(system, booking);
    expect(await netCaptured(system, booking.id)).toBe(25_000);
    expect(await rowOf(system, booking)).toMatchObject({ refund: { amount: { amount: 25_000 } }, keptAmount: 25_000 });
    await expectAgreement(system, show);
  });

  test('an hour before gives its seats back and no money; no provider is asked', async () => {
    const { show, booking } = await confirmed([0], { startsInMs: HOUR_MS });
    const answer = await system.workflows.changeBooking(cancellation(booking), booking);
    expect(answer).toMatchObject({ ok: true, booking: { refund: { amount: { amount: 0 }, status: 'SUCCEEDED' } } });
    await changeEndOf(system, booking);
    expect((await ledgerOf(system)).filter((item) => item.bookingId === booking.id)).toHaveLength(1);
    await expectAgreement(system, show);
  });

  test('in part keeps the other seats, at their price; the last ones can be cancelled too', async () => {
    const { show, booking } = await confirmed([0, 1, 2]);
    const part = await system.workflows.changeBooking(cancellation(booking, ['seat-1']), booking);
    expect(part).toMatchObject({
      ok: true,
      booking: { status: 'CONFIRMED', price: { total: { amount: 50_000 } }, refund: { amount: { amount: 25_000 } } },
    });
    expect((await statusesOf(system, show.id)).slice(0, 4)).toBe('baba');
    await changeEndOf(system, booking);
    await expectAgreement(system, show);
    const rest = await system.workflows.changeBooking(cancellation(booking, ['seat-0', 'seat-2']), booking);
    expect(rest).toMatchObject({ ok: true, booking: { status: 'CANCELLED', refund: { amount: { amount: 75_000 } } } });
    await changeEndOf(system, booking);
    expect(await netCaptured(system, booking.id)).toBe(0);
    expect((await findPaymentsOfBooking(system.db, booking.id)).refunds).toMatchObject([
      { status: 'SUCCEEDED', amount: { amount: 25_000 } },
      { status: 'SUCCEEDED', amount: { amount: 50_000 } },
    ]);
    await expectAgreement(system, show);
  });

  test('goes on in run after run while its refunds are under way for long, with all that is under way', async () => {
    const { show, booking } = await confirmed([0, 1, 2], { token: 'tok_refund_pending' });
    const workflowId = bookingChangeWorkflowId(booking.id);
    const first = await system.temporal.workflow.start('bookingChangeWorkflow', {
      workflowId,
      taskQueue: taskQueues.bookings,
      args: [{ change: cancellation(booking, ['seat-0']), waitsMax: 1 } satisfies BookingChangeInput],
    });
    const next = cancellation(booking, ['seat-1']);
    await eventually(async () => {
      const answer = await system.workflows.changeBooking(next, booking);
      expect(answer).toMatchObject({ ok: true, booking: { seats: [{ id: 'seat-2' }] } });
    });
    expect(await changeEndOf(system, booking)).toBe('CONFIRMED');
    const { status } = await system.temporal.workflow.getHandle(workflowId, first.firstExecutionRunId).describe();
    expect(status.name).toBe('CONTINUED_AS_NEW');
    expect(await netCaptured(system, booking.id)).toBe(25_000);
    expect((await ledgerOf(system)).filter((item) => item.bookingId === booking.id)).toHaveLength(3);
    await expectAgreement(system, show);
  });

  test('twice at once, by the same request or others, is cancelled once', async () => {
    const { show, booking } = await confirmed([0, 1]);
    const same = cancellation(booking);
    const asked = [
      ...Array.from({ length: 10 }, () => same),
      ...Array.from({ length: 5 }, () => cancellation(booking)),
    ];
    const answers = await Promise.all(asked.map((change) => system.workflows.changeBooking(change, booking)));
    expect(answers.some(({ ok }) => ok)).toBe(true);
    for (const answer of answers) {
      const expected = answer.ok ? { booking: { status: 'CANCELLED' } } : { refusal: 'CHANGE_IN_PROGRESS' };
      expect(answer).toMatchObject(expected);
    }
    await changeEndOf(system, booking);
    expect(await netCaptured(system, booking.id)).toBe(0);
    expect((await ledgerOf(system)).filter((item) => item.bookingId === booking.id)).toHaveLength(2);
    await expectAgreement(system, show);
  });
});
