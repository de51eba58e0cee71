import { Random } from '../random.ts';
import { connections } from './connections.ts';
import type { Fault } from './fault.ts';
import { kills } from './kills.ts';
import { points } from './points.ts';
import { twoVersions } from './two-versions.ts';

/** All that can go wrong, in the order that combinations are counted by. */
export const faults: readonly Fault[] = [...kills, ...connections, ...points, twoVersions];

/** Faults that begin together, `atMs` after the clients. */
export interface Turn {
  readonly atMs: number;
  readonly faults: readonly Fault[];
}

/** Clients are given so long before the first fault, and after the last one, while the system is whole. */
const FIRST_AT_MS = 2_000;
const BEFORE_THE_END_MS = 4_000;
const BETWEEN_TURNS_MS = [3_000, 5_500] as const satisfies Range;
type Range = readonly [fromMs: number, toMs: number];
/** Of a run's turns, so many are pairs; the others are one fault alone, whose healing is timed. */
const PAIRED = 0.6;

/**
 * What goes wrong in a run, and when; from the seed alone. Pairs are taken in turn from all that there are, so that seeds in a
 * row go through every combination.
 */
export function scheduleOf(
  seed: number,
  runMs: number,
  among: readonly Fault[] = faults,
  betweenMs: Range = BETWEEN_TURNS_MS,
): Turn[] {
  const random = Random.of(seed, 'faults');
  const turns: Turn[] = [];
  let pairsBefore = seed * pairsOfARun(runMs);
  for (let atMs = FIRST_AT_MS; atMs < runMs - BEFORE_THE_END_MS; atMs += random.between(...betweenMs)) {
    const isPair = among.length > 1 && random.chance(PAIRED);
    turns.push({ atMs, faults: isPair ? pairNumber(pairsBefore++, among) : [random.pick(among)] });
  }
  return turns;
}

const pairsOfARun = (runMs: number): number => Math.ceil((PAIRED * runMs) / BETWEEN_TURNS_MS[0]);

/** Scattered over the list by a stride that has no factor in common with the number of pairs. */
function pairNumber(number: number, among: readonly Fault[]): Fault[] {
  const pairs = (among.length * (among.length - 1)) / 2;
  let left = (number * strideFor(pairs)) % pairs;
  for (let first = 0; ; first++) {
    const withFirst = among.length - 1 - first;
    if (left < withFirst) return [among[first]!, among[first + 1 + left]!];
    left -= withFirst;
  }
}

function strideFor(pairs: number): number {
  let stride = Math.max(1, Math.floor(pairs * 0.382));
  while (commonFactor(stride, pairs) !== 1) stride += 1;
  return stride;
}

const commonFactor = (a: number, b: number): number => (b === 0 ? a : commonFactor(b, a % b));
