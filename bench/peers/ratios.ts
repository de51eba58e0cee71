import { type MachineLook, midLook } from '../machine-looks.ts';
import type { Result } from '../report.ts';
import { median, rounded } from '../statistics.ts';
import type { PeerResult } from './measure.ts';
import { type PeerName, peerNames } from './peer.ts';

/** Which of our figures stands against which workload of the peers; the first figure of a workload is its rate. */
interface Comparison {
  readonly workload: string;
  readonly scenario: string;
  readonly figure: string;
  /** Ours ÷ theirs: at least, and what we aim at. */
  readonly goals: Readonly<Partial<Record<PeerName, { readonly floor: number; readonly aim: number }>>>;
}

const comparisons: readonly Comparison[] = [
  { workload: 'W1, 64 clients', scenario: 'sell-out-64', figure: 'confirmed bookings', goals: {} },
  { workload: 'W1, 256 clients', scenario: 'sell-out-256', figure: 'confirmed bookings', goals: {} },
  {
    workload: 'W2, 5000 requests, 256 clients',
    scenario: 'ten-seats-5000',
    figure: 'hold decisions',
    goals: {
      // The floor was set by holds that are decided in turn. It is asked of both: what we do out of turn, a peer may do, too.
      restate: { floor: 12, aim: 40 },
      'restate-in-turn': { floor: 12, aim: 40 },
      dbos: { floor: 10, aim: 40 },
      'postgres-conditional': { floor: 1, aim: 2 },
    },
  },
];

/** Bookings a second in W1, with 64 or 256 clients, that each should reach on two cores: a badly written one makes ratios easy. */
const wellWritten: Readonly<Partial<Record<PeerName, number>>> = {
  'postgres-conditional': 2_500,
  'postgres-coalesced': 8_000,
  restate: 160,
  dbos: 160,
};

export interface Ratio {
  readonly workload: string;
  readonly peer: PeerName;
  /** Operations a second, medians. */
  readonly ours: number;
  readonly theirs: number;
  readonly ratio: number;
  /** At the machine, medians. */
  readonly looks: readonly [ours: MachineLook, theirs: MachineLook];
  readonly floor?: number;
  readonly aim?: number;
}

/** Of what both have been measured by, on the `server` profile. */
export function ratiosOf(results: readonly Result[], peers: readonly PeerResult[]): Ratio[] {
  return comparisons.flatMap(({ workload, scenario, figure, goals }) => {
    const ofUs = results.find((result) => result.scenario.name === scenario && result.profile === 'server');
    if (!ofUs || ofUs.measurements.length === 0) return [];
    const ours = median(ofUs.measurements.map(({ figures }) => figures[figure]!));
    return peerNames.flatMap((peer): Ratio[] => {
      const ofIt = peers.find((result) => result.peer === peer && result.workload === workload);
      if (!ofIt || ofIt.runs.length === 0) return [];
      const theirs = median(ofIt.runs.map(({ figures }) => Object.values(figures)[0]!));
      const looks = [midLook(ofUs.looks), midLook(ofIt.runs.map(({ look }) => look))] as const;
      return [{ workload, peer, ours, theirs, ratio: ours / theirs, looks, ...goals[peer] }];
    });
  });
}

/** Markdown. */
export function ratioTable(ratios: readonly Ratio[]): string {
  const rows = ratios.map(({ workload, peer, ours, theirs, ratio, looks, floor, aim }) => {
    const goals = [floor, aim].map((goal) =>
      goal === undefined ? '' : `≥ ${goal}${ratio >= goal ? '' : ' **missed**'}`,
    );
    const speeds = looks.map(({ coreSpeed }) => rounded(coreSpeed)).join(', ');
    const stolen = looks.map((look) => rounded(100 * look.stolen)).join(', ');
    return `| ${[workload, peer, rounded(ours), rounded(theirs), `**${rounded(ratio)}**`, ...goals, speeds, stolen].join(' | ')} |`;
  });
  return [
    '| workload | peer | Seatkeeper, /s | peer, /s | ratio | floor | aim | speed of a core, ours and theirs | stolen, % |',
    '|---|---|---|---|---|---|---|---|---|',
    ...rows,
  ].join('\n');
}

export const missedRatios = (ratios: readonly Ratio[]): string[] =>
  ratios.flatMap(({ workload, peer, ratio, floor }) =>
    floor === undefined || ratio >= floor ? [] : [`${workload}: ${rounded(ratio)} times ${peer}, floor ${floor}`],
  );

/** Peers that are slower than a well-written one should be. */
export function slowPeers(peers: readonly PeerResult[]): string[] {
  return Object.entries(wellWritten).flatMap(([peer, floor]) => {
    const rates = peers
      .filter((result) => result.peer === peer && result.workload.startsWith('W1'))
      .map(({ runs }) => median(runs.map(({ figures }) => Object.values(figures)[0]!)));
    if (rates.length === 0) return [];
    const best = Math.max(...rates);
    return best >= floor ? [] : [`${peer} itself: ${rounded(best)} bookings a second in W1, floor ${floor}`];
  });
}
