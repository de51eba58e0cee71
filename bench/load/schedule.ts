/**
 * When buyers come who know nothing of each other: a Poisson process of this rate, as ascending ms from 0 up to
 * `durationMs`.
 * @param random 0 ≤ x < 1
 */
export function poissonSchedule(ratePerSecond: number, durationMs: number, random: () => number): number[] {
  const arrivals: number[] = [];
  const meanGapMs = 1_000 / ratePerSecond;
  for (let atMs = gap(meanGapMs, random); atMs < durationMs; atMs += gap(meanGapMs, random)) arrivals.push(atMs);
  return arrivals;
}

/** Exponentially distributed. */
const gap = (meanMs: number, random: () => number): number => -meanMs * Math.log(1 - random());

/** The same numbers each time: runs that are compared get the same arrivals. Mulberry32, by Tommy Ettinger. */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
