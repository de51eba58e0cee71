import type { ArrivalsJob, BookingsOutcome, ClosedLoopsJob } from './bookings.ts';
import type { MapReadsJob, MapReadsOutcome } from './map-reads.ts';
import type { ShowBatchesJob, ShowBatchesOutcome } from './show-batches.ts';
import type { WatchersJob, WatchersOutcome } from './watchers.ts';

/** What a load generator can be told to do, and what it then tells. */
export interface Jobs {
  readonly 'closed loops': { readonly job: ClosedLoopsJob; readonly outcome: BookingsOutcome };
  readonly arrivals: { readonly job: ArrivalsJob; readonly outcome: BookingsOutcome };
  readonly 'map reads': { readonly job: MapReadsJob; readonly outcome: MapReadsOutcome };
  readonly 'show batches': { readonly job: ShowBatchesJob; readonly outcome: ShowBatchesOutcome };
  readonly watchers: { readonly job: WatchersJob; readonly outcome: WatchersOutcome };
}

export type Job = Jobs[keyof Jobs]['job'];
export type JobOutcome = Jobs[keyof Jobs]['outcome'];
export type OutcomeOf<J extends Job> = Jobs[J['kind']]['outcome'];
