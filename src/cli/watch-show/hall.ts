/** A seat where the plan has it; coordinates in the drawing's own units, y growing downwards. */
export interface PlacedSeat {
  readonly index: number;
  readonly label: string;
  readonly x: number;
  readonly y: number;
}

export interface DrawingArea {
  readonly columns: number;
  readonly lines: number;
}

export type SeatStatus = 'a' | 'h' | 'b' | 'x';

/** In the order of the legend, and of precedence where a character stands for several seats, as many of each. */
export const statusNames: Readonly<Record<SeatStatus, string>> = {
  h: 'held',
  b: 'booked',
  a: 'available',
  x: 'blocked',
};
export const everyStatus = Object.keys(statusNames) as readonly SeatStatus[];

/** Seats by the character that stands for them: lines of columns; null where there is none. */
export type HallGrid = readonly (readonly (readonly number[] | null)[])[];

/**
 * Lays the seats out as characters, true to the plan's coordinates: a line for each row and two columns for each seat
 * where there is room, less where there is not, down to several seats for one character.
 */
export function hallGrid(seats: readonly PlacedSeat[], area: DrawingArea): HallGrid {
  if (seats.length === 0) return [];
  const [across, down] = [extentOf(seats.map(({ x }) => x)), extentOf(seats.map(({ y }) => y))];
  const pitch = median(seats.slice(1).map((seat, n) => Math.hypot(seat.x - seats[n]!.x, seat.y - seats[n]!.y))) || 1;
  const wide = Math.round((across.length / pitch) * 2) + 1;
  const columns = wide <= area.columns ? wide : Math.min(Math.round(across.length / pitch) + 1, area.columns);
  const lines = Math.min(linesDown(seats, down.length, pitch), Math.max(1, area.lines));
  const grid = Array.from({ length: lines }, () => new Array<number[] | null>(columns).fill(null));
  for (const { index, x, y } of seats) {
    const line = grid[placeOf(y, down, lines)]!;
    (line[placeOf(x, across, columns)] ??= []).push(index);
  }
  return grid;
}

/** Lines of the hall; `paint` colours a character by the status it stands for. */
export function drawHall(
  grid: HallGrid,
  statuses: string,
  paint: (character: string, status: SeatStatus) => string,
): string[] {
  return grid.map((line) =>
    line
      .map((seats) => {
        if (!seats) return ' ';
        const status = prevailing(seats, statuses);
        return paint(symbols[status], status);
      })
      .join('')
      .trimEnd(),
  );
}

export const symbols: Readonly<Record<SeatStatus, string>> = { a: '□', h: '◪', b: '■', x: '×' };

export function countsOf(statuses: string): Record<SeatStatus, number> {
  const counts = { a: 0, h: 0, b: 0, x: 0 };
  for (const status of statuses) counts[status as SeatStatus] += 1;
  return counts;
}

function prevailing(seats: readonly number[], statuses: string): SeatStatus {
  if (seats.length === 1) return statuses[seats[0]!] as SeatStatus;
  const counts = countsOf(seats.map((seat) => statuses[seat]).join(''));
  return everyStatus.reduce((most, each) => (counts[each] > counts[most] ? each : most));
}

interface Extent {
  readonly from: number;
  readonly length: number;
}

function extentOf(values: readonly number[]): Extent {
  const from = values.reduce((least, value) => Math.min(least, value), Infinity);
  return { from, length: values.reduce((most, value) => Math.max(most, value), -Infinity) - from };
}

const placeOf = (value: number, { from, length }: Extent, places: number): number =>
  length === 0 ? 0 : Math.round(((value - from) / length) * (places - 1));

/**
 * A line for each row, heights that differ by less than a third of a seat being one. Rows that are curved run into each
 * other so: where far fewer lines come out than the hall is deep, one for each seat's width of depth.
 */
function linesDown(seats: readonly PlacedSeat[], depth: number, pitch: number): number {
  const heights = [...new Set(seats.map(({ y }) => y))].sort((a, b) => a - b);
  const rows = heights.filter((y, n) => n === 0 || y - heights[n - 1]! > pitch / 3).length;
  const deep = Math.round(depth / pitch) + 1;
  return rows * CURVED_FROM < deep ? deep : rows;
}
const CURVED_FROM = 1.6;

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
}
