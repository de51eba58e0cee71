/** Environment in which a process of ours has a wall clock that is so much before the machine's, or behind if negative. */
export const shiftedClock = (shiftMs: number): Readonly<Record<string, string>> => ({
  NODE_OPTIONS: `--import ${new URL('points/shifted-clock.ts', import.meta.url).href}`,
  CHAOS_CLOCK_SHIFT_MS: String(shiftMs),
});
