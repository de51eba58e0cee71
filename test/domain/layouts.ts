import fc from 'fast-check';
import type { SaleRules } from '../../src/domain/seat-commands.ts';
import type { SeatLayout } from '../../src/domain/seat-layout.ts';

/**
 * A layout from a drawing: one string a row, an aisle is a space. `A`, `B` are seats of these categories, `a`, `b`
 * accessible ones, `1`, `2` companion seats of `A`, `B`. Ranks are the indices unless given.
 */
export function drawn(rows: readonly string[], ranks?: readonly number[]): SeatLayout {
  const runs = rows.flatMap((row, index) => row.split(' ').map((seats) => ({ seats, row: index })));
  const seats = runs.flatMap((run) => [...run.seats]);
  const indices = (pattern: RegExp) => seats.flatMap((seat, index) => (pattern.test(seat) ? [index] : []));
  return {
    seatCount: seats.length,
    runLengths: runs.map((run) => run.seats.length),
    runRows: runs.map((run) => run.row),
    categories: ['A', 'B', 'C'],
    seatCategories: seats.map((seat) => [/[Aa1]/.test(seat) ? 0 : 1, 1] as const),
    accessibleSeats: indices(/[ab]/),
    companionSeats: indices(/[12]/),
    seatRanks: ranks ?? seats.map((_, index) => index),
  };
}

const anySeat = fc.constantFrom('A', 'A', 'A', 'A', 'B', 'B', 'a', 'b', '1', '2');
const anyRun = fc.string({ unit: anySeat, minLength: 1, maxLength: 7 });
const anyRow = fc.array(anyRun, { minLength: 1, maxLength: 3 }).map((runs) => runs.join(' '));

/** Small halls of every shape: short and long runs, aisles, mixed categories, ranks with ties. */
export const anyLayout: fc.Arbitrary<SeatLayout> = fc.array(anyRow, { minLength: 1, maxLength: 3 }).chain((rows) => {
  const seatCount = rows.join('').replaceAll(' ', '').length;
  const ranks = fc.array(fc.integer({ min: 0, max: 5 }), { minLength: seatCount, maxLength: seatCount });
  return ranks.map((each) => drawn(rows, each));
});

export const OPEN_MS = 1_000;
export const CLOSE_MS = 1_000_000_000;

export const rules = (changes: Partial<SaleRules> = {}): SaleRules => ({
  salesOpenAtMs: OPEN_MS,
  salesCloseAtMs: CLOSE_MS,
  seatsPerBookingMax: 10,
  seatsPerBuyerMax: 0,
  ...changes,
});

/** A large house: 250 rows of two runs of 20, three categories front to back. */
export function largeHouse(seatCount = 10_000): SeatLayout {
  const third = Math.floor(seatCount / 3);
  return {
    seatCount,
    runLengths: Array.from({ length: seatCount / 20 }, () => 20),
    runRows: Array.from({ length: seatCount / 20 }, (_, run) => run >> 1),
    categories: ['gold', 'silver', 'bronze'],
    seatCategories: [
      [0, third],
      [1, third],
      [2, seatCount - 2 * third],
    ],
    accessibleSeats: [0, 1],
    companionSeats: [2, 3],
    seatRanks: Array.from({ length: seatCount }, (_, seat) =>
      Math.round(Math.hypot((seat % 40) - 19.5, seat / 40 - 60) * 100),
    ),
  };
}
