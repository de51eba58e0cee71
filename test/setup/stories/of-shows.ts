import { setTimeout as delay } from 'node:timers/promises';
import {
  bookingChangeWorkflowId,
  showCancellationWorkflowId,
  showMoveWorkflowId,
  showWorkflowId,
  taskQueues,
} from '../../../src/contracts/workflow-ids.ts';
import type { SeatMapProjector } from '../../../src/contracts/seat-map-projector.ts';
import type { ReconciliationMode } from '../../../src/contracts/reconciliation.ts';
import type { SeatCommand } from '../../../src/domain/seat-commands.ts';
import { newId } from '../../../src/platform/ids.ts';
import { PacedSeatMapProjector } from '../../../src/live/paced-seat-map-projector.ts';
import { findShow } from '../../../src/read-model/shows.ts';
import { TemporalWorkflowClient } from '../../../temporal/workflow-client.ts';
import { book, endOf, pay } from '../bookings.ts';
import { eventually } from '../eventually.ts';
import { cancelledByStaff, movedByStaff } from '../show-changes.ts';
import { openShow, rowsOfSeats, statusesOf, untilProjected } from '../shows.ts';
import type { TestSystem } from '../system.ts';
import { brief, ofBooking, patient, type Recorded, type Story } from './story.ts';

/** Shows, what staff does to them, and what is looked after for all of them, in all their interesting states. */
export function showStories(system: TestSystem): readonly Story[] {
  const silent = { warn: () => undefined };
  const handleOf = (workflowId: string) => system.temporal.workflow.getHandle(workflowId);
  const hold = (bookingId: string, seats: readonly number[], ttlMs = 60_000) =>
    ({ kind: 'hold', bookingId, fingerprint: 'f', buyerId: 'usr', ttlMs, pick: { seats } }) as const;

  async function fromStartToEnd(): Promise<Recorded[]> {
    const show = await openShow(system, { startsInMs: 4_000, salesCloseInMs: 4_000, endsInMs: 5_000 });
    const handle = handleOf(showWorkflowId(show.id));
    const paid = await book(system, show, [0, 1]);
    await book(system, show, [4, 5], brief);
    const signalled = await book(system, show, [8, 9]);
    await system.workflows.seatCommand(show.id, { kind: 'block', seats: [20, 21], reason: 'camera' });
    await pay(system, paid, 'tok_ok');
    await handle.signal('releaseSeats', [signalled.id]);
    await eventually(async () => expect((await statusesOf(system, show.id)).slice(0, 10)).toBe('bbaaaaaaaa'));
    await handle.cancel();
    await system.workflows.release(signalled.id);
    await handle.result();
    return [{ name: 'show-from-start-to-end', workflowId: showWorkflowId(show.id) }];
  }

  /** Granted and refused in turns: a refused batch leaves no history, but the task that refused it was there. */
  async function ofEveryCommand(): Promise<Recorded[]> {
    const show = await openShow(system, { seatsPerBuyerMax: 8 });
    const { runId } = await handleOf(showWorkflowId(show.id)).describe();
    const [one, other, third] = [newId('bkg'), newId('bkg'), newId('bkg')];
    const inAMinute = Date.now() + 60_000;
    const commands: readonly SeatCommand[] = [
      { ...hold(one, []), pick: { bestAvailable: { count: 4 } } },
      hold(other, [10, 11]),
      hold(third, [10]),
      { kind: 'swap', bookingId: other, seats: [12, 13], askedAtMs: Date.now() },
      { kind: 'extend', bookingId: other, expiresAtMs: inAMinute, askedAtMs: Date.now() },
      { kind: 'confirm', bookingId: other, buyerId: 'usr', seats: [12, 13], reclaim: false },
      { kind: 'release', bookingId: other },
      { kind: 'exchange', fromBookingId: other, bookingId: third, buyerId: 'usr', seats: [13, 14] },
      { kind: 'exchange', fromBookingId: third, bookingId: other, buyerId: 'usr', seats: [12, 13], back: true },
      { kind: 'return', bookingId: other, seats: [12] },
      { kind: 'return', bookingId: other },
      { kind: 'block', seats: [20, 21], reason: 'camera' },
      hold(third, [21, 22]),
      { kind: 'unblock', seats: [20, 21] },
      { kind: 'release', bookingId: one },
      { kind: 'confirm', bookingId: one, buyerId: 'usr', seats: [0, 1], reclaim: true },
    ];
    for (const command of commands) await system.workflows.seatCommand(show.id, command);
    // Many at once go in batches, of which some win and some lose.
    const buyers = Array.from({ length: 40 }, () => newId('bkg'));
    await Promise.all(buyers.map((id, index) => system.workflows.seatCommand(show.id, hold(id, [30 + (index % 8)]))));
    return [{ name: 'show-of-every-command', workflowId: showWorkflowId(show.id), runId }];
  }

  /** The process that held the seats has died: nobody but the show gives them back. */
  async function expiringByItself(): Promise<Recorded[]> {
    const show = await openShow(system, { startsInMs: 3_000, salesCloseInMs: 3_000, endsInMs: 4_000 });
    for (const seat of [0, 10, 20])
      await system.workflows.seatCommand(show.id, hold(newId('bkg'), [seat, seat + 1], 700));
    await handleOf(showWorkflowId(show.id)).result();
    return [{ name: 'show-expiring-by-itself', workflowId: showWorkflowId(show.id) }];
  }

  /** The read model has lost what it had: the next projection finds a gap, and carries the whole map. */
  async function projectedAnew(): Promise<Recorded[]> {
    const show = await openShow(system);
    const rows = system.db.selectFrom('seat_map_snapshots').select('version').where('show_id', '=', show.id);
    const projected = (atLeast: number) =>
      eventually(async () => expect((await rows.executeTakeFirst())?.version).toBeGreaterThanOrEqual(atLeast));
    await system.workflows.seatCommand(show.id, hold(newId('bkg'), [0, 1]));
    await projected(1);
    await system.db.deleteFrom('seat_map_snapshots').where('show_id', '=', show.id).execute();
    await system.workflows.seatCommand(show.id, hold(newId('bkg'), [4, 5]));
    await projected(2);
    return [{ name: 'show-projected-anew', workflowId: showWorkflowId(show.id) }];
  }

  /** Two processes that sell write what they have changed; one that dies with its answer leaves it to the show. */
  async function projectedBySenders(): Promise<Recorded[]> {
    const show = await openShow(system);
    const projectors = [1, 2].map(() => new PacedSeatMapProjector(system.db, silent));
    const dying: SeatMapProjector = { projectedVersion: () => null, project: () => undefined };
    const senders = [...projectors, dying].map(
      (seatMapProjector) => new TemporalWorkflowClient(system.temporal, { seatMapProjector }),
    );
    const sell = async (row: number, sender: TemporalWorkflowClient) => {
      for (let seat = 0; seat < 10; seat += 2) {
        const bookingId = newId('bkg');
        await sender.seatCommand(show.id, hold(bookingId, [row * 10 + seat, row * 10 + seat + 1]));
        if (seat % 4 === 0) await sender.seatCommand(show.id, { kind: 'release', bookingId });
        await delay(400);
      }
    };
    await Promise.all(senders.map((sender, row) => sell(row, sender)));
    await untilProjected(system, show.id);
    await Promise.all(projectors.map((projector) => projector.close()));
    return [{ name: 'show-projected-by-senders', workflowId: showWorkflowId(show.id) }];
  }

  /** Moved, then cancelled: one booking has been paid, another one is paid when it is too late. */
  async function movedThenCancelled(): Promise<Recorded[]> {
    const show = await openShow(system);
    const [paid, paying] = [await book(system, show, [0, 1]), await book(system, show, [4, 5], patient)];
    await pay(system, paid, 'tok_ok');
    const endsAtMs = Date.now() + 20_000;
    const move = await movedByStaff(system, show, { startsAtMs: endsAtMs - 1, endsAtMs, salesCloseAtMs: endsAtMs });
    await system.workflows.startShowChange(move);
    const moved = showMoveWorkflowId(show.id, move.showVersion);
    await handleOf(moved).result();
    const cancellation = await cancelledByStaff(system, show);
    await system.workflows.startShowChange(cancellation);
    const cancelled = showCancellationWorkflowId(show.id);
    await handleOf(cancelled).result();
    await pay(system, paying, 'tok_ok');
    await endOf(system, paying);
    await handleOf(showWorkflowId(show.id)).result();
    return [
      { name: 'show-moved-then-closed', workflowId: showWorkflowId(show.id) },
      { name: 'show-move', workflowId: moved },
      { name: 'show-cancellation', workflowId: cancelled },
      { name: 'change-show-cancelled', workflowId: bookingChangeWorkflowId(paid.id) },
      ofBooking('refunded-show-cancelled', paying),
    ];
  }

  /** The later of two moves is begun first, and waits for the earlier one. */
  async function movedTwice(): Promise<Recorded[]> {
    const show = await openShow(system, { plan: rowsOfSeats(2, 10) });
    await book(system, show, [0, 1], patient);
    const laterBy = (ms: number, from: typeof show) => ({
      startsAtMs: from.startsAtMs + ms,
      endsAtMs: from.endsAtMs + ms,
    });
    const first = await movedByStaff(system, show, laterBy(1_000, show));
    const between = (await findShow(system.db, show.id, Date.now()))!;
    const second = await movedByStaff(system, between, laterBy(1_000, between));
    await system.workflows.startShowChange(second);
    const workflowId = showMoveWorkflowId(show.id, second.showVersion);
    await eventually(async () => {
      const { historyLength } = await handleOf(workflowId).describe();
      expect(historyLength).toBeGreaterThan(20);
    });
    await system.workflows.startShowChange(first);
    await handleOf(workflowId).result();
    return [{ name: 'show-move-after-another', workflowId }];
  }

  /** Refunds that take their time are looked at again and again. */
  async function cancelledWithRefundsPending(): Promise<Recorded[]> {
    const show = await openShow(system);
    const bookings = [await book(system, show, [0, 1], patient), await book(system, show, [4, 5], patient)];
    for (const booking of bookings) await pay(system, booking, 'tok_refund_pending');
    await system.workflows.startShowChange(await cancelledByStaff(system, show));
    const workflowId = showCancellationWorkflowId(show.id);
    await handleOf(workflowId).result();
    return [{ name: 'show-cancellation-with-refunds-pending', workflowId }];
  }

  /** Two runs and the beginning of a third; the server was told to suggest it early. */
  async function ofSeveralRuns(): Promise<Recorded[]> {
    const show = await openShow(system);
    const workflowId = showWorkflowId(show.id);
    const runIds = new Set<string>();
    while (runIds.size < 3) {
      const bookingId = newId('bkg');
      await system.workflows.seatCommand(show.id, hold(bookingId, [0, 1], 1_500));
      if (runIds.size !== 1) await system.workflows.seatCommand(show.id, { kind: 'release', bookingId });
      runIds.add((await handleOf(workflowId).describe()).runId);
    }
    return [...runIds].map((runId, index) => ({ name: `show-run-${index + 1}`, workflowId, runId }));
  }

  /** Looks after something, and ends: `args` as its schedule has them, or somebody who asks. */
  const played =
    (name: string, type: string, args: () => readonly unknown[] = () => [], before?: () => Promise<unknown>): Story =>
    async () => {
      await before?.();
      const workflowId = newId('rec');
      const options = { workflowId, taskQueue: taskQueues.bookings, args: [...args()] };
      await system.temporal.workflow.execute(type, options);
      return [{ name, workflowId }];
    };

  /** A window of which something has to be settled, and looked at once more. */
  async function aDifference(): Promise<void> {
    const show = await openShow(system);
    const booking = await book(system, show, [0, 1], brief);
    await endOf(system, booking);
    const take = { kind: 'confirm', bookingId: newId('bkg'), buyerId: 'usr', seats: [3], reclaim: true } as const;
    await system.workflows.seatCommand(show.id, take);
  }
  const overAWindow = (mode: ReconciliationMode) => () => [
    { window: { fromMs: Date.now() - 60_000, toMs: Date.now() }, mode, runId: newId('rec'), startedBy: 'usr' },
  ];

  return [
    fromStartToEnd,
    ofEveryCommand,
    expiringByItself,
    projectedAnew,
    projectedBySenders,
    ofSeveralRuns,
    movedThenCancelled,
    movedTwice,
    cancelledWithRefundsPending,
    played('payment-sweep', 'paymentSweepWorkflow'),
    played('show-change-sweep', 'showChangeSweepWorkflow'),
    played('reminders', 'showRemindersWorkflow'),
    played('reconciliation', 'reconciliationWorkflow', overAWindow('repair'), aDifference),
    played('reconciliation-dry-run', 'reconciliationWorkflow', overAWindow('dry_run'), aDifference),
    played('reconciliation-by-schedule', 'reconciliationWorkflow', () => [{ mode: 'report', startedBy: 'schedule' }]),
  ];
}
