import type { PretixPlan } from '../domain/pretix-plan.ts';
import type { Point } from '../domain/seat-neighbours.ts';

/** Drawing seating plans in pretix's format: rows of seats, straight or curved, numbered as halls number theirs. */

type Zone = PretixPlan['zones'][number];
type Row = Zone['rows'][number];
type Area = NonNullable<Zone['areas']>[number];

/** Units from seat to seat; a seat is drawn 20 wide. */
export const PITCH = 25;
/** Width of an aisle that people walk through, between the edges of two seats' places. */
export const AISLE = 40;

/** A row of seats as a viewer sees it who looks at the stage: from left to right. */
export interface DrawnRow {
  readonly name: string;
  readonly places: readonly Point[];
  readonly category: string;
  /** Number of the seat at `place` of `count`; from 1 on the left where nothing else is said. */
  readonly number?: (place: number, count: number) => number;
  /** Places for wheelchairs and for those who come along, by their place in the row. */
  readonly wheelchairs?: readonly number[];
  readonly companions?: readonly number[];
}

export interface DrawnSection {
  readonly name: string;
  /** Before row and number in the ids of its seats: `B` makes `BA12`; several sections need different ones. */
  readonly prefix?: string;
  readonly rows: readonly DrawnRow[];
}

/** Where the row stands and where its seats look. */
export interface Facing {
  readonly centre: Point;
  /** Degrees, clockwise from the right: 90 is below the centre, looking up at it. */
  readonly direction: number;
}

export const below: Facing = { centre: { x: 0, y: 0 }, direction: 90 };

/** Places in a straight line, `distance` from the centre, in blocks with an aisle between each; `shift` moves them along. */
export function straight(
  blocks: readonly number[],
  distance: number,
  { facing = below, pitch = PITCH, aisle = AISLE, shift = 0 }: LineOptions = {},
): Point[] {
  const along = offsets(blocks, pitch, aisle);
  return along.map((offset) => placed(facing, distance, offset + shift));
}

/** Places on a circle around the centre, in blocks with an aisle between each. */
export function arc(
  blocks: readonly number[],
  radius: number,
  { facing = below, pitch = PITCH, aisle = AISLE, shift = 0 }: LineOptions = {},
): Point[] {
  const direction = (facing.direction * Math.PI) / 180;
  return offsets(blocks, pitch, aisle).map((offset) => {
    const angle = direction - (offset + shift) / radius;
    return { x: facing.centre.x + radius * Math.cos(angle), y: facing.centre.y + radius * Math.sin(angle) };
  });
}

export interface LineOptions {
  readonly facing?: Facing;
  readonly pitch?: number;
  readonly aisle?: number;
  readonly shift?: number;
}

/** Offsets of the seats along their row, 0 in its middle, from left to right. */
function offsets(blocks: readonly number[], pitch: number, aisle: number): number[] {
  const width = blocks.reduce((sum, count) => sum + count * pitch, (blocks.length - 1) * aisle);
  let left = -width / 2;
  return blocks.flatMap((count) => {
    const start = left;
    left += count * pitch + aisle;
    return Array.from({ length: count }, (_, i) => start + (i + 0.5) * pitch);
  });
}

function placed({ centre, direction }: Facing, distance: number, offset: number): Point {
  const angle = (direction * Math.PI) / 180;
  const [ux, uy] = [Math.cos(angle), Math.sin(angle)];
  // Someone who looks at the stage from below has their left on the left of the drawing.
  return { x: centre.x + distance * ux + offset * uy, y: centre.y + distance * uy - offset * ux };
}

/** `A`, `B`, … `Z`, `AA`, … */
export const rowName = (index: number): string =>
  index < 26 ? String.fromCharCode(65 + index) : rowName(Math.floor(index / 26) - 1) + rowName(index % 26);

export const range = (count: number): number[] => Array.from({ length: count }, (_, i) => i);

/** Seats on a circle that fit between two aisles when the wedge is `degrees` wide. */
export const wedgeSeats = (radius: number, degrees: number, pitch = PITCH): number =>
  Math.floor((radius * degrees * (Math.PI / 180) - AISLE) / pitch);

export interface Stage extends Point {
  readonly label: string;
  readonly width: number;
  readonly height: number;
}

/** The plan, moved so that everything lies within its size with a margin around. `stage` is given by its middle. */
export function drawnPlan(
  name: string,
  sections: readonly DrawnSection[],
  categories: readonly { readonly name: string; readonly color: string }[],
  stage: Stage,
): PretixPlan {
  const places = sections.flatMap((section) => section.rows.flatMap((row) => row.places));
  const xs = [...places.map(({ x }) => x), stage.x - stage.width / 2, stage.x + stage.width / 2];
  const ys = [...places.map(({ y }) => y), stage.y - stage.height / 2, stage.y + stage.height / 2];
  const margin = 2 * PITCH;
  const origin = { x: rounded(margin - Math.min(...xs)), y: rounded(margin - Math.min(...ys)) };
  const zones = sections.map((section, i): Zone => ({
    name: section.name,
    position: origin,
    rows: section.rows.map((row) => pretixRow(section, row)),
    ...(i === 0 ? { areas: [stageArea(stage)] } : {}),
  }));
  return {
    name,
    zones,
    categories: categoriesUsed(zones, categories),
    size: {
      width: Math.ceil(Math.max(...xs) - Math.min(...xs) + 2 * margin),
      height: Math.ceil(Math.max(...ys) - Math.min(...ys) + 2 * margin),
    },
  };
}

function pretixRow(section: DrawnSection, row: DrawnRow): Row {
  const [origin] = row.places;
  const count = row.places.length;
  const numberOf = row.number ?? ((place: number) => place + 1);
  return {
    row_number: row.name,
    position: { x: rounded(origin!.x), y: rounded(origin!.y) },
    seats: row.places.map((place, i) => ({
      seat_guid: `${section.prefix ?? ''}${row.name}${numberOf(i, count)}`,
      seat_number: String(numberOf(i, count)),
      position: { x: rounded(place.x - origin!.x), y: rounded(place.y - origin!.y) },
      category: row.category + mark(row, i),
    })),
  };
}

const WHEELCHAIR = ' (wheelchair)';
const COMPANION = ' (companion)';

function mark({ wheelchairs, companions }: DrawnRow, place: number): string {
  if (wheelchairs?.includes(place)) return WHEELCHAIR;
  return companions?.includes(place) ? COMPANION : '';
}

function categoriesUsed(
  zones: readonly Zone[],
  categories: readonly { readonly name: string; readonly color: string }[],
): PretixPlan['categories'] {
  const used = new Set(zones.flatMap((zone) => zone.rows.flatMap((row) => row.seats.map((seat) => seat.category))));
  return categories.flatMap(({ name, color }) => [
    { name, color },
    ...[WHEELCHAIR, COMPANION].filter((each) => used.has(name + each)).map((each) => ({ name: name + each, color })),
  ]);
}

const stageArea = ({ x, y, width, height, label }: Stage): Area => ({
  shape: 'rectangle',
  position: { x: rounded(x - width / 2), y: rounded(y - height / 2) },
  rectangle: { width, height },
  color: '#d9d9d9',
  border_color: '#8c8c8c',
  text: { text: label, position: { x: width / 2, y: height / 2 }, color: '#333333', size: 16 },
});

const rounded = (value: number): number => Math.round(value * 100) / 100 + 0;
