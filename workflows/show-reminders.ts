import { proxyActivities } from '@temporalio/workflow';
import type { ReminderActivities } from '../activities/reminder-activities.ts';

const { remindOfShows } = proxyActivities<ReminderActivities>({
  startToCloseTimeout: '1m',
  retry: { maximumAttempts: 3 },
});

/** One look at shows that are about to begin; a Temporal Schedule starts the next one. */
export async function showRemindersWorkflow(): Promise<{ reminded: number }> {
  return remindOfShows();
}
