import { cpus, totalmem, release } from 'node:os';
import { type Part, parts } from './process-costs.ts';
import type { Floor, Measurement, Scenario } from './scenario.ts';
import { median } from './statistics.ts';

export type Profile = 'dev' | 'server';

export interface Result {
  readonly scenario: Scenario;
  readonly profile: Profile;
  /** One per run. */
  readonly measurements: readonly Measurement[];
}

export function machine(): string {
  const [cpu] = cpus();
  const memoryGiB = Math.round(totalmem() / 2 ** 30);
  return `${cpus().length} × ${cpu?.model ?? 'unknown CPU'}, ${memoryGiB} GiB, Linux ${release()}, Node ${process.version}`;
}

/** Markdown: each figure with its lowest, median and highest run, and the cost per operation by part. */
export function tableOf({ scenario, profile, measurements }: Result): string {
  const rows = scenario.floors.map((floor) => {
    const values = measurements.map(({ figures }) => figures[floor.figure] ?? NaN);
    const cells = [Math.min(...values), median(values), Math.max(...values)].map(rounded);
    const missed = isMissed(floor, profile, median(values)) ? ' MISSED' : '';
    return `| ${floor.figure} | ${floor.unit} | ${cells.join(' | ')} | ${goal(floor, profile)}${missed} |`;
  });
  return [
    `### ${scenario.name}, profile \`${profile}\``,
    '',
    `${scenario.what}; ${measurements.length === 1 ? 'one run' : `${measurements.length} runs`}`,
    '',
    '| figure | unit | min | median | max | floor |',
    '|---|---|---|---|---|---|',
    ...rows,
    ...costLines(measurements),
  ].join('\n');
}

export function reportOf(results: readonly Result[]): string {
  return [
    '# Performance',
    '',
    'Written by `npm run bench -- --report`. Everything runs on one machine: the load generator, Temporal, Postgres (with',
    'fsync), worker, API and payment simulator. All requests go through HTTP; a booking counts when it is CONFIRMED, which is',
    'answered after its commit. Machines are noisy: compare ratios, not single numbers.',
    '',
    'What each step brought, and what holds what is missed: [decision 10](decisions/0010-what-holds-the-numbers.md).',
    '',
    `Machine: ${machine()}. ${new Date().toISOString().slice(0, 10)}.`,
    '',
    ...results.flatMap((result) => [tableOf(result), '']),
  ].join('\n');
}

export function missedFloors(results: readonly Result[]): string[] {
  return results.flatMap(({ scenario, profile, measurements }) =>
    scenario.floors.flatMap((floor) => {
      const value = median(measurements.map(({ figures }) => figures[floor.figure] ?? NaN));
      return isMissed(floor, profile, value)
        ? [`${scenario.name} (${profile}): ${floor.figure} ${rounded(value)} ${floor.unit}`]
        : [];
    }),
  );
}

function isMissed(floor: Floor, profile: Profile, value: number): boolean {
  const least = leastOf(floor, profile);
  return (least !== undefined && !(value >= least)) || (floor.most !== undefined && !(value <= floor.most));
}

function costLines(measurements: readonly Measurement[]): string[] {
  const costs = measurements.flatMap(({ cpuMsPerOperation }) => cpuMsPerOperation ?? []);
  if (costs.length === 0) return [];
  const cell = (part: Part): string => rounded(median(costs.map((cost) => cost[part])));
  return [
    '',
    'CPU-ms per operation, median:',
    '',
    `| ${parts.join(' | ')} |`,
    `|${'---|'.repeat(parts.length)}`,
    `| ${parts.map(cell).join(' | ')} |`,
  ];
}

const leastOf = ({ least }: Floor, profile: Profile): number | undefined =>
  typeof least === 'object' ? least[profile] : least;

function goal(floor: Floor, profile: Profile): string {
  const least = leastOf(floor, profile);
  if (least !== undefined) return `≥ ${least}`;
  return floor.most === undefined ? '' : `≤ ${floor.most}`;
}

const rounded = (value: number): string => (value >= 100 ? value.toFixed(0) : value.toFixed(value >= 10 ? 1 : 2));
