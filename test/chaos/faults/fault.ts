import type { Cluster, PartName } from '../cluster.ts';
import type { Random } from '../random.ts';

/** What a fault has done, for the run's record. */
export interface Deed {
  /** To whom, and how: `worker-1`, `api-2 postgres`. */
  readonly what: string;
  /** The one process that was killed, if it was one alone; then the first booking afterwards is timed. */
  readonly killed?: PartName;
  /** When it was killed, in ms of the monotonic clock, where that is not when the fault began. */
  readonly atMs?: number;
}

/** One thing that goes wrong for a while. */
export interface Fault {
  readonly name: string;
  /** It does nothing else than to kill one process, at once: when it is alone, the first booking afterwards is timed. */
  readonly killsOne?: true;
  /** Brings it about, waits for its time, and takes it away; `null`: it could not be brought about this time. */
  run(cluster: Cluster, random: Random, signal: AbortSignal): Promise<Deed | null>;
}

/** A fault as it came about. */
export interface FaultRecord {
  readonly name: string;
  /** Since the clients began, in ms. */
  readonly fromMs: number;
  readonly toMs: number;
  /** Null: it could not be brought about. */
  readonly what: string | null;
  /** Why not: another fault has taken away what it needs, as a rule. */
  readonly failure?: string;
  /** Of a process that was killed alone. */
  readonly killed?: string;
  readonly recoveredAfterMs?: number | null;
  /** Another fault was there already, or came before it had recovered and before its time to do so was over. */
  readonly disturbed?: boolean;
}
