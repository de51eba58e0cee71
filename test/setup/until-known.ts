import {
  OutcomeUnknownError,
  WorkflowBusyError,
  WorkflowUnavailableError,
} from '../../src/contracts/workflow-client.ts';

const PATIENCE_MS = 60_000;

/**
 * What a client does that was told that the outcome is not known yet: the same again. Workers that are killed, and a
 * machine that has better things to do, may take longer than one call waits.
 */
export async function untilKnown<Answer>(call: () => Promise<Answer>): Promise<Answer> {
  const deadlineMs = Date.now() + PATIENCE_MS;
  for (;;) {
    try {
      return await call();
    } catch (error) {
      const mayRepeat =
        error instanceof OutcomeUnknownError ||
        error instanceof WorkflowUnavailableError ||
        error instanceof WorkflowBusyError;
      if (!mayRepeat || Date.now() > deadlineMs) throw error;
    }
  }
}
