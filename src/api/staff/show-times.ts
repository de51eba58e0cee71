import type { ShowMove } from '../../contracts/http/staff.ts';
import type { ShowTimes } from '../../read-model/show-changes.ts';
import type { Show } from '../../read-model/shows.ts';
import type { FieldError } from '../http/problem.ts';

/** A screen must not be taken for ever by a slip of the pen. */
const SHOW_HOURS_MAX = 24;
/** Arenas sell two years ahead. */
const YEARS_AHEAD_MAX = 5;
const HOUR_MS = 3_600_000;
const YEAR_MS = 366 * 24 * HOUR_MS;

export const wrongTimes = (show: Omit<ShowTimes, 'overlapOverridden'>, nowMs: number): FieldError[] => [
  ...(show.endsAtMs > show.startsAtMs ? [] : [{ path: 'endsAt', message: 'must be after startsAt' }]),
  ...(show.endsAtMs - show.startsAtMs <= SHOW_HOURS_MAX * HOUR_MS
    ? []
    : [{ path: 'endsAt', message: `must be within ${SHOW_HOURS_MAX} hours of startsAt` }]),
  ...(show.endsAtMs > nowMs ? [] : [{ path: 'endsAt', message: 'must not be over already' }]),
  ...(show.startsAtMs <= nowMs + YEARS_AHEAD_MAX * YEAR_MS
    ? []
    : [{ path: 'startsAt', message: `must be within ${YEARS_AHEAD_MAX} years` }]),
  ...(show.salesCloseAtMs > show.salesOpenAtMs ? [] : [{ path: 'salesCloseAt', message: 'must be after salesOpenAt' }]),
  ...(show.salesCloseAtMs <= show.endsAtMs ? [] : [{ path: 'salesCloseAt', message: 'must not be after endsAt' }]),
];

/** What a show becomes by a move. */
export interface MovedShow {
  /** It is played at another time: its buyers must know. */
  readonly isMoved: boolean;
  readonly times: ShowTimes;
  readonly fullRefundUntilMs: number | null;
}

/** The end and the end of the sale keep their distance from the start, in elapsed time; the beginning of the sale stays. */
export function movedShow(show: Show, move: ShowMove): MovedShow {
  const startsAtMs = timeOr(move.startsAt, show.startsAtMs);
  const laterByMs = startsAtMs - show.startsAtMs;
  const isMoved = laterByMs !== 0;
  return {
    isMoved,
    times: {
      startsAtMs,
      endsAtMs: timeOr(move.endsAt, show.endsAtMs + laterByMs),
      salesOpenAtMs: timeOr(move.salesOpenAt, show.salesOpenAtMs),
      salesCloseAtMs: timeOr(move.salesCloseAt, show.salesCloseAtMs + laterByMs),
      overlapOverridden: move.allowOverlap ?? show.overlapOverridden,
    },
    fullRefundUntilMs: timeOr(move.refundUntil, isMoved ? startsAtMs : null),
  };
}

const timeOr = <Otherwise>(time: string | undefined, otherwise: Otherwise): number | Otherwise =>
  time === undefined ? otherwise : Date.parse(time);

export const changesNothing = (show: Show, { times, fullRefundUntilMs }: MovedShow): boolean =>
  fullRefundUntilMs === null &&
  (Object.keys(times) as (keyof ShowTimes)[]).every((field) => times[field] === show[field]);

/** What is wrong with a move of `show`, place by place. */
export function wrongMove(show: Show, move: MovedShow, nowMs: number): FieldError[] {
  const { isMoved, times } = move;
  if (isMoved && times.startsAtMs <= nowMs) return [{ path: 'startsAt', message: 'must not be in the past' }];
  return [...wrongTimes(times, nowMs), ...wrongRefundTime(show, move, nowMs)];
}

/** Buyers were told until when: no later move takes that back, and nobody comes to it without a move. */
function wrongRefundTime(show: Show, { isMoved, times, fullRefundUntilMs: untilMs }: MovedShow, nowMs: number) {
  const wrong = (message: string): FieldError[] => [{ path: 'refundUntil', message }];
  if (untilMs === null) return [];
  if (!isMoved) return wrong('goes with another startsAt: the show is not moved');
  if (untilMs <= nowMs) return wrong('must not be in the past');
  if (untilMs > times.startsAtMs) return wrong('must not be after startsAt');
  const promisedMs = Math.min(show.moved?.fullRefundUntilMs ?? 0, times.startsAtMs);
  return untilMs < promisedMs ? wrong('must not be before what buyers were told when the show was moved before') : [];
}
