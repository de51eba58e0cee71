import type { ExchangeAnswer, ExchangeChange, TransferChange } from '../../contracts/change-messages.ts';
import type { ExchangeRequest } from '../../contracts/http/bookings.ts';
import { endpoints } from '../../contracts/http/endpoints.ts';
import { OutcomeUnknownError, type WorkflowClient } from '../../contracts/workflow-client.ts';
import { bookingCan, type Booking } from '../../domain/booking.ts';
import { money } from '../../domain/money.ts';
import { derivedId, fingerprintOf, newId } from '../../platform/ids.ts';
import { findChange } from '../../read-model/booking-changes.ts';
import type { ReadModel } from '../../read-model/database.ts';
import { findPaymentsOfBooking } from '../../read-model/payments.ts';
import type { Show } from '../../read-model/shows.ts';
import { findUser } from '../../read-model/users.ts';
import type { Caller } from '../accounts/tokens.ts';
import type { SaleSettings } from '../app-deps.ts';
import type { Batches } from '../batches.ts';
import type { PlanForSale, SaleCatalogue } from '../catalogue/sale-catalogue.ts';
import { type Answer, ok } from '../http/answer.ts';
import { ApiError } from '../http/api-error.ts';
import { notFound, validationFailed } from '../http/problem.ts';
import { route, type Route } from '../http/route.ts';
import type { AnswerMemory } from '../idempotency/answer-memory.ts';
import type { ShowCommands } from '../shows/show-commands.ts';
import { bookingBody, bookingPath } from './booking-body.ts';
import { changeRefusal } from './cancellation-routes.ts';
import { DONE_BEFORE, heardOrDone } from './heard-or-done.ts';
import { ownBooking } from './own-booking.ts';
import { bookingState, salesClosed, seatRefusal } from './refusals.ts';
import { priced, seatIndices } from './seat-choice.ts';
import type { SeatsSeenTaken } from './seats-seen-taken.ts';

/** Tries under one key that certainly charged nothing; each takes the seats anew. */
const TRIES_MAX = 20;

export interface ExchangeDeps {
  readonly db: ReadModel;
  readonly batches: Batches;
  readonly catalogue: SaleCatalogue;
  readonly workflows: Pick<WorkflowClient, 'changeBooking' | 'exchangeBooking'>;
  readonly shows: Pick<ShowCommands, 'startUnlessSold'>;
  readonly seen: SeatsSeenTaken;
  readonly memory: AnswerMemory;
  readonly settings: SaleSettings;
  readonly nowMs: () => number;
}

export const exchangeRoutes = (deps: ExchangeDeps): readonly Route[] => [
  route(endpoints.exchangeBooking, (call) =>
    deps.memory.once(call, async (key) => {
      const booking = await ownBooking(deps.batches, call.caller, call.params.id);
      const changeId = key ? await idOfTry(deps, booking, key.key) : newId('chg');
      const done = bookingCan[booking.status].exchange ? null : await asDone(deps, booking, changeId);
      return done ?? exchange(deps, booking, call.caller, call.body, changeId);
    }),
  ),

  route(endpoints.transferBooking, (call) =>
    deps.memory.once(call, async (key) => {
      const { caller, params, body } = call;
      const changeId = key ? derivedId('chg', caller.userId, 'transfer', params.id, key.key) : newId('chg');
      const booking = await givenBefore(deps, caller, params.id, changeId);
      return booking ? ok(bookingBody(booking)) : transfer(deps, caller, params.id, { changeId, email: body.email });
    }),
  ),
];

// ---- exchange ----

const newIdOf = (changeId: string): string => derivedId('bkg', changeId);

/** As with a payment: what certainly charged nothing may be tried again under its key, with ids of its own. */
async function idOfTry({ db, batches }: ExchangeDeps, booking: Booking, key: string): Promise<string> {
  for (let tries = 0; ; tries++) {
    const changeId = derivedId('chg', booking.id, 'exchange', key, String(tries));
    const made = tries < TRIES_MAX ? await batches.findBooking(newIdOf(changeId)) : null;
    if (made?.status !== 'FAILED' || made.payment?.status !== 'FAILED') return changeId;
    const { attempts } = await findPaymentsOfBooking(db, made.id);
    if (attempts.some(({ status }) => status !== 'FAILED')) return changeId;
  }
}

/** A repeat whose first answer got lost. */
async function asDone({ db, batches }: ExchangeDeps, booking: Booking, changeId: string): Promise<Answer> {
  const change = await findChange(db, changeId);
  const other = change?.otherBookingId ? await batches.findBooking(change.otherBookingId) : null;
  if (!other) throw bookingState(booking.status);
  return ok({ old: bookingBody(booking), new: bookingBody(other) });
}

async function exchange(
  deps: ExchangeDeps,
  booking: Booking,
  caller: Caller,
  request: ExchangeRequest,
  changeId: string,
): Promise<Answer> {
  const { db, batches, catalogue, workflows, shows, seen, nowMs } = deps;
  const show = await catalogue.show(request.showId);
  if (show.status === 'CANCELLED') throw salesClosed();
  const plan = await catalogue.planOf(show);
  const change = exchangeOf(deps, { booking, caller, request, changeId, show, plan });
  await shows.startUnlessSold(show);
  const answer = await heardOrDone(db, changeId, () => workflows.exchangeBooking(change, booking));
  if (answer === DONE_BEFORE) return asDone(deps, (await batches.findBooking(booking.id))!, changeId);
  if (!answer.ok) throw exchangeRefusal(answer, plan);
  if (answer.nextAction) return pending(answer, answer.nextAction);
  seen.returned(booking, nowMs());
  seen.forget(answer.other!);
  return ok({ old: bookingBody(answer.booking), new: bookingBody(answer.other!) });
}

interface Asked {
  readonly booking: Booking;
  readonly caller: Caller;
  readonly request: ExchangeRequest;
  readonly changeId: string;
  readonly show: Show;
  readonly plan: PlanForSale;
}

/** @throws ApiError TOO_MANY_SEATS, DUPLICATE_SEAT, UNKNOWN_SEAT, VALIDATION_FAILED */
function exchangeOf({ settings }: ExchangeDeps, asked: Asked): ExchangeChange {
  const { booking, caller, request, changeId, show, plan } = asked;
  const choice = priced(seatIndices(request.seatIds, plan, settings.limits.seatsPerBookingMax), plan, show.categories);
  if (show.id === booking.showId && isSameSeats(choice, booking)) {
    throw validationFailed([{ path: 'seatIds', message: 'are the seats that the booking has' }]);
  }
  const { total } = booking.price;
  if (choice.price.total.currency !== total.currency) {
    throw validationFailed([{ path: 'showId', message: 'is sold in another currency than was paid' }]);
  }
  const difference = choice.price.total.amount - total.amount;
  const { token, method = 'card' } = request;
  if (difference > 0 && token === undefined) {
    throw validationFailed([{ path: 'token', message: 'is needed: the new seats cost more' }]);
  }
  const attemptId = derivedId('pay', changeId);
  const amount = money(difference, total.currency);
  return {
    kind: 'exchange',
    changeId,
    bookingId: booking.id,
    requestedBy: caller.userId,
    price: total,
    to: {
      id: newIdOf(changeId),
      showId: show.id,
      userId: booking.userId,
      cityId: show.cityId,
      ...choice,
      fingerprint: fingerprintOf(request),
      ...(show.cancellationPolicy && { cancellationPolicy: show.cancellationPolicy }),
    },
    holdTtlMs: settings.terms.paymentDeadlineMs,
    ...(difference > 0 && { payment: { attemptId, amount, method, token: token! } }),
  };
}

const isSameSeats = ({ seats }: Pick<Booking, 'seats'>, booking: Booking): boolean =>
  seats.length === booking.seats.length && seats.every(({ id }) => booking.seats.some((seat) => seat.id === id));

type Granted = Extract<ExchangeAnswer, { ok: true }>;

const pending = ({ booking, other }: Granted, nextAction: NonNullable<Granted['nextAction']>): Answer => ({
  status: 202,
  headers: { Location: `${bookingPath(other!.id)}/payment` },
  body: { old: bookingBody(booking), new: bookingBody(other!), nextAction },
});

/** @throws OutcomeUnknownError where nobody knows whether the difference was captured */
function exchangeRefusal(answer: Extract<ExchangeAnswer, { ok: false }>, plan: PlanForSale): ApiError {
  switch (answer.refusal) {
    case 'SEATS_REFUSED':
      return seatRefusal(answer.seats!, plan);
    case 'PAYMENT_DECLINED':
      return new ApiError('PAYMENT_DECLINED', 'The payment was declined: the booking is as it was.', {
        reason: answer.reason ?? 'declined',
      });
    case 'PAYMENT_UNAVAILABLE':
      return new ApiError('PAYMENT_UNAVAILABLE', 'No payment provider is available. Nothing was charged: try again.');
    case 'GATEWAY_ERROR':
      return new ApiError('GATEWAY_ERROR', 'The payment provider answered nonsense. Nothing was charged: try again.');
    case 'GIVEN_BACK':
      return new ApiError('HOLD_EXPIRED', 'The exchange came to nothing. What was charged goes back by itself.');
    case 'OUTCOME_UNKNOWN':
      throw new OutcomeUnknownError('nobody knows yet what became of the payment of the difference');
    default:
      return changeRefusal(answer);
  }
}

// ---- transfer ----

/** The booking that this very request has given away already: its former owner may still have the answer. */
async function givenBefore(
  { db, batches }: ExchangeDeps,
  caller: Caller,
  bookingId: string,
  changeId: string,
): Promise<Booking | null> {
  const change = await findChange(db, changeId);
  return change?.requestedBy === caller.userId ? batches.findBooking(bookingId) : null;
}

async function transfer(
  { db, batches, workflows }: ExchangeDeps,
  caller: Caller,
  bookingId: string,
  { changeId, email }: { readonly changeId: string; readonly email: string },
): Promise<Answer> {
  const [booking, giver] = await Promise.all([ownBooking(batches, caller, bookingId), findUser(db, caller.userId)]);
  if (!bookingCan[booking.status].transfer) throw bookingState(booking.status);
  if (!giver) throw notFound('account');
  if (giver.email?.toLowerCase() === email.toLowerCase()) {
    throw validationFailed([{ path: 'email', message: 'is your own' }]);
  }
  const to = { userId: derivedId('usr', changeId), email, language: giver.language };
  const change: TransferChange = { kind: 'transfer', changeId, bookingId, requestedBy: caller.userId, to };
  const answer = await heardOrDone(db, changeId, () => workflows.changeBooking(change, booking));
  if (answer === DONE_BEFORE) return ok(bookingBody((await batches.findBooking(bookingId))!));
  if (!answer.ok) throw changeRefusal(answer);
  return ok(bookingBody(answer.booking));
}
