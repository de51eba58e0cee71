import { mkdirSync, writeFileSync } from 'node:fs';
import { availableParallelism, loadavg } from 'node:os';
import { join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Command, InvalidArgumentError, Option } from 'commander';
import { chaosSecrets, Cluster } from './cluster.ts';
import type { Fault } from './faults/fault.ts';
import { faults } from './faults/schedule.ts';
import { Partner } from './partner.ts';
import { checkedRun } from './checked-run.ts';
import { mutatedCopy } from './mutants/apply.ts';
import { type Mutant, mutantNamed, mutants } from './mutants/mutants.ts';
import { runMutants } from './mutants/run-mutants.ts';
import { undisturbedRecoveryMs } from './recovery.ts';
import type { RunResult } from './run.ts';
import { shiftedClock } from './shifted-clock.ts';
import { ROUND_SECONDS, type Series, soak } from './soak.ts';
import { summaryOf } from './summary.ts';

const root = resolve(fileURLToPath(import.meta.url), '..', '..', '..');
const results = join(root, '.data', 'chaos');
/** The first ones say what is wrong. */
const BROKEN_TOLD_MAX = 20;

interface Options {
  readonly seed: number;
  readonly runs: number;
  readonly seconds: number;
  readonly faults?: string;
  readonly profile: 'dev' | 'server';
  readonly otherRoot?: string;
  readonly clocksOff?: number;
  readonly mutant?: Mutant;
  readonly mutants?: true | readonly Mutant[];
  readonly soak?: number;
}

const command = new Command('chaos')
  .description('Breaks the system in every way it knows while clients use it, heals it, and audits every promise.')
  .option('--seed <number>', 'of the first run; each further one has the next', wholeNumber, 1)
  .option('--runs <count>', 'one after the other, on one system', wholeNumber, 1)
  .option('--seconds <count>', 'that clients and faults of a run last', wholeNumber, 45)
  .option('--faults <names>', `with commas between them, or none: ${faults.map(({ name }) => name).join(', ')}`)
  .option('--soak <time>', 'mixed load with faults for so long, such as 60m: does anything grow?', minutes)
  .option('--other-root <folder>', 'another version of the service, for two-versions')
  .option('--mutant <name>', 'part of its name: runs a copy of the service that has this mistake', namedMutant)
  .option(
    '--clocks-off <minutes>',
    'what the clocks of API and workers are before the others, or behind if negative',
    wholeNumber,
  )
  .option(
    '--mutants [names...]',
    'each of them, or all, by a run and by the test that is to notice it: a table of what did',
    (name: string, earlier: unknown) => [...(Array.isArray(earlier) ? (earlier as Mutant[]) : []), namedMutant(name)],
  )
  .addOption(new Option('--profile <name>', 'how Temporal runs').choices(['dev', 'server']).default('dev'));

async function main(): Promise<void> {
  const options = command.parse().opts<Options>();
  const chosen = chosenFaults(options.faults);
  mkdirSync(results, { recursive: true });
  if (options.mutants !== undefined) {
    const chosenMutants = options.mutants === true ? mutants : options.mutants;
    const uncaught = await runMutants(chosenMutants, options, (line) => console.log(line));
    process.exitCode = uncaught.length > 0 ? 1 : 0;
    return;
  }
  console.log('starting the system, which takes half a minute');
  const mutated = options.mutant === undefined ? null : await mutatedCopy(options.mutant);
  const cluster = await Cluster.start({
    root: mutated?.root ?? root,
    profile: options.profile,
    ...(options.otherRoot !== undefined && { otherRoot: resolve(options.otherRoot) }),
  });
  let runs: readonly RunResult[];
  let drifts: readonly Series[] = [];
  try {
    if (options.clocksOff !== undefined) await cluster.redeploy(shiftedClock(options.clocksOff * 60_000));
    const partner = await Partner.open(cluster.apis[0]!, chaosSecrets.JWT_SECRET);
    if (options.soak === undefined) runs = await runSeeds(cluster, partner, options, chosen);
    else ({ runs, drifts } = await runSoak(cluster, partner, options.soak, options));
    partner.close();
  } finally {
    await cluster.stop();
    await mutated?.remove();
  }
  const summary = summaryOf(runs);
  writeFileSync(join(results, 'summary.json'), `${JSON.stringify(summary, null, 2)}\n`);
  console.log(JSON.stringify(summary, null, 2));
  process.exitCode = summary.failed.length > 0 || drifts.length > 0 ? 1 : 0;
}

async function runSeeds(
  cluster: Cluster,
  partner: Partner,
  options: Options,
  chosen: readonly Fault[],
): Promise<RunResult[]> {
  const runs: RunResult[] = [];
  for (let seed = options.seed; seed < options.seed + options.runs; seed++) {
    const folder = join(results, String(seed));
    console.log(
      `seed ${seed}: clients and faults for ${options.seconds} s, then the audit; what they see goes to ${relative(root, folder)}`,
    );
    const run = await checkedRun(cluster, partner, { seed, seconds: options.seconds, faults: chosen, folder });
    runs.push(run);
    tell(run, options);
  }
  return runs;
}

async function runSoak(cluster: Cluster, partner: Partner, forMinutes: number, options: Options) {
  const { runs, series } = await soak(cluster, partner, {
    minutes: forMinutes,
    seed: options.seed,
    folder: results,
    tell: (run) => tell(run, options),
  });
  for (const { what, first, last, verdict } of series) console.log(`${verdict}: ${what}: ${first} to ${last}`);
  return { runs, drifts: series.filter(({ verdict }) => verdict !== 'flat') };
}

function chosenFaults(names: string | undefined): readonly Fault[] {
  if (names === undefined) return faults;
  const wanted = names.split(',').filter((name) => name !== '' && name !== 'none');
  const unknown = wanted.find((name) => faults.every((fault) => fault.name !== name));
  if (unknown !== undefined) command.error(`no such fault: ${unknown}`);
  return faults.filter(({ name }) => wanted.includes(name));
}

function tell(run: RunResult, options: Options): void {
  const { seed, faults: came, operationsPerSecond, figures, audit, broken, history, holdMsP99 } = run;
  const happened = came.filter(({ what }) => what !== null);
  const recoveries = came.map(undisturbedRecoveryMs).filter((afterMs) => afterMs !== null);
  console.log(
    `seed ${seed}: ${broken.length === 0 ? 'every promise kept' : `BROKEN in ${broken.length} places`}; ` +
      `${figures.operations} operations (${operationsPerSecond}/s, holds p99 ${holdMsP99} ms), ${audit.bookings} bookings, ` +
      `${audit.confirmed} confirmed in the end; ${happened.length} of ${came.length} faults came about, ` +
      `recovered in at most ${Math.max(0, ...recoveries)} ms, quiet after ${Math.round(audit.quietAfterMs / 1_000)} s`,
  );
  if (history !== null && history.undecided > 0)
    console.log(`  ${history.undecided} parts of the history were not decided`);
  for (const each of broken.slice(0, BROKEN_TOLD_MAX)) console.log(`  broken: ${each}`);
  if (broken.length === 0) return;
  const load = loadavg()[0]!.toFixed(1);
  console.log(
    `  the last minute's load was ${load} on ${availableParallelism()} cores: docs/reliability.md, "A run has failed"`,
  );
  console.log(`  again: ${commandOf(seed, options)}`);
}

/** A round of a soak is the first one of a soak that begins with its seed. */
const commandOf = (seed: number, options: Options): string => {
  const { seconds, faults: names, profile, otherRoot, clocksOff, mutant, soak: forMinutes } = options;
  return [
    `npm run chaos -- --seed ${seed} --profile ${profile}`,
    forMinutes === undefined ? `--seconds ${seconds}` : `--soak ${Math.min(forMinutes, ROUND_SECONDS / 60)}m`,
    names === undefined ? null : `--faults ${names}`,
    otherRoot === undefined ? null : `--other-root ${otherRoot}`,
    clocksOff === undefined ? null : `--clocks-off ${clocksOff}`,
    mutant === undefined ? null : `--mutant "${mutant.name}"`,
  ]
    .filter((part) => part !== null)
    .join(' ');
};

function wholeNumber(text: string): number {
  if (!/^-?\d{1,9}$/.test(text)) throw new InvalidArgumentError('a whole number');
  return Number(text);
}

function namedMutant(partOfName: string): Mutant {
  try {
    return mutantNamed(partOfName);
  } catch (error) {
    throw new InvalidArgumentError((error as Error).message);
  }
}

function minutes(text: string): number {
  const count = /^\d+(\.\d+)?m?$/.test(text) ? Number.parseFloat(text) : NaN;
  if (Number.isNaN(count)) throw new InvalidArgumentError('minutes, such as 60m');
  return count;
}

await main();
