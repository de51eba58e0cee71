import { Command, Option } from 'commander';
import { machine } from '../report.ts';
import { measurePeer, peerTable, type PeerResult } from './measure.ts';
import { type PeerName, peerNames } from './peer.ts';
import { hotShow, sellOut } from './workloads.ts';

interface Options {
  readonly only: readonly PeerName[];
  readonly workload: readonly ('W1' | 'W2')[];
  readonly clients: readonly string[];
  readonly seconds: number;
  readonly warmUp: number;
  readonly runs: number;
}

const { only, workload, clients, seconds, warmUp, runs } = new Command('peers')
  .description('Measures what others would use, on the same workloads: each audited after a kill.')
  .addOption(new Option('--only <names...>', 'peers').choices(peerNames).default(peerNames))
  .addOption(new Option('--workload <names...>', 'workloads').choices(['W1', 'W2']).default(['W1', 'W2']))
  .option('--clients <counts...>', 'closed loops of W1', ['64', '256'])
  .option('--seconds <count>', 'measured of each run of W1', Number, 20)
  .option('--warm-up <count>', 'seconds before them', Number, 5)
  .option('--runs <count>', 'of each workload; the median counts', Number, 3)
  .parse()
  .opts<Options>();

const timing = { warmUpMs: warmUp * 1_000, measuredMs: seconds * 1_000 };
const workloads = [
  ...(workload.includes('W2') ? [hotShow] : []),
  ...(workload.includes('W1') ? clients.map((count) => sellOut(Number(count), timing)) : []),
];
const results: PeerResult[] = [];
console.log(machine());
for (const name of only) {
  results.push(...(await measurePeer(name, workloads, runs)));
  console.error(`${name}: measured, its audit passed`);
}
console.log(`\n${peerTable(results)}`);
