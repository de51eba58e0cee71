import { seatGeometry, type SeatGeometry } from '../../domain/seat-geometry.ts';
import { seatsOf, type PlanSeat, type SeatingPlan } from '../../domain/seating-plan.ts';
import type { SeatLayout } from '../../domain/seat-layout.ts';
import { EncodedBody } from '../../platform/encoded-body.ts';
import { LruMap } from '../../platform/lru-map.ts';
import type { ReadModel } from '../../read-model/database.ts';
import { findSeatingPlan } from '../../read-model/seating-plans.ts';
import { findShow, type Show } from '../../read-model/shows.ts';
import { notFound } from '../http/problem.ts';

/** Plans in memory; one of 10,000 seats takes about 4 MB. */
const PLANS_MAX = 24;
/** Shows in memory, without their plans a few kilobytes each. */
const SHOWS_MAX = 1_000;
/**
 * What staff changes in a show is seen by buyers after this long at most: so long may a process take payments for a show
 * that was cancelled at another one, which then go back by themselves.
 */
const SHOW_FRESH_FOR_MS = 500;

/** A plan that is sold from, with its seats in index order and by id, and its body as it is served. */
export interface PlanForSale {
  readonly id: string;
  readonly plan: SeatingPlan;
  readonly layout: SeatLayout;
  readonly seats: readonly PlanSeat[];
  readonly seatsById: ReadonlyMap<string, PlanSeat>;
  readonly geometry: SeatGeometry;
  readonly body: EncodedBody;
}

/** Shows and plans as buying needs them on every request: kept for a moment (shows) or for good (plans). */
export class SaleCatalogue {
  readonly #db: ReadModel;
  readonly #nowMs: () => number;
  readonly #plans = new LruMap<string, Promise<PlanForSale | null>>(PLANS_MAX);
  readonly #shows = new LruMap<string, { readonly loadedAtMs: number; readonly show: Promise<Show | null> }>(SHOWS_MAX);

  constructor(db: ReadModel, nowMs: () => number) {
    this.#db = db;
    this.#nowMs = nowMs;
  }

  /** @throws ApiError NOT_FOUND */
  async show(showId: string): Promise<Show> {
    const show = await this.#findShow(showId);
    if (!show) throw notFound('show');
    return show;
  }

  /** It has been changed by this process: what is known of it is not true any more. */
  forget(showId: string): void {
    this.#shows.delete(showId);
  }

  async plan(planId: string): Promise<PlanForSale | null> {
    const known = this.#plans.get(planId);
    if (known) return known;
    const loading = this.#loadPlan(planId);
    this.#plans.set(planId, loading);
    // What was not found or not loaded is asked for again: only plans are kept.
    const forget = (): void => this.#plans.delete(planId);
    loading.then((plan) => plan ?? forget(), forget);
    return loading;
  }

  /** The plan of a show: shows refer to plans that exist. */
  async planOf(show: Show): Promise<PlanForSale> {
    const plan = await this.plan(show.seatingPlanId);
    if (!plan) throw new Error(`show ${show.id} has no plan`);
    return plan;
  }

  #findShow(showId: string): Promise<Show | null> {
    const nowMs = this.#nowMs();
    const known = this.#shows.get(showId);
    if (known && nowMs - known.loadedAtMs < SHOW_FRESH_FOR_MS) return known.show;
    const show = findShow(this.#db, showId, nowMs);
    this.#shows.set(showId, { loadedAtMs: nowMs, show });
    // A show that is not there yet may be there the next moment; a failure says nothing at all.
    const forget = (): void => this.#shows.delete(showId);
    show.then((found) => found ?? forget(), forget);
    return show;
  }

  async #loadPlan(planId: string): Promise<PlanForSale | null> {
    const stored = await findSeatingPlan(this.#db, planId);
    if (!stored) return null;
    const seats = seatsOf(stored.plan);
    return {
      ...stored,
      seats,
      geometry: seatGeometry(stored.layout),
      seatsById: new Map(seats.map((seat) => [seat.id, seat])),
      body: new EncodedBody(Buffer.from(JSON.stringify({ id: stored.id, ...stored.plan }))),
    };
  }
}
