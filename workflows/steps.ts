import {
  ActivityFailure,
  CancellationScope,
  condition,
  isCancellation,
  proxyActivities,
  proxyLocalActivities,
} from '@temporalio/workflow';
import { RetryState } from '@temporalio/common';
import type { BookingActivities } from '../activities/booking-activities.ts';
import type { ChangeActivities } from '../activities/change-activities.ts';
import type { ExchangeActivities } from '../activities/exchange-activities.ts';
import type { PurchaseActivities } from '../activities/purchase-activities.ts';
import type { TransferActivities } from '../activities/transfer-activities.ts';
import type { PurchaseProgress } from '../src/contracts/booking-messages.ts';
import type { ChargeOutcome, ChargeRequest } from '../src/contracts/payments.ts';
import { activityMs } from '../src/contracts/payment-time-limits.ts';
import { STUCK_AFTER_TRIES } from '../src/contracts/workflow-ids.ts';
import { ownState } from './own-state.ts';
import { asStuck } from './status-attribute.ts';

type Activities = BookingActivities & ChangeActivities & ExchangeActivities & TransferActivities;
type ActivityName = keyof Activities;
type Arguments<Name extends ActivityName> = Parameters<Activities[Name]>;
type Outcome<Name extends ActivityName> = Awaited<ReturnType<Activities[Name]>>;
/** Those that answer something when they are done: with the others a first try that failed looks like one that did not. */
type AnsweringName = { [Name in ActivityName]: void extends Outcome<Name> ? never : Name }[ActivityName];

/** In the worker itself, once: a marker in the history and no task for the server. */
const inWorker = proxyLocalActivities<Activities>({
  startToCloseTimeout: activityMs.inWorker,
  retry: { maximumAttempts: 1 },
});

const { purchase } = proxyLocalActivities<PurchaseActivities>({
  startToCloseTimeout: activityMs.purchase,
  retry: { maximumAttempts: 1 },
});

/** A task of its own: what it waits for stands in the Temporal UI. */
const asTask = proxyActivities<Activities>({
  startToCloseTimeout: activityMs.asTask,
  retry: {
    initialInterval: '250ms',
    backoffCoefficient: 2,
    maximumInterval: '10s',
    maximumAttempts: STUCK_AFTER_TRIES,
  },
});

/** One that has failed for long already, retried until it is done. */
const asStuckTask = proxyActivities<Activities>({
  startToCloseTimeout: activityMs.asTask,
  retry: { initialInterval: '10s', backoffCoefficient: 1 },
});

/** A charge is asked for and tried again this often before it is voided. */
const { resolveCharge } = proxyActivities<BookingActivities>({
  startToCloseTimeout: activityMs.resolveCharge,
  retry: { initialInterval: '500ms', backoffCoefficient: 2, maximumAttempts: 3 },
});

/** What is known of a charge whose first try has failed. */
export const unanswered: ChargeOutcome = { status: 'unknown', provider: '', reason: 'the first try got no answer' };

/** A charge that stays unknown is voided: then it is certain that it never happens, or that it has. */
export async function resolveOrVoid(request: ChargeRequest): Promise<ChargeOutcome> {
  try {
    return await resolveCharge(request);
  } catch (error) {
    if (isCancellation(error)) throw error;
    return durably('voidCharge', request.attemptId);
  }
}

/**
 * Until done, visible from the start: for what undoes, and for what waits on the outside world. An event more than a
 * plain activity only where it is stuck: the last of the tries that could be hoped for has failed.
 */
export async function durably<Name extends ActivityName>(name: Name, ...args: Arguments<Name>): Promise<Outcome<Name>> {
  try {
    return await call(asTask, name, args);
  } catch (error) {
    if (!hasRunOutOfTries(error)) throw error;
    return asStuck(() => call(asStuckTask, name, args));
  }
}

const hasRunOutOfTries = (error: unknown): boolean =>
  error instanceof ActivityFailure && error.retryState === RetryState.MAXIMUM_ATTEMPTS_REACHED;

/** The quick way first; from its first failure on, durably. */
export async function step<Name extends AnsweringName>(name: Name, ...args: Arguments<Name>): Promise<Outcome<Name>> {
  return (await firstTry(name, ...args)) ?? durably(name, ...args);
}

/** One quick try; undefined if it failed, whatever it may have done. */
export const firstTry = <Name extends AnsweringName>(
  name: Name,
  ...args: Arguments<Name>
): Promise<Outcome<Name> | undefined> => unlessItFails(() => call(inWorker, name, args));

/** The same of a whole purchase. */
export const firstTryOfPurchase = (
  ...args: Parameters<PurchaseActivities['purchase']>
): Promise<PurchaseProgress | undefined> => unlessItFails(() => purchase(...args));

async function unlessItFails<Result>(run: () => Promise<Result>): Promise<Result | undefined> {
  try {
    return await run();
  } catch (error) {
    if (isCancellation(error)) throw error;
    return undefined;
  } finally {
    if (ownState().localActivitiesComeLast) await untilAllElseIsDone();
  }
}

/**
 * From here on what a local activity has answered is gone on with after all else of its activation. What comes while one
 * is under way, a timer or a message, is an activation of its own, before the local activity's; a replay has both in one,
 * and would take up what asks first as it happens.
 */
export function letLocalActivitiesComeLast(): void {
  ownState().localActivitiesComeLast = true;
}

/** Conditions that wake one another, one after the other, in what a timer or a message sets off: there are two at most. */
const ROUNDS_OF_ALL_ELSE = 3;

/** A condition is looked at when nothing else goes on without one: each makes a round of all the others. */
const untilAllElseIsDone = (): Promise<void> =>
  CancellationScope.nonCancellable(async () => {
    for (let round = 0; round < ROUNDS_OF_ALL_ELSE; round += 1) {
      let isAskedAgain = false;
      await condition(() => isAskedAgain || !(isAskedAgain = true));
    }
  });

/** Waiting times for asking again and again, one at each call: `minMs`, then each twice the one before, up to `maxMs`. */
export function growingIntervals(minMs: number, maxMs: number): () => number {
  let nextMs = minMs;
  return () => {
    const intervalMs = nextMs;
    nextMs = Math.min(intervalMs * 2, maxMs);
    return intervalMs;
  };
}

/** Runs the effect until it ends or `interrupted` holds; then it is cancelled and the answer is undefined. */
export async function interruptibly<Result>(
  effect: () => Promise<Result>,
  interrupted: () => boolean,
): Promise<Result | undefined> {
  const scope = new CancellationScope({ cancellable: true });
  let running = true;
  const result = scope.run(effect).finally(() => (running = false));
  result.catch(() => undefined);
  await condition(() => !running || interrupted());
  if (!running) return result;
  scope.cancel();
  return undefined;
}

function call<Name extends ActivityName>(
  activities: { readonly [Each in ActivityName]: (...args: Arguments<Each>) => Promise<Outcome<Each>> },
  name: Name,
  args: Arguments<Name>,
): Promise<Outcome<Name>> {
  return activities[name](...args);
}
