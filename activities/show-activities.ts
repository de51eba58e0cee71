import { sleep } from '@temporalio/activity';
import type { ProjectionOutcome, SeatMapDelta } from '../src/contracts/show-messages.ts';
import { projectSeatMap } from '../src/read-model/seat-maps.ts';
import type { ReadModel } from '../src/read-model/database.ts';

/**
 * Least time between two projections of one show. A reader may see a change that much later (design: within half a
 * second), and a busy show costs the server at most that many activities a second.
 */
const PROJECTION_PACE_MS = 200;

export type ShowActivities = ReturnType<typeof createShowActivities>;

export function createShowActivities({ db }: { readonly db: ReadModel }) {
  return {
    /** Brings the show's row to the delta's version and tells listeners; keeps the pace by ending late. */
    async projectSeatMap(delta: SeatMapDelta): Promise<ProjectionOutcome> {
      const startedAtMs = Date.now();
      const outcome = await projectSeatMap(db, delta);
      await sleep(Math.max(PROJECTION_PACE_MS - (Date.now() - startedAtMs), 0));
      return outcome;
    },
  };
}
