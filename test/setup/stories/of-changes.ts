import { setTimeout as delay } from 'node:timers/promises';
import type { BookingChangeInput } from '../../../src/contracts/change-messages.ts';
import { taskQueues } from '../../../src/contracts/workflow-ids.ts';
import type { NewBooking } from '../../../src/domain/booking.ts';
import { newId } from '../../../src/platform/ids.ts';
import { findPaymentsOfBooking } from '../../../src/read-model/payments.ts';
import type { Show } from '../../../src/read-model/shows.ts';
import { book, captured, changeEndOf, decideAtProvider, endOf, pay } from '../bookings.ts';
import { eventually } from '../eventually.ts';
import { comeByFurtherSeat, exchangeFor } from '../exchanges.ts';
import { openShow } from '../shows.ts';
import type { TestSystem } from '../system.ts';
import { ofChange, patient, type Recorded, type Story } from './story.ts';

const DEARER = 40_000;
const CHEAPER = 10_000;

/** Changes of bookings that are confirmed, in all their interesting states. */
export function changeStories(system: TestSystem): readonly Story[] {
  async function paid(show: Show, seats: readonly number[], token = 'tok_ok'): Promise<NewBooking> {
    const booking = await book(system, show, seats, patient);
    await pay(system, booking, token);
    await endOf(system, booking);
    return booking;
  }

  const cancellation = (booking: NewBooking, seatIds?: readonly string[]) =>
    ({
      kind: 'cancellation',
      changeId: newId('chg'),
      bookingId: booking.id,
      requestedBy: booking.userId,
      ...(seatIds && { seatIds }),
    }) as const;

  /** As they are asked for; the one run that hears them. */
  async function cancelled(
    name: string,
    { token = 'tok_ok', startsInMs }: { readonly token?: string; readonly startsInMs?: number },
    seats: readonly (readonly string[] | undefined)[],
  ): Promise<Recorded[]> {
    const show = await openShow(system, { ...(startsInMs !== undefined && { startsInMs }) });
    const booking = await paid(show, [0, 1, 2], token);
    if (startsInMs !== undefined) await delay(show.startsAtMs + 1 - Date.now());
    for (const seatIds of seats) await system.workflows.changeBooking(cancellation(booking, seatIds), booking);
    await changeEndOf(system, booking);
    return [ofChange(name, booking)];
  }

  /** Goes on in further runs after each wait for the provider. */
  async function cancelledInRuns(): Promise<Recorded[]> {
    const booking = await paid(await openShow(system), [0, 1, 2], 'tok_refund_pending');
    const change = cancellation(booking, ['seat-0']);
    const { workflowId } = ofChange('', booking);
    const { firstExecutionRunId } = await system.temporal.workflow.start('bookingChangeWorkflow', {
      workflowId,
      taskQueue: taskQueues.bookings,
      args: [{ change, waitsMax: 1 } satisfies BookingChangeInput],
    });
    const next = cancellation(booking, ['seat-1']);
    await eventually(async () => {
      expect(await system.workflows.changeBooking(next, booking)).toMatchObject({ ok: true });
    });
    await changeEndOf(system, booking);
    const { runId } = await system.temporal.workflow.getHandle(workflowId).describe();
    return [
      { ...ofChange('run-1', booking), runId: firstExecutionRunId },
      { ...ofChange('run-last', booking), runId },
    ];
  }

  /** The provider tells that a refund has ended before it is asked again. */
  async function toldOfItsRefund(): Promise<Recorded[]> {
    const booking = await paid(await openShow(system), [0, 1], 'tok_refund_pending');
    await system.workflows.changeBooking(cancellation(booking), booking);
    const [refund] = (await findPaymentsOfBooking(system.db, booking.id)).refunds;
    await system.workflows.notifyRefund(booking.id, refund!.id);
    await changeEndOf(system, booking);
    return [ofChange('told-of-its-refund', booking)];
  }

  interface Exchanging {
    readonly token?: string;
    /** Of the other show; without it the seats are of the same show. */
    readonly seatPrice?: number;
    readonly seats?: readonly number[];
    readonly holdTtlMs?: number;
    readonly before?: (to: Show, booking: NewBooking) => Promise<unknown>;
    /** While its payment waits. */
    readonly meanwhile?: (attemptId: string, intoId: string, to: Show) => Promise<unknown>;
    readonly decides?: 'approve' | 'decline';
    readonly isTold?: boolean;
  }

  /** A booking that was paid, exchanged for two seats. */
  async function exchanged(name: string, how: Exchanging): Promise<Recorded[]> {
    const { token = 'tok_ok', seatPrice, seats = [0, 1], holdTtlMs = 20_000 } = how;
    const show = await openShow(system);
    const to = seatPrice === undefined ? show : await openShow(system, { seatPrice });
    const booking = await paid(show, [0, 1]);
    await how.before?.(to, booking);
    const change = { ...exchangeFor(booking, to, seats, token), holdTtlMs };
    const answer = await system.workflows.exchangeBooking(change, booking);
    const attemptId = change.payment?.attemptId ?? '';
    await how.meanwhile?.(attemptId, change.to.id, to);
    if (how.decides && answer.ok && answer.nextAction) {
      const waiting = { outcome: 'pending', booking: {} as never, nextAction: answer.nextAction } as const;
      const reference = await decideAtProvider(waiting, how.decides);
      const price = { lines: [], total: change.payment!.amount };
      const notice = captured({ id: change.to.id, price }, attemptId, reference);
      if (how.isTold)
        await system.workflows.notifyPayment(notice, { ...booking, ...change.to, exchangeOf: booking.id });
    }
    await changeEndOf(system, booking);
    return [ofChange(name, booking)];
  }

  const anothersRow = (to: Show) =>
    system.db.insertInto('booked_seats').values({ show_id: to.id, seat_id: 'seat-1', booking_id: 'bkg_x' }).execute();

  async function transferred(): Promise<Recorded[]> {
    const booking = await paid(await openShow(system), [0, 1]);
    const to = { userId: newId('usr'), email: 'asha@example.org', language: 'en' } as const;
    const asked = { changeId: newId('chg'), bookingId: booking.id, requestedBy: booking.userId };
    await system.workflows.changeBooking({ kind: 'transfer', ...asked, to }, booking);
    await changeEndOf(system, booking);
    return [ofChange('transferred', booking)];
  }

  return [
    () => cancelled('cancelled', {}, [undefined]),
    () => cancelled('cancelled-in-part', { token: 'tok_refund_fails_twice' }, [['seat-1']]),
    () =>
      cancelled('cancelled-while-a-refund-is-pending', { token: 'tok_refund_pending' }, [
        ['seat-1'],
        ['seat-9'],
        undefined,
      ]),
    () => cancelled('refunded-by-the-second-refund', { token: 'tok_refund_refused_once' }, [undefined]),
    () => cancelled('refused-after-the-start', { startsInMs: 4_000 }, [undefined]),
    cancelledInRuns,
    toldOfItsRefund,
    () => exchanged('exchanged-for-dearer', { seatPrice: DEARER }),
    () => exchanged('exchanged-for-cheaper', { seatPrice: CHEAPER }),
    () => exchanged('exchanged-within-the-show', { seats: [1, 2] }),
    () =>
      exchanged('exchanged-with-what-came-along', {
        seats: [1, 2],
        before: (_, booking) => comeByFurtherSeat(system, booking, 5),
      }),
    () => exchanged('exchange-declined', { seatPrice: DEARER, token: 'tok_declined' }),
    () => exchanged('exchange-pending', { seatPrice: DEARER, token: 'tok_pending' }),
    () =>
      exchanged('exchange-told-by-webhook', {
        seatPrice: DEARER,
        token: 'tok_redirect',
        decides: 'approve',
        isTold: true,
      }),
    () => exchanged('exchange-refused-by-the-buyer', { seatPrice: DEARER, token: 'tok_redirect', decides: 'decline' }),
    () => exchanged('exchange-never-answered', { seatPrice: DEARER, token: 'tok_redirect', holdTtlMs: 3_000 }),
    () => exchanged('exchange-unknown-found-charged', { seatPrice: DEARER, token: 'tok_timeout_charged' }),
    () => exchanged('exchange-refused', { seatPrice: DEARER, before: (to) => book(system, to, [1, 2]) }),
    () =>
      exchanged('exchange-undone-as-the-seats-are-gone', {
        seatPrice: DEARER,
        token: 'tok_redirect',
        decides: 'approve',
        meanwhile: async (_, intoId, to) => {
          await system.workflows.seatCommand(to.id, { kind: 'release', bookingId: intoId });
          await book(system, to, [1, 2]);
        },
      }),
    () => exchanged('exchange-undone-by-the-second-line', { seatPrice: DEARER, before: anothersRow }),
    () =>
      exchanged('exchange-within-the-show-undone', {
        seats: [2, 3],
        before: (to) =>
          system.db
            .insertInto('booked_seats')
            .values({ show_id: to.id, seat_id: 'seat-3', booking_id: 'bkg_x' })
            .execute(),
      }),
    transferred,
  ];
}
