import { once } from 'node:events';
import type { Server } from 'node:http';
import { connectClient } from '../../temporal/connection.ts';
import { TemporalReconciliations } from '../../temporal/reconciliations.ts';
import { TemporalWorkflowClient } from '../../temporal/workflow-client.ts';
import type { WorkflowClient } from '../contracts/workflow-client.ts';
import { createApp } from '../api/app.ts';
import { createHttpServer } from '../api/http/server.ts';
import { startAnswerPurge } from '../api/idempotency/answer-purge.ts';
import { createMetrics } from '../api/operations/metrics.ts';
import { createWebhookTargets } from '../gateways/partner-webhooks.ts';
import { paymentWebhookVerifiers } from '../gateways/payment-providers.ts';
import { SeatMapCache } from '../live/seat-map-cache.ts';
import { SeatMapStreams } from '../live/seat-map-streams.ts';
import { readConfig, type Settings } from '../platform/config.ts';
import { newId } from '../platform/ids.ts';
import { createLogger } from '../platform/logger.ts';
import { openFilesMax } from '../platform/open-files.ts';
import { createDatabase } from '../read-model/database.ts';
import { PacedSeatMapProjector } from '../live/paced-seat-map-projector.ts';
import { ShowSenderPlaces } from '../read-model/sender-places.ts';
import { TicketCodes } from '../tickets/ticket-codes.ts';
import { listen } from './listening.ts';
import { startMetricsServer } from './metrics-server.ts';
import { paymentSettingNames, providerChoice, webhookSecrets } from './payment-settings.ts';
import { exitWith, whenAskedToStop } from './process-life.ts';
import { mayReachPrivateTargets } from './private-targets.ts';
import { saleLimits } from './sale-limits.ts';

const log = createLogger('api');

/** Requests under way get this long to be answered; a payment's client waits up to ten seconds. */
const DRAIN_MS = 12_000;
const IDLE_SWEEP_MS = 50;
/** Of the files and sockets that the process may have open, those that watchers can't take: buyers', databases'. */
const OPEN_FILES_FOR_OTHERS = 512;

/**
 * The API as a process of its own, until it is asked to stop. Logs one line with `"msg":"ready"`, its `url` and its
 * `metrics`. `decorate` wraps the actors; the fault tests use it.
 */
export async function runApiProcess(
  decorate: (workflows: WorkflowClient) => WorkflowClient = (same) => same,
): Promise<void> {
  const askedToStop = whenAskedToStop(log);
  const config = readConfig([
    'HOST',
    'PORT',
    'METRICS_PORT',
    'TRUSTED_PROXIES',
    'DATABASE_URL',
    'DATABASE_POOL_MAX',
    'TEMPORAL_ADDRESS',
    'TEMPORAL_NAMESPACE',
    'CITY_QUEUES',
    'JWT_SECRET',
    'TICKET_SIGNING_KEY',
    'TICKET_SIGNING_KEYS_RETIRED',
    'PAYMENT_WEBHOOK_SECRET',
    ...paymentSettingNames,
    'HOLD_TTL_SECONDS',
    'HOLD_EXTENSIONS_MAX',
    'PAYMENT_DEADLINE_SECONDS',
    'SEATS_PER_BOOKING_MAX',
    'SEATS_PER_BUYER_MAX',
    'RATE_LIMIT',
    'WATCHERS_MAX',
    'WATCHERS_PER_CALLER_MAX',
    'WATCH_HEARTBEAT_SECONDS',
    'NODE_ENV',
    'WEBHOOK_PRIVATE_TARGETS',
  ]);
  const metrics = createMetrics({ process: true });
  const db = createDatabase(config.DATABASE_URL, { poolMax: config.DATABASE_POOL_MAX, log });
  const senderPlaces = new ShowSenderPlaces(config.DATABASE_URL, log);
  const seatMapProjector = new PacedSeatMapProjector(db, log);
  const seatMaps = new SeatMapCache({ db, databaseUrl: config.DATABASE_URL, log, metrics: metrics.live });
  const streams = new SeatMapStreams({
    seatMaps,
    limits: watcherLimits(config),
    heartbeatMs: config.WATCH_HEARTBEAT_SECONDS * 1_000,
    metrics: metrics.live,
  });
  const client = await connectClient({ address: config.TEMPORAL_ADDRESS, namespace: config.TEMPORAL_NAMESPACE });
  const app = createApp({
    db,
    reconciliations: new TemporalReconciliations(client),
    workflows: decorate(
      new TemporalWorkflowClient(client, {
        senderPlaces,
        seatMapProjector,
        cityQueues: config.CITY_QUEUES,
        observeBatch: (batch) => metrics.seatCommandBatch(batch),
      }),
    ),
    seatMaps,
    streams,
    webhooks: paymentWebhookVerifiers(webhookSecrets(config), providerChoice(config)),
    webhookTargets: createWebhookTargets({ mayBePrivate: mayReachPrivateTargets(config) }, () => newId('msg')),
    jwtSecret: config.JWT_SECRET,
    ticketCodes: new TicketCodes(config.TICKET_SIGNING_KEY, config.TICKET_SIGNING_KEYS_RETIRED),
    settings: {
      terms: {
        holdTtlMs: config.HOLD_TTL_SECONDS * 1_000,
        extensionsMax: config.HOLD_EXTENSIONS_MAX,
        paymentDeadlineMs: config.PAYMENT_DEADLINE_SECONDS * 1_000,
      },
      limits: saleLimits(config),
    },
    rateLimit: config.RATE_LIMIT,
    trustedProxies: config.TRUSTED_PROXIES,
    logger: log,
    metrics,
    nowMs: Date.now,
  });
  const server = createHttpServer(app);
  const url = await listen(server, { host: config.HOST, port: config.PORT, reusePort: mayShareAPort });
  const answerPurge = startAnswerPurge(db, log, Date.now);
  const metricsServer = await startMetricsServer(metrics.registry, { host: config.HOST, port: config.METRICS_PORT });
  log.info({ url, metrics: metricsServer.url }, 'ready');
  await askedToStop();
  const closed = close(server);
  streams.close();
  await closed;
  metricsServer.close();
  answerPurge.stop();
  await seatMaps.close();
  await client.connection.close();
  await senderPlaces.close();
  await seatMapProjector.close();
  await db.destroy();
}

const watcherLimits = (config: Pick<Settings, 'WATCHERS_MAX' | 'WATCHERS_PER_CALLER_MAX' | 'RATE_LIMIT'>) => ({
  total: Math.max(1, Math.min(config.WATCHERS_MAX, openFilesMax() - OPEN_FILES_FOR_OTHERS)),
  perCaller: config.RATE_LIMIT === 'on' ? config.WATCHERS_PER_CALLER_MAX : 0,
});

/** Several API processes on one machine listen on one port, and the kernel spreads the connections among them. */
const mayShareAPort = process.platform === 'linux';

/** Takes no new connections, and ends each that is there as soon as its request is answered, within limits. */
async function close(server: Server): Promise<void> {
  const closed = once(server, 'close');
  server.close();
  const sweep = setInterval(() => server.closeIdleConnections(), IDLE_SWEEP_MS);
  const end = setTimeout(() => server.closeAllConnections(), DRAIN_MS);
  await closed;
  clearInterval(sweep);
  clearTimeout(end);
}

/** `running` is what `runApiProcess` returned. */
export const exitWithApi = (running: Promise<void>): void => exitWith(running, log, 'the API cannot run');
