import type { SaleRules } from '../domain/seat-commands.ts';
import type { SeatLayout } from '../domain/seat-layout.ts';
import { type SaleChange, type ShowWorkflowInput, UPDATES_PER_RUN_MAX } from './show-messages.ts';

/** Characters of a workflow's title: Temporal takes 400 bytes, and a character may have four. */
const TITLE_MAX = 100;

/** A show as far as its workflow depends on it. */
export interface ShowToStart {
  readonly id: string;
  readonly cityId: string;
  readonly movieTitle: string;
  readonly theatreName: string;
  /** IANA zone. */
  readonly timeZone: string;
  readonly startsAtMs: number;
  readonly endsAtMs: number;
  readonly salesOpenAtMs: number;
  readonly salesCloseAtMs: number;
  /** Counts what staff changes. */
  readonly version: number;
  /** Staff has cancelled it. */
  readonly cancelled: { readonly reason: string } | null;
}

/** Limits of every sale, from the settings. */
export type SaleLimits = Pick<SaleRules, 'seatsPerBookingMax' | 'seatsPerBuyerMax'>;

/** What the workflow of a show is started with, and the city, which decides about its task queue. */
export interface ShowStart extends ShowWorkflowInput {
  readonly cityId: string;
}

/** The same from whoever starts it. */
export function showWorkflowInput(show: ShowToStart, layout: SeatLayout, limits: SaleLimits): ShowStart {
  const { salesOpenAtMs, salesCloseAtMs, endsAtMs, cancelled } = show;
  const closed = cancelled ? { closed: { reason: cancelled.reason } } : {};
  const { seatsPerBookingMax, seatsPerBuyerMax } = limits;
  return {
    showId: show.id,
    cityId: show.cityId,
    title: showTitle(show),
    layout,
    rules: { salesOpenAtMs, salesCloseAtMs, ...closed, seatsPerBookingMax, seatsPerBuyerMax },
    endsAtMs,
    showVersion: show.version,
    updatesMax: UPDATES_PER_RUN_MAX,
  };
}

/** All that a show's workflow has to know of what staff has decided since it was started. */
export function saleChange(show: ShowToStart): SaleChange {
  const { salesOpenAtMs, salesCloseAtMs, endsAtMs, cancelled } = show;
  return {
    showVersion: show.version,
    title: showTitle(show),
    ...{ salesOpenAtMs, salesCloseAtMs, endsAtMs },
    ...(cancelled && { closed: { reason: cancelled.reason } }),
  };
}

type NamedShow = Pick<ShowToStart, 'movieTitle' | 'theatreName' | 'timeZone' | 'startsAtMs'>;

/** `2026-11-21 19:30 Inception, Foundry Opera House`: the time at the venue first, so that no long title cuts it off. */
export function showTitle({ movieTitle, theatreName, timeZone, startsAtMs }: NamedShow): string {
  const time = new Intl.DateTimeFormat('sv-SE', { timeZone, dateStyle: 'short', timeStyle: 'short' });
  return `${time.format(startsAtMs)} ${movieTitle}, ${theatreName}`.slice(0, TITLE_MAX);
}
