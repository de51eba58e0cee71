import { readFileSync } from 'node:fs';
import { median, quantile, rounded } from './statistics.ts';

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
 * Where /proc/stat has it, Linux only (proc_stat(5)): its first line is of all cores together, and the eight times from
 * "user" to "steal" exclude each other.
 */
const STEAL = 7;

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

/** What a machine was like for the last second. */
export interface MachineLook {
  /** As `coreSpeed` tells it. */
  readonly coreSpeed: number;
  /** Of the time of all cores, what the host gave to other machines: 0 to 1. */
  readonly stolen: number;
}

/** Does the work, and looks once a second, for some milliseconds, at the machine that does it. */
export async function withMachineLooks<T>(work: () => Promise<T>): Promise<{ done: T; looks: readonly MachineLook[] }> {
  let coreTimes = readCoreTimes();
  // Compiled before it counts.
  for (let times = 0; times < WARM_UP_TIMES; times++) coreSpeed();
  const looks: MachineLook[] = [];
  const look = (): void => {
    const before = coreTimes;
    coreTimes = readCoreTimes();
    looks.push({ coreSpeed: coreSpeed(), stolen: stolenShare(before, coreTimes) });
  };
  look();
  const looking = setInterval(look, EVERY_MS);
  try {
    return { done: await work(), looks };
  } finally {
    clearInterval(looking);
  }
}

const readCoreTimes = (): string => readFileSync('/proc/stat', 'utf8');

/** @param before, after what /proc/stat told */
export function stolenShare(before: string, after: string): number {
  const [from, to] = [coreTimesOf(before), coreTimesOf(after)];
  const passed = to.map((ticks, kind) => ticks - from[kind]!);
  const all = passed.reduce((sum, ticks) => sum + ticks, 0);
  return all > 0 ? passed[STEAL]! / all : 0;
}

const coreTimesOf = (stat: string): number[] =>
  stat
    .split(/\s+/, STEAL + 2)
    .slice(1)
    .map(Number);

/** What a tenth of the looks was below, half of them, and all but a tenth, as tables show it. */
export function rangesOf(looks: readonly MachineLook[]): string {
  const range = (values: readonly number[]): string =>
    [0.1, 0.5, 0.9].map((share) => rounded(quantile(values, share))).join(' – ');
  const percent = looks.map(({ stolen }) => 100 * stolen);
  return `speed of a core ${range(looks.map((look) => look.coreSpeed))}; stolen ${range(percent)} %`;
}

/** The median of each. */
export const midLook = (looks: readonly MachineLook[]): MachineLook => ({
  coreSpeed: median(looks.map(({ coreSpeed: speed }) => speed)),
  stolen: median(looks.map(({ stolen }) => stolen)),
});
