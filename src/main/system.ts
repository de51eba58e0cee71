import { connectClient, type TemporalAddress } from '../../temporal/connection.ts';
import type { PreparedTemporal } from '../../temporal/server/contract.ts';
import { makeCurrent, makeUnversionedCurrent } from '../../temporal/worker-deployment.ts';
import { signStaffToken } from '../api/accounts/tokens.ts';
import { readConfig, type Settings } from '../platform/config.ts';
import type { Logger } from '../platform/logger.ts';
import { migrateToLatest } from '../read-model/migrate.ts';
import { openDataFolder, type DataFolder } from '../supervisor/data-folder.ts';
import { stopLeftovers } from '../supervisor/leftovers.ts';
import type { Output } from '../supervisor/output.ts';
import { PortBook } from '../supervisor/port-book.ts';
import { step } from '../supervisor/progress.ts';
import { RunRecord } from '../supervisor/run-record.ts';
import { loadSecrets, secretNames, type Secrets } from '../supervisor/secrets.ts';
import { checkSettings, readLauncherSettings, type LauncherSettings } from '../supervisor/settings.ts';
import { Supervisor } from '../supervisor/supervisor.ts';
import { databasePortSetting, prepareDatabase } from './database-part.ts';
import { entrancePortSettings, reserveEntrances } from './entrances.ts';
import {
  apiProcesses,
  mailCatcherProcess,
  paymentSimulatorProcess,
  relayProcesses,
  workerProcesses,
} from './own-processes.ts';
import { paymentSettingNames, providerChoice, usesSimulator } from './payment-settings.ts';
import { readyBlock, type ReadySystem } from './ready-block.ts';
import { saleLimits } from './sale-limits.ts';
import { seed } from './seed.ts';
import { prepareTemporalPart } from './temporal-part.ts';
import { temporalPortSettings } from './temporal-ports.ts';

const staffTokenTtlSeconds = 24 * 60 * 60;

/** Names of all settings that may name a port, of both profiles. */
const portSettings = [...entrancePortSettings, databasePortSetting, ...temporalPortSettings('server')];

/** Settings that are needed here, too. */
const partSettings = [
  ...paymentSettingNames,
  'LOG_LEVEL',
  'DATABASE_POOL_MAX',
  'TEMPORAL_NAMESPACE',
  'CITY_QUEUES',
  'WORKER_QUEUES',
  'WORKER_BUILD_ID',
  'WORKER_PATCHES_HELD_BACK',
  'JWT_SECRET',
  'PAYMENT_WEBHOOK_SECRET',
  'TICKET_SIGNING_KEY',
  'TICKET_SIGNING_KEYS_RETIRED',
  'PAYMENT_SIMULATOR_LATENCY_MS',
  'PAYMENT_SIMULATOR_PUBLIC_URL',
  'HOLD_TTL_SECONDS',
  'HOLD_EXTENSIONS_MAX',
  'PAYMENT_DEADLINE_SECONDS',
  'RECONCILIATION_GRACE_SECONDS',
  'RECONCILIATION_SCHEDULE',
  'SEATS_PER_BOOKING_MAX',
  'SEATS_PER_BUYER_MAX',
  'RATE_LIMIT',
  'REMINDER_LEAD_SECONDS',
  'SMTP_URL',
  'SMTP_TLS',
  'MAIL_FROM',
  'MAILS_PER_SECOND_MAX',
  'SMS_GATEWAY_URL',
  'PUSH_GATEWAY_URL',
  'NOTIFY_HELD',
  'OUTBOX_TRIES_MAX',
  'OUTBOX_RETENTION_DAYS',
  'WEBHOOK_DISABLE_AFTER_DAYS',
  'WEBHOOK_PRIVATE_TARGETS',
] as const;

/** What a start has settled before it starts anything. */
interface Plan {
  readonly launcher: LauncherSettings;
  readonly settings: Pick<Settings, (typeof partSettings)[number]>;
  readonly folder: DataFolder;
  readonly secrets: Secrets;
  readonly ports: PortBook;
}

/** All parts of the system on this machine. */
export class System {
  readonly #env: NodeJS.ProcessEnv;
  readonly #projectFolder: string;
  readonly #output: Output;
  readonly #log: Logger;
  readonly #supervisor: Supervisor;
  readonly #stopping = new AbortController();
  #folder: DataFolder | null = null;
  #ports: PortBook | null = null;
  #record: RunRecord | null = null;

  constructor(env: NodeJS.ProcessEnv, projectFolder: string, output: Output) {
    this.#env = env;
    this.#projectFolder = projectFolder;
    this.#output = output;
    this.#log = output.logger('supervisor');
    this.#supervisor = new Supervisor(output, this.#log, () => this.#record?.parts(this.#supervisor.running));
  }

  get isStopping(): boolean {
    return this.#stopping.signal.aborted;
  }

  /**
   * Starts everything and says so by the line `ready`.
   * @throws AlreadyRunningError, StartupError, ConfigError, TemporalUnavailableError
   */
  async start(): Promise<void> {
    const startedAt = Date.now();
    const plan = await this.#plan();
    const ready = await this.#startParts(plan);
    const { addresses, temporalAddress } = ready;
    this.#record?.update({ status: 'ready', addresses, ports: plan.ports.chosen });
    const staffToken =
      plan.settings.NODE_ENV === 'production'
        ? undefined
        : await signStaffToken(plan.secrets.JWT_SECRET, 'admin', staffTokenTtlSeconds);
    this.#output.announce(
      'supervisor',
      { ...addresses, temporalAddress, staffToken, elapsedMs: Date.now() - startedAt },
      'ready',
      readyBlock({ ...ready, staffToken }),
    );
  }

  /** Stops everything in order. The next start goes on with the same data. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#record?.update({ status: 'stopping' });
    await this.#supervisor.stop();
    await this.#ports?.giveBack();
    this.#record?.update({ status: 'stopped' });
    this.#folder?.unlock();
  }

  /** Kills everything; the data survive it. */
  kill(): void {
    this.#stopping.abort();
    this.#supervisor.kill();
  }

  async #plan(): Promise<Plan> {
    const env = this.#env;
    checkSettings(env, portSettings);
    const launcher = readLauncherSettings(env);
    const folder = await openDataFolder(env, this.#projectFolder, this.#log);
    this.#folder = folder;
    this.#log.info({ dataFolder: folder.path }, 'starting');
    const ownDatabase = env.DATABASE_URL === undefined;
    const needed = secretNames.filter((name) => ownDatabase || name !== 'POSTGRES_PASSWORD');
    const secrets = loadSecrets(folder.path, env, needed);
    const settings = readConfig(partSettings, { ...env, ...secrets });
    // A provider that lacks a setting is told now, and not by a part that ends.
    providerChoice(settings);
    await stopLeftovers(folder.lastRun.parts, this.#log);
    this.#record = new RunRecord(folder.path, folder.lastRun.ports, this.#log);
    this.#record.update({ status: 'starting' });
    this.#ports = new PortBook(env, folder.lastRun.ports);
    return { launcher, settings, folder, secrets, ports: this.#ports };
  }

  async #startParts(plan: Plan): Promise<Omit<ReadySystem, 'staffToken'>> {
    const { launcher, settings, folder, secrets, ports } = plan;
    const [env, log, supervisor] = [this.#env, this.#log, this.#supervisor];
    const entrances = await reserveEntrances(launcher, ports, env, usesSimulator(providerChoice(settings)));
    const { whyThisPort } = entrances;
    if (whyThisPort !== null) log.info(`PORT: the API is to answer at ${entrances.addresses.api}: ${whyThisPort}`);
    const database = await prepareDatabase({
      env,
      folder,
      ports,
      password: secrets.POSTGRES_PASSWORD,
      supervisor,
      log,
    });
    const databaseReady = database.start();
    const { address, uiUrl } = await this.#startTemporal(plan, database.url, databaseReady);

    const partEnv = {
      ...entrances.env,
      DATA_DIR: folder.path,
      DATABASE_URL: database.url,
      TEMPORAL_ADDRESS: address,
      TEMPORAL_NAMESPACE: settings.TEMPORAL_NAMESPACE,
      JWT_SECRET: secrets.JWT_SECRET,
      PAYMENT_WEBHOOK_SECRET: secrets.PAYMENT_WEBHOOK_SECRET,
      TICKET_SIGNING_KEY: secrets.TICKET_SIGNING_KEY,
    };
    const addresses = { ...entrances.addresses, temporalUi: uiUrl ?? env.TEMPORAL_UI_URL ?? null };
    this.#record?.update({
      addresses,
      services: {
        databaseUrl: withoutPassword(database.url),
        temporalAddress: address,
        temporalNamespace: settings.TEMPORAL_NAMESPACE,
      },
      ports: ports.chosen,
    });
    await databaseReady;
    await step(log, 'Read model: migrations', () => migrateToLatest(database.url, log));

    await ports.release(...entrances.portSettings);
    if (entrances.ownMailCatcher) await supervisor.start(mailCatcherProcess(partEnv));
    if (entrances.ownSimulator) await supervisor.start(paymentSimulatorProcess(partEnv));
    // The worker first: what is started later is stopped earlier, and requests under way still need it.
    await Promise.all([
      supervisor.start(...workerProcesses(entrances.workerMetrics, partEnv)),
      supervisor.start(...apiProcesses(entrances.apiMetrics, partEnv)),
      supervisor.start(...relayProcesses(entrances.relayMetrics, partEnv)),
    ]);
    const temporal = { address, namespace: settings.TEMPORAL_NAMESPACE };
    await step(log, 'Workers: made current', () => this.#makeWorkersCurrent(settings.WORKER_BUILD_ID, temporal));
    const limits = saleLimits(settings);
    await step(log, 'Shows: catalogue and workflows', () =>
      seed({
        databaseUrl: database.url,
        temporal,
        limits,
        cityQueues: settings.CITY_QUEUES,
        what: launcher.SEED,
        log,
      }),
    );
    return { addresses, temporalAddress: address, whyThisPort };
  }

  /** All workers of the system are of this build, or have none: nobody else has to say whose turn it is. */
  async #makeWorkersCurrent(buildId: string | undefined, temporal: TemporalAddress): Promise<void> {
    const client = await connectClient(temporal, this.#stopping.signal);
    try {
      await (buildId === undefined
        ? makeUnversionedCurrent(client)
        : makeCurrent(client, buildId, { leavesQueues: true }));
    } finally {
      await client.connection.close();
    }
  }

  /** Its binaries may take minutes to obtain, beside the database's start; its server may need the database. */
  async #startTemporal(plan: Plan, databaseUrl: string, databaseReady: Promise<void>): Promise<PreparedTemporal> {
    const { launcher, settings, folder, ports } = plan;
    const profile = launcher.TEMPORAL_PROFILE;
    const preparing = step(this.#log, 'Temporal: finding or obtaining it', () =>
      prepareTemporalPart({
        profile,
        env: this.#env,
        folder,
        ports,
        namespace: settings.TEMPORAL_NAMESPACE,
        databaseUrl,
        log: this.#output.logger('temporal'),
        signal: this.#stopping.signal,
      }),
    );
    const [temporal] = await Promise.all([preparing, databaseReady]);
    await temporal.prepare();
    await ports.release(...temporalPortSettings(profile));
    for (const process of temporal.processes) await this.#supervisor.start(process);
    await temporal.afterStart();
    return temporal;
  }
}

/** The data folder's state may be read by everyone on the machine. */
function withoutPassword(databaseUrl: string): string {
  const url = new URL(databaseUrl);
  url.password = '';
  return url.href;
}
