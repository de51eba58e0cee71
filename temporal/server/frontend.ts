import { setTimeout as delay } from 'node:timers/promises';
import { Connection, isGrpcServiceError } from '@temporalio/client';

/** The gRPC status codes that this room tells apart. */
export const grpcStatus = {
  invalidArgument: 3,
  notFound: 5,
  alreadyExists: 6,
  permissionDenied: 7,
  unimplemented: 12,
  unauthenticated: 16,
} as const;

/** A server that is up answers these small calls within milliseconds; one that is just starting may hang. */
const callTimeoutMs = 2_000;
const pollMs = 100;
/** Always there, whatever namespaces the server has: what is asked in it tells of the server alone. */
const systemNamespace = 'temporal-system';

export interface Patience {
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
}

/** Runs `work` with a connection that is closed afterwards. Calls fail at once, without retries of their own. */
export async function withFrontend<Result>(
  address: string,
  work: (connection: Connection) => Promise<Result>,
): Promise<Result> {
  const connection = Connection.lazy({
    address,
    interceptors: [],
    // Else a server that is a moment late is looked for with growing pauses.
    channelArgs: { 'grpc.initial_reconnect_backoff_ms': pollMs, 'grpc.max_reconnect_backoff_ms': pollMs },
  });
  try {
    return await work(connection);
  } finally {
    await connection.close();
  }
}

/** One call, ended after two seconds or by the signal. */
export function bounded<Result>(
  connection: Connection,
  signal: AbortSignal | undefined,
  call: () => Promise<Result>,
): Promise<Result> {
  const withDeadline = () => connection.withDeadline(Date.now() + callTimeoutMs, call);
  return signal ? connection.withAbortSignal(signal, withDeadline) : withDeadline();
}

/** Tries until it succeeds; rejects with the last failure when the time is over, or when aborted. */
export async function eventually<Result>(
  attempt: () => Promise<Result>,
  { timeoutMs, signal }: Patience,
): Promise<Result> {
  const giveUpAt = Date.now() + timeoutMs;
  for (;;) {
    signal?.throwIfAborted();
    try {
      return await attempt();
    } catch (error) {
      if (Date.now() >= giveUpAt) throw error;
    }
    await delay(pollMs, undefined, { signal });
  }
}

/** Resolves when the server serves: its frontend, and behind it history and matching, which start on their own. */
export function whenServing(address: string, patience: Patience): Promise<void> {
  return withFrontend(address, (connection) => eventually(() => probe(connection, patience.signal), patience));
}

/** Whether a server answers at the address within the time, and if not, why. */
export async function answers(address: string, patience: Patience): Promise<true | string> {
  try {
    await withFrontend(address, (connection) =>
      eventually(
        () => bounded(connection, patience.signal, () => connection.workflowService.getSystemInfo({})),
        patience,
      ),
    );
    return true;
  } catch (error) {
    return error instanceof Error ? withoutEmptyNote(error.message) : String(error);
  }
}

/** gRPC adds a note about the look-up of names, also when it has nothing to say there. */
const withoutEmptyNote = (message: string): string => message.replace(/\.? Resolution note:\s*$/, '');

async function probe(connection: Connection, signal: AbortSignal | undefined): Promise<void> {
  const { workflowService } = connection;
  const nobody = 'seatkeeper-readiness';
  await bounded(connection, signal, () =>
    workflowService.describeTaskQueue({ namespace: systemNamespace, taskQueue: { name: nobody }, taskQueueType: 1 }),
  );
  try {
    await bounded(connection, signal, () =>
      workflowService.describeWorkflowExecution({ namespace: systemNamespace, execution: { workflowId: nobody } }),
    );
  } catch (error) {
    // History itself says that there is no such workflow.
    if (!hasStatus(error, grpcStatus.notFound)) throw error;
  }
}

export const hasStatus = (error: unknown, ...codes: readonly number[]): boolean =>
  isGrpcServiceError(error) && codes.includes(error.code);
