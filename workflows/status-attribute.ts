import { upsertSearchAttributes } from '@temporalio/workflow';
import { STUCK } from '../src/contracts/workflow-ids.ts';
import type { BookingStatus } from '../src/domain/booking.ts';
import { bookingStatusAttribute } from './search-attribute-keys.ts';

/** Of the one workflow that this copy of the module runs in. */
let stuckSteps = 0;
let ending: BookingStatus | null = null;

/** What operators find the booking by from now on, also where something is left to be done. */
export function endedAs(status: BookingStatus): void {
  ending = status;
  if (stuckSteps === 0) show(ending);
}

/** Operators find the workflow as stuck while this runs. Of several at once the last to end takes it back. */
export async function asStuck<Result>(effect: () => Promise<Result>): Promise<Result> {
  stuckSteps += 1;
  if (stuckSteps === 1) show(STUCK);
  try {
    return await effect();
  } finally {
    stuckSteps -= 1;
    if (stuckSteps === 0) show(ending);
  }
}

const show = (value: BookingStatus | typeof STUCK | null): void =>
  upsertSearchAttributes([{ key: bookingStatusAttribute, value }]);
