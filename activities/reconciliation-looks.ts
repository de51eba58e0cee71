import { cancellationSignal } from '@temporalio/activity';
import type {
  ReconciliationCounts,
  ReconciliationPosition,
  ReconciliationStep,
  ReconciliationWindow,
} from '../src/contracts/reconciliation.ts';
import type { Difference, JudgedBefore, Movement } from '../src/domain/reconciliation.ts';
import type { PaymentGateway } from '../src/gateways/payment-gateway.ts';
import type { ReadModel } from '../src/read-model/database.ts';
import {
  bookingsOfAttempts,
  bookingsWithin,
  confirmedWithoutRows,
  loadMoneyCases,
  showsChangedSince,
  showsUnchangedSince,
  sliceEnd,
} from '../src/read-model/reconciliation.ts';
import { atOnce } from './alive.ts';
import { readBooks } from './reconciliation-books.ts';
import { type Evidence, unlessWithoutEvidence } from './reconciliation-evidence.ts';

/**
 * Of each kind of row, and of each provider's movements, in one slice of the window: some megabytes, and a second or two.
 * A step that is cut off is done again from its beginning.
 */
const ROWS_PER_SLICE_MAX = 5_000;
/** Rows of a slice are found by looking through this much of the window: a busy machine writes some 250,000 in it. */
const SLICE_MS_MAX = 60 * 60_000;
/** A quiet window has many slices with little in them: one step takes as many as it can in this time. */
const MONEY_STEP_MS = 5_000;
/** Cases that are loaded and judged at a time; each statement stays far below its time. */
const CASES_PER_PAGE = 1_000;
/** Shows looked at in one step. A large one takes a second. */
const SHOWS_PER_STEP = 8;
const SHOWS_AT_ONCE = 2;
/** Providers, shows and the Temporal server are asked by so many at once, beside all that sell. */
export const ASKED_AT_ONCE = 8;

export interface LookDeps {
  readonly db: ReadModel;
  readonly providers: readonly PaymentGateway[];
  readonly evidence: Evidence;
  readonly judgedBefore: () => JudgedBefore;
}

/** What a step has come to. */
export interface Looked {
  readonly position: ReconciliationPosition;
  readonly differences: readonly Difference[];
  readonly counts: Partial<ReconciliationCounts>;
}

/** What a step of a run looks at, by its phase: nothing is changed here. */
export class Looks {
  readonly #deps: LookDeps;

  constructor(deps: LookDeps) {
    this.#deps = deps;
  }

  /** What one slice of the window has of money: the provider's books and our rows, joined booking by booking. */
  async money({ window, position }: ReconciliationStep): Promise<Looked> {
    const differences: Difference[] = [];
    const seen = { bookings: 0, movements: 0 };
    const untilMs = Date.now() + MONEY_STEP_MS;
    let doneUntilMs = position.doneUntilMs;
    while (doneUntilMs < window.toMs && seen.bookings < ROWS_PER_SLICE_MAX && Date.now() < untilMs) {
      const slice = await this.#slice(window, doneUntilMs);
      differences.push(...slice.differences);
      seen.bookings += slice.bookings;
      seen.movements += slice.movements;
      doneUntilMs = slice.toMs;
      cancellationSignal().throwIfAborted();
    }
    const isLast = doneUntilMs >= window.toMs;
    return { position: { ...position, doneUntilMs, ...(isLast && { phase: 'seats' }) }, differences, counts: seen };
  }

  async #slice(window: ReconciliationWindow, fromMs: number) {
    const longest = { fromMs, toMs: Math.min(window.toMs, fromMs + SLICE_MS_MAX) };
    const byRows = await sliceEnd(this.#deps.db, longest, ROWS_PER_SLICE_MAX);
    const { movements, toMs } = await readBooks(this.#deps.providers, { fromMs, toMs: byRows }, ROWS_PER_SLICE_MAX);
    const slice = { fromMs, toMs };
    const byBooking = await this.#movementsByBooking(movements);
    const ids = [...new Set([...(await bookingsWithin(this.#deps.db, slice)), ...byBooking.keys()])];
    const before = this.#deps.judgedBefore();
    const differences: Difference[] = [];
    for (let from = 0; from < ids.length; from += CASES_PER_PAGE) {
      const page = ids.slice(from, from + CASES_PER_PAGE);
      differences.push(
        ...(await this.#judgeMoney(page, byBooking, before)),
        ...(await this.#judgeForgotten(page, window, before)),
      );
    }
    return { differences, bookings: ids.length, movements: movements.length, toMs };
  }

  async #movementsByBooking(movements: readonly Movement[]): Promise<Map<string, Movement[]>> {
    const unnamed = movements.flatMap(({ bookingId, attemptId }) =>
      bookingId === null && attemptId ? [attemptId] : [],
    );
    const byAttempt = unnamed.length > 0 ? await bookingsOfAttempts(this.#deps.db, unnamed) : new Map<string, string>();
    // What names nothing that we know is a case of its own.
    return Map.groupBy(
      movements,
      ({ bookingId, attemptId, id }) => bookingId ?? byAttempt.get(attemptId ?? '') ?? `?${id}`,
    );
  }

  async #judgeMoney(
    ids: readonly string[],
    byBooking: ReadonlyMap<string, readonly Movement[]>,
    before: JudgedBefore,
  ): Promise<Difference[]> {
    const cases = await loadMoneyCases(this.#deps.db, ids);
    const found = await atOnce(ASKED_AT_ONCE, cases, cancellationSignal(), async (each) => {
      const members = new Set([each.id, ...each.bookings.map(({ id }) => id)]);
      const movements = [...members].flatMap((id) => byBooking.get(id) ?? []);
      return unlessWithoutEvidence(() => this.#deps.evidence.ofMoney(each, movements, before), []);
    });
    return found.flat();
  }

  /** Confirmed bookings that no rows tell of, and shows that have moved without their readers: not found by their maps. */
  async #judgeForgotten(
    ids: readonly string[],
    window: ReconciliationWindow,
    before: JudgedBefore,
  ): Promise<Difference[]> {
    const rowless = Map.groupBy(await confirmedWithoutRows(this.#deps.db, ids), ({ showId }) => showId);
    const shows = new Set([...rowless.keys(), ...(await showsUnchangedSince(this.#deps.db, ids, window.fromMs))]);
    const found = await atOnce(SHOWS_AT_ONCE, [...shows], cancellationSignal(), async (showId) => {
      const about = rowless.get(showId)?.map(({ id }) => id) ?? [];
      return (await this.#deps.evidence.ofSeats(showId, before, about)).differences;
    });
    return found.flat();
  }

  async seats({ window, position }: ReconciliationStep): Promise<Looked> {
    const shows = await showsChangedSince(this.#deps.db, window, { after: position.show, limit: SHOWS_PER_STEP });
    const before = this.#deps.judgedBefore();
    const found = await atOnce(SHOWS_AT_ONCE, shows, cancellationSignal(), async (showId) => {
      return (await this.#deps.evidence.ofSeats(showId, before)).differences;
    });
    const isLast = shows.length < SHOWS_PER_STEP;
    const show = shows.at(-1) ?? position.show;
    return {
      position: { ...position, show, ...(isLast && { phase: 'messages' }) },
      differences: found.flat(),
      counts: { shows: shows.length },
    };
  }

  async messages({ window, position, mode }: ReconciliationStep): Promise<Looked> {
    const differences = await this.#deps.evidence.ofMessages(Math.min(window.toMs, this.#deps.judgedBefore().quietMs));
    const isLast = mode === 'dry_run';
    return { position: { ...position, phase: 'follow_up', isDone: isLast }, differences, counts: {} };
  }
}
