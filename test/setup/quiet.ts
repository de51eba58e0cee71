import { eventually } from './eventually.ts';
import type { TestSystem } from './system.ts';

/** Until no booking has anything under way: no purchase, no late money, no change, no refund. */
export async function untilQuiet({ temporal }: Pick<TestSystem, 'temporal'>, withinMs: number): Promise<void> {
  await eventually(async () => {
    const running: string[] = [];
    const query = `ExecutionStatus = 'Running' AND WorkflowType != 'showWorkflow'`;
    for await (const { workflowId } of temporal.workflow.list({ query })) running.push(workflowId);
    expect(running.filter((id) => id.startsWith('booking/'))).toEqual([]);
  }, withinMs);
}
