import fc from 'fast-check';
import { seatLayout } from '../../src/domain/seat-layout.ts';
import type { Point } from '../../src/domain/seat-neighbours.ts';
import { seatsOf } from '../../src/domain/seating-plan.ts';
import { hall, neighboursOf, planOf, pretixOf, type Hall, type HallRow } from './drawn-halls.ts';

interface Drawing {
  readonly angle: number;
  readonly mirrored: boolean;
  readonly dx: number;
  readonly dy: number;
}

const drawing: fc.Arbitrary<Drawing> = fc.record({
  angle: fc.double({ min: 0, max: 2 * Math.PI, noNaN: true }),
  mirrored: fc.boolean(),
  dx: fc.integer({ min: -10_000, max: 10_000 }),
  dy: fc.integer({ min: -10_000, max: 10_000 }),
});

const redrawn = ({ rows }: Hall, { angle, mirrored, dx, dy }: Drawing): HallRow[] => {
  const move = ({ x, y }: Point): Point => {
    const side = mirrored ? -x : x;
    return {
      x: side * Math.cos(angle) - y * Math.sin(angle) + dx,
      y: side * Math.sin(angle) + y * Math.cos(angle) + dy,
    };
  };
  return rows.map(({ name, seats }) => ({ name, seats: seats.map(([id, place]) => [id, move(place)] as const) }));
};

const shuffledSeats = (rows: readonly HallRow[], seed: number): HallRow[] =>
  rows.map(({ name, seats }, i) => ({
    name,
    seats: fc.sample(fc.shuffledSubarray([...seats], { minLength: seats.length }), { seed: seed + i, numRuns: 1 })[0]!,
  }));

describe('who sits next to whom', () => {
  it('is seen from the places alone, however the hall is turned, mirrored, moved and listed', () => {
    fc.assert(
      fc.property(hall, drawing, fc.nat(), (known, how, seed) => {
        const plan = planOf(pretixOf(shuffledSeats(redrawn(known, how), seed)));
        expect(neighboursOf(plan)).toEqual(known.neighbours);
      }),
      { numRuns: 150 },
    );
  });

  it('does not depend on the order in which a row lists its seats, nor do their indices', () => {
    fc.assert(
      fc.property(hall, fc.nat(), (known, seed) => {
        const [listed, shuffled] = [planOf(pretixOf(known.rows)), planOf(pretixOf(shuffledSeats(known.rows, seed)))];
        expect(seatsOf(shuffled)).toEqual(seatsOf(listed));
      }),
    );
  });
});

describe('a layout', () => {
  it('has every seat once, in runs and categories that add up, each run in one row', () => {
    fc.assert(
      fc.property(hall, drawing, (known, how) => {
        const plan = planOf(pretixOf(redrawn(known, how)));
        const layout = seatLayout(plan);
        const total = known.rows.reduce((sum, { seats }) => sum + seats.length, 0);
        const sum = (lengths: readonly number[]) => lengths.reduce((all, length) => all + length, 0);
        expect(seatsOf(plan).map(({ index }) => index)).toEqual(Array.from({ length: total }, (_, i) => i));
        expect(new Set(seatsOf(plan).map(({ id }) => id)).size).toBe(total);
        expect(layout.seatCount).toBe(total);
        expect(sum(layout.runLengths)).toBe(total);
        expect(sum(layout.seatCategories.map(([, length]) => length))).toBe(total);
        expect(layout.seatRanks).toHaveLength(total);
        expect(layout.seatRanks.every((rank) => Number.isInteger(rank) && rank >= 0)).toBe(true);
        expect(Math.min(...layout.seatRanks)).toBe(0);
        expect(layout.runRows).toHaveLength(layout.runLengths.length);
        expect(layout.runRows).toEqual(layout.runRows.toSorted((a, b) => a - b));
      }),
    );
  });

  it('keeps the physical rows under one name apart, and joins blocks across aisles', () => {
    fc.assert(
      fc.property(hall, drawing, (known, how) => {
        const plan = planOf(pretixOf(redrawn(known, how)));
        const layout = seatLayout(plan);
        const rowOfSeat = layout.runRows.flatMap((row, run) => new Array<number>(layout.runLengths[run]!).fill(row));
        // Ids begin with the named row and the line within it.
        const lineOf = (id: string) => id.split('-').slice(0, 2).join('-');
        const lines = Map.groupBy(seatsOf(plan), ({ id }) => lineOf(id));
        for (const seats of lines.values()) expect(new Set(seats.map(({ index }) => rowOfSeat[index])).size).toBe(1);
        expect(new Set(rowOfSeat).size).toBe(lines.size);
      }),
    );
  });
});
