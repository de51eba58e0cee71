import { endpoints } from '../../contracts/http/endpoints.ts';
import { isoTime } from '../../contracts/http/primitives.ts';
import type { ShowBody } from '../../contracts/http/catalogue.ts';
import { fingerprintOf } from '../../platform/ids.ts';
import {
  findTheatre,
  listCities,
  listTheatres,
  listTheatresNear,
  type TheatreWithScreens,
} from '../../read-model/catalogue.ts';
import type { ReadModel } from '../../read-model/database.ts';
import { findMovie, listMovies } from '../../read-model/movies.ts';
import { findShow, listShows, type Show } from '../../read-model/shows.ts';
import { type Answer, ok } from '../http/answer.ts';
import { notFound } from '../http/problem.ts';
import { route, type Route } from '../http/route.ts';

export const catalogueRoutes = (db: ReadModel, nowMs: () => number): readonly Route[] => [
  route(endpoints.listCities, async ({ query }) => ok(await listCities(db, query))),

  route(endpoints.listTheatres, async ({ query: { city: cityId, near, radiusKm, ...page } }) =>
    ok(
      near
        ? await listTheatresNear(db, { cityId, point: near, radiusKm }, page)
        : await listTheatres(db, { cityId }, page),
    ),
  ),

  route(endpoints.getTheatre, async ({ params }) =>
    theatreAnswer((await findTheatre(db, params.id)) ?? refuse('theatre')),
  ),

  route(endpoints.listMovies, async ({ query: { city: cityId, limit, cursor, ...filter } }) =>
    ok(await listMovies(db, { cityId, ...filter }, { limit, cursor })),
  ),

  route(endpoints.getMovie, async ({ params }) => ok((await findMovie(db, params.id)) ?? refuse('movie'))),

  route(endpoints.listShows, async ({ query: { movie, theatre, city, date, ...page } }) => {
    const filter = { movieId: movie, theatreId: theatre, cityId: city, date };
    const { items, nextCursor } = await listShows(db, filter, page, nowMs());
    return ok({ items: items.map(showBody), nextCursor });
  }),

  route(endpoints.getShow, async ({ params }) =>
    showAnswer((await findShow(db, params.id, nowMs())) ?? refuse('show')),
  ),
];

function refuse(what: string): never {
  throw notFound(what);
}

/**
 * The show under the entity tag that a change of it names in `If-Match`. It stands for what staff has decided; how many
 * seats are left, and what the time makes of the status, go on without it.
 */
export const showAnswer = (show: Show): Answer => ({ ...ok(showBody(show)), headers: { ETag: showTag(show) } });

export const showTag = ({ version }: Pick<Show, 'version'>): string => `"v${version}"`;

export const theatreAnswer = (theatre: TheatreWithScreens): Answer => ({
  ...ok(theatre),
  headers: { ETag: theatreTag(theatre) },
});

/** Of what a change of a theatre replaces. */
export const theatreTag = ({ cancellationPolicy }: Pick<TheatreWithScreens, 'cancellationPolicy'>): string =>
  `"${fingerprintOf(cancellationPolicy)}"`;

export const showBody = (show: Show): ShowBody => ({
  id: show.id,
  movieId: show.movieId,
  movieTitle: show.movieTitle,
  theatreId: show.theatreId,
  theatreName: show.theatreName,
  screenId: show.screenId,
  seatingPlanId: show.seatingPlanId,
  startsAt: isoTime(show.startsAtMs),
  endsAt: isoTime(show.endsAtMs),
  timeZone: show.timeZone,
  language: show.language,
  format: show.format,
  salesOpenAt: isoTime(show.salesOpenAtMs),
  salesCloseAt: isoTime(show.salesCloseAtMs),
  status: show.status,
  version: show.version,
  moved: show.moved && { refundUntil: isoTime(show.moved.fullRefundUntilMs) },
  categories: [...show.categories],
  availability: show.availability,
});
