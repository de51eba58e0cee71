import { upsertSearchAttributes } from '@temporalio/workflow';
import { STUCK } from '../src/contracts/workflow-ids.ts';
import type { BookingStatus } from '../src/domain/booking.ts';
import { ownState } from './own-state.ts';
import { bookingStatusAttribute } from './search-attribute-keys.ts';

/** What operators find the booking by from now on, also where something is left to be done. */
export function endedAs(status: BookingStatus): void {
  const state = ownState();
  state.ending = status;
  if (state.stuckSteps === 0) show(status);
}

/** Operators find the workflow as stuck while this runs. Of several at once the last to end takes it back. */
export async function asStuck<Result>(effect: () => Promise<Result>): Promise<Result> {
  const state = ownState();
  state.stuckSteps += 1;
  if (state.stuckSteps === 1) show(STUCK);
  try {
    return await effect();
  } finally {
    state.stuckSteps -= 1;
    if (state.stuckSteps === 0) show(state.ending);
  }
}

const show = (value: BookingStatus | typeof STUCK | null): void =>
  upsertSearchAttributes([{ key: bookingStatusAttribute, value }]);
