import { connectClient } from '../../temporal/connection.ts';
import { TemporalWorkflowClient } from '../../temporal/workflow-client.ts';
import { deleteSchedules } from './delete-schedules.ts';
import { eventually } from './eventually.ts';
import { TestProcess } from './process.ts';
import type { TestSystem } from './system.ts';
import { claimNamespace } from './temporal.ts';

export interface Interruption {
  /** `before` or `after`, and an activity. */
  readonly at: string;
  readonly by: 'SIGKILL' | 'SIGSTOP';
  /** An activity whose first call fails, so that its answer is that of a task, and on record. */
  readonly failing?: string;
}

export interface InterruptedWorkers {
  readonly namespace: string;
  /** Serves from the beginning, until it is interrupted. */
  readonly first: TestProcess;
  /** Goes on, once it is started. */
  readonly next: TestProcess;
  /** Resolves when the first one has been interrupted. */
  readonly untilInterrupted: (withinMs?: number) => Promise<void>;
}

/** Work of the system in a namespace of its own, which has no other workers than these two. */
export async function withInterruptedWorker<Result>(
  system: TestSystem,
  { at, by, failing }: Interruption,
  work: (own: TestSystem, workers: InterruptedWorkers) => Promise<Result>,
): Promise<Result> {
  const namespace = await claimNamespace();
  const env: Record<string, string> = { ...system.env, TEMPORAL_NAMESPACE: namespace };
  const temporal = await connectClient({ address: env.TEMPORAL_ADDRESS!, namespace });
  const own: TestSystem = { ...system, env, temporal, workflows: new TemporalWorkflowClient(temporal) };
  const interruption: Record<string, string> = { ...env, INTERRUPT_AT: at, INTERRUPT_BY: by };
  if (failing !== undefined) interruption.INTERRUPT_FAILING = failing;
  const first = new TestProcess('first worker', ['test/setup/interrupted-worker.ts'], interruption);
  const next = new TestProcess('next worker', ['src/main/worker.ts'], env);
  const untilInterrupted = (withinMs?: number) =>
    eventually(() => expect(first.log).toContain('{"msg":"interrupted"}'), withinMs);
  try {
    await first.start();
    return await work(own, { namespace, first, next, untilInterrupted });
  } finally {
    await Promise.all([first.kill(), next.kill()]);
    await deleteSchedules(temporal);
    await temporal.connection.close();
  }
}
