import type { ProjectionOutcome, SeatMapDelta } from '../contracts/show-messages.ts';
import type { ReadModel } from './database.ts';

/** A show's seat map as readers see it. */
export interface SeatMapView {
  readonly showId: string;
  readonly seatingPlanId: string;
  readonly version: number;
  /** Time of the version. */
  readonly asOfMs: number;
  /** One character a seat in index order: `a`, `h`, `b`, `x`. */
  readonly statuses: string;
}

/**
 * Advances a show's row by a delta, never back, and then tells the listeners. `gap` asks for the full map: the row is
 * behind the delta's start, or there is none. A delta that the row has passed already is a success.
 */
export declare function projectSeatMap(db: ReadModel, delta: SeatMapDelta): Promise<ProjectionOutcome>;

/** Null if there is no such show. A show without changes yet is at version 0, all available. */
export declare function loadSeatMap(db: ReadModel, showId: string): Promise<SeatMapView | null>;

/** Versions of these shows' rows; shows that are not there are left out. One statement for all. */
export declare function seatMapVersions(db: ReadModel, showIds: readonly string[]): Promise<Map<string, number>>;
