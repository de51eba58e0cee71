import { writeFile } from 'node:fs/promises';
import { Command, Option } from 'commander';
import { ApiClient } from './buyers.ts';
import { processCosts } from './process-costs.ts';
import { machine, missedFloors, type Profile, reportOf, type Result, tableOf } from './report.ts';
import { startSystem } from './running-system.ts';
import type { Measurement, Scenario } from './scenario.ts';
import { confirmedBookings } from './scenarios/confirmed-bookings.ts';
import { grantedHolds } from './scenarios/granted-holds.ts';
import { hotShow } from './scenarios/hot-show.ts';
import { unloaded } from './scenarios/unloaded.ts';

const scenarios: readonly Scenario[] = [unloaded, hotShow, grantedHolds, confirmedBookings];

const command = new Command('bench')
  .description('Measures the system as npm start runs it, through HTTP, the load generator on the same machine.')
  .addOption(
    new Option('--profile <names...>', 'how Temporal runs').choices(['dev', 'server']).default(['dev', 'server']),
  )
  .option('--only <names...>', `scenarios: ${scenarios.map(({ name }) => name).join(', ')}`)
  .option('--runs <count>', 'runs of each scenario; the median counts', Number, 3)
  .option('--report [file]', 'write the report, by default to docs/performance.md');

interface Options {
  readonly profile: readonly Profile[];
  readonly only?: readonly string[];
  readonly runs: number;
  readonly report?: true | string;
}

async function main(): Promise<void> {
  const { profile: profiles, only, runs, report } = command.parse().opts<Options>();
  const chosen = scenarios.filter(({ name }) => only?.includes(name) ?? true);
  if (chosen.length === 0) command.error(`no such scenario: ${only?.join(', ')}`);
  console.log(machine());
  const results: Result[] = [];
  for (const profile of profiles) {
    for (const result of await runProfile(profile, chosen, runs)) {
      results.push(result);
    }
  }
  if (report !== undefined) await writeFile(report === true ? 'docs/performance.md' : report, reportOf(results));
  const missed = missedFloors(results);
  for (const line of missed) console.log(`missed: ${line}`);
  process.exitCode = missed.length > 0 ? 1 : 0;
}

async function runProfile(profile: Profile, chosen: readonly Scenario[], runs: number): Promise<Result[]> {
  const results: Result[] = [];
  for (const scenario of chosen) {
    const result = { scenario, profile, measurements: await measure(scenario, profile, runs) };
    console.log(`\n${tableOf(result)}`);
    results.push(result);
  }
  return results;
}

/** On a system of its own: what one scenario leaves behind, thousands of open bookings, is no part of another. */
async function measure(scenario: Scenario, profile: Profile, runs: number): Promise<Measurement[]> {
  console.log(`\nstarting the system with TEMPORAL_PROFILE=${profile} for ${scenario.name}`);
  const system = await startSystem({ TEMPORAL_PROFILE: profile });
  const api = new ApiClient(system.api);
  const measurements: Measurement[] = [];
  try {
    for (let run = 0; run < runs; run++) {
      measurements.push(await scenario.run({ system, profile, api, costs: () => processCosts(system.pid) }));
    }
  } finally {
    await api.close();
    await system.stop();
  }
  return measurements;
}

await main();
