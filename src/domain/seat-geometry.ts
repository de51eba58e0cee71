import type { SeatLayout } from './seat-layout.ts';

/** Seats side by side of one category: the places where best-available looks. */
export interface Stretch {
  /** Position in index order. */
  readonly index: number;
  readonly first: number;
  /** One past the last seat. */
  readonly end: number;
  /** Lowest rank of its seats. */
  readonly bestRank: number;
  readonly hasAccessible: boolean;
}

export const ORDINARY = 0;
export const COMPANION = 1;
export const ACCESSIBLE = 2;

/** A layout unfolded for fast questions about neighbours. Never changes; one per show. */
export interface SeatGeometry {
  readonly seatCount: number;
  /** Number of the run of each seat. */
  readonly runOfSeat: Uint32Array;
  /** First seat of each run, and the seat count as a last entry. */
  readonly runStarts: Uint32Array;
  /** For each run, the first run of its row. */
  readonly rowFirstRuns: Uint32Array;
  /** For each run, one past the last run of its row. */
  readonly rowEndRuns: Uint32Array;
  readonly seatRanks: Float64Array;
  /** `ORDINARY`, `COMPANION` or `ACCESSIBLE`; a seat that is both is `ACCESSIBLE`. */
  readonly seatAccess: Uint8Array;
  readonly stretchOfSeat: Uint32Array;
  /** By best rank, equal ones by index. */
  readonly stretches: readonly Stretch[];
  readonly stretchesOfCategory: ReadonlyMap<string, readonly Stretch[]>;
}

/** @throws RangeError when the layout's parts do not fit together. */
export function seatGeometry(layout: SeatLayout): SeatGeometry {
  const { runOfSeat, runStarts } = unfoldRuns(layout);
  const seatRanks = Float64Array.from(layout.seatRanks);
  demand(seatRanks.length === layout.seatCount, 'every seat needs a rank');
  const seatAccess = new Uint8Array(layout.seatCount);
  markSeats(seatAccess, layout.companionSeats, COMPANION);
  markSeats(seatAccess, layout.accessibleSeats, ACCESSIBLE);
  return {
    seatCount: layout.seatCount,
    runOfSeat,
    runStarts,
    ...rowsOfRuns(layout.runRows, layout.runLengths.length),
    seatRanks,
    seatAccess,
    ...unfoldStretches(layout, runOfSeat, seatRanks, seatAccess),
  };
}

function unfoldRuns(layout: SeatLayout): Pick<SeatGeometry, 'runOfSeat' | 'runStarts'> {
  const { seatCount, runLengths } = layout;
  demand(Number.isInteger(seatCount) && seatCount >= 0, 'seatCount must be a count');
  const runOfSeat = new Uint32Array(seatCount);
  const runStarts = new Uint32Array(runLengths.length + 1);
  let seat = 0;
  runLengths.forEach((length, run) => {
    runOfSeat.fill(run, seat, seat + length);
    seat += length;
    runStarts[run + 1] = seat;
  });
  demand(seat === seatCount, `the runs have ${seat} seats, not ${seatCount}`);
  return { runOfSeat, runStarts };
}

function rowsOfRuns(runRows: readonly number[], runCount: number): Pick<SeatGeometry, 'rowFirstRuns' | 'rowEndRuns'> {
  demand(runRows.length === runCount, 'every run needs a row');
  const rowFirstRuns = new Uint32Array(runCount);
  const rowEndRuns = new Uint32Array(runCount);
  const seen = new Set<number>();
  for (let first = 0, end = 0; first < runCount; first = end) {
    const row = runRows[first]!;
    demand(!seen.has(row), `the runs of row ${row} are not consecutive`);
    seen.add(row);
    while (end < runCount && runRows[end] === row) end += 1;
    rowFirstRuns.fill(first, first, end);
    rowEndRuns.fill(end, first, end);
  }
  return { rowFirstRuns, rowEndRuns };
}

function unfoldStretches(
  layout: SeatLayout,
  runOfSeat: Uint32Array,
  seatRanks: Float64Array,
  seatAccess: Uint8Array,
): Pick<SeatGeometry, 'stretchOfSeat' | 'stretches' | 'stretchesOfCategory'> {
  const stretchOfSeat = new Uint32Array(layout.seatCount);
  const stretches: Stretch[] = [];
  const ofCategory = new Map<string, Stretch[]>(layout.categories.map((category) => [category, []]));
  const categoryOfSeat = unfoldCategories(layout);
  for (let first = 0, end = 0; first < layout.seatCount; first = end) {
    while (
      end < layout.seatCount &&
      runOfSeat[end] === runOfSeat[first] &&
      categoryOfSeat[end] === categoryOfSeat[first]
    ) {
      end += 1;
    }
    const stretch = {
      index: stretches.length,
      first,
      end,
      bestRank: seatRanks.subarray(first, end).reduce((best, rank) => Math.min(best, rank), Infinity),
      hasAccessible: seatAccess.subarray(first, end).includes(ACCESSIBLE),
    };
    stretchOfSeat.fill(stretch.index, first, end);
    stretches.push(stretch);
    ofCategory.get(layout.categories[categoryOfSeat[first]!]!)!.push(stretch);
  }
  const byRank = (a: Stretch, b: Stretch) => a.bestRank - b.bestRank || a.first - b.first;
  ofCategory.forEach((ones) => ones.sort(byRank));
  return { stretchOfSeat, stretches: stretches.sort(byRank), stretchesOfCategory: ofCategory };
}

function unfoldCategories(layout: SeatLayout): Uint32Array {
  const categoryOfSeat = new Uint32Array(layout.seatCount);
  let seat = 0;
  for (const [category, length] of layout.seatCategories) {
    demand(category in layout.categories, `there is no category ${category}`);
    categoryOfSeat.fill(category, seat, seat + length);
    seat += length;
  }
  demand(seat === layout.seatCount, 'every seat needs a category');
  return categoryOfSeat;
}

function markSeats(marks: Uint8Array, seats: readonly number[], mark: number): void {
  for (const seat of seats) {
    demand(Number.isInteger(seat) && seat >= 0 && seat < marks.length, `there is no seat ${seat}`);
    marks[seat] = mark;
  }
}

function demand(holds: boolean, otherwise: string): asserts holds {
  if (!holds) throw new RangeError(`seat layout: ${otherwise}`);
}
