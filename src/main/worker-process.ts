import { type LogLevel, makeTelemetryFilterString, Runtime } from '@temporalio/worker';
import { type BookingActivities, createBookingActivities } from '../../activities/booking-activities.ts';
import { type ChangeActivities, createChangeActivities } from '../../activities/change-activities.ts';
import { createPurchaseActivities } from '../../activities/purchase-activities.ts';
import { createExchangeActivities, type ExchangeActivities } from '../../activities/exchange-activities.ts';
import {
  createReconciliationActivities,
  type ReconciliationActivities,
} from '../../activities/reconciliation-activities.ts';
import { createReminderActivities, type ReminderActivities } from '../../activities/reminder-activities.ts';
import { createShowActivities, type ShowActivities } from '../../activities/show-activities.ts';
import { createShowChangeActivities, type ShowChangeActivities } from '../../activities/show-change-activities.ts';
import { createSweepActivities, type SweepActivities } from '../../activities/sweep-activities.ts';
import { createTransferActivities, type TransferActivities } from '../../activities/transfer-activities.ts';
import { TemporalActorRecords } from '../../temporal/actor-records.ts';
import { workflowBundle } from '../../temporal/bundle.ts';
import { connectClient } from '../../temporal/connection.ts';
import { ensureSchedules } from '../../temporal/schedules.ts';
import { TemporalWorkflowClient } from '../../temporal/workflow-client.ts';
import { createWorkers } from '../../temporal/workers.ts';
import { createPaymentGateways, type ProviderName, type StripeAccount } from '../gateways/payment-providers.ts';
import { readConfig } from '../platform/config.ts';
import { createLogger } from '../platform/logger.ts';
import { createRegistry } from '../platform/metrics.ts';
import { createDatabase, type ReadModel } from '../read-model/database.ts';
import { findProviderReference, keepProviderReference } from '../read-model/provider-references.ts';
import { PacedSeatMapProjector } from '../live/paced-seat-map-projector.ts';
import { ShowSenderPlaces } from '../read-model/sender-places.ts';
import { guardAgainstHanging } from './hang-guard.ts';
import { startMetricsServer } from './metrics-server.ts';
import {
  paymentSettingNames,
  type PaymentSettings,
  providerChoice,
  simulatorAddress,
  stripeAccount,
} from './payment-settings.ts';
import { exitWith, whenAskedToStop } from './process-life.ts';
import { servedQueues } from './served-queues.ts';
import { createWorkerMetrics } from './worker-metrics.ts';

const log = createLogger('worker');

/**
 * A confirmation waits no longer for company, ms: a payment has more time than a hold, and what it leaves of the machine makes
 * both quicker (docs/decisions/0010).
 */
const CONFIRMATION_LINGER_MAX_MS = 300;

/** So long a confirmation waits to be projected, ms: on a busy show the API process of the next hold has done so by then. */
const CONFIRMATION_PROJECTION_LINGER_MS = 200;

export type Activities = BookingActivities &
  ChangeActivities &
  ExchangeActivities &
  ReconciliationActivities &
  ReminderActivities &
  ShowActivities &
  ShowChangeActivities &
  SweepActivities &
  TransferActivities;

/**
 * Runs workflows and activities until it is asked to stop. Logs one line with `"msg":"ready"` and its
 * `metrics` once it takes tasks.
 * `decorate` wraps the activities; the fault tests use it.
 */
export async function runWorkerProcess(
  decorate: (activities: Activities) => Activities = (same) => same,
): Promise<void> {
  const askedToStop = whenAskedToStop(log);
  guardAgainstHanging();
  const config = readConfig([
    'HOST',
    'METRICS_PORT',
    'DATA_DIR',
    'DATABASE_URL',
    'DATABASE_POOL_MAX',
    'TEMPORAL_ADDRESS',
    'TEMPORAL_NAMESPACE',
    'CITY_QUEUES',
    'WORKER_QUEUES',
    'WORKER_BUILD_ID',
    'WORKER_PATCHES_HELD_BACK',
    'PAYMENT_GATEWAY_URL',
    ...paymentSettingNames,
    'PAYMENT_DEADLINE_SECONDS',
    'REMINDER_LEAD_SECONDS',
    'RECONCILIATION_GRACE_SECONDS',
    'RECONCILIATION_SCHEDULE',
  ]);
  const temporal = { address: config.TEMPORAL_ADDRESS, namespace: config.TEMPORAL_NAMESPACE };
  Runtime.install({
    logger: temporalLogger(),
    telemetryOptions: { logging: { forward: {}, filter: makeTelemetryFilterString({ core: 'WARN', other: 'ERROR' }) } },
    shutdownSignals: [],
  });

  const registry = createRegistry({ process: true });
  const metrics = createWorkerMetrics(registry, log);
  const db = createDatabase(config.DATABASE_URL, { poolMax: config.DATABASE_POOL_MAX, log });
  const client = await connectClient(temporal);
  const senderPlaces = new ShowSenderPlaces(config.DATABASE_URL, log);
  const seatMapProjector = new PacedSeatMapProjector(db, log, CONFIRMATION_PROJECTION_LINGER_MS);
  const workflows = new TemporalWorkflowClient(client, {
    senderPlaces,
    seatMapProjector,
    cityQueues: config.CITY_QUEUES,
    observeBatch: metrics.seatCommandBatch,
    seatCommandLingerMaxMs: CONFIRMATION_LINGER_MAX_MS,
  });
  const gateways = createPaymentGateways({
    providers: providerChoice(config),
    gatewayUrl: simulatorAddress(providerChoice(config), config),
    stripe: stripeAccountOf(config, db),
    observe: metrics.paymentEvent,
  });
  const { gateway } = gateways;
  const sweeps = createSweepActivities({
    db,
    gateway,
    workflows,
    paymentDeadlineMs: config.PAYMENT_DEADLINE_SECONDS * 1_000,
  });
  const activities = decorate(
    metrics.counting({
      ...createShowActivities({ db }),
      ...createShowChangeActivities({ db, workflows }),
      ...createBookingActivities({
        db,
        gateway,
        sendSeatCommand: (showId, command) => workflows.seatCommand(showId, command),
      }),
      ...createChangeActivities({ db, workflows }),
      ...createExchangeActivities({
        db,
        workflows,
        sendSeatCommand: (showId, command) => workflows.seatCommand(showId, command),
      }),
      ...createTransferActivities({ db, workflows }),
      ...createReminderActivities({ db, leadMs: config.REMINDER_LEAD_SECONDS * 1_000 }),
      ...sweeps,
      ...createReconciliationActivities({
        db,
        gateway,
        providers: gateway.providers,
        actors: new TemporalActorRecords(client),
        workflows,
        sweepAttempt: (attemptId) => sweeps.sweepAttempt(attemptId),
        graceMs: config.RECONCILIATION_GRACE_SECONDS * 1_000,
        paymentDeadlineMs: config.PAYMENT_DEADLINE_SECONDS * 1_000,
      }),
    }),
  );
  const { workers, connection } = await createWorkers({
    ...temporal,
    queues: servedQueues(config),
    version: { buildId: config.WORKER_BUILD_ID, patchesHeldBack: config.WORKER_PATCHES_HELD_BACK },
    workflowBundle: await workflowBundle(`${config.DATA_DIR}/bundles`),
    activities: { ...activities, ...createPurchaseActivities(activities) },
  });
  await ensureSchedules(client, { reconciliation: config.RECONCILIATION_SCHEDULE });

  const running = Promise.all(workers.map((worker) => worker.run()));
  void askedToStop().then(() => workers.forEach((worker) => worker.shutdown()));
  const metricsServer = await startMetricsServer(registry, { host: config.HOST, port: config.METRICS_PORT });
  log.info({ metrics: metricsServer.url, buildId: config.WORKER_BUILD_ID }, 'ready');
  await running;
  metricsServer.close();
  await connection.close();
  await client.connection.close();
  await senderPlaces.close();
  await seatMapProjector.close();
  await gateways.close();
  await db.destroy();
}

/** With what Stripe calls our charges, as our records keep it. */
function stripeAccountOf(config: PaymentSettings, db: ReadModel): StripeAccount | undefined {
  const account = stripeAccount(config);
  const provider = 'stripe' satisfies ProviderName;
  const references = {
    find: (key: string) => findProviderReference(db, { provider, key }),
    keep: (key: string, reference: string) => keepProviderReference(db, { provider, key, reference }),
  };
  return account && { ...account, references };
}

/**
 * The server has given a task to another worker, because this one was late or because the server was away: what this one
 * made of it is not needed any more, and nothing is lost.
 */
const overtaken = /^(Task not found when completing|Tried to complete untracked local activity)/;

type SdkDetails = Readonly<Record<string, unknown>>;

/** The SDK's own log lines, in ours: one JSON line each. Its news of state changes interest nobody but a debugger. */
function temporalLogger() {
  const at =
    (level: 'trace' | 'debug' | 'warn' | 'error') =>
    (message: string, details: SdkDetails = {}): void => {
      // The logger knows what to write of an error by the name `err`; a token tells nobody anything.
      const { error, taskToken: _, ...rest } = details;
      log[overtaken.test(message) ? 'debug' : level](error === undefined ? rest : { ...rest, err: error }, message);
    };
  const levels = { TRACE: at('trace'), DEBUG: at('debug'), INFO: at('debug'), WARN: at('warn'), ERROR: at('error') };
  return {
    log: (level: LogLevel, message: string, details?: SdkDetails) => levels[level](message, details),
    trace: levels.TRACE,
    debug: levels.DEBUG,
    info: levels.INFO,
    warn: levels.WARN,
    error: levels.ERROR,
  };
}

/** `running` is what `runWorkerProcess` returned. */
export const exitWithWorker = (running: Promise<void>): void => exitWith(running, log, 'the worker cannot run');
