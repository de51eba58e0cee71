import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ClientFigures } from './clients.ts';
import type { Cluster, PartName } from './cluster.ts';
import { connections } from './faults/connections.ts';
import { killsOfOthers } from './faults/kills.ts';
import type { Partner } from './partner.ts';
import { checkedRun } from './checked-run.ts';
import type { RunResult } from './run.ts';

const SAMPLE_EVERY_MS = 60_000;
/** Clients of one round have new shows, and the round is audited: an hour of operations at once would be too much to hold. */
export const ROUND_SECONDS = 600;
/** Seldom enough that there are minutes without a fault, by which a drift of the latency would show. */
const BETWEEN_FAULTS_MS = [15_000, 40_000] as const;
/** Their memory is judged: nobody kills them, and none of them may end by itself, for it would begin anew with less. */
const judged: readonly PartName[] = ['api-1', 'worker-1', 'payment-simulator', 'temporal', 'postgres'];
const watched: readonly PartName[] = [...judged, 'api-2', 'worker-2', 'relay'];
const soakFaults = [...killsOfOthers, ...connections];

/**
 * A process warms up in its first minutes. Afterwards what it grows by, from the first third to the last by the median, is a drift
 * if it is both so much of what it had and more than a pause of the collector leaves lying about.
 */
const WARM_UP = 0.2;
const DRIFT_SHARE = 0.2;
const DRIFT_FROM = { rssMiB: 40, handles: 25, holdMsP50: 15 } as const;
type Measure = keyof typeof DRIFT_FROM;

export interface Sample {
  readonly atMinute: number;
  readonly operations: number;
  readonly holdMsP50: number | null;
  readonly holdMsP99: number | null;
  /** By part, with all that it has started. */
  readonly rssMiB: Readonly<Record<string, number>>;
  readonly handles: Readonly<Record<string, number>>;
  /** How often it was started so far, by part. */
  readonly starts: Readonly<Record<string, number>>;
}

export interface Series {
  readonly what: string;
  readonly first: number;
  readonly last: number;
  readonly verdict: 'flat' | 'drift' | 'not measured';
}

/** Mixed load with faults for so many minutes, a sample each minute, and a verdict on what should stay as it is. */
export async function soak(
  cluster: Cluster,
  partner: Partner,
  { minutes, seed, folder, tell }: { minutes: number; seed: number; folder: string; tell: (run: RunResult) => void },
): Promise<{ readonly runs: readonly RunResult[]; readonly series: readonly Series[] }> {
  const startedMs = Date.now();
  const samples: Sample[] = [];
  const runs: RunResult[] = [];
  let figures: ClientFigures | null = null;
  let heard = 0;
  const timer = setInterval(() => {
    const holds = figures?.holdMs.slice(heard).toSorted((a, b) => a - b) ?? [];
    heard = figures?.holdMs.length ?? 0;
    samples.push(sampleOf(cluster, (Date.now() - startedMs) / 60_000, figures?.operations ?? 0, holds));
  }, SAMPLE_EVERY_MS);
  try {
    for (let round = 0; ; round++) {
      const leftSeconds = minutes * 60 - (Date.now() - startedMs) / 1_000;
      if (leftSeconds < 10) break;
      const run = await checkedRun(cluster, partner, {
        seed: seed + round,
        seconds: Math.floor(Math.min(ROUND_SECONDS, leftSeconds)),
        faults: soakFaults,
        betweenFaultsMs: BETWEEN_FAULTS_MS,
        folder: join(folder, String(seed + round)),
        onBegin: (begun) => {
          figures = begun;
          heard = 0;
        },
      });
      runs.push(run);
      tell(run);
    }
  } finally {
    clearInterval(timer);
  }
  const series = seriesOf(samples);
  writeFileSync(join(folder, 'soak.json'), `${JSON.stringify({ minutes, seed, series, samples }, null, 2)}\n`);
  return { runs, series };
}

function sampleOf(cluster: Cluster, atMinute: number, operations: number, holds: readonly number[]): Sample {
  const parts = watched.map((name) => [name, cluster.part(name).pids()] as const);
  const byPart = (measure: (pid: number) => number) =>
    Object.fromEntries(parts.map(([name, pids]) => [name, pids.reduce((sum, pid) => sum + measure(pid), 0)]));
  return {
    atMinute: Math.round(atMinute * 10) / 10,
    operations,
    holdMsP50: roundedOrNull(holds[Math.floor(holds.length * 0.5)]),
    holdMsP99: roundedOrNull(holds[Math.floor(holds.length * 0.99)]),
    rssMiB: byPart(ownMiB),
    handles: byPart(openFiles),
    starts: Object.fromEntries(watched.map((name) => [name, cluster.part(name).starts])),
  };
}

/** Without what PostgreSQL's processes share: each of them would count it. */
function ownMiB(pid: number): number {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'latin1');
    return Math.round(Number(/^RssAnon:\s+(\d+) kB/m.exec(status)?.[1] ?? 0) / 1_024);
  } catch {
    return 0;
  }
}

function openFiles(pid: number): number {
  try {
    return readdirSync(`/proc/${pid}/fd`).length;
  } catch {
    return 0;
  }
}

/** What is judged of all samples of a soak, oldest first. */
export function seriesOf(samples: readonly Sample[]): Series[] {
  const warm = samples.slice(Math.floor(samples.length * WARM_UP));
  const third = Math.max(1, Math.floor(warm.length / 3));
  const judge = (what: string, measure: Measure, valueOf: (sample: Sample) => number | null): Series => {
    const values = (part: readonly Sample[]) => part.map(valueOf).filter((value) => value !== null);
    const [first, last] = [median(values(warm.slice(0, third))), median(values(warm.slice(-third)))];
    const isDrift = last - first > Math.max(DRIFT_FROM[measure], DRIFT_SHARE * first);
    return { what, first, last, verdict: first === 0 || last === 0 ? 'not measured' : isDrift ? 'drift' : 'flat' };
  };
  return [
    ...judged.map((name) => judge(`memory of ${name}, MiB`, 'rssMiB', (sample) => sample.rssMiB[name]!)),
    ...judged.map((name) => judge(`open files of ${name}`, 'handles', (sample) => sample.handles[name]!)),
    ...judged.map((name) => startsOf(name, samples)),
    judge('median latency of a hold, ms', 'holdMsP50', ({ holdMsP50 }) => holdMsP50),
  ];
}

function startsOf(name: PartName, samples: readonly Sample[]): Series {
  const [first = 0, last = first] = [samples[0], samples.at(-1)].map((sample) => sample?.starts[name]);
  return {
    what: `starts of ${name}`,
    first,
    last,
    verdict: first === 0 ? 'not measured' : last > first ? 'drift' : 'flat',
  };
}

const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;

const roundedOrNull = (value: number | undefined): number | null => (value === undefined ? null : Math.round(value));
