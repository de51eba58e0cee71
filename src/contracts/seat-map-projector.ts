import type { SeatMapDelta } from './show-messages.ts';

/** Writes to the read model what shows say has changed, for the process that has sent them the commands. */
export interface SeatMapProjector {
  /** Version that the show's row has at least; null when this process does not know. */
  projectedVersion(showId: string): number | null;
  /** Returns at once. What can't be written is left to the show, which looks after it. */
  project(delta: SeatMapDelta): void;
}
