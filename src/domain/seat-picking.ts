import type { Occupancy } from './occupancy.ts';
import { rowHasCleanChoice, windowStrands } from './orphan-rule.ts';
import type { BestAvailablePick } from './seat-commands.ts';
import { ACCESSIBLE, ORDINARY, type SeatGeometry, type Stretch } from './seat-geometry.ts';

interface Window {
  readonly first: number;
  /** Seats in it that should rather go to others. */
  readonly spared: number;
  readonly strands: boolean;
  readonly rankSum: number;
}

/**
 * The best `count` available seats side by side in one run, all of one category (the one asked for, or any); ascending.
 *
 * Which is best, in this order:
 * 1. the fewest seats that others need more. Without `accessible` those are accessible and companion seats. With
 *    `accessible: true` every seat is an accessible or a companion one and at least one is accessible, and it is the
 *    companion seats that are used only to fill up the group;
 * 2. no orphan. A window that leaves one is taken only where the orphan rule permits it (every choice of that size in
 *    its row leaves one), so that the answer never breaks the rule;
 * 3. the lowest sum of ranks;
 * 4. the lowest index.
 *
 * An accessible seat is thus not given away to avoid an orphan: an orphan costs the house a seat, the other costs
 * somebody the show.
 *
 * SOLD_OUT: no seat is left in the category (with `accessible`, no accessible one). NO_ADJACENT_SEATS: some are left,
 * but no window fits.
 *
 * @param pick its count is at least 1 and its category known.
 */
export function pickBestAvailable(
  geometry: SeatGeometry,
  occupancy: Occupancy,
  pick: BestAvailablePick,
): readonly number[] | 'SOLD_OUT' | 'NO_ADJACENT_SEATS' {
  const { count, category, accessible = false } = pick;
  const stretches = category === undefined ? geometry.stretches : (geometry.stretchesOfCategory.get(category) ?? []);
  let best: Window | null = null;
  for (const stretch of stretches) {
    if (best !== null && best.spared === 0 && !best.strands && count * stretch.bestRank > best.rankSum) break;
    if (occupancy.freeInStretch[stretch.index]! < count || (accessible && !stretch.hasAccessible)) continue;
    best = bestInStretch(geometry, occupancy.codes, stretch, count, accessible, best);
  }
  if (best !== null) return Array.from({ length: count }, (_, offset) => best.first + offset);
  const left = stretches.some((stretch) => hasSeatLeft(geometry, occupancy, stretch, accessible));
  return left ? 'NO_ADJACENT_SEATS' : 'SOLD_OUT';
}

/** The better of `best` and the windows of this stretch: one pass, with sums that slide along. */
function bestInStretch(
  geometry: SeatGeometry,
  codes: Uint8Array,
  stretch: Stretch,
  count: number,
  accessible: boolean,
  best: Window | null,
): Window | null {
  const { seatRanks, seatAccess, runStarts } = geometry;
  const run = geometry.runOfSeat[stretch.first]!;
  let length = 0;
  let spared = 0;
  let rankSum = 0;
  for (let seat = stretch.first; seat < stretch.end; seat += 1) {
    if (codes[seat] !== 0 || (accessible && seatAccess[seat] === ORDINARY)) {
      length = spared = rankSum = 0;
      continue;
    }
    length += 1;
    rankSum += seatRanks[seat]!;
    spared += isSpared(seatAccess[seat]!, accessible);
    if (length > count) {
      rankSum -= seatRanks[seat - count]!;
      spared -= isSpared(seatAccess[seat - count]!, accessible);
    }
    if (length < count || (accessible && spared === count)) continue;
    const first = seat + 1 - count;
    const strands = windowStrands(codes, runStarts[run]!, runStarts[run + 1]!, first, seat + 1);
    if (best !== null && !isBetter(first, spared, strands, rankSum, best)) continue;
    if (strands && rowHasCleanChoice(geometry, codes, run, count)) continue;
    best = { first, spared, strands, rankSum };
  }
  return best;
}

function isSpared(access: number, accessible: boolean): number {
  return (accessible ? access !== ACCESSIBLE : access !== ORDINARY) ? 1 : 0;
}

function isBetter(first: number, spared: number, strands: boolean, rankSum: number, than: Window): boolean {
  if (spared !== than.spared) return spared < than.spared;
  if (strands !== than.strands) return than.strands;
  if (rankSum !== than.rankSum) return rankSum < than.rankSum;
  return first < than.first;
}

function hasSeatLeft(geometry: SeatGeometry, occupancy: Occupancy, stretch: Stretch, accessible: boolean): boolean {
  if (!accessible) return occupancy.freeInStretch[stretch.index]! > 0;
  if (!stretch.hasAccessible) return false;
  for (let seat = stretch.first; seat < stretch.end; seat += 1) {
    if (occupancy.codes[seat] === 0 && geometry.seatAccess[seat] === ACCESSIBLE) return true;
  }
  return false;
}
