import {
  bookingChangeWorkflowId,
  bookingWorkflowId,
  latePaymentWorkflowId,
} from '../../../src/contracts/workflow-ids.ts';
import type { NewBooking } from '../../../src/domain/booking.ts';

/** A workflow whose history is to be kept, under this name. */
export interface Recorded {
  readonly name: string;
  readonly workflowId: string;
  /** Of one that has several. */
  readonly runId?: string;
  /** Where it is not the system's. */
  readonly namespace?: string;
}

/** Plays workflows into a state that is to be recorded. */
export type Story = () => Promise<readonly Recorded[]>;

export const ofBooking = (name: string, { id }: Pick<NewBooking, 'id'>): Recorded => ({
  name: `booking-${name}`,
  workflowId: bookingWorkflowId(id),
});
export const ofLate = (name: string, { id }: Pick<NewBooking, 'id'>, attemptId: string): Recorded => ({
  name: `late-${name}`,
  workflowId: latePaymentWorkflowId(id, attemptId),
});
export const ofChange = (name: string, { id }: Pick<NewBooking, 'id'>): Recorded => ({
  name: `change-${name}`,
  workflowId: bookingChangeWorkflowId(id),
});

/** The deadline of a payment passes while the story is played. */
export const short = { holdTtlMs: 120_000, paymentDeadlineMs: 4_000 };
export const patient = { holdTtlMs: 120_000, paymentDeadlineMs: 60_000 };
export const brief = { holdTtlMs: 500 };
