import { type Client, QueryNotRegisteredError, WorkflowNotFoundError } from '@temporalio/client';
import type { ActorRecords } from '../src/contracts/reconciliation.ts';
import { showMessages, type SeatMapView } from '../src/contracts/show-messages.ts';
import {
  bookingChangeWorkflowId,
  bookingWorkflowId,
  searchAttributes,
  showWorkflowId,
  STUCK,
} from '../src/contracts/workflow-ids.ts';

/** Ids come from records that may be wrong, and go into queries. */
const plainId = /^[\w-]{1,80}$/;

/** What the actors have and do, for those who only look. */
export class TemporalActorRecords implements ActorRecords {
  readonly #client: Client;

  constructor(client: Client) {
    this.#client = client;
  }

  async seatMap(showId: string): Promise<SeatMapView | null> {
    const handle = this.#client.workflow.getHandle(showWorkflowId(showId));
    try {
      const { status } = await handle.describe();
      if (status.name !== 'RUNNING') return null;
      return await handle.query<SeatMapView>(showMessages.seatMap);
    } catch (error) {
      if (error instanceof WorkflowNotFoundError || error instanceof QueryNotRegisteredError) return null;
      throw error;
    }
  }

  isAtWork(bookingId: string): Promise<boolean> {
    const id = bookingWorkflowId(bookingId);
    return this.#isAnyRunning(bookingId, `WorkflowId = '${id}' OR WorkflowId STARTS_WITH '${id}/'`);
  }

  isOwned(bookingId: string): Promise<boolean> {
    const [purchase, change] = [bookingWorkflowId(bookingId), bookingChangeWorkflowId(bookingId)];
    return this.#isAnyRunning(bookingId, `WorkflowId = '${purchase}' OR WorkflowId = '${change}'`);
  }

  async #isAnyRunning(bookingId: string, which: string): Promise<boolean> {
    if (!plainId.test(bookingId)) return false;
    const query = `ExecutionStatus = 'Running' AND (${which})`;
    for await (const _ of this.#client.workflow.list({ query, pageSize: 1 })) return true;
    return false;
  }

  async stuckWorkflows(limit: number): Promise<readonly string[]> {
    const query = `ExecutionStatus = 'Running' AND ${searchAttributes.bookingStatus} = '${STUCK}'`;
    const ids: string[] = [];
    for await (const { workflowId } of this.#client.workflow.list({ query })) {
      if (ids.push(workflowId) >= limit) break;
    }
    return ids;
  }

  async isStuck(workflowId: string): Promise<boolean> {
    try {
      const { status, typedSearchAttributes } = await this.#client.workflow.getHandle(workflowId).describe();
      const value = typedSearchAttributes
        .getAll()
        .find(({ key }) => key.name === searchAttributes.bookingStatus)?.value;
      return status.name === 'RUNNING' && value === STUCK;
    } catch (error) {
      if (error instanceof WorkflowNotFoundError) return false;
      throw error;
    }
  }
}
