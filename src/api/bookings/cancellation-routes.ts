import { isDeepStrictEqual } from 'node:util';
import type { BookingChange, ChangeRefused } from '../../contracts/change-messages.ts';
import type { CancellationQuoteBody } from '../../contracts/http/bookings.ts';
import { endpoints } from '../../contracts/http/endpoints.ts';
import type { WorkflowClient } from '../../contracts/workflow-client.ts';
import { bookingCan, type Booking } from '../../domain/booking.ts';
import { cancelledPart, type ShowToAttend, tierAt } from '../../domain/cancellation-policy.ts';
import { money } from '../../domain/money.ts';
import { derivedId } from '../../platform/ids.ts';
import { findChange, findShowToAttend } from '../../read-model/booking-changes.ts';
import type { ReadModel } from '../../read-model/database.ts';
import type { Caller } from '../accounts/tokens.ts';
import type { Batches } from '../batches.ts';
import { ok } from '../http/answer.ts';
import { ApiError } from '../http/api-error.ts';
import { notFound } from '../http/problem.ts';
import { route, type Route } from '../http/route.ts';
import { type AnswerMemory, keyReused } from '../idempotency/answer-memory.ts';
import { DONE_BEFORE, heardOrDone } from './heard-or-done.ts';
import { bookingBody } from './booking-body.ts';
import { ownBooking } from './own-booking.ts';
import { bookingState, duplicateSeat } from './refusals.ts';
import type { SeatsSeenTaken } from './seats-seen-taken.ts';

export interface CancellationDeps {
  readonly db: ReadModel;
  readonly batches: Batches;
  readonly workflows: Pick<WorkflowClient, 'changeBooking'>;
  readonly seen: SeatsSeenTaken;
  readonly memory: AnswerMemory;
  readonly nowMs: () => number;
}

export const cancellationRoutes = (deps: CancellationDeps): readonly Route[] => [
  route(endpoints.quoteCancellation, async ({ caller, params, query }) => {
    const booking = await ownBooking(deps.batches, caller, params.id);
    const seatIds = query.seatIds?.split(',');
    refuseForeignSeats(booking, seatIds);
    const show = await findShowToAttend(deps.db, booking.showId);
    if (!show) throw new Error(`booking ${booking.id} has no show`);
    return ok(quoteOf(booking, show, seatIds, deps.nowMs()));
  }),

  route(endpoints.cancelSeats, (call) =>
    deps.memory.once(call, async (key) => {
      const booking = await ownBooking(deps.batches, call.caller, call.params.id);
      const { seatIds } = call.body;
      const asked = key ? key.key : JSON.stringify([booking.version, seatIds.toSorted()]);
      const changeId = derivedId('chg', booking.id, 'cancellation of seats', asked);
      const done = await doneBefore(deps.db, changeId, seatIds);
      if (!done && !bookingCan[booking.status].cancel) throw bookingState(booking.status);
      if (!done) refuseForeignSeats(booking, seatIds);
      const change = { changeId, requestedBy: call.caller.userId, seatIds };
      return ok(bookingBody(await cancel(deps, booking, change)));
    }),
  ),
];

/**
 * Cancels all of a booking that is paid. Requests that have seen the same booking are the same cancellation.
 * @throws ApiError
 */
export function cancelWhole(deps: CancellationDeps, booking: Booking, caller: Caller): Promise<Booking> {
  const changeId = derivedId('chg', booking.id, 'cancellation', String(booking.version));
  return cancel(deps, booking, { changeId, requestedBy: caller.userId });
}

/**
 * A repeat whose first answer got lost: the seats are the booking's no more, which is no reason to refuse it.
 * @throws ApiError IDEMPOTENCY_KEY_REUSED it was done for other seats
 */
async function doneBefore(db: ReadModel, changeId: string, seatIds: readonly string[]): Promise<boolean> {
  const change = await findChange(db, changeId);
  if (!change) return false;
  if (!isDeepStrictEqual(change.seatIds.toSorted(), seatIds.toSorted())) throw keyReused();
  return true;
}

type Asked = Pick<Extract<BookingChange, { kind: 'cancellation' }>, 'changeId' | 'requestedBy' | 'seatIds'>;

async function cancel(
  { db, batches, workflows, seen, nowMs }: CancellationDeps,
  booking: Booking,
  asked: Asked,
): Promise<Booking> {
  const change = { kind: 'cancellation', bookingId: booking.id, ...asked } as const;
  const answer = await heardOrDone(db, asked.changeId, () => workflows.changeBooking(change, booking));
  if (answer === DONE_BEFORE) return (await batches.findBooking(booking.id))!;
  if (!answer.ok) throw changeRefusal(answer);
  const seats = booking.seats.filter(({ id }) => asked.seatIds?.includes(id) ?? true);
  seen.returned({ showId: booking.showId, seats }, nowMs());
  return answer.booking;
}

/** A refusal of a change in the contract's words. */
export function changeRefusal({ refusal, bookingStatus, seatIds = [] }: ChangeRefused): ApiError {
  switch (refusal) {
    case 'NOT_FOUND':
      return notFound('booking');
    case 'BOOKING_STATE':
      return bookingState(bookingStatus!);
    case 'NOT_CANCELLABLE':
      return new ApiError('NOT_CANCELLABLE', 'The show has begun.');
    case 'CHANGE_IN_PROGRESS':
      return new ApiError('CHANGE_IN_PROGRESS', 'Another change of this booking is under way: try again in a moment.');
    case 'UNKNOWN_SEAT':
      return foreignSeats(seatIds);
  }
}

/** @throws ApiError UNKNOWN_SEAT, DUPLICATE_SEAT */
function refuseForeignSeats({ seats }: Booking, seatIds: readonly string[] = []): void {
  const foreign = seatIds.filter((id) => !seats.some((seat) => seat.id === id));
  if (foreign.length > 0) throw foreignSeats(foreign);
  const twice = seatIds.filter((id, index) => seatIds.indexOf(id) !== index);
  if (twice.length > 0) throw duplicateSeat(twice);
}

const foreignSeats = (seatIds: readonly string[]): ApiError =>
  new ApiError('UNKNOWN_SEAT', `The booking does not have seat ${seatIds[0]}.`, { seatIds });

function quoteOf(
  booking: Booking,
  show: ShowToAttend,
  seatIds: readonly string[] | undefined,
  nowMs: number,
): CancellationQuoteBody {
  const isBooked = bookingCan[booking.status].cancel;
  const tier = isBooked ? tierAt(booking, show, nowMs) : null;
  if (tier === null) {
    const none = money(0, booking.price.total.currency);
    const reason = isBooked ? 'NOT_CANCELLABLE' : 'BOOKING_STATE';
    return { cancellable: false, reason, seatIds: [], tier: null, refund: none, kept: none };
  }
  const part = cancelledPart(booking, tier, seatIds);
  return { cancellable: true, reason: null, seatIds: [...part.seatIds], tier, refund: part.refund, kept: part.kept };
}
