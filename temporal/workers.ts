import { NativeConnection, Worker, type WorkerOptions } from '@temporalio/worker';
import type { BookingActivities } from '../activities/booking-activities.ts';
import type { ChangeActivities } from '../activities/change-activities.ts';
import type { ExchangeActivities } from '../activities/exchange-activities.ts';
import type { PurchaseActivities } from '../activities/purchase-activities.ts';
import type { ReconciliationActivities } from '../activities/reconciliation-activities.ts';
import type { ShowActivities } from '../activities/show-activities.ts';
import type { ShowChangeActivities } from '../activities/show-change-activities.ts';
import type { SweepActivities } from '../activities/sweep-activities.ts';
import type { TransferActivities } from '../activities/transfer-activities.ts';
import type { TaskQueues } from '../src/contracts/workflow-ids.ts';
import type { TemporalAddress } from './connection.ts';
import { withPlainSandboxes } from './plain-sandboxes.ts';
import { stuckActivityAlert } from './stuck-activity-alert.ts';
import { withoutPromiseHook } from './unhooked-promises.ts';
import { spareThreadsOfUnlimitedCalls } from './unlimited-sandbox-calls.ts';
import { type WorkerVersion, versionOptions } from './worker-version.ts';

export interface WorkersOptions extends TemporalAddress {
  readonly workflowBundle: { readonly code: string };
  readonly activities: BookingActivities &
    ChangeActivities &
    ExchangeActivities &
    PurchaseActivities &
    ReconciliationActivities &
    ShowActivities &
    ShowChangeActivities &
    SweepActivities &
    TransferActivities;
  /** Those of the cities that this worker serves, and those of all the others. */
  readonly queues: readonly TaskQueues[];
  readonly version?: WorkerVersion;
}

/** After a worker's death its cached workflows go to another one this soon; the default is ten seconds. */
const STICKY_TIMEOUT = '1s';
/** Work under way gets this long when a worker is asked to stop; then it is tried again elsewhere. */
const SHUTDOWN_GRACE = '2s';

/**
 * Sized for one process on two cores. A booking costs the cache some 100 KiB, and lives in it for one task mostly; a show
 * costs up to some MiB, and is back from its history within a second if it had to go. Queues of a kind share the cache.
 */
const sizes = {
  shows: {
    maxCachedWorkflows: 200,
    maxConcurrentWorkflowTaskExecutions: 20,
    maxConcurrentActivityTaskExecutions: 100,
  },
  bookings: {
    maxCachedWorkflows: 500,
    // A purchase has its task for as long as it is tried in the worker.
    maxConcurrentWorkflowTaskExecutions: 128,
    workflowTaskPollerBehavior: { type: 'simple-maximum', maximum: 16 },
    // A booking's first task, and mostly its only one, comes by the polls that are not sticky. A task that meets no poll is
    // written to the database and read again; as found, one poll in five is there for it (docs/decisions/0010).
    nonStickyToStickyPollRatio: 0.5,
    maxConcurrentActivityTaskExecutions: 100,
    maxConcurrentLocalActivityExecutions: 200,
  },
} satisfies Record<keyof TaskQueues, Partial<WorkerOptions>>;

/** One worker for each task queue, over one connection. Close the connection when they have stopped. */
export async function createWorkers(
  options: WorkersOptions,
): Promise<{ workers: Worker[]; connection: NativeConnection }> {
  const { address, namespace, workflowBundle, activities, queues, version = {} } = options;
  spareThreadsOfUnlimitedCalls();
  const connection = await NativeConnection.connect({
    address,
    // On loopback and inside a data centre compressing costs more than it saves.
    grpcCompression: { codec: 'none' },
  });
  const workers = await withPlainSandboxes(() =>
    withoutPromiseHook(() =>
      Promise.all(
        eachQueue(queues).map(({ kind, taskQueue }) =>
          Worker.create({
            connection,
            namespace,
            taskQueue,
            workflowBundle,
            activities,
            stickyQueueScheduleToStartTimeout: STICKY_TIMEOUT,
            shutdownGraceTime: SHUTDOWN_GRACE,
            // Workflows run in the main thread, without a thread of the worker's own for each queue or call.
            debugMode: true,
            interceptors: { activity: [stuckActivityAlert] },
            ...versionOptions(version, workflowBundle.code),
            ...sizes[kind],
            maxCachedWorkflows: Math.ceil(sizes[kind].maxCachedWorkflows / queues.length),
          }),
        ),
      ),
    ),
  );
  return { workers, connection };
}

const eachQueue = (queues: readonly TaskQueues[]) =>
  queues.flatMap(({ shows, bookings }) => [
    { kind: 'shows', taskQueue: shows } as const,
    { kind: 'bookings', taskQueue: bookings } as const,
  ]);
