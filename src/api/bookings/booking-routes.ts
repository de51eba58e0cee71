import { randomUUID } from 'node:crypto';
import type { BookingAnswer } from '../../contracts/booking-messages.ts';
import { endpoints } from '../../contracts/http/endpoints.ts';
import { ENDED, type Ended, type WorkflowClient } from '../../contracts/workflow-client.ts';
import { bookingCan, type Booking } from '../../domain/booking.ts';
import { derivedId } from '../../platform/ids.ts';
import { listBookingsOfUser } from '../../read-model/bookings.ts';
import type { ReadModel } from '../../read-model/database.ts';
import type { SaleSettings } from '../app-deps.ts';
import type { Batches } from '../batches.ts';
import type { PlanForSale, SaleCatalogue } from '../catalogue/sale-catalogue.ts';
import { ok } from '../http/answer.ts';
import type { ApiError } from '../http/api-error.ts';
import { route, type Route } from '../http/route.ts';
import type { AnswerMemory } from '../idempotency/answer-memory.ts';
import type { ShowCommands } from '../shows/show-commands.ts';
import { bookingAfter, bookingBody } from './booking-body.ts';
import type { BookingDesk } from './booking-desk.ts';
import { cancellationRoutes, cancelWhole } from './cancellation-routes.ts';
import { exchangeRoutes } from './exchange-routes.ts';
import { ownBooking } from './own-booking.ts';
import { bookingRefusal, bookingState, holdExpired } from './refusals.ts';
import { priced, seatIndices } from './seat-choice.ts';
import type { SeatsSeenTaken } from './seats-seen-taken.ts';

/** Extension, release and change of seats are one change each. */
const CHANGES_OF_A_COMMAND = 1;

export interface BookingRoutesDeps {
  readonly db: ReadModel;
  readonly batches: Batches;
  readonly catalogue: SaleCatalogue;
  readonly shows: ShowCommands;
  readonly workflows: WorkflowClient;
  readonly desk: BookingDesk;
  readonly seen: SeatsSeenTaken;
  readonly memory: AnswerMemory;
  readonly settings: SaleSettings;
  readonly nowMs: () => number;
}

export function bookingRoutes(deps: BookingRoutesDeps): readonly Route[] {
  const { db, batches, catalogue, workflows, desk, seen, memory, settings, nowMs } = deps;

  /** What an actor answered; where it has ended, what its row says. */
  async function outcome(before: Booking, answer: BookingAnswer | Ended): Promise<Booking> {
    if (answer === ENDED) throw endedRefusal((await batches.findBooking(before.id)) ?? before);
    if (!answer.ok) throw bookingRefusal(answer, await planOf(before), nowMs());
    return bookingAfter(batches, before, answer.booking, CHANGES_OF_A_COMMAND);
  }

  async function planOf({ showId }: Booking): Promise<PlanForSale> {
    return catalogue.planOf(await catalogue.show(showId));
  }

  return [
    route(endpoints.createBooking, ({ caller, idempotencyKey, body }) =>
      desk.book(caller.userId, idempotencyKey, body),
    ),

    route(endpoints.getBooking, async ({ caller, params }) =>
      ok(bookingBody(await ownBooking(batches, caller, params.id))),
    ),

    route(endpoints.listBookings, async ({ caller, query: { status, ...page } }) => {
      const { items, nextCursor } = await listBookingsOfUser(db, { userId: caller.userId, status }, page);
      return ok({ items: items.map(bookingBody), nextCursor });
    }),

    route(endpoints.changeSeats, async ({ caller, params, body }) => {
      const booking = await ownBooking(batches, caller, params.id);
      const show = await catalogue.show(booking.showId);
      const plan = await catalogue.planOf(show);
      const choice = priced(seatIndices(body.seatIds, plan, settings.limits.seatsPerBookingMax), plan, show.categories);
      const command = { ...choice, version: booking.version };
      const changed = await outcome(booking, await workflows.changeSeats(booking.id, randomUUID(), command));
      seen.forget(booking);
      return ok(bookingBody({ ...changed, ...choice }));
    }),

    route(endpoints.extendBooking, (call) =>
      memory.once({ ...call, body: null }, async (key) => {
        const booking = await ownBooking(batches, call.caller, call.params.id);
        const commandId = key ? derivedId('bkg', booking.id, 'extend', key.key) : randomUUID();
        return ok(bookingBody(await outcome(booking, await workflows.extend(booking.id, commandId))));
      }),
    ),

    route(endpoints.releaseBooking, async ({ caller, params }) => {
      const booking = await ownBooking(batches, caller, params.id);
      if (booking.status === 'RELEASED' || booking.status === 'CANCELLED') return ok(bookingBody(booking));
      if (bookingCan[booking.status].cancel) return ok(bookingBody(await cancelWhole(deps, booking, caller)));
      refuseUnlessReleasable(booking);
      const answer = await workflows.release(booking.id);
      if (answer === ENDED) return ok(bookingBody(await released(batches, booking)));
      if (!answer.ok) refuseUnlessReleasable(answer.booking);
      seen.forget(booking);
      return ok(bookingBody(await outcome(booking, answer)));
    }),

    ...cancellationRoutes(deps),
    ...exchangeRoutes(deps),
  ];
}

/** Why a booking that has ended can't be paid, extended or changed any more. */
export const endedRefusal = (booking: Booking): ApiError =>
  booking.status === 'EXPIRED' || booking.status === 'HELD' ? holdExpired() : bookingState(booking.status);

/** The row of a booking that ended just before it was to be released. */
async function released(batches: Batches, before: Booking): Promise<Booking> {
  const booking = (await batches.findBooking(before.id)) ?? before;
  if (booking.status === 'HELD') throw holdExpired();
  refuseUnlessReleasable(booking);
  return booking;
}

function refuseUnlessReleasable({ status }: Pick<Booking, 'status'>): void {
  if (status === 'EXPIRED') throw holdExpired();
  if (!bookingCan[status].release) throw bookingState(status);
}
