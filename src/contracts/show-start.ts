import type { SaleRules } from '../domain/seat-commands.ts';
import type { SeatLayout } from '../domain/seat-layout.ts';
import type { ShowWorkflowInput } from './show-messages.ts';

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
}

/** Limits of every sale, from the settings. */
export type SaleLimits = Pick<SaleRules, 'seatsPerBookingMax' | 'seatsPerBuyerMax'>;

/** What the workflow of a show is started with, and the city, which decides about its task queue. */
export interface ShowStart extends ShowWorkflowInput {
  readonly cityId: string;
}

/** The same from whoever starts it. */
export function showWorkflowInput(show: ShowToStart, layout: SeatLayout, limits: SaleLimits): ShowStart {
  const { salesOpenAtMs, salesCloseAtMs, endsAtMs } = show;
  const { seatsPerBookingMax, seatsPerBuyerMax } = limits;
  return {
    showId: show.id,
    cityId: show.cityId,
    title: titleOf(show),
    layout,
    rules: { salesOpenAtMs, salesCloseAtMs, seatsPerBookingMax, seatsPerBuyerMax },
    endsAtMs,
  };
}

/** `2026-11-21 19:30 Inception, Foundry Opera House`: the time at the venue first, so that no long title cuts it off. */
function titleOf({ movieTitle, theatreName, timeZone, startsAtMs }: ShowToStart): string {
  const time = new Intl.DateTimeFormat('sv-SE', { timeZone, dateStyle: 'short', timeStyle: 'short' });
  return `${time.format(startsAtMs)} ${movieTitle}, ${theatreName}`.slice(0, TITLE_MAX);
}
