import { Agent, request } from 'undici';
import { signWebhook } from './signature.ts';
import type { ProviderStore, Webhook } from './store.ts';

/** Webhooks under way at once: a storm of them never takes more of the API than this. */
const IN_FLIGHT_MAX = 16;
/** The API answers only after a workflow has durably accepted the notice, which may take a worker's restart. */
const ANSWER_TIMEOUT_MS = 10_000;
/** Waits between tries double from the first to the last. */
const FIRST_RETRY_MS = 500;
const LAST_RETRY_MS = 30_000;
/** Spreads the retries of webhooks that failed together. */
const RETRY_JITTER = 0.2;
/** After this a webhook is given up; its receiver can still ask for the charge. */
const RETRY_FOR_MS = 24 * 60 * 60 * 1_000;
/** Pause when a try's outcome can't be written down (disk full): it is due again, but not in a tight loop. */
const WRITE_FAILED_PAUSE_MS = 1_000;

/** The part of a pino logger that the simulator uses. */
export interface SimulatorLog {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

export interface WebhookTarget {
  /** Base of the API, without `/api/v1`. */
  readonly baseUrl: string;
  readonly secret: string;
}

/**
 * Delivers the webhooks of the store at least once each: signed anew on every try, until a 2xx. Which are due lives in
 * the store, so a restart continues where the process before it was.
 */
export class WebhookSender {
  readonly #store: ProviderStore;
  readonly #target: WebhookTarget;
  readonly #log: SimulatorLog;
  readonly #agent = new Agent({ connections: IN_FLIGHT_MAX });
  readonly #inFlight = new Set<string>();
  readonly #stopping = new AbortController();
  #timer: NodeJS.Timeout | undefined;

  constructor(store: ProviderStore, target: WebhookTarget, log: SimulatorLog) {
    this.#store = store;
    this.#target = target;
    this.#log = log;
  }

  /** Sends what is due as far as there is room, and looks again when the next one is. */
  poke(): void {
    if (this.#stopping.signal.aborted || this.#inFlight.size >= IN_FLIGHT_MAX) return;
    const nowMs = Date.now();
    // Those in flight are still due in the store: ask for so many more.
    const due = this.#store.webhooksDue(nowMs, 2 * IN_FLIGHT_MAX).filter((webhook) => !this.#inFlight.has(webhook.id));
    for (const webhook of due.slice(0, IN_FLIGHT_MAX - this.#inFlight.size)) void this.#deliver(webhook);
    clearTimeout(this.#timer);
    const nextAtMs = this.#store.nextWebhookAtMs(nowMs);
    if (nextAtMs !== undefined) this.#timer = setTimeout(() => this.poke(), nextAtMs - nowMs);
  }

  /** Stops sending; what is under way counts as not delivered. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    clearTimeout(this.#timer);
    await this.#agent.destroy();
  }

  async #deliver(webhook: Webhook): Promise<void> {
    this.#inFlight.add(webhook.id);
    const failure = await this.#post(webhook);
    if (this.#stopping.signal.aborted) return;
    try {
      await this.#store.commit(() => this.#writeDown(webhook, failure));
    } catch (error) {
      this.#log.error({ err: error, eventId: webhook.id }, 'a webhook could not be written down');
      await new Promise((resolve) => setTimeout(resolve, WRITE_FAILED_PAUSE_MS).unref());
    }
    this.#inFlight.delete(webhook.id);
    this.poke();
  }

  /** Answers why it was not delivered, or nothing. */
  async #post(webhook: Webhook): Promise<string | undefined> {
    try {
      const response = await request(new URL(`/api/v1/webhooks/payments/${webhook.provider}`, this.#target.baseUrl), {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          'x-signature': signWebhook(this.#target.secret, webhook.body, Date.now()),
        },
        body: webhook.body,
        dispatcher: this.#agent,
        signal: AbortSignal.any([this.#stopping.signal, AbortSignal.timeout(ANSWER_TIMEOUT_MS)]),
      });
      await response.body.dump();
      return response.statusCode >= 200 && response.statusCode < 300 ? undefined : `status ${response.statusCode}`;
    } catch (error) {
      return error instanceof Error ? error.message || error.name : String(error);
    }
  }

  #writeDown(webhook: Webhook, failure: string | undefined): void {
    const fields = { eventId: webhook.id, provider: webhook.provider, tries: webhook.tries + 1 };
    if (failure === undefined) {
      this.#store.removeWebhook(webhook.id);
      this.#log.debug(fields, 'webhook delivered');
      return;
    }
    const nowMs = Date.now();
    const givenUp = nowMs - webhook.createdAtMs > RETRY_FOR_MS;
    const retryInMs = retryDelayMs(webhook.tries);
    this.#store.postponeWebhook(webhook.id, givenUp ? null : nowMs + retryInMs);
    if (givenUp) this.#log.error({ ...fields, failure }, 'webhook given up');
    // Only the first failure is news: while the API is away, every webhook fails again and again.
    else if (webhook.tries === 0) this.#log.warn({ ...fields, failure, retryInMs }, 'webhook not delivered');
    else this.#log.debug({ ...fields, failure, retryInMs }, 'webhook not delivered');
  }
}

/** Wait before the next try after `tries` earlier failures: 0.5 s, 1 s, 2 s … 30 s, each ± a fifth. */
function retryDelayMs(tries: number): number {
  const doubledMs = Math.min(FIRST_RETRY_MS * 2 ** Math.min(tries, 10), LAST_RETRY_MS);
  return Math.round(doubledMs * (1 + RETRY_JITTER * (2 * Math.random() - 1)));
}
