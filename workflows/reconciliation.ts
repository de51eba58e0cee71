import {
  continueAsNew,
  defineQuery,
  proxyActivities,
  setCurrentDetails,
  setHandler,
  sleep,
  workflowInfo,
} from '@temporalio/workflow';
import { defineSearchAttributeKey } from '@temporalio/common';
import type { ReconciliationActivities } from '../activities/reconciliation-activities.ts';
import {
  noCounts,
  type ReconciliationInput,
  reconciliationMessages,
  type ReconciliationPosition,
  type ReconciliationProgress,
  type ReconciliationResult,
  type ReconciliationWindow,
  type RunStatus,
  SLIDING_WINDOW_MS,
} from '../src/contracts/reconciliation.ts';

export const progress = defineQuery<ReconciliationProgress>(reconciliationMessages.progress);

/**
 * A step takes seconds; with thousands of differences, each of which a provider is asked about, minutes. A worker that
 * dies with one is missed after the heartbeat's time.
 */
const { reconcile } = proxyActivities<ReconciliationActivities>({
  startToCloseTimeout: '10m',
  heartbeatTimeout: '15s',
  retry: { initialInterval: '1s', backoffCoefficient: 2, maximumInterval: '30s' },
});

/** What was set right by other workflows is looked at anew when they have had this long. */
const SETTLED_AFTER = '3s';

/** When a schedule meant to start this workflow; of a backfill a time that is long past. */
const scheduledStart = defineSearchAttributeKey('TemporalScheduledStartTime', 'DATETIME');

/**
 * Compares the provider's books, bookings, show workflows and read model over one window, a step after the other: what it
 * finds is in Postgres when the step is done, so that a run goes on where it was whoever dies.
 */
export async function reconciliationWorkflow(input: ReconciliationInput): Promise<ReconciliationResult> {
  const window = input.carried?.window ?? input.window ?? slidingWindow();
  const { mode, startedBy } = input;
  // A schedule's run has no name but the workflow's own.
  const runId = input.runId ?? `rec_${workflowInfo().runId}`;
  let position: ReconciliationPosition = input.carried?.position ?? beginning(window);
  let counts = input.carried?.counts ?? noCounts;
  let stoppedBecause: string | null = null;
  let hasSettled = false;

  const state = (): ReconciliationProgress => {
    const status: RunStatus = stoppedBecause ? 'STOPPED' : position.isDone ? 'COMPLETED' : 'RUNNING';
    return { runId, mode, window, position, counts, status };
  };
  setHandler(progress, state);

  while (!position.isDone && stoppedBecause === null) {
    if (workflowInfo().continueAsNewSuggested) {
      await continueAsNew<typeof reconciliationWorkflow>({ ...input, runId, carried: { window, position, counts } });
    }
    if (position.phase === 'follow_up' && !hasSettled && counts.acted > 0) {
      await sleep(SETTLED_AFTER, { summary: 'other workflows settle what was found' });
    }
    hasSettled ||= position.phase === 'follow_up';
    const done = await reconcile({ runId, mode, startedBy, window, position, counts });
    ({ position, counts, stoppedBecause } = done);
    setCurrentDetails(describe(state()));
  }
  return { ...state(), stoppedBecause };
}

/** Ends when the schedule meant this run to start. What is too young to be judged is left to the next run. */
function slidingWindow(): ReconciliationWindow {
  const { typedSearchAttributes, startTime } = workflowInfo();
  const toMs = (typedSearchAttributes.get(scheduledStart) ?? startTime).getTime();
  return { fromMs: toMs - SLIDING_WINDOW_MS, toMs };
}

const beginning = ({ fromMs }: ReconciliationWindow): ReconciliationPosition => ({
  phase: 'money',
  doneUntilMs: fromMs,
  show: '',
  finding: null,
  isDone: false,
});

function describe({ window, position, counts, mode, status }: ReconciliationProgress): string {
  const [from, to, until] = [window.fromMs, window.toMs, position.doneUntilMs].map((ms) => new Date(ms).toISOString());
  return [
    `**${status}** ${mode} — ${from} to ${to}`,
    `${position.phase}, money done until ${until}`,
    `bookings ${counts.bookings} · movements ${counts.movements} · shows ${counts.shows}`,
    `found ${counts.found} · acted on ${counts.acted} · gone ${counts.ended}`,
  ].join('\n\n');
}
