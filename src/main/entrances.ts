import type { PortBook } from '../supervisor/port-book.ts';
import type { Addresses } from '../supervisor/run-state.ts';
import type { LauncherSettings } from '../supervisor/settings.ts';
import { urlOf } from './listening.ts';

export interface MetricsPlace {
  readonly port: number;
  readonly url: string;
}

/** Where our own parts listen, and what they have to know of each other. */
export interface Entrances {
  readonly addresses: Omit<Addresses, 'temporalUi'>;
  /** Where each API process and each worker tells its metrics. */
  readonly apiMetrics: readonly MetricsPlace[];
  readonly workerMetrics: readonly MetricsPlace[];
  /** False when the settings name a payment provider that runs elsewhere. */
  readonly ownSimulator: boolean;
  readonly env: Readonly<Record<string, string>>;
  /** Names of the settings whose ports are held. */
  readonly portSettings: readonly string[];
}

/** @throws StartupError */
export async function reserveEntrances(
  { API_PROCESSES, WORKER_PROCESSES }: LauncherSettings,
  ports: PortBook,
  env: NodeJS.ProcessEnv,
): Promise<Entrances> {
  const port = await ports.reserve('PORT', 3000);
  const ofApis = await reserveMetrics('METRICS_PORT', 9464, API_PROCESSES, ports);
  const ofWorkers = await reserveMetrics('WORKER_METRICS_PORT', 9474, WORKER_PROCESSES, ports);
  const place = (metricsPort: number) => ({ port: metricsPort, url: `${urlOf(env.HOST, metricsPort)}/metrics` });
  const external = env.PAYMENT_GATEWAY_URL;
  const simulatorPort = external === undefined ? await ports.reserve('PAYMENT_SIMULATOR_PORT', 3010) : null;
  const api = urlOf(env.HOST, port);
  const simulator = simulatorPort === null ? null : urlOf(env.PAYMENT_SIMULATOR_HOST, simulatorPort);
  return {
    addresses: {
      api,
      // The page is served by the API.
      web: api,
      paymentSimulator: simulator,
      metrics: place(ofApis.ports[0]!).url,
      workerMetrics: place(ofWorkers.ports[0]!).url,
    },
    apiMetrics: ofApis.ports.map(place),
    workerMetrics: ofWorkers.ports.map(place),
    ownSimulator: simulator !== null,
    env: {
      PORT: String(port),
      PAYMENT_GATEWAY_URL: external ?? simulator!,
      PAYMENT_WEBHOOK_URL: env.PAYMENT_WEBHOOK_URL ?? api,
      ...(simulatorPort === null ? {} : { PAYMENT_SIMULATOR_PORT: String(simulatorPort) }),
    },
    portSettings: [
      'PORT',
      ...ofApis.settings,
      ...ofWorkers.settings,
      ...(simulator === null ? [] : ['PAYMENT_SIMULATOR_PORT']),
    ],
  };
}

/** One port for each process of a kind; the settings are called `NAME`, `NAME_2`, … */
async function reserveMetrics(name: string, friendly: number, processes: number, ports: PortBook) {
  const settings = Array.from({ length: processes }, (_, index) => (index === 0 ? name : `${name}_${index + 1}`));
  const reserved: number[] = [];
  for (const setting of settings) reserved.push(await ports.reserve(setting, friendly));
  return { settings, ports: reserved };
}
