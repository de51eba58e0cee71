import type { OutboxConsumer } from '../contracts/events.ts';
import { PartnerEndpoints } from '../outbox/partner-endpoints.ts';
import { queueOf } from '../outbox/queue.ts';
import { OutboxRelay } from '../outbox/relay.ts';
import { readConfig } from '../platform/config.ts';
import { createLogger } from '../platform/logger.ts';
import { createRegistry } from '../platform/metrics.ts';
import { createDatabase, type ReadModel } from '../read-model/database.ts';
import { standBackForBookings } from './after-bookings.ts';
import { guardAgainstHanging } from './hang-guard.ts';
import { startMetricsServer } from './metrics-server.ts';
import { mayReachPrivateTargets } from './private-targets.ts';
import { exitWith, whenAskedToStop } from './process-life.ts';
import { createRelayMetrics } from './relay-metrics.ts';

const log = createLogger('relay');

/** Messages under way are given this long to be accepted; the others are handed over again. */
const STOP_MS = 10_000;
/** The second line behind the notices. */
const REFRESH_EVERY_MS = 5_000;
const DAY_MS = 24 * 3_600_000;
const settingNames = [
  'NODE_ENV',
  'HOST',
  'METRICS_PORT',
  'DATABASE_URL',
  'DATABASE_POOL_MAX',
  'OUTBOX_TRIES_MAX',
  'OUTBOX_RETENTION_DAYS',
  'WEBHOOK_DISABLE_AFTER_DAYS',
  'WEBHOOK_PRIVATE_TARGETS',
] as const;

/**
 * Hands events of the outbox to their consumers until it is asked to stop. Logs one line with `"msg":"ready"` and its
 * `metrics`. `consumersOf` makes those that are told of events; the fault tests put others in.
 */
export async function runRelayProcess(
  consumersOf: (db: ReadModel) => readonly OutboxConsumer[] = noConsumers,
): Promise<void> {
  const askedToStop = whenAskedToStop(log);
  standBackForBookings();
  guardAgainstHanging();
  const config = readConfig(settingNames);
  const mayBePrivate = mayReachPrivateTargets(config);
  const registry = createRegistry({ process: true });
  const db = createDatabase(config.DATABASE_URL, { poolMax: config.DATABASE_POOL_MAX, log });
  const metrics = createRelayMetrics(registry, log, db);
  const refresh = (): void => void endpoints.refresh();
  const relay = new OutboxRelay({
    databaseUrl: config.DATABASE_URL,
    queues: consumersOf(db).map((consumer) => queueOf(consumer, config.OUTBOX_TRIES_MAX)),
    retentionMs: config.OUTBOX_RETENTION_DAYS * DAY_MS,
    observer: metrics,
    onQueuesChanged: refresh,
    log,
  });
  metrics.lanesOf(() => relay.lanes);
  const endpoints = new PartnerEndpoints({
    db,
    relay,
    mayBePrivate,
    disableAfterMs: config.WEBHOOK_DISABLE_AFTER_DAYS * DAY_MS,
    onDisabled: metrics.endpointDisabled,
    log,
  });
  await endpoints.refresh();
  const refreshing = setInterval(refresh, REFRESH_EVERY_MS);

  const metricsServer = await startMetricsServer(registry, { host: config.HOST, port: config.METRICS_PORT });
  log.info({ metrics: metricsServer.url }, 'ready');
  await askedToStop();
  clearInterval(refreshing);
  await relay.stop(STOP_MS);
  await endpoints.close();
  metricsServer.close();
  await db.destroy();
}

const noConsumers = (): readonly OutboxConsumer[] => [];

/** `running` is what `runRelayProcess` returned. */
export const exitWithRelay = (running: Promise<void>): void => exitWith(running, log, 'the relay cannot run');
