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
    scenario: 'ten-seats',
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

export interface Ratio {
  readonly workload: string;
  readonly peer: PeerName;
  /** Operations a second, medians. */
  readonly ours: number;
  readonly theirs: number;
  readonly ratio: number;
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
      return [{ workload, peer, ours, theirs, ratio: ours / theirs, ...goals[peer] }];
    });
  });
}

/** Markdown. */
export function ratioTable(ratios: readonly Ratio[]): string {
  const rows = ratios.map(({ workload, peer, ours, theirs, ratio, floor, aim }) => {
    const goals = [floor, aim].map((goal) =>
      goal === undefined ? '' : `≥ ${goal}${ratio >= goal ? '' : ' **missed**'}`,
    );
    return `| ${[workload, peer, rounded(ours), rounded(theirs), `**${rounded(ratio)}**`, ...goals].join(' | ')} |`;
  });
  return [
    '| workload | peer | Seatkeeper, /s | peer, /s | ratio | floor | aim |',
    '|---|---|---|---|---|---|---|',
    ...rows,
  ].join('\n');
}

export const missedRatios = (ratios: readonly Ratio[]): string[] =>
  ratios.flatMap(({ workload, peer, ratio, floor }) =>
    floor === undefined || ratio >= floor ? [] : [`${workload}: ${rounded(ratio)} times ${peer}, floor ${floor}`],
  );
