import { type Client, ScheduleAlreadyRunning, ScheduleNotFoundError, ScheduleOverlapPolicy } from '@temporalio/client';
import type { ReconciliationInput, ReconciliationMode } from '../src/contracts/reconciliation.ts';
import { taskQueues } from '../src/contracts/workflow-ids.ts';
import type * as workflows from '../workflows/index.ts';

const SWEEP_INTERVAL = '15s';
/** The process that has made a change of a show starts its workflow; this is for one that died in between. */
const SHOW_CHANGES_INTERVAL = '30s';
/** How late a reminder may be: it is one of hours. */
const REMINDERS_INTERVAL = '1m';
/** A difference is seen and settled within two of these; the windows overlap many times. */
const RECONCILIATION_INTERVAL = '5m';
/** A start that was missed while the server was away is made up for; later the next one does as well. */
const CATCHUP_WINDOW = '10m';

/**
 * Creates the schedules that are missing; those that are there, perhaps paused by an operator, stay as they are. Only that of
 * reconciliation follows its setting.
 */
export async function ensureSchedules(
  client: Client,
  { reconciliation }: { readonly reconciliation: ReconciliationSchedule },
): Promise<void> {
  await ensureSchedule(client, {
    scheduleId: 'payment-sweep',
    workflow: { type: 'paymentSweepWorkflow', args: [] },
    every: SWEEP_INTERVAL,
    staticSummary: 'payment attempts without an outcome',
  });
  await ensureSchedule(client, {
    scheduleId: 'show-change-sweep',
    workflow: { type: 'showChangeSweepWorkflow', args: [] },
    every: SHOW_CHANGES_INTERVAL,
    staticSummary: 'changes of shows whose workflow was never started',
  });
  await ensureSchedule(client, {
    scheduleId: 'show-reminders',
    workflow: { type: 'showRemindersWorkflow', args: [] },
    every: REMINDERS_INTERVAL,
    staticSummary: 'bookings whose show is about to begin',
  });
  await setReconciliation(client, reconciliation);
}

/** Whether what a schedule's runs find is set right by them, or only reported. */
export type ReconciliationSchedule = Exclude<ReconciliationMode, 'dry_run'> | 'off';

/** Backfilled over a past time, each of its runs looks at the window that it would have looked at then. */
async function setReconciliation(client: Client, mode: ReconciliationSchedule): Promise<void> {
  const scheduleId = 'reconciliation';
  if (mode === 'off') return deleteSchedule(client, scheduleId);
  const schedule: Scheduled = {
    scheduleId,
    workflow: { type: 'reconciliationWorkflow', args: [{ mode, startedBy: 'schedule' }] },
    every: RECONCILIATION_INTERVAL,
    staticSummary: `${mode}, the last hours`,
  };
  if (await ensureSchedule(client, schedule)) return;
  await client.schedule.getHandle(scheduleId).update((current) => ({ ...current, action: actionOf(schedule) }));
}

async function deleteSchedule(client: Client, scheduleId: string): Promise<void> {
  try {
    await client.schedule.getHandle(scheduleId).delete();
  } catch (error) {
    if (!(error instanceof ScheduleNotFoundError)) throw error;
  }
}

type SweepType = {
  [Name in keyof typeof workflows]: (typeof workflows)[Name] extends () => Promise<unknown> ? Name : never;
}[keyof typeof workflows];

interface Scheduled {
  /** Of the schedule, and of the workflows it starts. */
  readonly scheduleId: string;
  readonly workflow:
    | { readonly type: SweepType; readonly args: [] }
    | { readonly type: 'reconciliationWorkflow'; readonly args: [ReconciliationInput] };
  readonly every:
    typeof SWEEP_INTERVAL | typeof SHOW_CHANGES_INTERVAL | typeof REMINDERS_INTERVAL | typeof RECONCILIATION_INTERVAL;
  readonly staticSummary: string;
}

/** False: it was there already. */
async function ensureSchedule(client: Client, scheduled: Scheduled): Promise<boolean> {
  const { scheduleId, every } = scheduled;
  try {
    await client.schedule.create({
      scheduleId,
      spec: { intervals: [{ every }] },
      policies: { overlap: ScheduleOverlapPolicy.SKIP, catchupWindow: CATCHUP_WINDOW },
      action: actionOf(scheduled),
    });
    return true;
  } catch (error) {
    if (!(error instanceof ScheduleAlreadyRunning)) throw error;
    return false;
  }
}

const actionOf = ({ scheduleId, workflow, staticSummary }: Scheduled) =>
  ({
    type: 'startWorkflow',
    workflowType: workflow.type,
    workflowId: scheduleId,
    taskQueue: taskQueues.bookings,
    args: workflow.args,
    staticSummary,
  }) as const;
