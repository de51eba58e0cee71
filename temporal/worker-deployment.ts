import { type Client, isGrpcServiceError } from '@temporalio/client';
import { setTimeout as delay } from 'node:timers/promises';
import { taskQueues } from '../src/contracts/workflow-ids.ts';

/** All our workers are one deployment of it, whatever queues they serve; a namespace of Temporal has no other one of ours. */
export const DEPLOYMENT_NAME = 'seatkeeper';

/** One call. A hand-over takes a second mostly, and five at times: the server tells each task queue of it before it answers. */
const CALL_TIMEOUT_MS = 10_000;
/** Workers that have just come up are known to a server within a second or two; to one that has just come up, too, within a minute. */
const KNOWN_WITHIN_MS = 60_000;
const LOOK_AGAIN_AFTER_MS = 250;

/** gRPC's numbers of what a server answers that does not know the build yet, or not all of its queues. */
const notFound: ReadonlySet<number> = new Set([5]);
const unknown: ReadonlySet<number> = new Set([...notFound, 9]);
/** …of one that knows no builds, or is told not to: PERMISSION_DENIED, UNIMPLEMENTED. */
const withoutVersions: ReadonlySet<number> = new Set([7, 12]);
/** …and of what says nothing of the call, only of its moment: a server that restarts, a connection that went down. */
const passing: ReadonlySet<number> = new Set([1, 2, 4, 8, 10, 13, 14]);

export interface WorkerDeployment {
  /** Build that workflows go to with their next task; null: workers without a build id. */
  readonly current: string | null;
  /** Build that a share of the workflows goes to instead. */
  readonly ramping: { readonly buildId: string; readonly percentage: number } | null;
  /** Builds whose workers were seen, the latest first. */
  readonly buildIds: readonly string[];
}

/** Builds as the server knows them; null before the first worker that has one. */
export async function workerDeployment(client: Client): Promise<WorkerDeployment | null> {
  const described = await unlessUnknown(() =>
    client.withDeadline(Date.now() + CALL_TIMEOUT_MS, () =>
      client.workflowService.describeWorkerDeployment({
        namespace: client.options.namespace,
        deploymentName: DEPLOYMENT_NAME,
      }),
    ),
  );
  const info = described?.workerDeploymentInfo;
  if (!info) return null;
  const { routingConfig, versionSummaries = [] } = info;
  const rampingBuild = routingConfig?.rampingDeploymentVersion?.buildId ?? null;
  return {
    current: routingConfig?.currentDeploymentVersion?.buildId ?? null,
    ramping:
      rampingBuild === null
        ? null
        : { buildId: rampingBuild, percentage: routingConfig?.rampingVersionPercentage ?? 0 },
    buildIds: (versionSummaries ?? [])
      .toSorted((one, other) => secondsOf(other.createTime) - secondsOf(one.createTime))
      .map(({ deploymentVersion }) => deploymentVersion!.buildId!),
  };
}

const nothingSoFar: WorkerDeployment = { current: null, ramping: null, buildIds: [] };

class NotReadyError extends Error {
  override readonly name: string = 'NotReadyError';
}

/** Of a build that replaces another: nobody would take the tasks of queues that only the other one serves. */
export class QueuesUnservedError extends NotReadyError {
  override readonly name = 'QueuesUnservedError';
}

interface Handover {
  /** Cities' queues that only the build before serves are given up: those of a city that has none any more. */
  readonly leavesQueues?: boolean;
  /** How long its workers are waited for. */
  readonly knownWithinMs?: number;
}

/**
 * From now on every workflow goes on with this build, those that run with their next task. Waits for its workers to be
 * known. Repeated, it changes nothing.
 * @throws QueuesUnservedError; Error: no worker of this build has come
 */
export const makeCurrent = (client: Client, buildId: string, handover: Handover = {}): Promise<void> =>
  takeOver(client, buildId, handover, (ignoreMissingTaskQueues) =>
    setCurrent(client, { buildId, ignoreMissingTaskQueues }),
  );

/** The same with workers that have no build id. One call where there have never been others. */
export const makeUnversionedCurrent = (client: Client): Promise<void> =>
  untilDone(client, KNOWN_WITHIN_MS, async () => {
    try {
      await setCurrent(client, { buildId: '', ignoreMissingTaskQueues: true });
    } catch (error) {
      if (!isAmong(error, unknown) && !isAmong(error, withoutVersions)) throw error;
    }
  });

async function setCurrent(
  client: Client,
  change: { readonly buildId: string; readonly ignoreMissingTaskQueues: boolean },
): Promise<void> {
  const { namespace, identity } = client.options;
  const of = { namespace, identity, deploymentName: DEPLOYMENT_NAME };
  await client.workflowService.setWorkerDeploymentCurrentVersion({ ...of, ...change });
}

/**
 * So many of a hundred workflows go on with this build, the same ones at each of their tasks, and more as the share grows; the
 * others with the current one. 0 takes it back.
 * @throws as `makeCurrent`
 */
export const ramp = (
  client: Client,
  { buildId, percentage }: { readonly buildId: string; readonly percentage: number },
  handover: Handover = {},
): Promise<void> =>
  takeOver(client, buildId, handover, async (ignoreMissingTaskQueues) => {
    const { namespace, identity } = client.options;
    const change = { namespace, identity, deploymentName: DEPLOYMENT_NAME, buildId: percentage > 0 ? buildId : '' };
    await client.workflowService.setWorkerDeploymentRampingVersion({ ...change, percentage, ignoreMissingTaskQueues });
  });

type Change = (ignoreMissingTaskQueues: boolean) => Promise<void>;

const takeOver = (
  client: Client,
  buildId: string,
  { leavesQueues = false, knownWithinMs = KNOWN_WITHIN_MS }: Handover,
  change: Change,
): Promise<void> =>
  untilDone(client, knownWithinMs, async () => {
    await expectWorkers(client, buildId, leavesQueues);
    await change(leavesQueues);
  });

async function untilDone(client: Client, withinMs: number, change: () => Promise<void>): Promise<void> {
  const deadlineMs = Date.now() + withinMs;
  for (;;) {
    try {
      return await client.withDeadline(Date.now() + CALL_TIMEOUT_MS, change);
    } catch (error) {
      if (!mayPass(error) || Date.now() >= deadlineMs) throw error;
    }
    await delay(LOOK_AGAIN_AFTER_MS);
  }
}

const mayPass = (error: unknown): boolean =>
  error instanceof NotReadyError || isAmong(error, unknown) || isAmong(error, passing);

const isAmong = (error: unknown, codes: ReadonlySet<number>): boolean =>
  isGrpcServiceError(error) && codes.has(error.code);

const commonQueues: ReadonlySet<string> = new Set(Object.values(taskQueues));

/** The server itself looks only at queues that were busy of late: at night a forgotten worker would not be missed. */
async function expectWorkers(client: Client, buildId: string, leavesQueues: boolean): Promise<void> {
  const { current, buildIds } = (await workerDeployment(client)) ?? nothingSoFar;
  if (!buildIds.includes(buildId)) throw new NotReadyError(`no worker of ${buildId} has come so far`);
  if (current === null || current === buildId) return;
  const served = await queuesOf(client, buildId);
  const needed = [...(await queuesOf(client, current))].filter((queue) => !leavesQueues || commonQueues.has(queue));
  const unserved = needed.filter((queue) => !served.has(queue));
  if (unserved.length > 0) throw new QueuesUnservedError(`no worker of ${buildId} serves ${unserved.join(', ')}`);
}

async function queuesOf(client: Client, buildId: string): Promise<Set<string>> {
  const described = await unlessUnknown(() =>
    client.workflowService.describeWorkerDeploymentVersion({
      namespace: client.options.namespace,
      deploymentVersion: { deploymentName: DEPLOYMENT_NAME, buildId },
    }),
  );
  return new Set((described?.versionTaskQueues ?? []).map(({ name }) => name!));
}

async function unlessUnknown<Answer>(ask: () => Promise<Answer>): Promise<Answer | null> {
  try {
    return await ask();
  } catch (error) {
    if (isAmong(error, notFound)) return null;
    throw error;
  }
}

const secondsOf = (time: { seconds?: unknown } | null | undefined): number => Number(time?.seconds ?? 0);
