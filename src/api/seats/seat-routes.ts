import { endpoints } from '../../contracts/http/endpoints.ts';
import type { EncodedBody } from '../../platform/encoded-body.ts';
import type { SaleCatalogue } from '../catalogue/sale-catalogue.ts';
import { TooManyWatchersError } from '../../live/watcher-limits.ts';
import type { SeatMapStreams, StartWatching } from '../../live/seat-map-streams.ts';
import { ApiError, retryAfter } from '../http/api-error.ts';
import { conditionalAnswer, shownTags } from '../http/conditional.ts';
import { notFound } from '../http/problem.ts';
import { networkOf } from '../http/rate-limits.ts';
import { route, type Route } from '../http/route.ts';

interface ReadableSeatMap {
  readonly version: number;
  readonly statuses: string;
  readonly body: EncodedBody;
}

/** The live seat maps as this folder needs them. */
export interface SeatMaps {
  /** Null: no such show. A map older than `seenVersion` is brought up to date before it is given. */
  read(showId: string, seenVersion?: number): Promise<ReadableSeatMap | null>;
  /** What `read` would give, if nothing has to be waited for; otherwise null. */
  current(showId: string): ReadableSeatMap | null;
  /** The map that is in memory, without waiting; null if there is none yet. */
  glance(showId: string): { readonly statuses: string } | null;
}

/** A plan never changes under its id. */
const FOR_EVER = 'public, max-age=31536000, immutable';
/** A seat map is asked about every time; the answer is mostly 304. */
export const ASK_AGAIN = 'no-cache';

/** Of a connection that is one too many; those who have one stay for minutes. */
const NO_PLACE_RETRY_MS = 10_000;
/** Compressing or holding back an event would delay it. */
const streamHeaders = {
  'Content-Type': 'text/event-stream',
  'Cache-Control': 'no-cache, no-transform',
  'X-Accel-Buffering': 'no',
};

export const seatMapTag = (showId: string, version: number): string => `${showId}-v${version}`;

export const seatRoutes = (
  catalogue: SaleCatalogue,
  seatMaps: SeatMaps,
  streams: Pick<SeatMapStreams, 'admit'>,
): readonly Route[] => [
  route(endpoints.getSeatMap, async ({ params, headers }) => {
    const map = await seatMaps.read(params.id, newestSeen(params.id, shownTags(headers)));
    if (!map) throw notFound('show');
    return conditionalAnswer(headers, map.body, seatMapTag(params.id, map.version), ASK_AGAIN);
  }),

  route(endpoints.streamSeatMap, async ({ params, headers, ip }) => {
    const seen = lastEventId(headers['last-event-id']);
    const stream = await placed(streams.admit(params.id, seen, networkOf(ip)));
    if (!stream) throw notFound('show');
    return { status: 200, headers: streamHeaders, stream };
  }),

  route(endpoints.getSeatingPlan, async ({ params, headers }) => {
    const plan = await catalogue.plan(params.id);
    if (!plan) throw notFound('seating plan');
    return conditionalAnswer(headers, plan.body, plan.id, FOR_EVER);
  }),
];

/** Null where the client names none, or one that was never given out. */
const lastEventId = (header: unknown): number | null =>
  typeof header === 'string' && /^\d{1,15}$/.test(header) ? Number(header) : null;

async function placed(admission: Promise<StartWatching | null>): Promise<StartWatching | null> {
  try {
    return await admission;
  } catch (error) {
    if (!(error instanceof TooManyWatchersError)) throw error;
    const [code, detail] =
      error.of === 'caller'
        ? (['RATE_LIMITED', 'Too many streams are open from this address.'] as const)
        : (['UNAVAILABLE', 'No more streams can be opened here just now.'] as const);
    throw new ApiError(code, `${detail} The seat map itself can be asked for.`, {}, retryAfter(NO_PLACE_RETRY_MS));
  }
}

/** Newest version of this show among the entity tags that the reader shows; 0 for none. */
export function newestSeen(showId: string, tags: readonly string[]): number {
  const versions = tags.flatMap((tag) => {
    if (!tag.startsWith(`${showId}-v`)) return [];
    const version = /^(\d{1,15})(?:-gz|-br)?$/.exec(tag.slice(showId.length + 2))?.[1];
    return version === undefined ? [] : [Number(version)];
  });
  return Math.max(0, ...versions);
}
