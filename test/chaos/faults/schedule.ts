import { Random } from '../random.ts';
import { RECOVERY_MAX_MS } from '../recovery.ts';
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

type Range = readonly [fromMs: number, toMs: number];

/** Clients are given so long before the first fault, and after the last one, while the system is whole. */
const FIRST_AT_MS = 2_000;
const BEFORE_THE_END_MS = 4_000;
/** As often as makes ten pairs of a run of 45 s: a hundred runs go through all that there are. */
const BETWEEN_TURNS_MS = [2_000, 3_800] as const satisfies Range;
/** Nothing follows a process that is killed alone until its time to recover is over: so the first of a run is judged. */
const ALONE_FOR_MS = RECOVERY_MAX_MS + 1_000;
/** First one fault alone, whose healing is timed, then so many pairs, and so on. */
const PAIRS_AFTER_ONE_ALONE = 10;

/**
 * What goes wrong in a run, and when; from the seed alone. Pairs are taken in turn from all that there are, and so are those that
 * come alone: seeds in a row go through every combination.
 */
export function scheduleOf(
  seed: number,
  runMs: number,
  among: readonly Fault[] = faults,
  betweenMs: Range = BETWEEN_TURNS_MS,
): Turn[] {
  const random = Random.of(seed, 'faults');
  const slots = slotsOf(runMs, among, betweenMs);
  const killers = among.filter(({ killsOne }) => killsOne);
  const alone = killers.length > 0 ? killers : among;
  let aloneBefore = seed * slots.filter(({ isAlone }) => isAlone).length;
  let pairsBefore = seed * slots.filter(({ isAlone }) => !isAlone).length;
  return slots.map(({ fromMs, toMs, isAlone }) => ({
    atMs: random.between(fromMs, toMs),
    faults: isAlone ? [alone[aloneBefore++ % alone.length]!] : pairNumber(pairsBefore++, among),
  }));
}

/** Between which times each turn comes. The same for every seed: only so can runs share pairs out without knowing of each other. */
interface Slot {
  readonly fromMs: number;
  readonly toMs: number;
  readonly isAlone: boolean;
}

function slotsOf(runMs: number, among: readonly Fault[], [leastMs, mostMs]: Range): Slot[] {
  const slackMs = (mostMs - leastMs) / 2;
  const killsAlone = among.some(({ killsOne }) => killsOne);
  const slots: Slot[] = [];
  for (let fromMs = FIRST_AT_MS; fromMs + slackMs <= runMs - BEFORE_THE_END_MS;) {
    const isAlone = among.length === 1 || slots.length % (1 + PAIRS_AFTER_ONE_ALONE) === 0;
    slots.push({ fromMs, toMs: fromMs + slackMs, isAlone });
    fromMs += slackMs + (isAlone && killsAlone ? Math.max(leastMs, ALONE_FOR_MS) : leastMs);
  }
  return slots;
}

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
