import type { Logger } from '../../src/platform/logger.ts';
import type { ProcessSpec } from '../../src/platform/process-spec.ts';

/** `dev`: one process on a SQLite file. `server`: Temporal Server and its UI on Postgres, as production has it. */
export type TemporalProfile = 'dev' | 'server';

/**
 * Loopback TCP ports that each profile listens on, to be chosen by the caller. They may differ from one start to the
 * next: nothing durable depends on them. `frontend` is the address of clients and workers, `ui` the web page; `http`
 * is the frontend's HTTP API, `metrics` Prometheus's `/metrics`, the others are services behind the frontend.
 */
export const temporalPortNames = {
  dev: ['frontend', 'ui', 'http', 'metrics'],
  server: ['frontend', 'ui', 'http', 'metrics', 'history', 'matching', 'worker'],
} as const satisfies Record<TemporalProfile, readonly string[]>;

export type TemporalPortName<Profile extends TemporalProfile = TemporalProfile> =
  (typeof temporalPortNames)[Profile][number];

/** One distinct port for each name of the profile's list. */
export type TemporalPorts<Profile extends TemporalProfile = TemporalProfile> = Readonly<
  Record<TemporalPortName<Profile>, number>
>;

interface TemporalOptionsOfBoth {
  /** Folder of this system's durable state; ours is `temporal/` in it. Exists, writable by this process. */
  readonly dataDir: string;
  /** Folder of what is built or downloaded once, shared by all clones: `defaultCacheDir()` of `obtain.ts`. */
  readonly cacheDir: string;
  readonly namespace: string;
  readonly log: Logger;
  /** Read here: `TEMPORAL_ADDRESS`, `TEMPORAL_CLI`, `TEMPORAL_*_BIN`, and what `go` and child processes need. */
  readonly env: NodeJS.ProcessEnv;
  /** Ends the search for a binary, with the running build or download. */
  readonly signal?: AbortSignal;
}

export type TemporalOptions = TemporalOptionsOfBoth &
  (
    | { readonly profile: 'dev'; readonly ports: TemporalPorts<'dev'> }
    | {
        readonly profile: 'server';
        readonly ports: TemporalPorts<'server'>;
        /** Postgres server on which the databases `temporal` and `temporal_visibility` are made beside the named one. */
        readonly databaseUrl: string;
      }
  );

/** A Temporal service to run, or one that already runs elsewhere (then `processes` is empty). */
export interface PreparedTemporal {
  /** `host:port` of the frontend, for `TEMPORAL_ADDRESS` of API and worker. */
  readonly address: string;
  /** Web page for operators; null where an external server's page is not known. */
  readonly uiUrl: string | null;
  /** In order of starting. Each may be started again after it died, without `prepare` or `afterStart`. */
  readonly processes: readonly ProcessSpec[];
  /** Once, before the first process starts, with Postgres running: databases and schema. Idempotent. */
  prepare(): Promise<void>;
  /** Once, when all processes are ready and before the first worker starts: namespace, search attributes. Idempotent. */
  afterStart(): Promise<void>;
}

/** Something that a person must put right; the message is the one sentence that says what. */
export class TemporalUnavailableError extends Error {
  override readonly name = 'TemporalUnavailableError';
}
