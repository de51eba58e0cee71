import { Kysely, PostgresDialect, sql, type Transaction } from 'kysely';
import pg from 'pg';
import { PreparingClient } from './prepared-statements.ts';
import type { Tables } from './tables.ts';

export type ReadModel = Kysely<Tables>;
export type ReadModelTransaction = Transaction<Tables>;

/** What this folder asks of a logger; pino's has it. */
export interface Log {
  warn(details: object, message: string): void;
  info(details: object, message: string): void;
}

export interface DatabaseOptions {
  /** Most connections of this process; all processes together stay below Postgres' `max_connections`. */
  readonly poolMax: number;
  readonly log: Log;
}

/** No statement of ours takes a tenth of this; one that does is stuck, and its caller's own time is nearly up. */
const STATEMENT_TIMEOUT_MS = 5_000;
/** Locks here are held for milliseconds: a longer wait means a stuck neighbour, and failing frees the connection. */
const LOCK_TIMEOUT_MS = 2_000;
/** A transaction whose process has stalled must not keep its locks. */
const IDLE_IN_TRANSACTION_TIMEOUT_MS = 5_000;
/** The client's own bound, for a server that does not answer at all: later than the server's. */
const QUERY_TIMEOUT_MS = STATEMENT_TIMEOUT_MS + 1_000;
/** For a free connection of the pool or a new one: past it the caller answers 503 rather than waits. */
const CONNECTION_TIMEOUT_MS = 3_000;
const KEEP_ALIVE_AFTER_MS = 10_000;
/** How much of a search's letters a title must share: at Postgres' own 0.6 one missing letter finds nothing. */
const TITLE_SIMILARITY = 0.4;

/** Settings that every connection of ours has, the pool's and the listener's. */
export const connectionSettings = (url: string) =>
  ({
    connectionString: url,
    connectionTimeoutMillis: CONNECTION_TIMEOUT_MS,
    keepAlive: true,
    keepAliveInitialDelayMillis: KEEP_ALIVE_AFTER_MS,
    application_name: 'seatkeeper',
  }) satisfies pg.ClientConfig;

/**
 * A pool of connections to the read model. It connects when first used, and again by itself after Postgres was away;
 * statements that were under way then fail. Close it with `db.destroy()`.
 */
export function createDatabase(url: string, options: DatabaseOptions): ReadModel {
  return openPool(url, options, {
    statement_timeout: STATEMENT_TIMEOUT_MS,
    lock_timeout: LOCK_TIMEOUT_MS,
    idle_in_transaction_session_timeout: IDLE_IN_TRANSACTION_TIMEOUT_MS,
    query_timeout: QUERY_TIMEOUT_MS,
    options: `-c pg_trgm.word_similarity_threshold=${TITLE_SIMILARITY}`,
  });
}

/** One connection without time limits, for migrations: they take as long as they take, or wait for another's. */
export function createDatabaseForMigrations(url: string, log: Log): ReadModel {
  return openPool(url, { poolMax: 1, log }, { Client: pg.Client });
}

function openPool(url: string, options: DatabaseOptions, limits: pg.PoolConfig): ReadModel {
  const pool = new pg.Pool({
    Client: PreparingClient,
    ...connectionSettings(url),
    ...limits,
    max: options.poolMax,
    types,
  });
  // Without its listener the loss of a connection would end the process: of one in use no less than of an idle one, for
  // which the pool reports it once more.
  pool.on('connect', (connection) =>
    connection.on('error', (error) => options.log.warn({ err: error }, 'a connection to Postgres was lost')),
  );
  pool.on('error', () => undefined);
  return new Kysely<Tables>({ dialect: new PostgresDialect({ pool }) });
}

/** Resolves when Postgres answers; for readiness. */
export async function ping(db: ReadModel): Promise<void> {
  await sql`select 1`.execute(db);
}

/** `bigint` as a number (versions, amounts and counts stay far below 2^53), `date` as its text: it has no zone. */
const parsers = new Map<number, (text: string) => unknown>([
  [pg.types.builtins.INT8, Number],
  [pg.types.builtins.DATE, String],
]);

const types: pg.CustomTypesConfig = {
  getTypeParser: (oid: number, format?: 'text' | 'binary'): unknown =>
    parsers.get(oid) ?? pg.types.getTypeParser(oid, format),
};
