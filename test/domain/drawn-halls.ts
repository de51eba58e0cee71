import fc from 'fast-check';
import { parsePretixPlan, type PretixPlan } from '../../src/domain/pretix-plan.ts';
import { seatLayout } from '../../src/domain/seat-layout.ts';
import type { Point } from '../../src/domain/seat-neighbours.ts';
import { seatsOf, type SeatingPlan } from '../../src/domain/seating-plan.ts';

/** Seats of one named row: id and place. */
export interface HallRow {
  readonly name: string;
  readonly seats: readonly (readonly [id: string, place: Point])[];
}

/** A hall of which it is known who sits next to whom. */
export interface Hall {
  readonly rows: readonly HallRow[];
  /** `a|b` with the ids in order. */
  readonly neighbours: ReadonlySet<string>;
}

export const pair = (a: string, b: string): string => (a < b ? `${a}|${b}` : `${b}|${a}`);

export function pretixOf(rows: readonly HallRow[]): PretixPlan {
  return {
    name: 'Hall',
    categories: [{ name: 'Seat' }],
    size: { width: 1_000, height: 1_000 },
    zones: [
      {
        name: 'Hall',
        position: { x: 0, y: 0 },
        rows: rows.map(({ name, seats }) => ({
          row_number: name,
          seats: seats.map(([id, position]) => ({ seat_guid: id, seat_number: id, position, category: 'Seat' })),
        })),
      },
    ],
  };
}

export function planOf(json: unknown): SeatingPlan {
  const parsed = parsePretixPlan(json);
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.errors.slice(0, 5)));
  return parsed.plan;
}

/** Ids of the seats of each run, in index order. */
export function runsOf(plan: SeatingPlan): string[][] {
  const ids = seatsOf(plan).map((seat) => seat.id);
  let start = 0;
  return seatLayout(plan).runLengths.map((length) => ids.slice(start, (start += length)));
}

export const neighboursOf = (plan: SeatingPlan): Set<string> =>
  new Set(runsOf(plan).flatMap((run) => run.slice(1).map((id, i) => pair(run[i]!, id))));

interface RowShape {
  /** Seats between aisles. */
  readonly blocks: readonly number[];
  /** Aisle from seat to seat, in pitches. */
  readonly aisle: number;
  readonly pitch: number;
  /** Physical rows under one name, one behind the other. */
  readonly behind: number;
}

/** Of a block of nameless rows, nobody can tell which way they run unless they are longer than the block is deep. */
const LONGER_THAN_DEEP = 2;

const rowShape: fc.Arbitrary<RowShape> = fc.constantFrom(1, 1, 1, 2, 3).chain((behind) =>
  fc.record({
    blocks: fc.array(fc.integer({ min: behind === 1 ? 2 : behind + LONGER_THAN_DEEP, max: 9 }), {
      minLength: 1,
      maxLength: 4,
    }),
    aisle: fc.double({ min: 2, max: 12, noNaN: true }),
    pitch: fc.double({ min: 1, max: 1.3, noNaN: true }),
    behind: fc.constant(behind),
  }),
);

/** Rows one behind the other, straight or on circles, some names standing for several of them. */
export const hall: fc.Arbitrary<Hall> = fc
  .record({
    shapes: fc.array(rowShape, { minLength: 2, maxLength: 8 }),
    /** In pitches; 0 = straight. */
    radius: fc.constantFrom(0, 60, 120, 400),
    /** In pitches: sofas are wider than their rows are deep. */
    depth: fc.double({ min: 0.75, max: 2.5, noNaN: true }),
  })
  .map(drawHall);

const UNIT = 20;

function drawHall({ shapes, radius, depth }: { shapes: RowShape[]; radius: number; depth: number }): Hall {
  const neighbours = new Set<string>();
  let line = 0;
  const rows = shapes.map((shape, r): HallRow => {
    const seats = Array.from({ length: shape.behind }, (_, b) => {
      line += depth * shape.pitch;
      return drawLine(shape, `${r}-${b}`, radius, line, neighbours);
    });
    return { name: `R${r}`, seats: seats.flat() };
  });
  return { rows, neighbours };
}

function drawLine(
  { blocks, aisle, pitch }: RowShape,
  name: string,
  radius: number,
  line: number,
  neighbours: Set<string>,
): (readonly [string, Point])[] {
  const width = blocks.reduce((sum, count) => sum + (count - 1) * pitch, (blocks.length - 1) * aisle * pitch);
  let along = -width / 2;
  return blocks.flatMap((count, b) => {
    const seats = Array.from({ length: count }, (_, i): readonly [string, Point] => [
      `${name}-${b}-${i}`,
      placeOf(along + i * pitch, line, radius),
    ]);
    for (let i = 1; i < count; i++) neighbours.add(pair(seats[i - 1]![0], seats[i]![0]));
    along += (count - 1 + aisle) * pitch;
    return seats;
  });
}

function placeOf(along: number, line: number, radius: number): Point {
  if (radius === 0) return { x: along * UNIT, y: line * UNIT };
  const r = radius + line;
  return { x: r * Math.sin(along / r) * UNIT, y: r * Math.cos(along / r) * UNIT };
}
