import type { BookingStatus } from '../src/domain/booking.ts';

/** What a workflow remembers beside its actor. */
interface OwnState {
  /** Steps that run as stuck at this moment. */
  stuckSteps: number;
  /** How the booking has ended, as operators find it; null before. */
  ending: BookingStatus | null;
  /** See `letLocalActivitiesComeLast`. */
  localActivitiesComeLast: boolean;
}

const STATE = Symbol('of this workflow');

/**
 * Of the workflow that asks. All workflows of a worker share one copy of each module (temporal/build-bundle.ts), so no module
 * has a state of its own; the SDK gives each workflow its own globals.
 */
export const ownState = (): OwnState =>
  ((globalThis as { [STATE]?: OwnState })[STATE] ??= { stuckSteps: 0, ending: null, localActivitiesComeLast: false });
