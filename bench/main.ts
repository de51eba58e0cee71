import { writeFile } from 'node:fs/promises';
import { Command, Option } from 'commander';
import { measure } from './measure.ts';
import { machine, reportOf, type Result, shortcomings, tableOf } from './report.ts';
import type { BenchContext, Profile, Scenario } from './scenario.ts';
import { grantedHolds } from './scenarios/granted-holds.ts';
import { growth } from './scenarios/growth.ts';
import { hotShow } from './scenarios/hot-show.ts';
import { liveMap, WATCHERS } from './scenarios/live-map.ts';
import { mapReads } from './scenarios/map-reads.ts';
import { overload } from './scenarios/overload.ts';
import { pacedSale } from './scenarios/paced-sale.ts';
import { sellFor, sellOut } from './scenarios/sell-out.ts';
import { showWorkflow } from './scenarios/show-workflow.ts';
import { tenSeats } from './scenarios/ten-seats.ts';
import { unloaded } from './scenarios/unloaded.ts';
import { median } from './statistics.ts';

const peakScenario = sellOut(64);
/** In this order: the peak of W1 sets the rates of others. */
const scenariosWith = ({ watchers }: Pick<Options, 'watchers'>): readonly Scenario[] => [
  unloaded,
  peakScenario,
  sellOut(256),
  tenSeats,
  showWorkflow,
  mapReads,
  pacedSale,
  liveMap(watchers),
  overload,
  hotShow,
  grantedHolds,
  growth,
];
/** Where the peak has not been measured in this bench, it is looked for so long. */
const SHORT_WARM_UP_MS = 4_000;
const SHORT_MS = 8_000;

const command = new Command('bench')
  .description('Measures the system as npm start runs it, through HTTP, the load generator on the same machine.')
  .addOption(
    new Option('--profile <names...>', 'how Temporal runs; by default what each scenario is meant for').choices([
      'dev',
      'server',
    ]),
  )
  .option(
    '--only <names...>',
    `scenarios: ${scenariosWith({ watchers: WATCHERS })
      .map(({ name }) => name)
      .join(', ')}`,
  )
  .option('--runs <count>', 'runs of each scenario; the median counts', Number, 3)
  .option('--watchers <count>', 'of live-map', Number, WATCHERS)
  .option('--report [file]', 'write the report, by default to docs/performance.md');

interface Options {
  readonly profile?: readonly Profile[];
  readonly only?: readonly string[];
  readonly runs: number;
  readonly watchers: number;
  readonly report?: true | string;
}

async function main(): Promise<void> {
  const { profile: profiles, only, runs, report, watchers } = command.parse().opts<Options>();
  const scenarios = scenariosWith({ watchers });
  const unknown = only?.find((name) => scenarios.every((scenario) => scenario.name !== name));
  if (unknown !== undefined) command.error(`no such scenario: ${unknown}`);
  const chosen = scenarios.filter(({ name }) => only?.includes(name) ?? true);
  console.log(machine());
  const results: Result[] = [];
  for (const profile of ['server', 'dev'] as const) {
    for (const scenario of chosen) {
      if (!(profiles ?? scenario.profiles).includes(profile)) continue;
      console.log(`\n${new Date().toLocaleTimeString()} ${scenario.name}, TEMPORAL_PROFILE=${profile}`);
      const result = await measure(scenario, { profile, runs, peak: (context) => peakOf(results, context) });
      console.log(`\n${tableOf(result)}`);
      results.push(result);
    }
  }
  if (report !== undefined) await writeFile(report === true ? 'docs/performance.md' : report, reportOf(results));
  const missed = shortcomings(results);
  for (const line of missed) console.log(`missed: ${line}`);
  process.exitCode = missed.length > 0 ? 1 : 0;
}

async function peakOf(results: readonly Result[], context: Omit<BenchContext, 'peak'>): Promise<number> {
  const measured = results.find(
    ({ scenario, profile }) => scenario.name === peakScenario.name && profile === context.profile,
  );
  const perSecond = (measured?.measurements ?? []).map(({ figures }) => figures['confirmed bookings']!);
  if (perSecond.length > 0) return median(perSecond);
  const { figures } = await sellFor(context, 64, SHORT_WARM_UP_MS, SHORT_MS);
  return figures['confirmed bookings']!;
}

await main();
