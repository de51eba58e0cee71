import type { WorkerOptions } from '@temporalio/worker';
import { DEPLOYMENT_NAME } from './worker-deployment.ts';

/** What a worker tells Temporal of the code that it runs. */
export interface WorkerVersion {
  /** Absent: the worker takes the tasks that no version is told to take. */
  readonly buildId?: string | undefined;
  /** Names of `patched` that workflows don't begin with on this worker. Where one has begun it goes on. */
  readonly patchesHeldBack?: readonly string[];
}

/**
 * Every workflow goes on with whichever version is current (docs/decisions/0024): patches make the way there, and patches that
 * are held back the way back.
 * @throws Error a patch that is held back is in no workflow: it would not be held back
 */
export function versionOptions(
  { buildId, patchesHeldBack = [] }: WorkerVersion,
  workflowCode: string,
): Pick<WorkerOptions, 'workerDeploymentOptions' | 'patchActivationCallback'> {
  for (const patch of patchesHeldBack) {
    if (!asksFor(workflowCode, patch)) throw new Error(`WORKER_PATCHES_HELD_BACK: no workflow knows a patch ${patch}`);
  }
  return {
    ...(buildId !== undefined && {
      workerDeploymentOptions: {
        version: { deploymentName: DEPLOYMENT_NAME, buildId },
        useWorkerVersioning: true,
        defaultVersioningBehavior: 'AUTO_UPGRADE',
      },
    }),
    ...(patchesHeldBack.length > 0 && {
      patchActivationCallback: ({ patchId }) => !patchesHeldBack.includes(patchId),
    }),
  };
}

const asksFor = (workflowCode: string, patch: string): boolean =>
  [`patched)('${patch}')`, `patched)("${patch}")`].some((call) => workflowCode.includes(call));
