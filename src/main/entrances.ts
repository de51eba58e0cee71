import type { PortBook } from '../supervisor/port-book.ts';
import type { Addresses } from '../supervisor/run-state.ts';
import { type LauncherSettings, processesMax } from '../supervisor/settings.ts';
import { urlOf } from './listening.ts';

export interface MetricsPlace {
  readonly port: number;
  readonly url: string;
}

/** Where our own parts listen, and what they have to know of each other. */
export interface Entrances {
  readonly addresses: Omit<Addresses, 'temporalUi'>;
  /** Why the API is not on the port that a person would expect, as half a sentence; null when it is. */
  readonly whyThisPort: string | null;
  /** Where each API process, worker and relay tells its metrics. */
  readonly apiMetrics: readonly MetricsPlace[];
  readonly workerMetrics: readonly MetricsPlace[];
  readonly relayMetrics: readonly MetricsPlace[];
  /** False when no simulated provider is chosen, or the settings name one that runs elsewhere. */
  readonly ownSimulator: boolean;
  /** False where a mail server is named, and in production. */
  readonly ownMailCatcher: boolean;
  readonly env: Readonly<Record<string, string>>;
  /** Names of the settings whose ports are held. */
  readonly portSettings: readonly string[];
}

const portOfApi = 'PORT';
const portOfSimulator = 'PAYMENT_SIMULATOR_PORT';
const portOfMails = 'MAILS_PORT';
const portOfMailsSmtp = 'MAILS_SMTP_PORT';
const metricsOfApis = 'METRICS_PORT';
const metricsOfWorkers = 'WORKER_METRICS_PORT';
const metricsOfRelays = 'RELAY_METRICS_PORT';

/** Names of all settings that may name a port here. */
export const entrancePortSettings: readonly string[] = [
  portOfApi,
  portOfSimulator,
  portOfMails,
  portOfMailsSmtp,
  ...numberedSettings(metricsOfApis, processesMax),
  ...numberedSettings(metricsOfWorkers, processesMax),
  ...numberedSettings(metricsOfRelays, processesMax),
];

/**
 * @param usesSimulator whether a simulated provider is chosen: otherwise there is nobody to talk to one
 * @throws StartupError
 */
export async function reserveEntrances(
  { API_PROCESSES, WORKER_PROCESSES, RELAY_PROCESSES }: LauncherSettings,
  ports: PortBook,
  env: NodeJS.ProcessEnv,
  usesSimulator: boolean,
): Promise<Entrances> {
  const port = await ports.reserve(portOfApi, 3000);
  const ofApis = await reserveMetrics(metricsOfApis, 9464, API_PROCESSES, ports);
  const ofWorkers = await reserveMetrics(metricsOfWorkers, 9474, WORKER_PROCESSES, ports);
  const ofRelays = await reserveMetrics(metricsOfRelays, 9494, RELAY_PROCESSES, ports);
  const place = (metricsPort: number) => ({ port: metricsPort, url: `${urlOf(env.HOST, metricsPort)}/metrics` });
  const external = env.PAYMENT_GATEWAY_URL;
  const isOurs = usesSimulator && external === undefined;
  const simulatorPort = isOurs ? await ports.reserve(portOfSimulator, 3010) : null;
  const mails = await reserveMailCatcher(ports, env);
  const api = urlOf(env.HOST, port);
  const simulator = simulatorPort === null ? null : urlOf(env.PAYMENT_SIMULATOR_HOST, simulatorPort);
  return {
    addresses: {
      api,
      // The page is served by the API.
      web: api,
      paymentSimulator: simulator,
      mails: mails?.url ?? null,
      metrics: place(ofApis.ports[0]!).url,
      workerMetrics: place(ofWorkers.ports[0]!).url,
      relayMetrics: place(ofRelays.ports[0]!).url,
    },
    whyThisPort: ports.whyNotFriendly(portOfApi),
    apiMetrics: ofApis.ports.map(place),
    workerMetrics: ofWorkers.ports.map(place),
    relayMetrics: ofRelays.ports.map(place),
    ownSimulator: simulator !== null,
    ownMailCatcher: mails !== null,
    env: {
      PORT: String(port),
      ...gatewayAddress(external ?? simulator),
      PAYMENT_WEBHOOK_URL: env.PAYMENT_WEBHOOK_URL ?? api,
      ...(simulatorPort === null ? {} : { PAYMENT_SIMULATOR_PORT: String(simulatorPort) }),
      ...mails?.env,
    },
    portSettings: [
      portOfApi,
      ...ofApis.settings,
      ...ofWorkers.settings,
      ...ofRelays.settings,
      ...(simulator === null ? [] : [portOfSimulator]),
      ...(mails === null ? [] : [portOfMails, portOfMailsSmtp]),
    ],
  };
}

const gatewayAddress = (url: string | null): Readonly<Record<string, string>> =>
  url === null ? {} : { PAYMENT_GATEWAY_URL: url };

/** Null where mail goes out for real, and where a missing mail server is a mistake. */
async function reserveMailCatcher(ports: PortBook, env: NodeJS.ProcessEnv) {
  if (env.SMTP_URL !== undefined || env.NODE_ENV === 'production') return null;
  const port = await ports.reserve(portOfMails, 8025);
  const smtpPort = await ports.reserve(portOfMailsSmtp, 1025);
  const url = urlOf(env.MAILS_HOST, port);
  return {
    url,
    env: {
      [portOfMails]: String(port),
      [portOfMailsSmtp]: String(smtpPort),
      SMTP_URL: urlOf(env.MAILS_HOST, smtpPort).replace(/^http:/, 'smtp:'),
      SMS_GATEWAY_URL: env.SMS_GATEWAY_URL ?? `${url}/sms`,
      PUSH_GATEWAY_URL: env.PUSH_GATEWAY_URL ?? `${url}/push`,
    },
  };
}

/** One port for each process of a kind; the settings are called `NAME`, `NAME_2`, … */
async function reserveMetrics(name: string, friendly: number, processes: number, ports: PortBook) {
  const settings = numberedSettings(name, processes);
  const reserved: number[] = [];
  for (const setting of settings) reserved.push(await ports.reserve(setting, friendly));
  return { settings, ports: reserved };
}

function numberedSettings(name: string, count: number): readonly string[] {
  return Array.from({ length: count }, (_, index) => (index === 0 ? name : `${name}_${index + 1}`));
}
