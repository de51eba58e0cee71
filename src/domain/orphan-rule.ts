import type { SeatGeometry } from './seat-geometry.ts';

/** What the rule needs to know of the house. */
export type RowGeometry = Pick<SeatGeometry, 'runOfSeat' | 'runStarts' | 'rowFirstRuns' | 'rowEndRuns'>;

/**
 * The seats for which a pick is refused with ORPHAN_SEAT, ascending; empty when the pick is allowed.
 *
 * An orphan is an available seat that the pick newly encloses with taken seats on both sides, its direct neighbours in
 * its run; the ends of a run never count as taken. The rule looks at each row of its own: with k seats picked in the
 * row, a choice is k available seats side by side in one run of the row, of whatever category. Orphans are refused
 * where some choice leaves none; where every choice leaves one, or there is no choice at all, they are allowed.
 *
 * @param taken per seat, 0 = available, anything else = taken. For a change of a hold its own seats are 0.
 * @param pick seats to be taken, available and ascending.
 */
export function refusedOrphans(
  geometry: RowGeometry,
  taken: ArrayLike<number>,
  pick: readonly number[],
): readonly number[] {
  return strandedSeats(geometry, taken, pick).filter((seat) => {
    const run = geometry.runOfSeat[seat]!;
    const first = geometry.runStarts[geometry.rowFirstRuns[run]!]!;
    const end = geometry.runStarts[geometry.rowEndRuns[run]!]!;
    const picked = pick.filter((each) => each >= first && each < end).length;
    return rowHasCleanChoice(geometry, taken, run, picked);
  });
}

/** The available seats, ascending, that the pick newly encloses with taken seats on both sides. */
export function strandedSeats(geometry: RowGeometry, taken: ArrayLike<number>, pick: readonly number[]): number[] {
  const stranded: number[] = [];
  for (const seat of pick) {
    const run = geometry.runOfSeat[seat]!;
    const runFirst = geometry.runStarts[run]!;
    const runEnd = geometry.runStarts[run + 1]!;
    for (const side of [-1, 1]) {
      const neighbour = seat + side;
      const beyond = neighbour + side;
      if (beyond < runFirst || beyond >= runEnd) continue;
      if (taken[neighbour] !== 0 || pick.includes(neighbour)) continue;
      if (taken[beyond] === 0 && !pick.includes(beyond)) continue;
      // A seat between two picked ones comes up twice in a row.
      if (stranded.at(-1) !== neighbour) stranded.push(neighbour);
    }
  }
  return stranded;
}

/** Whether the row of this run has `size` available seats side by side that can be taken without an orphan. */
export function rowHasCleanChoice(
  geometry: RowGeometry,
  taken: ArrayLike<number>,
  runInRow: number,
  size: number,
): boolean {
  for (let run = geometry.rowFirstRuns[runInRow]!; run < geometry.rowEndRuns[runInRow]!; run += 1) {
    const runFirst = geometry.runStarts[run]!;
    const runEnd = geometry.runStarts[run + 1]!;
    let free = 0;
    for (let seat = runFirst; seat < runEnd; seat += 1) {
      free = taken[seat] === 0 ? free + 1 : 0;
      if (free >= size && !windowStrands(taken, runFirst, runEnd, seat + 1 - size, seat + 1)) return true;
    }
  }
  return false;
}

/** Whether taking the available seats `first` to before `end` of the run leaves an orphan on either side. */
export function windowStrands(
  taken: ArrayLike<number>,
  runFirst: number,
  runEnd: number,
  first: number,
  end: number,
): boolean {
  if (first - 2 >= runFirst && taken[first - 1] === 0 && taken[first - 2] !== 0) return true;
  return end + 1 < runEnd && taken[end] === 0 && taken[end + 1] !== 0;
}
