import { showWorkflowId } from '../../src/contracts/workflow-ids.ts';
import type { TestSystem } from '../setup/system.ts';

/** The show looks after a hold this long after its time, should its booking not have. */
const EXPIRY_GRACE_MS = 300;

type Timestamp = { readonly seconds?: unknown; readonly nanos?: number | null } | null | undefined;
const msOf = (time: Timestamp): number => Number(time?.seconds) * 1_000 + Math.floor((time?.nanos ?? 0) / 1_000_000);

/**
 * That the show has asked to be woken for what expires then: a seat is free within a second wherever a timer is. How long a
 * busy machine takes for one is no promise of the show's.
 */
export async function expectTimerFor(
  { temporal }: Pick<TestSystem, 'temporal'>,
  showId: string,
  expiresAtMs: number,
): Promise<void> {
  const events = (await temporal.workflow.getHandle(showWorkflowId(showId)).fetchHistory()).events ?? [];
  const byId = new Map(events.map((event) => [String(event.eventId), event]));
  // Counted from the beginning of the task that asked for it, which is the workflow's time.
  const dueAtMs = events.flatMap(({ timerStartedEventAttributes: timer }) => {
    if (!timer) return [];
    const task = byId.get(String(timer.workflowTaskCompletedEventId))!.workflowTaskCompletedEventAttributes!;
    return [msOf(byId.get(String(task.startedEventId))!.eventTime) + msOf(timer.startToFireTimeout)];
  });
  expect(dueAtMs).toContain(expiresAtMs + EXPIRY_GRACE_MS);
}
