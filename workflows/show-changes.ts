import {
  CancellationScope,
  continueAsNew,
  defineQuery,
  proxyActivities,
  setCurrentDetails,
  setHandler,
  sleep,
  workflowInfo,
} from '@temporalio/workflow';
import type { ShowChangeActivities } from '../activities/show-change-activities.ts';
import { type CancellationProgress, type ShowChange, showChangeMessages } from '../src/contracts/show-changes.ts';
import { growingIntervals } from './steps.ts';

export const progress = defineQuery<CancellationProgress | null>(showChangeMessages.progress);

/** Milliseconds of work each, but for the telling: pages of it, with a sign of life after each. */
const { applyShowChange, countRefunds, endShowChange } = proxyActivities<ShowChangeActivities>({
  startToCloseTimeout: '5m',
  heartbeatTimeout: '10s',
  retry: { initialInterval: '250ms', backoffCoefficient: 2, maximumInterval: '10s' },
});

/** A page of refunds tells every second that it is alive; a worker that died with it is replaced so soon. */
const { refundBookings } = proxyActivities<ShowChangeActivities>({
  startToCloseTimeout: '5m',
  heartbeatTimeout: '5s',
  retry: { initialInterval: '250ms', backoffCoefficient: 2, maximumInterval: '10s' },
});

const { startShowChanges } = proxyActivities<ShowChangeActivities>({
  startToCloseTimeout: '30s',
  retry: { maximumAttempts: 3 },
});

/** An earlier change is told of first. */
const EARLIER_CHANGE_POLL_MIN_MS = 200;
const EARLIER_CHANGE_POLL_MAX_MS = 10_000;
/** Bookings that something else is done to, and refunds that a provider takes its time for, are looked at again. */
const REFUNDS_POLL_MIN_MS = 500;
const REFUNDS_POLL_MAX_MS = 60_000;

/**
 * A show that was given other times: its workflow goes by them, and its bookings are told. Ends when that is done.
 * Cancelling it has no effect: staff has decided, and the rows say so.
 */
export async function showMoveWorkflow(change: ShowChange): Promise<{ told: number }> {
  return CancellationScope.nonCancellable(async () => {
    setCurrentDetails(`**${change.title}**`);
    const told = await applied(change);
    await endShowChange(change);
    setCurrentDetails(`**${change.title}** — ${told} bookings told`);
    return { told };
  });
}

/**
 * A show that was cancelled: its sale is closed, its bookings are told, and all of their money goes back. It ends when
 * the last refund has. What is left to do is found in the rows each time: whatever dies meanwhile, nothing is forgotten
 * and nothing done twice. Cancelling it has no effect: it takes a termination, after which the sweep starts it anew.
 */
export async function showCancellationWorkflow(change: ShowChange): Promise<CancellationProgress> {
  let counted: CancellationProgress | null = null;
  setHandler(progress, () => counted);

  async function count(): Promise<CancellationProgress> {
    counted = await countRefunds(change);
    setCurrentDetails(describe(change, counted));
    return counted;
  }

  return CancellationScope.nonCancellable(async () => {
    setCurrentDetails(`**${change.title}**`);
    await applied(change);
    const nextPauseMs = growingIntervals(REFUNDS_POLL_MIN_MS, REFUNDS_POLL_MAX_MS);
    for (;;) {
      for (let after: string | null = ''; after !== null;) {
        after = await refundBookings(change, after);
        await count();
      }
      const known = await count();
      if (isDone(known)) {
        await endShowChange(change);
        return known;
      }
      await startAnewIfLong(change);
      await sleep(nextPauseMs(), { summary: 'refunds are under way' });
    }
  });
}

/** Starts what was recorded and never begun: the process that made the change has died. A Temporal Schedule starts it. */
export async function showChangeSweepWorkflow(): Promise<{ started: number }> {
  return startShowChanges();
}

async function applied(change: ShowChange): Promise<number> {
  const nextPauseMs = growingIntervals(EARLIER_CHANGE_POLL_MIN_MS, EARLIER_CHANGE_POLL_MAX_MS);
  for (;;) {
    const told = await applyShowChange(change);
    if (told !== 'not yet') return told;
    await startAnewIfLong(change);
    await sleep(nextPauseMs(), { summary: 'an earlier change of the show is told first' });
  }
}

/** All that a further run needs is in the rows. */
async function startAnewIfLong(change: ShowChange): Promise<void> {
  if (workflowInfo().continueAsNewSuggested) await continueAsNew(change);
}

const isDone = ({ waiting, failed, seatsBooked }: CancellationProgress): boolean =>
  waiting === 0 && failed === 0 && seatsBooked === 0;

const describe = ({ title }: ShowChange, known: CancellationProgress): string =>
  `**${title}** — cancelled\n\n${known.refunded} of ${known.total} bookings refunded · ${known.waiting} waiting ` +
  `(${known.confirmed} still confirmed) · ${known.failed} failed at the provider, asked for again · ` +
  `${known.nothingCaptured} never captured, for a person to look at\n\n` +
  `${known.seatsBooked} seats still booked`;
