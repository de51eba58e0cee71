import { WorkflowNotFoundError } from '@temporalio/client';
import { bookingChangeWorkflowId, bookingWorkflowId, latePaymentWorkflowId } from '../../src/contracts/workflow-ids.ts';
import { eventually } from './eventually.ts';
import type { TestSystem } from './system.ts';

type Parts = Pick<TestSystem, 'db' | 'temporal'>;

/** Until no booking has anything under way: no purchase, no late money, no change, no refund. */
export async function untilQuiet(parts: Parts, withinMs: number): Promise<void> {
  await eventually(async () => {
    expect(await listedAsRunning(parts)).toEqual([]);
    expect(await openRows(parts)).toEqual([]);
    expect(await running(parts)).toEqual([]);
  }, withinMs);
}

/** The cheap look, which comes a moment late: what was started just now is not listed yet. */
async function listedAsRunning({ temporal }: Parts): Promise<string[]> {
  const ids: string[] = [];
  const query = `ExecutionStatus = 'Running' AND WorkflowType != 'showWorkflow'`;
  for await (const { workflowId } of temporal.workflow.list({ query })) ids.push(workflowId);
  return ids.filter((id) => id.startsWith('booking/'));
}

/** Money on its way. An attempt that no provider was asked for was refused, and waits for the sweep to say so. */
async function openRows({ db }: Parts): Promise<string[]> {
  const payments = db.selectFrom('payments').select('id').where('status', 'in', ['PENDING', 'UNKNOWN']);
  const refunds = db.selectFrom('refunds').select('id').where('status', '=', 'PENDING');
  const rows = await Promise.all([payments.where('sent_at', 'is not', null).execute(), refunds.execute()]);
  return rows.flat().map(({ id }) => id);
}

/** Asked of each workflow that there may be, which knows what the list does not know yet. */
async function running({ db, temporal }: Parts): Promise<string[]> {
  const bookings = await db.selectFrom('bookings').select('id').execute();
  const payments = await db.selectFrom('payments').select(['id', 'booking_id']).execute();
  const ids = [
    ...bookings.flatMap(({ id }) => [bookingWorkflowId(id), bookingChangeWorkflowId(id)]),
    ...payments.map(({ id, booking_id: bookingId }) => latePaymentWorkflowId(bookingId, id)),
  ];
  const found = await Promise.all(ids.map((id) => temporal.workflow.getHandle(id).describe().catch(unlessThereIsNone)));
  return found.flatMap((each) => (each?.status.name === 'RUNNING' ? [each.workflowId] : []));
}

function unlessThereIsNone(error: unknown): null {
  if (error instanceof WorkflowNotFoundError) return null;
  throw error;
}
