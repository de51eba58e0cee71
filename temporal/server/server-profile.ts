import { chmod, mkdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Logger } from '../../src/platform/logger.ts';
import type { ProcessSpec } from '../../src/platform/process-spec.ts';
import { TemporalUnavailableError, type TemporalPorts } from './contract.ts';
import { eventually, whenServing } from './frontend.ts';
import { chooseMembershipPorts } from './membership-ports.ts';
import type { ServerBinaries } from './obtain.ts';
import type { PostgresAddress } from './postgres-address.ts';
import { loopback, readyTimeoutMs, stopTimeoutMs } from './process-limits.ts';
import { runCommand } from './run-command.ts';
import { postgresPlugin, serverConfig, serverDynamicConfig, temporalDatabases, uiConfig } from './server-config.ts';
import { onVisibilityTable } from './visibility-table.ts';

/** The whole schema takes a second; a Postgres under load may take its time. */
const schemaStepTimeoutMs = 60_000;
const uiReadyTimeoutMs = 20_000;
const uiCallTimeoutMs = 2_000;

/**
 * Go's collector runs when the heap has grown fivefold instead of doubled, and near the limit as often as it must: some
 * percent of CPU for 170 MB (docs/decisions/0002).
 */
const garbageCollection = { GOGC: '400', GOMEMLIMIT: '1GiB' } as const;

const startScript = fileURLToPath(new URL('start-server-main.ts', import.meta.url));

export interface ServerProfile {
  readonly binaries: ServerBinaries;
  readonly dataDir: string;
  readonly ports: TemporalPorts<'server'>;
  readonly postgres: PostgresAddress;
  readonly namespace: string;
}

/** Temporal Server, all services in one process, and its UI. Their configuration is written below the data folder. */
export async function serverProcesses(profile: ServerProfile): Promise<readonly ProcessSpec[]> {
  const { binaries, ports } = profile;
  const { configFile, uiRoot } = await writeConfiguration(profile);
  return [
    {
      name: 'temporal',
      command: process.execPath,
      args: ['--no-warnings', startScript, binaries.server, configFile],
      env: garbageCollection,
      ready: (signal) => whenServing(`${loopback}:${ports.frontend}`, { timeoutMs: readyTimeoutMs, signal }),
      stopSignal: 'SIGTERM',
      stopTimeoutMs,
    },
    {
      name: 'temporal-ui',
      command: binaries.uiServer,
      args: ['--root', uiRoot, '--config', 'config', '--env', 'seatkeeper', 'start'],
      ready: (signal) => whenPageAnswers(`http://${loopback}:${ports.ui}/`, signal),
      stopSignal: 'SIGTERM',
      stopTimeoutMs,
    },
  ];
}

async function writeConfiguration({ dataDir, ports, postgres, namespace }: ServerProfile) {
  const folder = join(dataDir, 'temporal');
  const uiRoot = join(folder, 'ui');
  await mkdir(join(uiRoot, 'config'), { recursive: true });
  const configFile = join(folder, 'server.yaml');
  const dynamicConfigFile = join(folder, 'dynamic-config.yaml');
  await writeOwnFile(dynamicConfigFile, serverDynamicConfig());
  const membership = await chooseMembershipPorts();
  await writeOwnFile(configFile, serverConfig(ports, membership, postgres, dynamicConfigFile));
  await writeOwnFile(join(uiRoot, 'config', 'seatkeeper.yaml'), uiConfig(ports, namespace));
  return { configFile, uiRoot };
}

/** JSON, which is YAML; readable by its owner alone: it carries the database's password. */
async function writeOwnFile(file: string, content: unknown): Promise<void> {
  const draft = `${file}.draft`;
  await writeFile(draft, `${JSON.stringify(content, null, 2)}\n`, { mode: 0o600 });
  await chmod(draft, 0o600);
  await rename(draft, file);
}

export interface SqlTool {
  readonly file: string;
  /** As it says itself; another one may bring another schema. */
  readonly version: string;
}

/**
 * Makes Temporal's two databases and brings their schema up to the server's version. Repeated, it changes nothing;
 * interrupted, the next run goes on.
 * @throws TemporalUnavailableError with the first thing that Postgres refuses.
 */
export async function prepareSchema(
  sqlTool: SqlTool,
  postgres: PostgresAddress,
  env: NodeJS.ProcessEnv,
  log: Logger,
): Promise<void> {
  const startedAt = Date.now();
  for (const [schema, database] of Object.entries(schemas)) {
    const step = (...args: string[]) => runSqlTool(sqlTool.file, postgres, database, args, env);
    // Refused to a user who may not make databases, also where an administrator has made them: the next step tells.
    const created = await step('create-database', '--defaultdb', postgres.database);
    const setUp = await step('setup-schema', '-v', '0.0');
    if (setUp !== null) throw schemaError(database, created ?? setUp);
    const update = async () => {
      const updated = await step('update-schema', '--schema-name', schema);
      if (updated !== null) throw schemaError(database, updated);
    };
    if (database === temporalDatabases.history) {
      await update();
      continue;
    }
    await onVisibilityTable(postgres, sqlTool.version, update).catch((error: Error) => {
      throw error instanceof TemporalUnavailableError ? error : schemaError(database, error.message);
    });
  }
  log.info({ tookMs: Date.now() - startedAt }, 'the schema of Temporal is up to date');
}

/** Schemas carried in the SQL tool, by the database that each is for. */
const schemas = {
  'postgresql/v12/temporal': temporalDatabases.history,
  'postgresql/v12/visibility': temporalDatabases.visibility,
} as const;

/** @returns null when it succeeded, otherwise the tool's last words. */
async function runSqlTool(
  sqlTool: string,
  { host, port, user, password, sslMode }: PostgresAddress,
  database: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv,
): Promise<string | null> {
  const connection = ['--plugin', postgresPlugin, '--endpoint', host, '--port', port, '--user', user, '--db', database];
  const attributes = sslMode === null ? [] : ['--connect-attributes', `sslmode=${sslMode}`];
  const { output, failure } = await runCommand(sqlTool, [...connection, ...attributes, ...args], {
    // Not as an argument: every user of the machine can read those.
    env: { ...env, SQL_PASSWORD: password },
    timeoutMs: schemaStepTimeoutMs,
  });
  return failure === null ? null : (/"error": "([^"]*)"/.exec(output)?.[1] ?? failure);
}

const schemaError = (database: string, reason: string): TemporalUnavailableError =>
  new TemporalUnavailableError(`The database ${database} for Temporal could not be prepared: ${reason}`);

function whenPageAnswers(url: string, signal: AbortSignal): Promise<void> {
  const attempt = async () => {
    const timeout = AbortSignal.timeout(uiCallTimeoutMs);
    const response = await fetch(url, { signal: AbortSignal.any([signal, timeout]) });
    await response.body?.cancel();
    if (!response.ok) throw new Error(`${url} answers ${response.status}`);
  };
  return eventually(attempt, { timeoutMs: uiReadyTimeoutMs, signal });
}
