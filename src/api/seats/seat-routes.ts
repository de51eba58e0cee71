import { endpoints } from '../../contracts/http/endpoints.ts';
import type { EncodedBody } from '../../platform/encoded-body.ts';
import type { SaleCatalogue } from '../catalogue/sale-catalogue.ts';
import { conditionalAnswer, shownTags } from '../http/conditional.ts';
import { notFound } from '../http/problem.ts';
import { route, type Route } from '../http/route.ts';

/** The live seat maps as this folder needs them. */
export interface SeatMaps {
  /** Null: no such show. A map older than `seenVersion` is brought up to date before it is given. */
  read(
    showId: string,
    seenVersion?: number,
  ): Promise<{ readonly version: number; readonly statuses: string; readonly body: EncodedBody } | null>;
  /** The map that is in memory, without waiting; null if there is none yet. */
  glance(showId: string): { readonly statuses: string } | null;
}

/** A plan never changes under its id. */
const FOR_EVER = 'public, max-age=31536000, immutable';
/** A seat map is asked about every time; the answer is mostly 304. */
const ASK_AGAIN = 'no-cache';

export const seatRoutes = (catalogue: SaleCatalogue, seatMaps: SeatMaps): readonly Route[] => [
  route(endpoints.getSeatMap, async ({ params, headers }) => {
    const map = await seatMaps.read(params.id, newestSeen(params.id, shownTags(headers)));
    if (!map) throw notFound('show');
    return conditionalAnswer(headers, map.body, `${params.id}-v${map.version}`, ASK_AGAIN);
  }),

  route(endpoints.getSeatingPlan, async ({ params, headers }) => {
    const plan = await catalogue.plan(params.id);
    if (!plan) throw notFound('seating plan');
    return conditionalAnswer(headers, plan.body, plan.id, FOR_EVER);
  }),
];

/** Newest version of this show among the entity tags that the reader shows; 0 for none. */
function newestSeen(showId: string, tags: readonly string[]): number {
  const versions = tags.flatMap((tag) => {
    if (!tag.startsWith(`${showId}-v`)) return [];
    const version = /^(\d{1,15})(?:-gz|-br)?$/.exec(tag.slice(showId.length + 2))?.[1];
    return version === undefined ? [] : [Number(version)];
  });
  return Math.max(0, ...versions);
}
