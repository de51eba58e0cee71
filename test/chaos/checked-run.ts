import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Cluster, times } from './cluster.ts';
import { keepEvidence } from './evidence.ts';
import { checkHistory, type Violation } from './linearizability/check.ts';
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
      ...run.tooLittle,
      ...run.broken,
      ...illegal.map(asTold),
      ...undecided.map((part) => `one order of all: none was found for ${part}, nor shown to be impossible`),
    ],
  };
  writeFileSync(join(folder, 'audit.json'), `${JSON.stringify(checked, null, 2)}\n`);
  if (checked.broken.length > 0) await keepEvidence(cluster, checked.broken, folder);
  return checked;
}

/** Of one violation, in the sentence that tells it. */
const OPERATIONS_TOLD_MAX = 60;

function asTold({ message, showId, seatIds, operations }: Violation): string {
  const told = operations.slice(-OPERATIONS_TOLD_MAX).map(lineOf);
  return [`${message}: seats ${seatIds.join()} of ${showId}`, ...told].join('\n  ');
}

const seconds = (ns: number | null): string => (ns === null ? 'never' : (ns / 1e9).toFixed(3));

function lineOf({
  line,
  client,
  kind,
  bookingId,
  key,
  seatIds,
  outcome,
  ...rest
}: Violation['operations'][number]): string {
  const { call, return: returned, code, status, answeredSeatIds, expiresAt } = rest;
  const answer = [code, status, answeredSeatIds?.join('+'), expiresAt === null ? null : `until ${seconds(expiresAt)}`];
  return [
    `line ${line}, ${seconds(call)} to ${seconds(returned)}: client ${client}`,
    `${kind} ${bookingId ?? ''} of ${seatIds.join('+')} under ${key ?? 'no key'}:`,
    ...[outcome, ...answer].filter((part) => part),
  ].join(' ');
}
