import { quantile, rounded } from './statistics.ts';

/** Some of what an answer of the API carries. */
const SAMPLE = {
  bookingId: '01K0J4Q6V8X2Z4B6D8F0H2K4M6',
  status: 'HELD',
  seats: Array.from({ length: 8 }, (_, index) => ({
    seatId: `stalls-F-${index + 1}`,
    category: 'stalls',
    price: 45_000,
  })),
  expiresAt: '2026-01-31T18:30:00.000Z',
};
const TIMES_AT_ONCE = 20;
const SLICE_MS = 5;
const WARM_UP_TIMES = 10;
const EVERY_MS = 1_000;

/**
 * How fast a core is: how often it writes and reads a small document of JSON in a millisecond of CPU time, so that waiting
 * for the core does not count. What two reports say of one thing compares as their speeds do.
 */
export function coreSpeed(): number {
  const startedAt = process.threadCpuUsage();
  for (let times = TIMES_AT_ONCE; ; times += TIMES_AT_ONCE) {
    for (let i = 0; i < TIMES_AT_ONCE; i++) JSON.parse(JSON.stringify(SAMPLE));
    const { user, system } = process.threadCpuUsage(startedAt);
    const cpuMs = (user + system) / 1_000;
    if (cpuMs >= SLICE_MS) return times / cpuMs;
  }
}

/** Does the work, and looks once a second, for some milliseconds, how fast a core is meanwhile. */
export async function withCoreSpeeds<T>(work: () => Promise<T>): Promise<{ done: T; coreSpeeds: readonly number[] }> {
  // Compiled before it counts.
  for (let times = 0; times < WARM_UP_TIMES; times++) coreSpeed();
  const coreSpeeds = [coreSpeed()];
  const looking = setInterval(() => coreSpeeds.push(coreSpeed()), EVERY_MS);
  try {
    return { done: await work(), coreSpeeds };
  } finally {
    clearInterval(looking);
  }
}

/** What a tenth of the looks was below, half of them, and all but a tenth, as tables show it. */
export const speedRange = (speeds: readonly number[]): string =>
  [0.1, 0.5, 0.9].map((share) => rounded(quantile(speeds, share))).join(' – ');
