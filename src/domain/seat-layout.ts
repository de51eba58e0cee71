import { rowsOfRuns } from './seat-neighbours.ts';
import { seatRanks } from './seat-quality.ts';
import { seatsOf, type SeatingPlan } from './seating-plan.ts';

/**
 * What the show workflow knows of a seating plan: just enough for its rules. Ids, labels, coordinates and prices stay
 * in the plan. Seat indices are assigned so that direct neighbours, by coordinates, have consecutive indices.
 */
export interface SeatLayout {
  readonly seatCount: number;
  /** Lengths of the runs of direct neighbours, in index order; they sum to `seatCount`. An aisle ends a run. */
  readonly runLengths: readonly number[];
  /** For each run, the number (0..) of the physical row it belongs to. A row's runs are consecutive. */
  readonly runRows: readonly number[];
  /** Category ids; `seatCategories` points into this list. */
  readonly categories: readonly string[];
  /** Category of each seat, run-length encoded in index order: [position in `categories`, length]. */
  readonly seatCategories: readonly (readonly [category: number, length: number])[];
  /** Indices of wheelchair-accessible seats, ascending. Best-available keeps them for those who ask for them. */
  readonly accessibleSeats: readonly number[];
  /** Indices of companion seats (next to an accessible one), ascending. */
  readonly companionSeats: readonly number[];
  /** Rank of each seat for best-available, 0 = best; integers, equal ranks allowed. */
  readonly seatRanks: readonly number[];
}

/** The layout of a plan: neighbours, categories, accessibility and the rank of each seat. */
export function seatLayout(plan: SeatingPlan): SeatLayout {
  const seats = seatsOf(plan);
  const rows = rowsOfRuns(plan.sections.map((section) => section.rows.map((row) => row.seats)));
  const physicalRows = rows.flat(2);
  const categories = plan.categories.map((category) => category.id);
  return {
    seatCount: seats.length,
    runLengths: physicalRows.flatMap((runs) => runs.map((run) => run.length)),
    runRows: physicalRows.flatMap((runs, row) => runs.map(() => row)),
    categories,
    seatCategories: runLengthEncoded(seats.map((seat) => categories.indexOf(seat.category))),
    accessibleSeats: seats.filter((seat) => seat.accessible).map((seat) => seat.index),
    companionSeats: seats.filter((seat) => seat.companion).map((seat) => seat.index),
    seatRanks: seatRanks(plan),
  };
}

function runLengthEncoded(values: readonly number[]): [value: number, length: number][] {
  const encoded: [number, number][] = [];
  for (const value of values) {
    const last = encoded.at(-1);
    if (last?.[0] === value) last[1] += 1;
    else encoded.push([value, 1]);
  }
  return encoded;
}
