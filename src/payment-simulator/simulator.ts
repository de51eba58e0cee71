import { mkdirSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { listen } from './http-server.ts';
import { PaymentProvider } from './provider.ts';
import { ChargeWaiters, ProviderApi } from './provider-api.ts';
import { ProviderStore } from './store.ts';
import { WebhookSender, type SimulatorLog } from './webhook-sender.ts';

/** Longest delay that a timer takes (2^31 - 1 ms); what is due later is looked at again then. */
const TIMER_MAX_MS = 2_147_483_647;
/** Pause before ending charges is tried again after a failed write. */
const END_RETRY_MS = 1_000;
/** Requests under way get this long to be answered before a stop cuts them off. */
const DRAIN_MS = 500;

export interface SimulatorSettings {
  /** Folder of the provider's books; made when it is not there. */
  readonly dataDir: string;
  readonly host: string;
  /** 0 = any free port. */
  readonly port: number;
  readonly latencyMs: number;
  readonly paymentDeadlineMs: number;
  readonly publicUrl: string | null;
  readonly webhook: { readonly baseUrl: string; readonly secret: string };
}

export interface RunningSimulator {
  readonly url: string;
  /** Answers what is under way, then lets go of port and file. What is pending continues at the next start. */
  stop(): Promise<void>;
}

/**
 * Starts the simulated provider.
 * @throws Error when the port is taken, or another process has the books, or they can't be written.
 */
export async function startPaymentSimulator(settings: SimulatorSettings, log: SimulatorLog): Promise<RunningSimulator> {
  mkdirSync(settings.dataDir, { recursive: true });
  const store = new ProviderStore(join(settings.dataDir, 'payment-simulator.sqlite'), () => afterCommit());
  const waiters = new ChargeWaiters();
  const provider = new PaymentProvider(store, {
    paymentDeadlineMs: settings.paymentDeadlineMs,
    now: Date.now,
    isAwaited: (chargeId) => waiters.has(chargeId),
  });
  const webhooks = new WebhookSender(store, settings.webhook, log);
  const dueDates = new DueDates(store, provider, waiters, log);
  const afterCommit = () => {
    dueDates.poke();
    webhooks.poke();
  };
  const api = new ProviderApi(provider, store, waiters, settings);
  const server = await listen(api.routes(), settings.host, settings.port, (error) =>
    log.error({ err: error }, 'a request failed'),
  );
  afterCommit();
  return {
    url: urlOf(settings.host, (server.address() as AddressInfo).port),
    async stop() {
      dueDates.stop();
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeIdleConnections();
      const cutOff = setTimeout(() => server.closeAllConnections(), DRAIN_MS);
      await closed;
      clearTimeout(cutOff);
      await webhooks.stop();
      store.close();
    },
  };
}

const urlOf = (host: string, port: number): string => `http://${host.includes(':') ? `[${host}]` : host}:${port}`;

/** Ends charges and refunds when their time has come: one timer, for the earliest. */
class DueDates {
  readonly #store: ProviderStore;
  readonly #provider: PaymentProvider;
  readonly #waiters: ChargeWaiters;
  readonly #log: SimulatorLog;
  #timer: NodeJS.Timeout | undefined;
  #ending = false;
  #stopped = false;

  constructor(store: ProviderStore, provider: PaymentProvider, waiters: ChargeWaiters, log: SimulatorLog) {
    this.#store = store;
    this.#provider = provider;
    this.#waiters = waiters;
    this.#log = log;
  }

  poke(): void {
    if (this.#stopped || this.#ending) return;
    clearTimeout(this.#timer);
    const dueAtMs = this.#store.nextDueAtMs();
    if (dueAtMs === undefined) return;
    const delayMs = Math.min(Math.max(dueAtMs - Date.now(), 0), TIMER_MAX_MS);
    this.#timer = setTimeout(() => void this.#end(), delayMs);
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
  }

  async #end(): Promise<void> {
    this.#ending = true;
    try {
      const ended = await this.#store.commit(() => this.#provider.endWhatIsDue());
      for (const charge of ended) this.#waiters.release(charge.id);
      this.#ending = false;
      this.poke();
    } catch (error) {
      this.#log.error({ err: error }, 'charges that are due could not be ended');
      this.#ending = false;
      if (!this.#stopped) this.#timer = setTimeout(() => void this.#end(), END_RETRY_MS);
    }
  }
}
