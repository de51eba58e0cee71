import type { PreparedTemporal, TemporalOptions } from './contract.ts';
import { TemporalUnavailableError } from './contract.ts';
import { devServer, keepDevDatabase, prepareDevDatabase } from './dev-profile.ts';
import { answers } from './frontend.ts';
import { searchColumnsOf, setUpNamespace } from './namespace.ts';
import { obtainServerBinaries, obtainTemporalCli, versionLine } from './obtain.ts';
import { postgresAddressOf } from './postgres-address.ts';
import { loopback } from './process-limits.ts';
import { prepareSchema, serverProcesses } from './server-profile.ts';
import { lightenVisibility } from './visibility-table.ts';

/** A server on the same network answers in milliseconds, one across the world in a second. */
const externalTimeoutMs = 5_000;

type DevOptions = Extract<TemporalOptions, { profile: 'dev' }>;
type ServerOptions = Extract<TemporalOptions, { profile: 'server' }>;

/**
 * Finds or obtains a Temporal service for this system: the server that `TEMPORAL_ADDRESS` names, otherwise one of its
 * own in the given profile. May take minutes the first time, when it has to be built; the log shows progress. Starts
 * nothing: the caller runs `prepare()`, then the processes, then `afterStart()`.
 * @throws TemporalUnavailableError with one sentence that says what to do.
 */
export function prepareTemporal(options: TemporalOptions): Promise<PreparedTemporal> {
  const address = options.env.TEMPORAL_ADDRESS;
  if (address) return externalServer(address, options);
  return options.profile === 'dev' ? devProfile(options) : serverProfile(options);
}

async function externalServer(address: string, options: TemporalOptions): Promise<PreparedTemporal> {
  const { namespace, log, signal } = options;
  const answered = await answers(address, { timeoutMs: externalTimeoutMs, signal });
  if (answered !== true) {
    throw new TemporalUnavailableError(
      `TEMPORAL_ADDRESS names ${address}, where no Temporal server answers (${answered}): start it, or unset the variable.`,
    );
  }
  log.info({ address }, 'temporal: TEMPORAL_ADDRESS: used');
  return {
    address,
    uiUrl: null,
    processes: [],
    prepare: () => Promise.resolve(),
    afterStart: () => setUpNamespace({ address, namespace, log, own: false }),
  };
}

async function devProfile(options: DevOptions): Promise<PreparedTemporal> {
  const { dataDir, ports, namespace, log } = options;
  const binary = await obtainTemporalCli(options);
  const version = await versionLine(binary, options);
  const address = `${loopback}:${ports.frontend}`;
  return {
    address,
    uiUrl: `http://${loopback}:${ports.ui}`,
    processes: [devServer(binary, dataDir, ports, namespace)],
    prepare: () => prepareDevDatabase(version, dataDir, log),
    afterStart: async () => {
      await setUpNamespace({ address, namespace, log, own: true });
      await keepDevDatabase(version, dataDir);
    },
  };
}

async function serverProfile(options: ServerOptions): Promise<PreparedTemporal> {
  const { dataDir, ports, namespace, log, env } = options;
  const postgres = postgresAddressOf(options.databaseUrl);
  const binaries = await obtainServerBinaries(options);
  const sqlTool = { file: binaries.sqlTool, version: await versionLine(binaries.sqlTool, options) };
  const address = `${loopback}:${ports.frontend}`;
  return {
    address,
    uiUrl: `http://${loopback}:${ports.ui}`,
    processes: await serverProcesses({ binaries, dataDir, ports, postgres, namespace }),
    prepare: () => prepareSchema(sqlTool, postgres, env, log),
    afterStart: async () => {
      await setUpNamespace({ address, namespace, log, own: true });
      await lightenVisibility(postgres, await searchColumnsOf(address, namespace), sqlTool.version).catch(
        (err: unknown) =>
          log.warn(
            { err },
            'its table of workflows could not be made lighter: writing it costs Postgres three times as much',
          ),
      );
    },
  };
}
