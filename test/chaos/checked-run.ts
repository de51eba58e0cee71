import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Cluster, times } from './cluster.ts';
import { keepEvidence } from './evidence.ts';
import { checkHistory } from './linearizability/check.ts';
import type { Partner } from './partner.ts';
import { type RunOptions, type RunResult, runSeed } from './run.ts';

/** A run whose operations are also held against the sequential model of a seat. */
export async function checkedRun(cluster: Cluster, partner: Partner, options: RunOptions): Promise<RunResult> {
  const run = await runSeed(cluster, partner, options);
  const { operations, folder } = run.files;
  const { violations, undecided, partitions, illegal } = await checkHistory(operations, {
    terms: times,
    visualizationDir: folder,
  });
  const checked: RunResult = {
    ...run,
    history: { violations, undecided: undecided.length, partitions },
    broken: [
      ...run.broken,
      ...illegal.map(
        ({ rule, message, showId, seatIds }) => `${rule}: ${message}: seats ${seatIds.join()} of ${showId}`,
      ),
      ...undecided.map((part) => `one order of all: none was found for ${part}, nor shown to be impossible`),
    ],
  };
  writeFileSync(join(folder, 'audit.json'), `${JSON.stringify(checked, null, 2)}\n`);
  if (checked.broken.length > 0) await keepEvidence(cluster, checked.broken, folder);
  return checked;
}
