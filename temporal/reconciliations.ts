import { type Client, WorkflowExecutionAlreadyStartedError } from '@temporalio/client';
import { WorkflowIdConflictPolicy, WorkflowIdReusePolicy } from '@temporalio/common';
import type { ReconciliationMode, Reconciliations, ReconciliationWindow } from '../src/contracts/reconciliation.ts';
import { reconciliationWorkflowId, taskQueues } from '../src/contracts/workflow-ids.ts';
import { newId } from '../src/platform/ids.ts';
import type { reconciliationWorkflow } from '../workflows/reconciliation.ts';
import { untilAnswered } from './until-answered.ts';

/** Who asks waits no longer for the server. */
const CALL_TIMEOUT_MS = 10_000;
const TRY_TIMEOUT_MS = 7_000;

/** Of the run's workflow: whoever finds it running learns the name of its report. */
interface RunMemo extends Record<string, unknown> {
  readonly runId: string;
}

/** Runs over windows that somebody names: of one window and mode there is one at a time. */
export class TemporalReconciliations implements Reconciliations {
  readonly #client: Client;

  constructor(client: Client) {
    this.#client = client;
  }

  async start(
    window: ReconciliationWindow,
    mode: ReconciliationMode,
    startedBy: string,
  ): Promise<{ readonly runId: string }> {
    const workflowId = reconciliationWorkflowId(window, mode);
    const runId = newId('rec');
    const isRunning = await this.#untilAnswered(() =>
      this.#client.workflow
        .start<typeof reconciliationWorkflow>('reconciliationWorkflow', {
          workflowId,
          taskQueue: taskQueues.bookings,
          args: [{ window, mode, runId, startedBy }],
          workflowIdConflictPolicy: WorkflowIdConflictPolicy.FAIL,
          workflowIdReusePolicy: WorkflowIdReusePolicy.ALLOW_DUPLICATE,
          memo: { runId } satisfies RunMemo,
          staticSummary: `${mode}, ${inWords(window.fromMs)} to ${inWords(window.toMs)}`,
        })
        .then(() => false, ifAlreadyStarted),
    );
    if (!isRunning) return { runId };
    const { memo } = await this.#untilAnswered(() => this.#client.workflow.getHandle(workflowId).describe());
    return { runId: (memo as RunMemo | undefined)?.runId ?? runId };
  }

  #untilAnswered<Answer>(call: () => Promise<Answer>): Promise<Answer> {
    const deadlineMs = Date.now() + CALL_TIMEOUT_MS;
    return untilAnswered(this.#client.workflow, call, { deadlineMs, tryTimeoutMs: TRY_TIMEOUT_MS });
  }
}

function ifAlreadyStarted(error: unknown): true {
  if (error instanceof WorkflowExecutionAlreadyStartedError) return true;
  throw error;
}

const inWords = (timeMs: number): string => new Date(timeMs).toISOString();
