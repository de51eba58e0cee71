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

/** What is wrong with a move, place by place. */
export function wrongMove({ isMoved, times, fullRefundUntilMs }: MovedShow, nowMs: number): FieldError[] {
  if (isMoved && times.startsAtMs <= nowMs) return [{ path: 'startsAt', message: 'must not be in the past' }];
  return [...wrongTimes(times, nowMs), ...wrongRefundTime(fullRefundUntilMs, times.startsAtMs, nowMs)];
}

function wrongRefundTime(untilMs: number | null, startsAtMs: number, nowMs: number): FieldError[] {
  const path = 'refundUntil';
  if (untilMs === null) return [];
  if (untilMs <= nowMs) return [{ path, message: 'must not be in the past' }];
  return untilMs > startsAtMs ? [{ path, message: 'must not be after startsAt' }] : [];
}
