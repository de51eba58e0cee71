import { setTimeout as delay } from 'node:timers/promises';
import { jest } from '@jest/globals';
import { ScheduleNotFoundError, ScheduleOverlapPolicy } from '@temporalio/client';
import { MockActivityEnvironment } from '@temporalio/testing';
import { createReconciliationActivities } from '../../activities/reconciliation-activities.ts';
import {
  noCounts,
  type ReconciliationResult,
  type ReconciliationStep,
  type ReconciliationStepDone,
  type ReconciliationWindow,
} from '../../src/contracts/reconciliation.ts';
import { reconciliationWorkflowId } from '../../src/contracts/workflow-ids.ts';
import { createPaymentGateways } from '../../src/gateways/payment-providers.ts';
import { newId } from '../../src/platform/ids.ts';
import { findRun, listRunFindings } from '../../src/read-model/reconciliation-reports.ts';
import { TemporalActorRecords } from '../../temporal/actor-records.ts';
import { TemporalReconciliations } from '../../temporal/reconciliations.ts';
import { ensureSchedules } from '../../temporal/schedules.ts';
import { book, endOf, pay, rowOf } from '../setup/bookings.ts';
import { eventually } from '../setup/eventually.ts';
import { findingOf } from '../setup/findings.ts';
import { TestProcess } from '../setup/process.ts';
import { openShow } from '../setup/shows.ts';
import { useTestSystem } from '../setup/system.ts';
import { handOut, Plants } from './plants.ts';

const GRACE_MS = 500;
const HOUR_MS = 3_600_000;
const system = useTestSystem({
  workers: 0,
  settings: { RECONCILIATION_GRACE_SECONDS: String(GRACE_MS / 1_000), RECONCILIATION_SCHEDULE: 'report' },
});
let worker: TestProcess;

beforeAll(async () => {
  worker = new TestProcess('worker', ['src/main/worker.ts'], system.env);
  await worker.start();
}, 120_000);

afterAll(() => worker.kill());

const reconciliations = () => new TemporalReconciliations(system.temporal);
const resultOf = (window: ReconciliationWindow, mode: 'dry_run' | 'repair'): Promise<ReconciliationResult> =>
  system.temporal.workflow.getHandle(reconciliationWorkflowId(window, mode)).result() as Promise<ReconciliationResult>;

async function findingsIn(window: ReconciliationWindow): Promise<string[]> {
  const { runId } = await reconciliations().start(window, 'dry_run', 'test');
  await resultOf(window, 'dry_run');
  return findingsOf(runId);
}

async function findingsOf(runId: string): Promise<string[]> {
  const { items } = await listRunFindings(system.db, runId, { limit: 100 });
  return items.map(({ difference }) => `${difference.kind} ${difference.subject}`);
}

interface LedgerAnswer {
  readonly items: readonly { readonly bookingId: string; readonly at: string }[];
}

test('no border of a window makes a difference, wherever in a booking’s life it lies', async () => {
  const show = await openShow(system);
  const booking = await book(system, show, [0, 1]);
  await pay(system, booking, 'tok_ok');
  await endOf(system, booking);
  const seatIds = ['seat-0'];
  const change = {
    kind: 'cancellation',
    changeId: newId('chg'),
    bookingId: booking.id,
    requestedBy: booking.userId,
    seatIds,
  } as const;
  expect(await system.workflows.changeBooking(change, booking)).toMatchObject({ ok: true });
  await eventually(async () => expect(await rowOf(system, booking)).toMatchObject({ refund: { status: 'SUCCEEDED' } }));
  await handOut(system);
  await delay(2 * GRACE_MS);
  const row = await rowOf(system, booking);
  const payments = await system.db
    .selectFrom('payments')
    .select('created_at')
    .where('booking_id', '=', booking.id)
    .execute();
  const refunds = await system.db
    .selectFrom('refunds')
    .select('updated_at')
    .where('booking_id', '=', booking.id)
    .execute();
  const ledger = (await (await fetch(`${system.simulatorUrl}/ledger`)).json()) as LedgerAnswer;
  const times = [
    row.changedAtMs,
    ...payments.map((payment) => payment.created_at.getTime()),
    ...refunds.map((refund) => refund.updated_at.getTime()),
    ...ledger.items.filter(({ bookingId }) => bookingId === booking.id).map(({ at }) => Date.parse(at)),
  ];
  expect(times.length).toBeGreaterThanOrEqual(5);
  const borders = [...new Set(times.flatMap((time) => [time, time + 1]))];
  const [fromMs, toMs] = [Math.min(...times) - 60_000, Date.now()];
  for (const border of borders) {
    expect(await findingsIn({ fromMs, toMs: border })).toEqual([]);
    expect(await findingsIn({ fromMs: border, toMs })).toEqual([]);
  }
}, 120_000);

test('what is too young may be under way, and is left to the next run', async () => {
  const { kind, subject } = await new Plants(system).capturedTwice();
  const [young, later] = [await moneyFoundWith(HOUR_MS), await moneyFoundWith(0)];
  expect({ young, later }).toEqual({ young: [], later: [`${kind} ${subject}`] });
});

test('a worker whose clock is an hour ahead judges nothing as older than it is', async () => {
  const { kind, subject } = await new Plants(system).capturedTwice();
  expect(await moneyFoundWith(HOUR_MS / 2, HOUR_MS)).toEqual([]);
  expect(await moneyFoundWith(0, HOUR_MS)).toContain(`${kind} ${subject}`);
});

const unused = (): never => {
  throw new Error('a dry run acts on nothing');
};

/** By a dry run of this very moment, to which all is young that is younger than `graceMs`; of a worker whose clock is ahead. */
async function moneyFoundWith(graceMs: number, aheadMs = 0): Promise<string[]> {
  const gateways = createPaymentGateways({ gatewayUrl: system.simulatorUrl });
  const { reconcile } = createReconciliationActivities({
    db: system.db,
    gateway: gateways.gateway,
    providers: gateways.gateway.providers,
    actors: new TemporalActorRecords(system.temporal),
    workflows: { notifyPayment: unused, seatCommand: unused, resumeChange: unused },
    sweepAttempt: unused,
    graceMs,
    paymentDeadlineMs: 0,
  });
  const runId = newId('rec');
  const window = { fromMs: Date.now() - 60_000, toMs: Date.now() };
  const about = { runId, mode: 'dry_run', startedBy: 'test', window, counts: noCounts } as const;
  let position: ReconciliationStep['position'] = {
    phase: 'money',
    doneUntilMs: window.fromMs,
    show: '',
    finding: null,
    isDone: false,
  };
  while (position.phase === 'money') {
    const environment = new MockActivityEnvironment({ currentAttemptScheduledTimestampMs: Date.now() });
    const clock = jest
      .spyOn(Date, 'now')
      .mockImplementation(() => performance.timeOrigin + performance.now() + aheadMs);
    const done = await environment
      .run<[ReconciliationStep], ReconciliationStepDone, typeof reconcile>(reconcile, { ...about, position })
      .finally(() => clock.mockRestore());
    ({ position } = done);
  }
  await gateways.close();
  return findingsOf(runId);
}

test('a backfill of the schedule looks at the windows that its runs would have looked at then', async () => {
  const start = new Date('2026-03-01T10:00:00.000Z');
  const end = new Date('2026-03-01T10:10:00.000Z');
  const schedule = system.temporal.schedule.getHandle('reconciliation');
  await schedule.backfill([{ start, end, overlap: ScheduleOverlapPolicy.ALLOW_ALL }]);
  const runs = await eventually(async () => {
    const rows = await system.db
      .selectFrom('reconciliation_runs')
      .selectAll()
      .where('started_by', '=', 'schedule')
      .where('to_at', '<=', end)
      .orderBy('to_at')
      .execute();
    expect(rows.filter(({ status }) => status === 'COMPLETED').length).toBeGreaterThanOrEqual(2);
    return rows;
  });
  const windows = runs.map((run) => [run.from_at.toISOString(), run.to_at.toISOString()]);
  expect(windows).toContainEqual(['2026-03-01T08:05:00.000Z', '2026-03-01T10:05:00.000Z']);
  expect(windows).toContainEqual(['2026-03-01T08:10:00.000Z', '2026-03-01T10:10:00.000Z']);
}, 60_000);

test('the schedule follows its setting, and stays paused if an operator has paused it', async () => {
  const schedule = system.temporal.schedule.getHandle('reconciliation');
  const modeOf = async () => {
    const { action, state } = await schedule.describe();
    return { args: action.args, paused: state.paused };
  };
  await schedule.pause();
  for (const mode of ['repair', 'report'] as const) {
    await ensureSchedules(system.temporal, { reconciliation: mode });
    expect(await modeOf()).toEqual({ args: [{ mode, startedBy: 'schedule' }], paused: true });
  }
  await ensureSchedules(system.temporal, { reconciliation: 'off' });
  await ensureSchedules(system.temporal, { reconciliation: 'off' });
  await expect(schedule.describe()).rejects.toThrow(ScheduleNotFoundError);
});

test('a run goes on where it was when its worker is killed; asked for again it is the same run', async () => {
  const plants = new Plants(system);
  const planted = [await plants.seatInRowsOnly(), await plants.moneyDisagrees(), await plants.capturedWithoutBooking()];
  await handOut(system);
  await delay(2 * GRACE_MS);
  await worker.kill();
  const window = { fromMs: Date.now() - 120_000, toMs: Date.now() };
  const first = await reconciliations().start(window, 'repair', 'test');
  expect(await reconciliations().start(window, 'repair', 'another')).toEqual(first);
  // A run of the schedule would meet what this one has found.
  const unscheduled = { RECONCILIATION_SCHEDULE: 'off' };
  const mortal = new TestProcess('mortal worker', ['test/setup/interrupted-worker.ts'], system.env);
  await mortal.start({ ...unscheduled, INTERRUPT_AT: 'after reconcile', INTERRUPT_BY: 'SIGKILL' });
  await mortal.exited();
  expect(await findRun(system.db, first.runId)).toMatchObject({ status: 'RUNNING', phase: 'seats' });
  worker = new TestProcess('worker', ['src/main/worker.ts'], system.env);
  await worker.start(unscheduled);
  expect(await resultOf(window, 'repair')).toMatchObject({ runId: first.runId, status: 'COMPLETED' });
  const { items } = await listRunFindings(system.db, first.runId, { limit: 100 });
  const found = items.map(({ difference }) => difference.subject);
  expect(new Set(found).size).toBe(found.length);
  expect(found).toEqual(expect.arrayContaining(planted.map(({ subject }) => subject)));
  for (const key of planted) {
    const state = key.kind === 'money_disagrees' ? 'OPEN' : 'REPAIRED';
    expect(await findingOf(system.db, key)).toMatchObject({ state, runs: 1 });
  }
}, 120_000);
