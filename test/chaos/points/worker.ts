import bridge from '@temporalio/core-bridge';
import proto from '@temporalio/proto';
import { type Activities, exitWithWorker, runWorkerProcess } from '../../../src/main/worker-process.ts';
import { isOrdered, passing } from './named-points.ts';

/**
 * The worker as it is, but that it may be told to die before it begins an activity, after it has done one and before anybody hears
 * of it, and before or after it tells the server that a workflow goes on in a new run.
 */
type Activity = (...args: unknown[]) => Promise<unknown>;

function mortal(activities: Activities): Activities {
  const entries = Object.entries(activities as unknown as Record<string, Activity>).map(([name, original]) => {
    const activity: Activity = async (...args) => {
      passing(`before ${name}`);
      const result = await original(...args);
      passing(`after ${name}`);
      return result;
    };
    return [name, activity];
  });
  return Object.fromEntries(entries) as Activities;
}

const CONTINUE_AS_NEW = 'continueAsNew';

/** What a worker answers to the server goes through this one function of the SDK. */
const complete = bridge.native.workerCompleteWorkflowActivation;
const mortalComplete: typeof complete = async (worker, completion) => {
  const isNewRun =
    (isOrdered(`before ${CONTINUE_AS_NEW}`) || isOrdered(`after ${CONTINUE_AS_NEW}`)) && continuesAsNew(completion);
  if (isNewRun) passing(`before ${CONTINUE_AS_NEW}`);
  await complete(worker, completion);
  if (isNewRun) passing(`after ${CONTINUE_AS_NEW}`);
};
Reflect.set(bridge.native, 'workerCompleteWorkflowActivation', mortalComplete);

function continuesAsNew(completion: Buffer): boolean {
  const { successful } = proto.coresdk.workflow_completion.WorkflowActivationCompletion.decodeDelimited(completion);
  return successful?.commands?.some((command) => Boolean(command.continueAsNewWorkflowExecution)) ?? false;
}

exitWithWorker(runWorkerProcess(mortal));
