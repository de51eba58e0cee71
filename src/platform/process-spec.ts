/** How to run one part of the system as a process of its own, and how to tell that it answers. */
export interface ProcessSpec {
  /** Name in the logs: `postgres`, `temporal`, `worker`, `api`, `payment-simulator`. */
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** User to run as, where it may not be the caller (PostgreSQL refuses root). */
  readonly uid?: number;
  readonly gid?: number;
  /** Resolves when the part answers; rejects when it can't any more. Aborted when the process exits. */
  ready(signal: AbortSignal): Promise<void>;
  readonly stopSignal: NodeJS.Signals;
  /** After this long without an exit the process is killed. */
  readonly stopTimeoutMs: number;
}
