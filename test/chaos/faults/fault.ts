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
  /** Brings it about, waits for its time, and takes it away; `null`: it could not be brought about this time. */
  run(cluster: Cluster, random: Random, signal: AbortSignal): Promise<Deed | null>;
}
