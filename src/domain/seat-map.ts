/**
 * The seat map with all it remembers, as it is carried over continue-as-new. Compact: a show of 10,000 seats, each
 * booked on its own, stays below half the 2 MiB payload limit.
 */
export interface SeatMapSnapshot {
  readonly version: number;
  /** Time of the newest change, Unix ms. */
  readonly changedAtMs: number;
  /** One character a seat in index order: `a`, `h`, `b`, `x`. */
  readonly statuses: string;
}
