import { mkdtemp, rm } from 'node:fs/promises';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { startLoad } from '../load/under-load.ts';
import { type MachineLook, midLook, withMachineLooks } from '../machine-looks.ts';
import { processesBelow } from '../process-costs.ts';
import { median, rounded } from '../statistics.ts';
import { ToldSales } from '../told-sales.ts';
import { ensurePeersInstalled } from './installed.ts';
import type { PeerName } from './peer.ts';
import { RunningPeer } from './running-peer.ts';
import type { Workload } from './workloads.ts';

export const peerParts = ['front', 'postgres', 'restate-server'] as const;
export type PeerPart = (typeof peerParts)[number];
export type PeerCosts = Readonly<Record<PeerPart, number>>;

export interface PeerRun {
  readonly figures: Readonly<Record<string, number>>;
  /** CPU time per operation, ms: the front's process runs the peer's own code as well. */
  readonly cpuMs: PeerCosts;
  readonly generatorCpuMs: number;
  /** Of the machine, a minute's, when the run began: what else it had to do. */
  readonly load: number;
  /** At the machine, the median of the run. */
  readonly look: MachineLook;
}

export interface PeerResult {
  readonly peer: PeerName;
  readonly workload: string;
  readonly runs: readonly PeerRun[];
}

/**
 * Runs the workloads one after the other on one peer, on data of its own. After them the peer is killed and started
 * again, and what it then has on record is held against what its clients were told.
 * @throws Error on a double sale, a lost confirmation, or an answer that a workload does not expect
 */
export async function measurePeer(
  name: PeerName,
  workloads: readonly Workload[],
  runsOfEach: number,
): Promise<PeerResult[]> {
  if (name.startsWith('restate')) await ensurePeersInstalled();
  const dataDir = await mkdtemp(join(tmpdir(), `seatkeeper-peer-${name}-`));
  const sales = new ToldSales();
  try {
    const results = await withPeer(name, dataDir, async (peer) => {
      const measured: PeerResult[] = [];
      for (const workload of workloads) {
        const runs: PeerRun[] = [];
        while (runs.length < runsOfEach) runs.push(await measuredRun(peer, workload, sales));
        measured.push({ peer: name, workload: workload.name, runs });
      }
      return measured;
    });
    const stored = await withPeer(name, dataDir, (peer) => peer.confirmedBookings());
    const recorded = stored.map((booking) => ({ ...booking, status: 'CONFIRMED' }));
    const faults = sales.faultsOf(recorded, { holdsToo: false });
    if (faults.length > 0) throw new Error(`${name} failed its audit, ${faults.length} faults: ${faults[0]}`);
    return results;
  } finally {
    await rm(dataDir, { recursive: true, force: true });
  }
}

async function withPeer<Result>(
  name: PeerName,
  dataDir: string,
  work: (peer: RunningPeer) => Promise<Result>,
): Promise<Result> {
  const peer = await RunningPeer.start(name, dataDir);
  try {
    return await work(peer);
  } finally {
    await peer.kill();
  }
}

async function measuredRun(peer: RunningPeer, workload: Workload, sales: ToldSales): Promise<PeerRun> {
  const [load = NaN] = loadavg();
  const { done, looks } = await withMachineLooks(() =>
    workload.run({ peer, sales, load: (job) => startLoad(job, () => cpuMsOf(peer.pid)).done }),
  );
  const { figures, loaded, operations } = done;
  const { before, after } = loaded;
  const perOperation = (part: PeerPart): number => (after[part] - before[part]) / operations;
  return {
    figures,
    cpuMs: {
      front: perOperation('front'),
      postgres: perOperation('postgres'),
      'restate-server': perOperation('restate-server'),
    },
    generatorCpuMs: loaded.generatorCpuMs / operations,
    load,
    look: midLook(looks),
  };
}

function cpuMsOf(root: number): PeerCosts {
  const costs = { front: 0, postgres: 0, 'restate-server': 0 };
  for (const { command, cpuMs } of processesBelow(root)) costs[partOf(command)] += cpuMs;
  return costs;
}

function partOf(command: string): PeerPart {
  if (command.includes('peer-process')) return 'front';
  return command.includes('restate-server') ? 'restate-server' : 'postgres';
}

/** Markdown: the median of each figure, and what an operation costs by process. */
export function peerTable(results: readonly PeerResult[]): string {
  return [...Map.groupBy(results, ({ workload }) => workload)]
    .map(([workload, ofIt]) => {
      const figures = Object.keys(ofIt[0]!.runs[0]!.figures);
      const header = [
        'peer',
        ...figures,
        'CPU-ms per operation',
        ...peerParts.map((part) => `of it ${part}`),
        '_load generator_',
        'load',
        'speed of a core',
        'stolen, %',
      ];
      const rows = ofIt.map(({ peer, runs }) => {
        const mid = (of: (run: PeerRun) => number): string => rounded(median(runs.map(of)));
        return [
          peer,
          ...figures.map((figure) => mid((run) => run.figures[figure]!)),
          mid(({ cpuMs }) => peerParts.reduce((sum, part) => sum + cpuMs[part], 0)),
          ...peerParts.map((part) => mid(({ cpuMs }) => cpuMs[part])),
          mid(({ generatorCpuMs }) => generatorCpuMs),
          mid(({ load }) => load),
          mid(({ look }) => look.coreSpeed),
          mid(({ look }) => 100 * look.stolen),
        ];
      });
      const lines = [header, header.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`);
      return `### ${workload}\n\n${lines.join('\n')}\n`;
    })
    .join('\n');
}
