import type { ArrivalsJob, BookingsOutcome, ClosedLoopsJob } from './bookings.ts';

/** What a load generator can be told to do, and what it then tells. */
export interface Jobs {
  readonly 'closed loops': { readonly job: ClosedLoopsJob; readonly outcome: BookingsOutcome };
  readonly arrivals: { readonly job: ArrivalsJob; readonly outcome: BookingsOutcome };
}

export type Job = Jobs[keyof Jobs]['job'];
export type JobOutcome = Jobs[keyof Jobs]['outcome'];
export type OutcomeOf<J extends Job> = Jobs[J['kind']]['outcome'];
