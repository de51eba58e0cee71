import type { TemporalPorts } from './contract.ts';
import { dynamicConfig } from './dynamic-config.ts';
import type { MembershipPorts } from './membership-ports.ts';
import type { PostgresAddress } from './postgres-address.ts';
import { loopback } from './process-limits.ts';

/** Temporal's databases, beside the system's own on the same Postgres server. */
export const temporalDatabases = { history: 'temporal', visibility: 'temporal_visibility' } as const;
export const postgresPlugin = 'postgres12_pgx';

/**
 * Fixed for the life of a database. Shards commit one transition at a time: 32 spare the server a quarter of its CPU
 * against 4, 64 hardly more, and an idle server pays for each (docs/decisions/0002).
 */
const historyShards = 32;
/**
 * Connections of each of the server's four services. Together at most 64 and rarely 30, so that a Postgres as found
 * (100 connections) has room for API and worker; two cores are busy with fewer.
 */
const historyConnectionsMax = 12;
const visibilityConnectionsMax = 4;

/** Configuration of Temporal Server, all four services in one process; JSON of it is YAML as the server reads it. */
export function serverConfig(
  ports: TemporalPorts<'server'>,
  membership: MembershipPorts,
  postgres: PostgresAddress,
  dynamicConfigFile: string,
) {
  return {
    log: { stdout: true, level: 'warn', format: 'json' },
    persistence: {
      defaultStore: 'history',
      visibilityStore: 'visibility',
      numHistoryShards: historyShards,
      datastores: {
        history: { sql: sqlStore(postgres, temporalDatabases.history, historyConnectionsMax) },
        visibility: { sql: sqlStore(postgres, temporalDatabases.visibility, visibilityConnectionsMax) },
      },
    },
    global: {
      membership: { maxJoinDuration: '30s', broadcastAddress: loopback },
      metrics: { prometheus: { timerType: 'histogram', listenAddress: `${loopback}:${ports.metrics}` } },
    },
    services: {
      frontend: {
        rpc: { ...rpc(ports.frontend, membership.frontend), httpPort: ports.http },
      },
      history: { rpc: rpc(ports.history, membership.history) },
      matching: { rpc: rpc(ports.matching, membership.matching) },
      worker: { rpc: rpc(ports.worker, membership.worker) },
    },
    clusterMetadata: {
      enableGlobalNamespace: false,
      failoverVersionIncrement: 10,
      masterClusterName: 'active',
      currentClusterName: 'active',
      clusterInformation: {
        active: {
          enabled: true,
          initialFailoverVersion: 1,
          rpcName: 'frontend',
          rpcAddress: `${loopback}:${ports.frontend}`,
        },
      },
    },
    dcRedirectionPolicy: { policy: 'noop' },
    archival: { history: { state: 'disabled' }, visibility: { state: 'disabled' } },
    namespaceDefaults: { archival: { history: { state: 'disabled' }, visibility: { state: 'disabled' } } },
    publicClient: { hostPort: `${loopback}:${ports.frontend}` },
    dynamicConfigClient: { filepath: dynamicConfigFile, pollInterval: '60s' },
  };
}

/** Dynamic configuration as the server's file has it: a list of values with conditions for each name. */
export function serverDynamicConfig() {
  const values = {
    ...dynamicConfig,
    // A new namespace or search attribute is known after a second instead of ten: a first start waits for it.
    'system.namespaceCacheRefreshInterval': '1s',
    // Each of the 32 shards looks once a second, not twenty times, what the table of workflows lacks, and takes up to a
    // hundred records at once: a list of workflows is a second late, and a booking costs a fifteenth less (decision 10).
    'history.visibilityProcessorMaxPollRPS': 1,
  };
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, [{ value }]]));
}

/** Configuration of the UI server. */
export function uiConfig(ports: TemporalPorts<'server'>, namespace: string) {
  return {
    temporalGrpcAddress: `${loopback}:${ports.frontend}`,
    host: loopback,
    port: ports.ui,
    enableUi: true,
    defaultNamespace: namespace,
    // It would ask for news on the internet.
    disableNewsFetch: true,
    hideLogs: true,
    // Plain HTTP on loopback: a cookie marked secure would not come back.
    cors: { cookieInsecure: true, allowOrigins: [`http://${loopback}:${ports.ui}`, `http://localhost:${ports.ui}`] },
  };
}

function sqlStore(postgres: PostgresAddress, databaseName: string, connectionsMax: number) {
  const { connectAddr, user, password, sslMode } = postgres;
  return {
    pluginName: postgresPlugin,
    databaseName,
    connectAddr,
    connectProtocol: 'tcp',
    user,
    password,
    maxConns: connectionsMax,
    maxIdleConns: connectionsMax,
    maxConnLifetime: '1h',
    ...(sslMode !== null && { connectAttributes: { sslmode: sslMode } }),
  };
}

const rpc = (grpcPort: number, membershipPort: number) => ({ grpcPort, membershipPort, bindOnIP: loopback });
