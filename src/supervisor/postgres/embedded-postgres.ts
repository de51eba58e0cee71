import { setTimeout as delay } from 'node:timers/promises';
import { dirname } from 'node:path';
import pg from 'pg';
import type { Logger } from '../../platform/logger.ts';
import type { ProcessSpec } from '../../platform/process-spec.ts';
import type { DataFolder } from '../data-folder.ts';
import { StartupError } from '../startup-error.ts';
import { postgresBinaries } from './binaries.ts';
import { ensureCluster, locateCluster, postgresEnvironment, superuser, type Cluster } from './cluster.ts';
import { clearPostmasterPid } from './postmaster-pid.ts';

export interface EmbeddedPostgresOptions {
  readonly dataFolder: DataFolder;
  /** Loopback port, free. */
  readonly port: number;
  /** The superuser's, given to the cluster when it is made. */
  readonly password: string;
  readonly log: Logger;
}

export interface EmbeddedPostgres {
  readonly process: ProcessSpec;
  /** URL of our database, for `DATABASE_URL`. */
  readonly databaseUrl: string;
  /** Once, when the process is ready: our database. Idempotent. */
  afterStart(): Promise<void>;
}

const database = 'seatkeeper';
const pollMs = 100;
const connectTimeoutMs = 2_000;
/** A fast shutdown writes a checkpoint: with these settings at most a gigabyte. */
const stopTimeoutMs = 30_000;

/** For two cores and a few gigabytes of memory, everything on one machine, and no row lost that was promised. */
const settings: Readonly<Record<string, string | number>> = {
  listen_addresses: '127.0.0.1',
  // A socket would need a short path and its own rules of who may connect.
  unix_socket_directories: '',
  // Pools of api and worker (10 each), Temporal Server's (about 80 in its profile), and people.
  max_connections: 200,
  shared_buffers: '256MB',
  effective_cache_size: '1GB',
  max_wal_size: '1GB',
  fsync: 'on',
  synchronous_commit: 'on',
  full_page_writes: 'on',
  // Short statements by the thousand: compiling one never pays.
  jit: 'off',
  random_page_cost: 1.1,
  timezone: 'UTC',
  log_timezone: 'UTC',
  log_checkpoints: 'off',
};

/**
 * A PostgreSQL of the project's own: its data in the data folder, made at the first start, reachable from this machine
 * alone, with a password.
 * @throws StartupError
 */
export async function prepareEmbeddedPostgres(options: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
  const { dataFolder, port, password, log } = options;
  const cluster = locateCluster(dataFolder);
  const binaries = postgresBinaries(cluster.user);
  await ensureCluster(cluster, binaries, password);
  await clearPostmasterPid(cluster.folder, log);
  if (!cluster.folder.startsWith(dataFolder.path)) {
    log.info({ folder: cluster.folder }, "the data folder is closed to PostgreSQL's user: its data are kept elsewhere");
  }
  const urlOf = (name: string): string => `postgres://${superuser}:${password}@127.0.0.1:${port}/${name}`;
  return {
    process: serverProcess(binaries.postgres, cluster, port, urlOf('postgres')),
    databaseUrl: urlOf(database),
    afterStart: () => createDatabase(urlOf('postgres')),
  };
}

function serverProcess(command: string, cluster: Cluster, port: number, url: string): ProcessSpec {
  const flags = Object.entries({ port, ...settings }).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  return {
    name: 'postgres',
    command,
    args: ['-D', cluster.folder, ...flags],
    env: postgresEnvironment,
    cwd: dirname(cluster.folder),
    ...(cluster.user ?? {}),
    ready: (signal) => answers(url, signal),
    stopSignal: 'SIGINT',
    stopTimeoutMs,
  };
}

/** Tries until the server answers; it replays its log first when it was killed. */
async function answers(url: string, signal: AbortSignal): Promise<void> {
  for (;;) {
    signal.throwIfAborted();
    try {
      return await withClient(url, async () => {});
    } catch (error) {
      if ((error as pg.DatabaseError).code === wrongPassword) throw new StartupError(wrongPasswordMessage);
    }
    await delay(pollMs, undefined, { signal });
  }
}

const wrongPassword = '28P01';
const wrongPasswordMessage =
  "PostgreSQL does not accept the password in the data folder's secrets.json: put the former file back, or start " +
  'with an empty DATA_DIR.';

async function createDatabase(url: string): Promise<void> {
  await withClient(url, async (client) => {
    const found = await client.query('select 1 from pg_database where datname = $1', [database]);
    if (found.rowCount === 0) await client.query(`create database ${database}`);
  });
}

async function withClient<Result>(url: string, work: (client: pg.Client) => Promise<Result>): Promise<Result> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: connectTimeoutMs });
  // A server that ends while we are connected says so here, too: the query's own error is enough.
  client.on('error', () => {});
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end().catch(() => {});
  }
}
