import { proxyActivities } from '@temporalio/workflow';
import type { SweepActivities } from '../activities/sweep-activities.ts';
import { activityMs } from '../src/contracts/payment-time-limits.ts';

const { sweepPaymentAttempts } = proxyActivities<SweepActivities>({
  startToCloseTimeout: activityMs.sweep,
  retry: { maximumAttempts: 3 },
});

/** One sweep over payment attempts without an outcome; a Temporal Schedule starts the next one. */
export async function paymentSweepWorkflow(): Promise<{ seen: number; resolved: number }> {
  return sweepPaymentAttempts();
}
