import { sql } from 'kysely';
import { showCancellationWorkflowId, showMoveWorkflowId } from '../../src/contracts/workflow-ids.ts';
import { findShow } from '../../src/read-model/shows.ts';
import { book, pay } from '../setup/bookings.ts';
import { eventually } from '../setup/eventually.ts';
import { openShow, rowsOfSeats } from '../setup/shows.ts';
import { cancelledByStaff, movedByStaff } from '../setup/show-changes.ts';
import { useTestSystem } from '../setup/system.ts';
import { startTestTemporal, TEST_TEMPORAL_ADDRESS, TEST_RUN_EVENTS, type TestTemporal } from '../setup/temporal.ts';

/** What waits for long goes from one run to the next, here after so few events that it happens within seconds. */
const RUN_EVENTS = 40;
const HOUR_MS = 3_600_000;

let temporal: TestTemporal;
beforeAll(async () => {
  process.env[TEST_RUN_EVENTS] = String(RUN_EVENTS);
  temporal = await startTestTemporal();
  process.env[TEST_TEMPORAL_ADDRESS] = temporal.address;
}, 60_000);
const system = useTestSystem();
afterAll(() => temporal.stop());
// Changes are started here in an order of the tests' own.
beforeAll(() => system.temporal.schedule.getHandle('show-change-sweep').pause('of a test'));

const runOf = async (workflowId: string): Promise<string> =>
  (await system.temporal.workflow.getHandle(workflowId).describe()).runId;

async function wentOn(workflowId: string, from: string): Promise<void> {
  await eventually(async () => expect(await runOf(workflowId)).not.toBe(from), 30_000);
}

test('a cancellation whose refunds take their time goes on in a run after the other, until the rows say that all is back', async () => {
  const show = await openShow(system, { plan: rowsOfSeats(2, 10) });
  const booking = await book(system, show, [0, 1], { holdTtlMs: 120_000 });
  await pay(system, booking, 'tok_refund_refused_once');
  const change = await cancelledByStaff(system, show);
  await system.workflows.startShowChange(change);
  const workflowId = showCancellationWorkflowId(show.id);
  await wentOn(workflowId, await runOf(workflowId));
  await eventually(async () => {
    const progress = await system.temporal.workflow.getHandle(workflowId).query('progress');
    expect(progress).toMatchObject({ total: 1, failed: 1, confirmed: 0 });
  });
  // A minute later another refund would have done it.
  const refund = sql<never>`jsonb_set(refund, '{status}', '"SUCCEEDED"')`;
  await system.db.updateTable('bookings').set({ refund }).where('id', '=', booking.id).execute();
  expect(await system.temporal.workflow.getHandle(workflowId).result()).toMatchObject({ total: 1, refunded: 1 });
  const events = system.db.selectFrom('outbox').select('type').where('booking_id', '=', booking.id);
  const types = (await events.execute()).map(({ type }) => type);
  expect(types.filter((type) => type === 'show.cancelled' || type === 'booking.cancelled')).toHaveLength(2);
}, 90_000);

test('a move that is told after an earlier one waits for it in a run after the other', async () => {
  const show = await openShow(system, { plan: rowsOfSeats(2, 10) });
  const booking = await book(system, show, [0, 1], { holdTtlMs: 120_000 });
  const first = await movedByStaff(system, show, {
    startsAtMs: show.startsAtMs + HOUR_MS,
    endsAtMs: show.endsAtMs + HOUR_MS,
  });
  const between = (await findShow(system.db, show.id, Date.now()))!;
  const second = await movedByStaff(system, between, {
    startsAtMs: between.startsAtMs + HOUR_MS,
    endsAtMs: between.endsAtMs + HOUR_MS,
  });
  await system.workflows.startShowChange(second);
  const workflowId = showMoveWorkflowId(show.id, second.showVersion);
  await wentOn(workflowId, await runOf(workflowId));
  await system.workflows.startShowChange(first);
  expect(await system.temporal.workflow.getHandle(workflowId).result()).toEqual({ told: 1 });
  const told = system.db.selectFrom('outbox').selectAll().where('booking_id', '=', booking.id);
  const moves = await told.where('type', '=', 'show.moved').orderBy('id').execute();
  expect(moves.map(({ payload }) => payload.toStartsAt)).toEqual(
    [1, 2].map((hours) => new Date(show.startsAtMs + hours * HOUR_MS).toISOString()),
  );
}, 90_000);
