import { ApplicationFailure } from '@temporalio/activity';
import type { ChangeRefused } from '../src/contracts/change-messages.ts';
import type { WorkflowClient } from '../src/contracts/workflow-client.ts';
import { type Booking, bookingCan, inNextVersion } from '../src/domain/booking.ts';
import type { BookingsUnderChange } from '../src/read-model/bookings-under-change.ts';

/**
 * A purchase that still runs may repeat its last steps; a seat that it finds given up would be a seat that was lost. It ends as
 * soon as a worker has time for it.
 * @throws ApplicationFailure PurchaseRunning, to be tried again
 */
export async function awaitPurchase(
  booking: Pick<Booking, 'id' | 'status'> | null | undefined,
  workflows: Pick<WorkflowClient, 'purchaseHasEnded'>,
): Promise<void> {
  if (booking?.status !== 'CONFIRMED' || (await workflows.purchaseHasEnded(booking.id))) return;
  throw ApplicationFailure.retryable('the purchase has not ended yet', 'PurchaseRunning');
}

/** Why its buyer may not exchange it or give it away at `atMs`, or null. Whose show was cancelled is about to get the money back. */
export function refusalToHandOver(
  records: BookingsUnderChange,
  booking: Booking | null,
  { requestedBy }: { readonly requestedBy: string },
  deed: 'exchange' | 'transfer',
  atMs: number,
): ChangeRefused | null {
  if (booking?.userId !== requestedBy) return { ok: false, refusal: 'NOT_FOUND' };
  if (!bookingCan[booking.status][deed]) return { ok: false, refusal: 'BOOKING_STATE', bookingStatus: booking.status };
  const show = records.show(booking);
  if (!show) throw new Error(`booking ${booking.id} has no show`);
  if (show.cancelled !== null) return { ok: false, refusal: 'CHANGE_IN_PROGRESS' };
  return atMs > show.startsAtMs ? { ok: false, refusal: 'NOT_CANCELLABLE' } : null;
}

export const inNextVersionAt = (booking: Booking, nowMs: number): Booking => ({
  ...inNextVersion(booking),
  changedAtMs: Math.max(nowMs, booking.changedAtMs),
});
