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
