import { BASE_PATH, endpoints } from '../../contracts/http/endpoints.ts';
import type { BlockRequest, NewShow as NewShowBody } from '../../contracts/http/staff.ts';
import { type CancellationPolicy, defaultCancellationPolicy, wrongPolicy } from '../../domain/cancellation-policy.ts';
import { parsePretixPlan } from '../../domain/pretix-plan.ts';
import type { SeatCommand } from '../../domain/seat-commands.ts';
import { seatLayout } from '../../domain/seat-layout.ts';
import { newId } from '../../platform/ids.ts';
import type { Logger } from '../../platform/logger.ts';
import {
  findCity,
  findScreen,
  findTheatre,
  insertScreen,
  insertTheatre,
  lockTheatre,
  setCancellationPolicy,
} from '../../read-model/catalogue.ts';
import type { ReadModel } from '../../read-model/database.ts';
import { InvalidReferenceError, ShowOverlapError } from '../../read-model/errors.ts';
import { findMovie, insertMovie } from '../../read-model/movies.ts';
import { insertSeatingPlan } from '../../read-model/seating-plans.ts';
import { findShow, insertShow, type NewShow } from '../../read-model/shows.ts';
import { seatRefusal } from '../bookings/refusals.ts';
import { seatIndices } from '../bookings/seat-choice.ts';
import { showAnswer, theatreAnswer, theatreTag } from '../catalogue/catalogue-routes.ts';
import type { PlanForSale, SaleCatalogue } from '../catalogue/sale-catalogue.ts';
import { ok, type Answer } from '../http/answer.ts';
import { ApiError } from '../http/api-error.ts';
import { refuseOtherVersions } from '../http/if-match.ts';
import { notFound, validationFailed } from '../http/problem.ts';
import { route, type Route } from '../http/route.ts';
import type { AnswerMemory } from '../idempotency/answer-memory.ts';
import type { ShowCommands } from '../shows/show-commands.ts';
import { wrongTimes } from './show-times.ts';

export interface StaffDeps {
  readonly db: ReadModel;
  readonly memory: AnswerMemory;
  readonly catalogue: SaleCatalogue;
  readonly shows: ShowCommands;
  readonly nowMs: () => number;
  readonly logger: Logger;
}

export const staffRoutes = (deps: StaffDeps): readonly Route[] => [
  route(endpoints.importSeatingPlan, (call) => {
    const parsed = parsePretixPlan(call.body);
    if (!parsed.ok)
      throw new ApiError('PLAN_INVALID', 'Nothing was imported: see `errors`.', { errors: parsed.errors });
    const { plan } = parsed;
    // A repeat is known by the plan that was read, not by what else its document may hold.
    return deps.memory.onceInTransaction({ ...call, body: plan }, async (trx) => {
      const id = newId('pln');
      await insertSeatingPlan(trx, { id, plan, layout: seatLayout(plan) }, deps.nowMs());
      return made(`/seating-plans/${id}`, { id, ...plan });
    });
  }),

  route(endpoints.createTheatre, (call) =>
    deps.memory.onceInTransaction(call, async (trx) => {
      const { cityId, name, address = null, location, cancellationPolicy } = call.body;
      refuseWrongPolicy(cancellationPolicy);
      const city = await findCity(trx, cityId);
      if (!city) throw notFound('city');
      const theatre = { id: newId('thr'), cityId, name, address, location: location ?? city.location };
      await insertTheatre(trx, theatre, cancellationPolicy);
      return made(`/theatres/${theatre.id}`, {
        ...theatre,
        cancellationPolicy: cancellationPolicy ?? defaultCancellationPolicy,
      });
    }),
  ),

  route(endpoints.changeTheatre, (call) =>
    deps.memory.onceInTransaction(call, async (trx) => {
      const { cancellationPolicy } = call.body;
      refuseWrongPolicy(cancellationPolicy);
      await lockTheatre(trx, call.params.id);
      const theatre = await findTheatre(trx, call.params.id);
      if (!theatre) throw notFound('theatre');
      refuseOtherVersions(call.headers, theatreTag(theatre), 'theatre');
      await setCancellationPolicy(trx, theatre.id, cancellationPolicy);
      return theatreAnswer({ ...theatre, cancellationPolicy: cancellationPolicy ?? defaultCancellationPolicy });
    }),
  ),

  route(endpoints.createScreen, (call) =>
    deps.memory.onceInTransaction(call, async (trx) => {
      const { theatreId, name } = call.body;
      const theatre = await findTheatre(trx, theatreId);
      if (!theatre) throw notFound('theatre');
      if (theatre.screens.some((each) => each.name === name)) throw nameTaken();
      const screen = { id: newId('scr'), theatreId, name };
      await insertScreen(trx, screen).catch(rethrow(InvalidReferenceError, nameTaken));
      return { status: 201, body: screen };
    }),
  ),

  route(endpoints.createMovie, (call) =>
    deps.memory.onceInTransaction(call, async (trx) => {
      const { durationMinutes = null, certificate = null, director = null, releasedOn = null, ...named } = call.body;
      const movie = { id: newId('mov'), ...named, durationMinutes, certificate, director, releasedOn };
      await insertMovie(trx, movie, deps.nowMs());
      return made(`/movies/${movie.id}`, movie);
    }),
  ),

  route(endpoints.createShow, async (call) => {
    const id = newId('shw');
    const answer = await deps.memory.onceInTransaction(call, async (trx) => {
      const show = await newShow(id, call.body, { ...deps, db: trx });
      await insertShow(trx, show, deps.nowMs()).catch(rethrow(ShowOverlapError, overlap));
      const { headers, body } = showAnswer((await findShow(trx, id, deps.nowMs()))!);
      return made(`/shows/${id}`, body, headers);
    });
    await startIfMade(deps, id);
    return answer;
  }),

  route(endpoints.blockSeats, (call) =>
    deps.memory.once(call, () => onSeats(deps, call, (seats) => ({ kind: 'block', seats, reason: call.body.reason }))),
  ),

  route(endpoints.unblockSeats, (call) =>
    deps.memory.once(call, () => onSeats(deps, call, (seats) => ({ kind: 'unblock', seats }))),
  ),
];

/**
 * Starts the show's workflow, after the commit. The show is there already and is answered so: if this fails, its first
 * buyer or the next start of the system starts it.
 */
async function startIfMade({ db, shows, nowMs, logger }: StaffDeps, showId: string): Promise<void> {
  try {
    const show = await findShow(db, showId, nowMs());
    if (show) await shows.start(show);
  } catch (error) {
    logger.warn({ err: error, showId }, 'a new show waits for its first buyer to be started');
  }
}

const made = (path: string, body: unknown, headers: Answer['headers'] = {}): Answer => ({
  status: 201,
  headers: { ...headers, Location: `${BASE_PATH}${path}` },
  body,
});

async function onSeats(
  { catalogue, shows }: StaffDeps,
  { params, body }: { readonly params: { readonly id: string }; readonly body: BlockRequest },
  command: (seats: readonly number[]) => SeatCommand,
): Promise<Answer> {
  const show = await catalogue.show(params.id);
  const plan = await catalogue.planOf(show);
  const result = await shows.send(show, command(seatIndices(body.seatIds, plan, plan.seats.length)));
  if (!result.ok) throw seatRefusal(result, plan);
  return ok({ showId: show.id, seatIds: body.seatIds });
}

/** @throws ApiError NOT_FOUND, VALIDATION_FAILED */
async function newShow(
  id: string,
  body: NewShowBody,
  { db, catalogue, nowMs }: Pick<StaffDeps, 'db' | 'catalogue' | 'nowMs'>,
): Promise<NewShow> {
  const [movie, screen, plan] = await Promise.all([
    findMovie(db, body.movieId),
    findScreen(db, body.screenId),
    catalogue.plan(body.seatingPlanId),
  ]);
  if (!movie) throw notFound('movie');
  if (!screen) throw notFound('screen');
  if (!plan) throw notFound('seating plan');
  const startsAtMs = Date.parse(body.startsAt);
  const show: NewShow = {
    id,
    movieId: movie.id,
    screenId: screen.id,
    seatingPlanId: plan.id,
    startsAtMs,
    endsAtMs: Date.parse(body.endsAt),
    salesOpenAtMs: body.salesOpenAt === undefined ? Math.min(nowMs(), startsAtMs - 1) : Date.parse(body.salesOpenAt),
    salesCloseAtMs: body.salesCloseAt === undefined ? startsAtMs : Date.parse(body.salesCloseAt),
    language: body.language,
    format: body.format,
    categories: body.categories,
    overlapOverridden: body.allowOverlap,
  };
  const errors = [...wrongTimes(show, nowMs()), ...wrongPrices(show, plan)];
  if (errors.length > 0) throw validationFailed(errors);
  return show;
}

/** Every category of the plan has one price, all in one currency. */
function wrongPrices({ categories }: NewShow, { plan }: PlanForSale) {
  const path = 'categories';
  const given = categories.map((category) => category.id);
  const needed = plan.categories.map((category) => category.id);
  const missing = needed.filter((id) => !given.includes(id));
  const unknown = given.filter((id) => !needed.includes(id));
  const currencies = new Set(categories.map((category) => category.price.currency));
  return [
    ...missing.map((id) => ({ path, message: `has no price for ${id}` })),
    ...unknown.map((id) => ({ path, message: `names ${id}, which the plan does not have` })),
    ...(new Set(given).size === given.length ? [] : [{ path, message: 'names a category twice' }]),
    ...(currencies.size === 1 ? [] : [{ path, message: 'must have one currency' }]),
  ];
}

/** @throws ApiError VALIDATION_FAILED */
function refuseWrongPolicy(policy: CancellationPolicy | null | undefined): void {
  const errors = policy ? wrongPolicy(policy) : [];
  if (errors.length === 0) return;
  throw validationFailed(errors.map(({ path, message }) => ({ path: `cancellationPolicy.${path}`, message })));
}

const nameTaken = (): ApiError => validationFailed([{ path: 'name', message: 'is the name of another screen there' }]);
const overlap = (): ApiError => new ApiError('SHOW_OVERLAP', 'The screen has another show at that time.');

/** For `catch`: errors of this class become a refusal, others pass. */
const rethrow =
  (kind: new (...args: never[]) => Error, refusal: () => ApiError) =>
  (error: unknown): never => {
    throw error instanceof kind ? refusal() : error;
  };
