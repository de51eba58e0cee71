import { type Client, ScheduleAlreadyRunning, ScheduleOverlapPolicy } from '@temporalio/client';
import type { ReconciliationMode } from '../src/contracts/reconciliation.ts';
import { taskQueues } from '../src/contracts/workflow-ids.ts';
import type * as workflows from '../workflows/index.ts';

const SWEEP_INTERVAL = '15s';
/** The process that has made a change of a show starts its workflow; this is for one that died in between. */
const SHOW_CHANGES_INTERVAL = '30s';
/** How late a reminder may be: it is one of hours. */
const REMINDERS_INTERVAL = '1m';
/** A difference is seen and settled within two of these; the windows overlap many times. */
const RECONCILIATION_INTERVAL = '5m';

/** Creates the schedules that are missing; those that are there, perhaps paused by an operator, stay as they are. */
export async function ensureSchedules(
  client: Client,
  { reconciliation }: { readonly reconciliation: ReconciliationSchedule },
): Promise<void> {
  await ensureSchedule(client, {
    scheduleId: 'payment-sweep',
    workflowType: 'paymentSweepWorkflow',
    every: SWEEP_INTERVAL,
    staticSummary: 'payment attempts without an outcome',
  });
  await ensureSchedule(client, {
    scheduleId: 'show-change-sweep',
    workflowType: 'showChangeSweepWorkflow',
    every: SHOW_CHANGES_INTERVAL,
    staticSummary: 'changes of shows whose workflow was never started',
  });
  await ensureSchedule(client, {
    scheduleId: 'show-reminders',
    workflowType: 'showRemindersWorkflow',
    every: REMINDERS_INTERVAL,
    staticSummary: 'bookings whose show is about to begin',
  });
  if (reconciliation !== 'off') await ensureReconciliation(client, reconciliation);
}

/** Whether what a schedule's runs find is set right by them, or only reported. */
export type ReconciliationSchedule = Exclude<ReconciliationMode, 'dry_run'> | 'off';

/** Backfilled over a past time, each of its runs looks at the window that it would have looked at then. */
async function ensureReconciliation(client: Client, mode: ReconciliationMode): Promise<void> {
  await client.schedule
    .create<typeof workflows.reconciliationWorkflow>({
      scheduleId: 'reconciliation',
      spec: { intervals: [{ every: RECONCILIATION_INTERVAL }] },
      policies: { overlap: ScheduleOverlapPolicy.SKIP, catchupWindow: '10m' },
      action: {
        type: 'startWorkflow',
        workflowType: 'reconciliationWorkflow',
        workflowId: 'reconciliation',
        taskQueue: taskQueues.bookings,
        args: [{ mode, startedBy: 'schedule' }],
        staticSummary: `${mode}, the last hours`,
      },
    })
    .catch(unlessThere);
}

function unlessThere(error: unknown): void {
  if (!(error instanceof ScheduleAlreadyRunning)) throw error;
}

type SweepType = {
  [Name in keyof typeof workflows]: (typeof workflows)[Name] extends () => Promise<unknown> ? Name : never;
}[keyof typeof workflows];

interface Sweep {
  /** Of the schedule, and of the workflows it starts. */
  readonly scheduleId: string;
  readonly workflowType: SweepType;
  readonly every: typeof SWEEP_INTERVAL | typeof SHOW_CHANGES_INTERVAL;
  readonly staticSummary: string;
}

async function ensureSchedule(
  client: Client,
  { scheduleId, workflowType, every, staticSummary }: Sweep,
): Promise<void> {
  try {
    await client.schedule.create<() => Promise<unknown>>({
      scheduleId,
      spec: { intervals: [{ every }] },
      policies: { overlap: ScheduleOverlapPolicy.SKIP, catchupWindow: '1m' },
      action: {
        type: 'startWorkflow',
        workflowType,
        workflowId: scheduleId,
        taskQueue: taskQueues.bookings,
        args: [],
        staticSummary,
      },
    });
  } catch (error) {
    if (!(error instanceof ScheduleAlreadyRunning)) throw error;
  }
}
