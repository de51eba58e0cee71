import { type Client, ScheduleAlreadyRunning, ScheduleOverlapPolicy } from '@temporalio/client';
import { taskQueues } from '../src/contracts/workflow-ids.ts';
import type { paymentSweepWorkflow } from '../workflows/payment-sweep.ts';

const SWEEP_INTERVAL = '15s';

/** Creates the schedules that are missing; those that are there, perhaps paused by an operator, stay as they are. */
export async function ensureSchedules(client: Client): Promise<void> {
  try {
    await client.schedule.create<typeof paymentSweepWorkflow>({
      scheduleId: 'payment-sweep',
      spec: { intervals: [{ every: SWEEP_INTERVAL }] },
      policies: { overlap: ScheduleOverlapPolicy.SKIP, catchupWindow: '1m' },
      action: {
        type: 'startWorkflow',
        workflowType: 'paymentSweepWorkflow',
        workflowId: 'payment-sweep',
        taskQueue: taskQueues.bookings,
        args: [],
        staticSummary: 'payment attempts without an outcome',
      },
    });
  } catch (error) {
    if (!(error instanceof ScheduleAlreadyRunning)) throw error;
  }
}
