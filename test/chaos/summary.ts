import type { FaultRecord } from './faults/fault.ts';
import { faults } from './faults/schedule.ts';
import { undisturbedRecoveryMs } from './recovery.ts';
import type { RunResult } from './run.ts';

/** What many runs have shown together. */
export interface Summary {
  readonly runs: number;
  /** Seeds of those in which a promise was broken. */
  readonly failed: readonly number[];
  readonly operations: number;
  /** How often each kind of call was answered how. */
  readonly outcomes: Readonly<Record<string, number>>;
  readonly bookings: number;
  /** In the end. */
  readonly confirmed: number;
  /** Answers that were asked for again, and compared. */
  readonly repeated: number;
  readonly historiesReplayed: number;
  /** Parts of histories that were not decided. */
  readonly undecided: number;
  readonly mapReads: number;
  readonly mapEvents: number;
  readonly webhooks: Readonly<Record<string, number>>;
  readonly quietAfterMsMax: number;
  readonly faults: number;
  readonly kindsOfFaults: number;
  /** Kinds that came about in none of the runs. */
  readonly notSeen: readonly string[];
  /** Pairs of kinds that were there at the same time. */
  readonly kindsTogether: number;
  /** Of kills that nothing else disturbed: until the first booking that was asked for afterwards was confirmed. */
  readonly recoveryMs: Readonly<
    Record<string, { readonly kills: number; readonly median: number; readonly max: number }>
  >;
}

export function summaryOf(runs: readonly RunResult[]): Summary {
  const happened = runs.map(({ faults: came }) => came.filter(({ what }) => what !== null));
  const names = new Set(happened.flatMap((came) => came.map(({ name }) => name)));
  return {
    runs: runs.length,
    failed: runs.filter(({ broken }) => broken.length > 0).map(({ seed }) => seed),
    operations: sum(runs.map(({ figures }) => figures.operations)),
    outcomes: sumsByName(runs.map(({ figures }) => figures.outcomes)),
    bookings: sum(runs.map(({ audit }) => audit.bookings)),
    confirmed: sum(runs.map(({ audit }) => audit.confirmed)),
    repeated: sum(runs.map(({ audit }) => audit.repeated)),
    historiesReplayed: sum(runs.map(({ audit }) => audit.replayed)),
    undecided: sum(runs.map(({ history }) => history?.undecided ?? 0)),
    mapReads: sum(runs.map(({ mapReads }) => mapReads)),
    mapEvents: sum(runs.map(({ mapEvents }) => mapEvents)),
    webhooks: sumsByName(runs.map(({ webhooks }) => webhooks)),
    quietAfterMsMax: Math.round(Math.max(0, ...runs.map(({ audit }) => audit.quietAfterMs))),
    faults: sum(happened.map((came) => came.length)),
    kindsOfFaults: names.size,
    notSeen: faults.filter(({ name }) => !names.has(name)).map(({ name }) => name),
    kindsTogether: new Set(happened.flatMap(pairsAtOnce)).size,
    recoveryMs: recoveriesByPart(runs.flatMap(({ faults: came }) => came)),
  };
}

const pairsAtOnce = (came: readonly FaultRecord[]): string[] =>
  came.flatMap((one) =>
    came
      .filter((other) => other.name > one.name && other.fromMs < one.toMs && other.toMs > one.fromMs)
      .map((other) => `${one.name} ${other.name}`),
  );

function recoveriesByPart(came: readonly FaultRecord[]): Summary['recoveryMs'] {
  const byPart: Record<string, number[]> = {};
  for (const fault of came) {
    const afterMs = undisturbedRecoveryMs(fault);
    if (fault.killed !== undefined && afterMs !== null) (byPart[fault.killed] ??= []).push(afterMs);
  }
  return Object.fromEntries(
    Object.entries(byPart).map(([part, ms]) => {
      const sorted = ms.toSorted((a, b) => a - b);
      return [part, { kills: ms.length, median: sorted[Math.floor(ms.length / 2)]!, max: sorted.at(-1)! }];
    }),
  );
}

const sum = (numbers: readonly number[]): number => numbers.reduce((total, each) => total + each, 0);

function sumsByName(each: readonly Readonly<Record<string, number>>[]): Record<string, number> {
  const sums: Record<string, number> = {};
  for (const [name, count] of each.flatMap((counts) => Object.entries(counts))) sums[name] = (sums[name] ?? 0) + count;
  return sums;
}
