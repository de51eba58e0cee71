import { writeFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { Command, Option } from 'commander';
import { measure } from './measure.ts';
import { measurePeer, peerTable, type PeerResult } from './peers/measure.ts';
import { type PeerName, peerNames } from './peers/peer.ts';
import { missedRatios, ratiosOf, ratioTable } from './peers/ratios.ts';
import { hotShow as hotShowOfPeers, sellOut as sellOutOfPeers } from './peers/workloads.ts';
import { writePlots } from './plots.ts';
import { type Findings, machine, reportOf, type Result, shortcomings, tableOf } from './report.ts';
import type { BenchContext, Profile, Scenario } from './scenario.ts';
import { grantedHolds } from './scenarios/granted-holds.ts';
import { growth } from './scenarios/growth.ts';
import { hotShow } from './scenarios/hot-show.ts';
import { liveMap, WATCHERS } from './scenarios/live-map.ts';
import { mapReads } from './scenarios/map-reads.ts';
import { massRefund, REFUNDS } from './scenarios/mass-refund.ts';
import { outboxRelay } from './scenarios/outbox-relay.ts';
import { overload } from './scenarios/overload.ts';
import { pacedSale } from './scenarios/paced-sale.ts';
import { RECONCILED, reconciliation } from './scenarios/reconciliation.ts';
import { sellFor, sellOut } from './scenarios/sell-out.ts';
import { showWorkflow } from './scenarios/show-workflow.ts';
import { tenSeats } from './scenarios/ten-seats.ts';
import { unloaded } from './scenarios/unloaded.ts';
import { median } from './statistics.ts';

const peakScenario = sellOut(64);
/** In this order: the peak of W1 sets the rates of others. */
const scenariosWith = ({
  watchers,
  refunds,
  reconciled,
}: Pick<Options, 'watchers' | 'refunds' | 'reconciled'>): readonly Scenario[] => [
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
  massRefund(refunds),
  reconciliation(reconciled),
  outboxRelay,
  growth,
];
/** Where the peak has not been measured in this bench, it is looked for so long. */
const SHORT_WARM_UP_MS = 4_000;
const SHORT_MS = 8_000;

/** Shorter than ours: they were warm sooner, and there are four of them. */
const peerTiming = { warmUpMs: 2_000, measuredMs: 8_000 };
const peerWorkloads = [hotShowOfPeers, sellOutOfPeers(64, peerTiming), sellOutOfPeers(256, peerTiming)];
/** Where nobody is refused, both ways of Restate are one. */
const workloadsOf = (name: PeerName) => (name === 'restate-in-turn' ? [hotShowOfPeers] : peerWorkloads);
const REPORT = 'docs/performance.md';

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
    `scenarios: ${scenariosWith({ watchers: WATCHERS, refunds: REFUNDS, reconciled: RECONCILED })
      .map(({ name }) => name)
      .join(', ')}`,
  )
  .option('--runs <count>', 'runs of each scenario; the median counts', Number, 3)
  .option('--watchers <count>', 'of live-map', Number, WATCHERS)
  .option('--refunds <count>', 'of mass-refund', Number, REFUNDS)
  .option('--reconciled <count>', 'bookings of reconciliation', Number, RECONCILED)
  .addOption(new Option('--peers <names...>', 'by default all of them, or none with --only').choices(peerNames))
  .option('--no-peers', 'leave them out')
  .option('--report [file]', 'write the report, by default to docs/performance.md');

interface Options {
  readonly profile?: readonly Profile[];
  readonly only?: readonly string[];
  readonly runs: number;
  readonly watchers: number;
  readonly refunds: number;
  readonly reconciled: number;
  /** False: `--no-peers`; true is what commander says without either. */
  readonly peers?: readonly PeerName[] | boolean;
  readonly report?: true | string;
}

async function main(): Promise<void> {
  const options = command.parse().opts<Options>();
  const { profile: profiles, only, runs, report, watchers, refunds, reconciled } = options;
  const scenarios = scenariosWith({ watchers, refunds, reconciled });
  const unknown = only?.find((name) => scenarios.every((scenario) => scenario.name !== name));
  if (unknown !== undefined) command.error(`no such scenario: ${unknown}`);
  // Peers alone, when only they are asked for.
  const chosen = scenarios.filter(({ name }) => only?.includes(name) ?? typeof options.peers !== 'object');
  console.log(machine());
  const results: Result[] = [];
  const peers: PeerResult[] = [];
  const peerFailures: string[] = [];
  // After each part anew: what comes to its end is told, whatever becomes of the rest.
  const keep = () => (report === undefined ? null : writeReport(report, { results, peers, peerFailures }));
  for (const profile of ['server', 'dev'] as const) {
    for (const scenario of chosen) {
      if (!(profiles ?? scenario.profiles).includes(profile)) continue;
      console.log(`\n${new Date().toLocaleTimeString()} ${scenario.name}, TEMPORAL_PROFILE=${profile}`);
      const result = await measure(scenario, { profile, runs, peak: (context) => peakOf(results, context) });
      console.log(`\n${tableOf(result)}`);
      results.push(result);
      await keep();
    }
    if (profile === 'dev') continue;
    for (const name of peersToMeasure(options)) {
      console.log(`\n${new Date().toLocaleTimeString()} ${name}`);
      try {
        peers.push(...(await measurePeer(name, workloadsOf(name), runs)));
      } catch (error) {
        peerFailures.push(`${name}: FAILED: ${error instanceof Error ? error.message : String(error)}`);
      }
      await keep();
    }
  }
  const ratios = ratiosOf(results, peers);
  if (peers.length > 0) console.log(`\n${ratioTable(ratios)}\n\n${peerTable(peers)}`);
  const missed = [...shortcomings(results), ...missedRatios(ratios), ...peerFailures];
  for (const line of missed) console.log(`missed: ${line}`);
  process.exitCode = missed.length > 0 ? 1 : 0;
}

/** All of them, unless only some scenarios are asked for. */
const peersToMeasure = ({ only, peers }: Options): readonly PeerName[] => {
  if (typeof peers === 'object') return peers;
  return peers === false || only !== undefined ? [] : peerNames;
};

async function writeReport(report: true | string, findings: Omit<Findings, 'plots'>): Promise<void> {
  const file = report === true ? REPORT : report;
  const plotFolder = file.replace(/\.md$/, '');
  const plots = await writePlots(plotFolder, findings.results, findings.peers);
  await writeFile(file, reportOf({ ...findings, plots }, basename(plotFolder)));
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
