import { WorkflowUpdateFailedError } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import { NOTHING_CHANGED_FAILURE } from '../../src/contracts/show-messages.ts';
import { ShowNotRunningError } from '../../src/contracts/workflow-client.ts';
import type { SeatCommand, SeatPick } from '../../src/domain/seat-commands.ts';
import { newId } from '../../src/platform/ids.ts';
import type { Show } from '../../src/read-model/shows.ts';
import { eventually } from '../setup/eventually.ts';
import { openShow, statusesOf, viewOf } from '../setup/shows.ts';
import { useTestSystem } from '../setup/system.ts';
import { expectTimerFor } from './expiry-timers.ts';

const system = useTestSystem();

const hold = (
  pick: SeatPick,
  { bookingId = newId('bkg'), buyerId = newId('usr'), ttlMs = 30_000 } = {},
): SeatCommand => ({
  kind: 'hold',
  bookingId,
  fingerprint: `fingerprint of ${bookingId}`,
  buyerId,
  ttlMs,
  pick,
});
const send = (show: Show, command: SeatCommand) => system.workflows.seatCommand(show.id, command);
const handleOf = (show: Show) => system.temporal.workflow.getHandle(`show/${show.id}`);
const update = (show: Show, commands: readonly SeatCommand[]) =>
  handleOf(show).executeUpdate('seatCommands', { args: [commands] });
const historyLength = async (show: Show) => (await handleOf(show).describe()).historyLength;

/** Nothing is under way: the first task is done, no projection runs, and the task that its end has caused is done. */
async function quietHistoryLength(show: Show): Promise<number> {
  await viewOf(system, show.id);
  return eventually(async () => {
    const { pendingActivities, pendingWorkflowTask, workflowExecutionInfo } = (await handleOf(show).describe()).raw;
    expect(pendingActivities ?? []).toEqual([]);
    expect(pendingWorkflowTask ?? null).toBeNull();
    return Number(workflowExecutionInfo?.historyLength);
  });
}

describe('a batch of seat commands', () => {
  test('is answered one by one, in its order', async () => {
    const show = await openShow(system);
    const [first, second] = [newId('bkg'), newId('bkg')];
    const answer = await update(show, [
      hold({ seats: [0, 1] }, { bookingId: first }),
      hold({ seats: [1, 2] }, { bookingId: second }),
      hold({ seats: [2, 99] }),
      hold({ seats: [5, 4] }, { bookingId: second }),
      { kind: 'confirm', bookingId: first, buyerId: 'usr', seats: [0, 1], reclaim: false },
      { kind: 'release', bookingId: first },
    ]);
    expect(answer).toMatchObject({
      version: 3,
      results: [
        { ok: true, seats: [0, 1] },
        { ok: false, refusal: 'SEAT_UNAVAILABLE', conflicts: [[1, 'h']] },
        { ok: false, refusal: 'UNKNOWN_SEAT', seats: [99] },
        { ok: true, seats: [4, 5] },
        { ok: true, seats: [0, 1] },
        { ok: false, refusal: 'ALREADY_BOOKED' },
      ],
    });
    expect((await statusesOf(system, show.id)).slice(0, 6)).toBe('bbaahh');
  });

  test('in which every command loses leaves no history, and is answered as its handler would', async () => {
    const show = await openShow(system);
    const mine = hold({ seats: [0, 1] });
    const taken = hold({ seats: [1, 2] });
    // With one winner among them the handler answers.
    const handled = (await update(show, [mine, taken, hold({ seats: [0] }), hold({ seats: [7] })])) as {
      results: readonly { readonly ok: boolean }[];
      takenBy: unknown;
    };
    const before = await quietHistoryLength(show);
    const refused: unknown = await update(show, [mine, taken, hold({ seats: [0] })]).catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(WorkflowUpdateFailedError);
    const { cause } = refused as WorkflowUpdateFailedError;
    expect(cause).toBeInstanceOf(ApplicationFailure);
    const failure = cause as ApplicationFailure;
    expect(failure.type).toBe(NOTHING_CHANGED_FAILURE);
    expect(failure.details).toEqual([{ results: handled.results.slice(0, 3), version: 2, takenBy: handled.takenBy }]);
    for (let index = 0; index < 20; index++) {
      expect(await send(show, taken)).toMatchObject(handled.results[1]!);
      expect(await send(show, mine)).toEqual(handled.results[0]);
    }
    expect(await historyLength(show)).toBe(before);
  });

  test.each([0, 257])('of %i commands is refused, and changes nothing', async (size) => {
    const show = await openShow(system);
    const before = await quietHistoryLength(show);
    const batch = Array.from({ length: size }, () => hold({ seats: [0] }));
    await expect(update(show, batch)).rejects.toThrow(WorkflowUpdateFailedError);
    expect(await historyLength(show)).toBe(before);
    expect(await statusesOf(system, show.id)).toMatch(/^a+$/);
  });

  test('of a hundred buyers who want one seat has one winner', async () => {
    const show = await openShow(system);
    const answers = await Promise.all(Array.from({ length: 100 }, () => send(show, hold({ seats: [5] }))));
    expect(answers.filter((answer) => answer.ok)).toHaveLength(1);
    for (const answer of answers.filter((each) => !each.ok)) {
      expect(answer).toMatchObject({ ok: false, refusal: 'SEAT_UNAVAILABLE', conflicts: [[5, 'h']] });
    }
  });
});

describe('a hold', () => {
  test('whose booking never came to be (the API died in between) is free within a second after its time', async () => {
    const show = await openShow(system);
    const granted = await send(show, hold({ seats: [0, 1] }, { ttlMs: 1_000 }));
    if (!granted.ok) throw new Error('not granted');
    const { claims, changedAtMs } = await eventually(async () => {
      const view = await viewOf(system, show.id);
      expect(view.statuses).toMatch(/^a+$/);
      return view;
    });
    expect(changedAtMs).toBeGreaterThanOrEqual(granted.expiresAtMs!);
    await expectTimerFor(system, show.id, granted.expiresAtMs!);
    expect(claims.bookingIds).toEqual([]);
    const bookings = await system.db.selectFrom('bookings').select('id').where('show_id', '=', show.id).execute();
    expect(bookings).toEqual([]);
  });

  test('past its time is gone for its owner: a late repeat does not win the seats anew', async () => {
    const show = await openShow(system);
    const mine = hold({ seats: [0] }, { ttlMs: 300 });
    await send(show, mine);
    await eventually(async () => expect(await statusesOf(system, show.id)).toMatch(/^a+$/));
    expect(await send(show, mine)).toMatchObject({ ok: false, refusal: 'HOLD_ENDED', seats: [0] });
    const { bookingId } = mine as { bookingId: string };
    expect(await send(show, { kind: 'confirm', bookingId, buyerId: 'usr', seats: [0], reclaim: false })).toMatchObject({
      ok: false,
      refusal: 'HOLD_EXPIRED',
    });
  });

  test('that is extended outlives its first time and the timer set for it', async () => {
    const show = await openShow(system);
    const bookingId = newId('bkg');
    const granted = await send(show, hold({ seats: [0] }, { bookingId, ttlMs: 5_000 }));
    const other = await send(show, hold({ seats: [3] }, { ttlMs: 5_100 }));
    if (!granted.ok || !other.ok) throw new Error('not granted');
    const expiresAtMs = granted.expiresAtMs! + 5_000;
    expect(await send(show, { kind: 'extend', bookingId, expiresAtMs })).toMatchObject({ ok: true, expiresAtMs });
    await eventually(async () => expect((await statusesOf(system, show.id)).slice(0, 4)).toBe('haaa'));
    await eventually(async () => expect((await statusesOf(system, show.id)).slice(0, 4)).toBe('aaaa'));
    const { changedAtMs } = await viewOf(system, show.id);
    expect(changedAtMs).toBeGreaterThanOrEqual(expiresAtMs);
    await expectTimerFor(system, show.id, expiresAtMs);
  });

  test('is released by a signal where nobody waits for an answer', async () => {
    const show = await openShow(system);
    const [first, second] = [newId('bkg'), newId('bkg')];
    await send(show, hold({ seats: [0] }, { bookingId: first }));
    await send(show, hold({ seats: [5] }, { bookingId: second }));
    await handleOf(show).signal('releaseSeats', [first, second, newId('bkg')]);
    await eventually(async () => expect(await statusesOf(system, show.id)).toMatch(/^a+$/));
  });

  test('never has more seats than one buyer may have', async () => {
    const show = await openShow(system, { seatsPerBuyerMax: 3 });
    const buyerId = newId('usr');
    const answers = await Promise.all([
      send(show, hold({ seats: [0, 1] }, { buyerId })),
      send(show, hold({ seats: [10, 11] }, { buyerId })),
    ]);
    expect(answers.map((answer) => answer.ok).sort()).toEqual([false, true]);
    expect(answers.find((answer) => !answer.ok)).toEqual({ ok: false, refusal: 'TOO_MANY_SEATS', limit: 3 });
  });
});

describe('the best seats available', () => {
  test('are chosen by the show itself, so that storming buyers all get some, side by side', async () => {
    const show = await openShow(system);
    const answers = await Promise.all(
      Array.from({ length: 30 }, () => send(show, hold({ bestAvailable: { count: 2 } }))),
    );
    const granted = answers.flatMap((answer) => (answer.ok ? [answer.seats] : []));
    const seats = granted.flat();
    expect(new Set(seats).size).toBe(seats.length);
    for (const [left, right] of granted) {
      expect(right).toBe(left! + 1);
      expect(Math.floor(left! / 10)).toBe(Math.floor(right! / 10));
    }
    expect(granted).toHaveLength(25);
    expect(answers.filter((answer) => !answer.ok)).toEqual(Array(5).fill({ ok: false, refusal: 'SOLD_OUT' }));
  });

  test('never strand a single seat, unless there is no other way', async () => {
    const show = await openShow(system);
    expect(await send(show, hold({ seats: [0, 1] }))).toMatchObject({ ok: true });
    expect(await send(show, hold({ seats: [3, 4] }))).toEqual({ ok: false, refusal: 'ORPHAN_SEAT', seats: [2] });
    expect(await send(show, hold({ seats: [2, 3] }))).toMatchObject({ ok: true });
  });
});

describe('staff', () => {
  test('takes free seats off sale, all or none, and puts them back', async () => {
    const show = await openShow(system);
    await send(show, hold({ seats: [4] }));
    expect(await send(show, { kind: 'block', seats: [3, 4], reason: 'camera' })).toMatchObject({
      ok: false,
      refusal: 'SEAT_UNAVAILABLE',
      conflicts: [[4, 'h']],
    });
    expect(await send(show, { kind: 'block', seats: [0, 1], reason: 'camera' })).toMatchObject({ ok: true });
    expect(await send(show, hold({ seats: [1] }))).toMatchObject({ ok: false, conflicts: [[1, 'x']] });
    expect(await send(show, { kind: 'unblock', seats: [0, 1] })).toMatchObject({ ok: true });
    expect(await send(show, hold({ seats: [0, 1] }))).toMatchObject({ ok: true });
  });
});

describe('the life of a show', () => {
  test('sells nothing once sales are closed, and ends after its time with everything projected', async () => {
    const show = await openShow(system);
    const bookingId = newId('bkg');
    await send(show, hold({ seats: [0] }, { bookingId, ttlMs: 600_000 }));
    await system.workflows.changeSale(show.id, { showVersion: 2, salesCloseAtMs: Date.now() });
    expect(await send(show, hold({ seats: [1] }))).toEqual({ ok: false, refusal: 'SALES_CLOSED' });
    // What is held when sales close may still be paid.
    const confirm = { kind: 'confirm', bookingId, buyerId: 'usr', seats: [0], reclaim: false } as const;
    expect(await send(show, confirm)).toMatchObject({ ok: true });
    await system.workflows.changeSale(show.id, { showVersion: 3, endsAtMs: Date.now() + 500 });
    await handleOf(show).result();
    const row = await system.db
      .selectFrom('seat_map_snapshots')
      .selectAll()
      .where('show_id', '=', show.id)
      .executeTakeFirstOrThrow();
    expect(row.statuses[0]).toBe('b');
    await expect(send(show, hold({ seats: [1] }))).rejects.toThrow(ShowNotRunningError);
  });

  test('does not end because somebody cancels its workflow', async () => {
    const show = await openShow(system);
    const bookingId = newId('bkg');
    await send(show, hold({ seats: [0] }, { bookingId }));
    await handleOf(show).cancel();
    await send(show, hold({ seats: [5] }, { ttlMs: 500 }));
    await send(show, { kind: 'confirm', bookingId, buyerId: 'usr', seats: [0], reclaim: false });
    await eventually(async () => expect((await statusesOf(system, show.id)).slice(0, 6)).toBe('baaaaa'));
    expect((await handleOf(show).describe()).status.name).toBe('RUNNING');
  });

  test('is read at a glance by an operator', async () => {
    const show = await openShow(system);
    await send(show, hold({ seats: [0, 1] }));
    const description = await handleOf(show).describe();
    expect(await description.staticSummary()).toMatch(/A Film.*Test Theatre/);
    const metadata = await handleOf(show).query('__temporal_workflow_metadata').then(JSON.stringify);
    expect(metadata).toContain('available 48 · held 2 · booked 0 · blocked 0');
    const query = `SeatkeeperShowId = '${show.id}' AND WorkflowType = 'showWorkflow'`;
    await eventually(async () => expect((await system.temporal.workflow.count(query)).count).toBe(1));
  });
});
