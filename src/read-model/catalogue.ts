import type { Money } from '../domain/money.ts';
import type { CategoryPrice } from '../domain/pricing.ts';
import type { SeatLayout } from '../domain/seat-layout.ts';
import type { Page, PageRequest } from './cursors.ts';
import type { ReadModel } from './database.ts';

export interface City {
  readonly id: string;
  readonly name: string;
  /** ISO 3166-1 alpha-2. */
  readonly country: string;
  /** IANA zone. */
  readonly timeZone: string;
  readonly lat: number;
  readonly lng: number;
  readonly population: number;
}

export interface Theatre {
  readonly id: string;
  readonly cityId: string;
  readonly name: string;
  readonly address: string | null;
  readonly timeZone: string;
  readonly lat: number;
  readonly lng: number;
  readonly screens: readonly { readonly id: string; readonly name: string }[];
  /** From the point asked for; null where none was. */
  readonly distanceKm: number | null;
}

export interface Movie {
  readonly id: string;
  readonly title: string;
  readonly genres: readonly string[];
  readonly durationMinutes: number | null;
  readonly certificate: string | null;
  readonly director: string | null;
  /** A calendar date, `2009-12-18`. */
  readonly releasedOn: string | null;
}

export type ShowStatus = 'SCHEDULED' | 'ON_SALE' | 'SALES_CLOSED' | 'ENDED' | 'CANCELLED';

export interface NewShow {
  readonly id: string;
  readonly movieId: string;
  readonly theatreId: string;
  readonly screenId: string;
  readonly seatingPlanId: string;
  readonly startsAtMs: number;
  readonly endsAtMs: number;
  readonly salesOpenAtMs: number;
  readonly salesCloseAtMs: number;
  readonly language: string;
  readonly format: string;
  readonly categories: readonly CategoryPrice[];
  /** Staff allows another show on the screen at that time. */
  readonly overlapOverridden: boolean;
}

export interface Show extends NewShow {
  readonly cityId: string;
  readonly timeZone: string;
  readonly movieTitle: string;
  readonly theatreName: string;
  /** Of the time asked for: it follows from the show's times, and is stored only as far as staff decides it. */
  readonly status: ShowStatus;
  readonly availability: { readonly available: number; readonly total: number; readonly asOfVersion: number };
}

export interface StoredSeatingPlan<Plan> {
  readonly id: string;
  readonly name: string;
  readonly plan: Plan;
  readonly layout: SeatLayout;
}

export type Currency = Money['currency'];

export declare function listCities(db: ReadModel, page: PageRequest): Promise<Page<City>>;
export declare function findCity(db: ReadModel, id: string): Promise<City | null>;

export interface TheatreFilter {
  readonly cityId?: string | undefined;
  /** Nearest first, within `radiusKm`. */
  readonly near?: { readonly lat: number; readonly lng: number; readonly radiusKm: number } | undefined;
}
export declare function listTheatres(db: ReadModel, filter: TheatreFilter, page: PageRequest): Promise<Page<Theatre>>;
export declare function findTheatre(db: ReadModel, id: string): Promise<Theatre | null>;

export interface MovieFilter {
  readonly cityId?: string | undefined;
  /** A calendar date at the venue, `2026-11-20`. */
  readonly date?: string | undefined;
  readonly language?: string | undefined;
  readonly genre?: string | undefined;
  readonly format?: string | undefined;
  /** Part of a title, spelling mistakes allowed. */
  readonly q?: string | undefined;
}
/** City, date, language and format ask for a show, not cancelled, that has all of them together. */
export declare function listMovies(db: ReadModel, filter: MovieFilter, page: PageRequest): Promise<Page<Movie>>;
export declare function findMovie(db: ReadModel, id: string): Promise<Movie | null>;

export interface ShowFilter {
  readonly movieId?: string | undefined;
  readonly theatreId?: string | undefined;
  readonly cityId?: string | undefined;
  /** A calendar date at the venue. Absent: shows that have not ended at `nowMs`. */
  readonly date?: string | undefined;
}
/** Soonest first. */
export declare function listShows(
  db: ReadModel,
  filter: ShowFilter,
  page: PageRequest,
  nowMs: number,
): Promise<Page<Show>>;
export declare function findShow(db: ReadModel, id: string, nowMs: number): Promise<Show | null>;
