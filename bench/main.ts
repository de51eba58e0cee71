import { writeFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { Command, InvalidArgumentError, Option } from 'commander';
import { measure } from './measure.ts';
import { measurePeer, peerTable, type PeerResult } from './peers/measure.ts';
import { type PeerName, peerNames } from './peers/peer.ts';
import { missedRatios, ratiosOf, ratioTable, slowPeers } from './peers/ratios.ts';
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
  tenSeats(5_000),
  tenSeats(50_000),
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
/** After what they are held against, and before anything else: in the same minutes. */
const PEERS_AFTER = 'ten-seats-5000';
/** Where nobody is refused, both ways of Restate are one. */
const workloadsOf = (name: PeerName) => (name === 'restate-in-turn' ? [hotShowOfPeers] : peerWorkloads);
const REPORT = 'docs/performance.md';

const positive = (text: string): number => {
  if (!/^[1-9]\d*$/.test(text)) throw new InvalidArgumentError('a whole number above 0');
  return Number(text);
};

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
  .option('--runs <count>', 'runs of each scenario; the median counts', positive, 3)
  .option('--watchers <count>', 'of live-map', positive, WATCHERS)
  .option('--refunds <count>', 'of mass-refund', positive, REFUNDS)
  .option('--reconciled <count>', 'bookings of reconciliation', positive, RECONCILED)
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
  const keep = async (): Promise<void> => {
    if (report !== undefined)
      await writeReport(report, { results, peers, peerFailures, unmeasured: unmeasured(results, peers) });
  };
  const measurePeers = async (): Promise<void> => {
    for (const name of peersToMeasure(options)) {
      console.log(`\n${new Date().toLocaleTimeString()} ${name}`);
      try {
        peers.push(...(await measurePeer(name, workloadsOf(name), runs)));
      } catch (error) {
        peerFailures.push(`${name}: FAILED: ${error instanceof Error ? error.message : String(error)}`);
      }
      await keep();
    }
  };
  for (const profile of ['server', 'dev'] as const) {
    const ofProfile = chosen.filter((scenario) => (profiles ?? scenario.profiles).includes(profile));
    for (const scenario of ofProfile) {
      console.log(`\n${new Date().toLocaleTimeString()} ${scenario.name}, TEMPORAL_PROFILE=${profile}`);
      const result = await measure(scenario, { profile, runs, peak: (context) => peakOf(results, context) });
      console.log(`\n${tableOf(result)}`);
      results.push(result);
      await keep();
      if (profile === 'server' && scenario.name === PEERS_AFTER) await measurePeers();
    }
    if (profile === 'server' && ofProfile.every(({ name }) => name !== PEERS_AFTER)) await measurePeers();
  }
  const ratios = ratiosOf(results, peers);
  if (peers.length > 0) console.log(`\n${ratioTable(ratios)}\n\n${peerTable(peers)}`);
  const missed = [...shortcomings(results), ...missedRatios(ratios), ...slowPeers(peers), ...peerFailures];
  for (const line of missed) console.log(`missed: ${line}`);
  process.exitCode = missed.length > 0 ? 1 : 0;
}

/** All of them, unless only some scenarios are asked for. */
const peersToMeasure = ({ only, peers }: Options): readonly PeerName[] => {
  if (typeof peers === 'object') return peers;
  return peers === false || only !== undefined ? [] : peerNames;
};

/** What a whole report has, and this one has not, or not yet. */
function unmeasured(results: readonly Result[], peers: readonly PeerResult[]): string[] {
  const scenarios = scenariosWith({ watchers: WATCHERS, refunds: REFUNDS, reconciled: RECONCILED }).flatMap(
    (scenario) =>
      scenario.profiles
        .filter(
          (profile) => !results.some((result) => result.scenario.name === scenario.name && result.profile === profile),
        )
        .map((profile) => `${scenario.name} (${profile})`),
  );
  return [...scenarios, ...peerNames.filter((name) => peers.every(({ peer }) => peer !== name))];
}

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
