import { cpus, release, totalmem } from 'node:os';
import { type MachineLook, rangesOf } from './machine-looks.ts';
import { peerTable, type PeerResult } from './peers/measure.ts';
import { missedRatios, type Ratio, ratiosOf, ratioTable, slowPeers } from './peers/ratios.ts';
import type { Plot } from './plots.ts';
import { type Part, parts } from './process-costs.ts';
import type { Figure, Goal, Measurement, OperationCosts, Profile, Scenario } from './scenario.ts';
import { median, rounded } from './statistics.ts';

export interface Result {
  readonly scenario: Scenario;
  readonly profile: Profile;
  /** One per run that came to its end and stood its audit. */
  readonly measurements: readonly Measurement[];
  /** Of the machine, a minute's, before the first run: what else it had to do. */
  readonly load: number;
  /** At the machine, once a second. */
  readonly looks: readonly MachineLook[];
  /** Why a run counts for nothing: it threw, or failed its audit. */
  readonly failures: readonly string[];
}

export function machine(): string {
  const [cpu] = cpus();
  const memoryGiB = Math.round(totalmem() / 2 ** 30);
  return `${cpus().length} × ${cpu?.model ?? 'unknown CPU'}, ${memoryGiB} GiB, Linux ${release()}, Node ${process.version}`;
}

/** Markdown: each figure with its lowest, median and highest run, what it has to reach, and what an operation costs by part. */
export function tableOf({ scenario, profile, measurements, load, looks, failures }: Result): string {
  const runs = measurements.length === 1 ? 'one run' : `${measurements.length} runs`;
  return [
    `### ${scenario.name}, profile \`${profile}\``,
    '',
    `${scenario.what}; ${runs}; load of the machine before ${rounded(load)}; ${rangesOf(looks)}`,
    ...failures.flatMap((failure) => ['', `**FAILED**: ${failure}`]),
    ...(measurements.length > 0 ? ['', ...figureLines(scenario, profile, measurements)] : []),
    ...costLines(measurements.flatMap(({ costs }) => costs ?? [])),
    ...measurements.flatMap(({ table }) => (table === undefined ? [] : ['', table])).slice(0, 2),
  ].join('\n');
}

function figureLines(scenario: Scenario, profile: Profile, measurements: readonly Measurement[]): string[] {
  const rows = scenario.figures.map((figure) => {
    const values = valuesOf(figure, measurements);
    const cells = [Math.min(...values), median(values), Math.max(...values)].map(rounded);
    const goals = [figure.floor, figure.aim].map((goal) =>
      goalCell(figure, goalOf(goal, profile), counted(figure, values)),
    );
    return `| ${figure.figure} | ${figure.unit} | ${[...cells, ...goals].join(' | ')} |`;
  });
  return ['| figure | unit | min | median | max | floor | aim |', '|---|---|---|---|---|---|---|', ...rows];
}

/** Which floors the medians miss, and what failed: one line each. */
export function shortcomings(results: readonly Result[]): string[] {
  return results.flatMap(({ scenario, profile, measurements, failures }) => {
    const name = `${scenario.name} (${profile})`;
    const missed = scenario.figures.flatMap((figure) => {
      const value = counted(figure, valuesOf(figure, measurements));
      const floor = goalOf(figure.floor, profile);
      const isMissed = measurements.length > 0 && floor !== undefined && !reaches(figure, value, floor);
      return isMissed ? [`${name}: ${figure.figure} ${rounded(value)} ${figure.unit}, floor ${floor}`] : [];
    });
    return [...failures.map((failure) => `${name}: FAILED: ${failure}`), ...missed];
  });
}

/** Of the runs, the figure in order; a run that does not tell it counts as one that misses it. */
const valuesOf = ({ figure }: Figure, measurements: readonly Measurement[]): number[] =>
  measurements.map(({ figures }) => figures[figure] ?? NaN);

/** Of the runs, what is held against floor and aim. */
function counted({ better, everyRun }: Figure, values: readonly number[]): number {
  if (!everyRun) return median(values);
  return better === 'less' ? Math.max(...values) : Math.min(...values);
}

const goalOf = (goal: Goal | undefined, profile: Profile): number | undefined =>
  typeof goal === 'object' ? goal[profile] : goal;

const reaches = ({ better }: Figure, value: number, goal: number): boolean =>
  better === 'less' ? value <= goal : value >= goal;

function goalCell(figure: Figure, goal: number | undefined, value: number): string {
  if (goal === undefined) return '';
  return `${figure.better === 'less' ? '≤' : '≥'} ${goal}${reaches(figure, value, goal) ? '' : ' **missed**'}`;
}

function costLines(costs: readonly OperationCosts[]): string[] {
  if (costs.length === 0) return [];
  const cpu = (part: Part): string => rounded(median(costs.map(({ cpuMs }) => cpuMs[part])));
  const memory = (part: Part): string =>
    rounded(median(costs.map(({ residentBytes }) => residentBytes[part])) / 2 ** 20);
  return [
    '',
    `| median | ${parts.join(' | ')} | _load generator_ |`,
    `|---|${'---|'.repeat(parts.length + 1)}`,
    `| CPU-ms per operation | ${parts.map(cpu).join(' | ')} | ${rounded(median(costs.map(({ generatorCpuMs }) => generatorCpuMs)))} |`,
    `| memory, MiB | ${parts.map(memory).join(' | ')} | |`,
  ];
}

/** What one run of the bench has to tell. */
export interface Findings {
  readonly results: readonly Result[];
  readonly peers: readonly PeerResult[];
  /** Peers that could not be measured or failed their audit. */
  readonly peerFailures: readonly string[];
  /** Scenarios and peers of which this run says nothing. */
  readonly unmeasured: readonly string[];
  readonly plots: readonly Plot[];
}

/** @param plotFolder of the plots, as seen from the report */
export function reportOf({ results, peers, peerFailures, unmeasured, plots }: Findings, plotFolder: string): string {
  const ratios = ratiosOf(results, peers);
  const wrong = [...shortcomings(results), ...missedRatios(ratios), ...slowPeers(peers), ...peerFailures];
  return [
    ...head(results),
    ...(unmeasured.length > 0 ? ['## Not measured in this run', '', unmeasured.join(', '), ''] : []),
    ...(wrong.length > 0 ? ['## Floors that are missed', '', ...wrong.map((line) => `- ${line}`), ''] : []),
    ...plots.flatMap(({ file, title }) => [`![${title}](${plotFolder}/${file})`, '']),
    ...peerSection(ratios, peers),
    '## The figures',
    '',
    ...results.flatMap((result) => [tableOf(result), '']),
  ].join('\n');
}

function head(results: readonly Result[]): string[] {
  const scenarios = new Map(results.map(({ scenario }) => [scenario.name, scenario.what]));
  return [
    '# Performance',
    '',
    'Written by `npm run bench -- --report`, tables and plots from one run. Everything runs on one machine: the load generator,',
    'Temporal, Postgres (with fsync), worker, API and payment simulator. All requests go through HTTP, but for `show-workflow`; a',
    'booking counts when it is CONFIRMED, which is answered after its commit.',
    '',
    `Machine: ${machine()}. ${new Date().toISOString().slice(0, 10)}.`,
    '',
    '**To read it.** Machines are noisy, all parts of one alike: compare ratios, not single numbers. The median of the runs counts, and the',
    'worst of them for what may never be, such as a watcher who missed a change. Latencies of closed loops are noted for what they',
    'are: only those of open loops, W4, W5 and W7, tell what buyers wait.',
    "A floor is what must be reached, an aim what should. CPU-ms are those of the service's processes per operation; what the load",
    'generator itself takes of the same cores stands apart. After each run an audit compares what clients were told with the API,',
    "Postgres, the show workflows and the provider's ledger: a seat sold twice or a lost confirmation fails the run. `server` is",
    'Temporal Server on Postgres, `dev` the development server on SQLite. Mails stand back while a sale fills the machine ([decision',
    '18](decisions/0018-tickets-and-messages.md)): what they cost when it is over is not in the CPU of a booking, and the events that are',
    'put off are told beside it.',
    '',
    'The machine is looked at once a second while a scenario runs. The speed of a core: how often it writes and reads a small document of',
    'JSON in a millisecond of CPU time. Stolen: of the time of all cores, what the host gave to other machines, as `/proc/stat` has it.',
    'Told is what a tenth of the looks was below, half of them, and all but a tenth. What two reports, or two scenarios, say compares as',
    'these do.',
    '',
    'What each step brought, and what holds what is missed: [decision 10](decisions/0010-what-holds-the-numbers.md). What it means',
    'for more machines: [capacity](capacity.md).',
    '',
    ...[...scenarios].map(([name, what]) => `- \`${name}\` — ${what}`),
    '',
  ];
}

function peerSection(ratios: readonly Ratio[], peers: readonly PeerResult[]): string[] {
  if (peers.length === 0) return [];
  return [
    '## Against peers',
    '',
    'What others would use, for the same work, on this machine, behind the same kind of HTTP front, asked by the same load',
    'generator: a conditional update in plain Postgres, the same with commands coalesced per show, a virtual object per show in',
    'Restate, a workflow per booking in DBOS. `restate-in-turn` has its object decide each hold one after the other, as such',
    'objects do; `restate` first asks the object of a show that is fought for, beside its turn, whether the seats are free, and is',
    'the harder one to be held against: the floor is asked of both. In W1 they are the same. All ask for less: no accounts, prices,',
    'idempotency keys, payment provider, read model; the Postgres ones leave the money behind when they die between charge and',
    'confirmation. Each is asked in W2 as often as we are before and while it is measured, and measured in W1 for 8 s after 2 s of',
    'warm-up; after its runs it is killed, started again, and audited. The ratio is Seatkeeper ÷ peer.',
    '',
    ratioTable(ratios),
    '',
    peerTable(peers),
  ];
}
