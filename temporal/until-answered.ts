import { isGrpcServiceError, type WorkflowClient, WorkflowUpdateRPCTimeoutOrCancelledError } from '@temporalio/client';
import { setTimeout as delay } from 'node:timers/promises';
import {
  OutcomeUnknownError,
  ShowNotRunningError,
  WorkflowFailedError,
  WorkflowUnavailableError,
} from '../src/contracts/workflow-client.ts';
import { watchSending } from './connection-watch.ts';

const RETRY_DELAY_MS = 100;

/** gRPC's numbers of the answers that say nothing about the call itself, only about the moment it was made in. */
const TRANSIENT_STATUSES: ReadonlySet<number> = new Set([
  1, // CANCELLED: the connection went down under the call
  2, // UNKNOWN: as proxies say it of a server that is restarting
  4, // DEADLINE_EXCEEDED
  8, // RESOURCE_EXHAUSTED: a rate limit, too many updates in flight, a workflow that is about to close
  9, // FAILED_PRECONDITION: a workflow whose last task has failed or timed out, as it is when a worker has died
  10, // ABORTED: two changes of one workflow met
  13, // INTERNAL: as servers say it of a shard that moves
  14, // UNAVAILABLE
]);

export interface Patience {
  readonly deadlineMs: number;
  /** One try; past it the same call is made again, which finds the first one's outcome. */
  readonly tryTimeoutMs: number;
  /** Errors that are worth another try besides those that always are. */
  readonly alsoTransient?: (error: unknown) => boolean;
}

/**
 * Repeats a call that is safe to repeat until the server answers it, or time is up.
 * @throws OutcomeUnknownError, WorkflowUnavailableError if no try was sent, WorkflowFailedError, and ShowNotRunningError
 *   if `call` does
 */
export async function untilAnswered<Answer>(
  client: WorkflowClient,
  call: () => Promise<Answer>,
  { deadlineMs, tryTimeoutMs, alsoTransient = () => false }: Patience,
): Promise<Answer> {
  const mayHaveSent = watchSending(client);
  for (;;) {
    try {
      return await client.withDeadline(Math.min(Date.now() + tryTimeoutMs, deadlineMs), call);
    } catch (error) {
      if (!isTransient(error) && !alsoTransient(error)) throw inOurWords(error);
      const leftMs = deadlineMs - Date.now();
      if (leftMs <= 0) throw outOfTime(mayHaveSent(), error);
      await delay(Math.min(RETRY_DELAY_MS, leftMs));
    }
  }
}

/** The server's moment or the network's: the same call may be made again. */
export function isTransient(error: unknown): boolean {
  if (error instanceof WorkflowUpdateRPCTimeoutOrCancelledError) return true;
  const status = grpcStatusOf(error);
  return status !== null && TRANSIENT_STATUSES.has(status);
}

/** A refusal that no repeat will change. Those that call us know their own errors, and none of Temporal's. */
export function inOurWords(error: unknown): Error {
  if (error instanceof ShowNotRunningError) return error;
  const { cause, message } = error instanceof Error ? error : new Error(String(error));
  const reason = cause instanceof Error ? `${message}: ${cause.message}` : message;
  return new WorkflowFailedError(reason, { cause: error });
}

function grpcStatusOf(error: unknown): number | null {
  for (let each = error; each instanceof Error; each = each.cause) {
    if (isGrpcServiceError(each)) return each.code;
  }
  return null;
}

/** One try that was sent may have been taken, whatever became of the connection since. */
const outOfTime = (mayHaveSent: boolean, cause: unknown): Error =>
  mayHaveSent
    ? new OutcomeUnknownError('the workflow did not answer in time', { cause })
    : new WorkflowUnavailableError('the Temporal server could not be reached', { cause });
