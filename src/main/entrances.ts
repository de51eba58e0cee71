import type { PortBook } from '../supervisor/port-book.ts';
import type { Addresses } from '../supervisor/run-state.ts';
import type { LauncherSettings } from '../supervisor/settings.ts';

/** Where our own parts listen, and what they have to know of each other. */
export interface Entrances {
  readonly addresses: Omit<Addresses, 'temporalUi'>;
  /** One for each API process. */
  readonly apiMetricsPorts: readonly number[];
  /** False when the settings name a payment provider that runs elsewhere. */
  readonly ownSimulator: boolean;
  readonly env: Readonly<Record<string, string>>;
  /** Names of the settings whose ports are held. */
  readonly portSettings: readonly string[];
}

/** Where this machine reaches a part that listens on `host`. */
function urlOf(host: string | undefined, port: number): string {
  const reachable = host === undefined || host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host;
  return `http://${reachable.includes(':') ? `[${reachable}]` : reachable}:${port}`;
}

/** @throws StartupError */
export async function reserveEntrances(
  { API_PROCESSES }: LauncherSettings,
  ports: PortBook,
  env: NodeJS.ProcessEnv,
): Promise<Entrances> {
  const port = await ports.reserve('PORT', 3000);
  const apiMetrics = await reserveApiMetrics(API_PROCESSES, ports);
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
      metrics: `${urlOf(env.HOST, apiMetrics.ports[0]!)}/metrics`,
    },
    apiMetricsPorts: apiMetrics.ports,
    ownSimulator: simulator !== null,
    env: {
      PORT: String(port),
      PAYMENT_GATEWAY_URL: external ?? simulator!,
      PAYMENT_WEBHOOK_URL: env.PAYMENT_WEBHOOK_URL ?? api,
      ...(simulatorPort === null ? {} : { PAYMENT_SIMULATOR_PORT: String(simulatorPort) }),
    },
    portSettings: ['PORT', ...apiMetrics.settings, ...(simulator === null ? [] : ['PAYMENT_SIMULATOR_PORT'])],
  };
}

async function reserveApiMetrics(processes: number, ports: PortBook) {
  const settings = Array.from({ length: processes }, (_, index) => `METRICS_PORT${index === 0 ? '' : `_${index + 1}`}`);
  const reserved: number[] = [];
  for (const setting of settings) reserved.push(await ports.reserve(setting, 9464));
  return { settings, ports: reserved };
}
