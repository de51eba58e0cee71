import { Webhook } from 'standardwebhooks';
import { Agent, request } from 'undici';
import type { WebhookTargets } from '../contracts/webhook-targets.ts';
import { addressIn, AddressRefusedError, isPublicAddress, lookupPublic } from './public-address.ts';

/** A partner's endpoint takes a message within this, or is taken not to have it. */
export const WEBHOOK_TIMEOUT_MS = 15_000;
const CONNECT_TIMEOUT_MS = 5_000;
/** To one endpoint; it gets no more messages at once. */
export const WEBHOOK_CONNECTIONS_MAX = 8;
/** Of an answer's body, which nobody reads: more of it ends the connection. */
const ANSWER_BYTES_MAX = 16 * 1024;

export interface WebhookMessage {
  /** The same in every try: partners know a repetition by it. */
  readonly id: string;
  readonly body: string;
}

/** The endpoint has not accepted the message. */
export class WebhookRefusedError extends Error {
  override readonly name = 'WebhookRefusedError';
  /** HTTP status; null when there was no answer. */
  readonly status: number | null;
  constructor(message: string, status: number | null, cause?: unknown) {
    super(message, { cause });
    this.status = status;
  }
  /** 410: the endpoint wants no more of it, ever. */
  get isForGood(): boolean {
    return this.status === 410;
  }
}

export interface WebhookEndpointAddress {
  readonly url: string;
  /** `whsec_` and base64. */
  readonly secret: string;
}

/** Sends messages to one endpoint, signed as Standard Webhooks has it, over connections of its own. */
export class WebhookSender {
  readonly #url: URL;
  readonly #webhook: Webhook;
  readonly #agent: Agent;
  readonly #mayBePrivate: boolean;

  /** `mayBePrivate`: also to addresses of this machine and its network, for development. */
  constructor({ url, secret }: WebhookEndpointAddress, { mayBePrivate }: { readonly mayBePrivate: boolean }) {
    this.#url = new URL(url);
    this.#webhook = new Webhook(secret);
    this.#mayBePrivate = mayBePrivate;
    this.#agent = new Agent({
      connections: WEBHOOK_CONNECTIONS_MAX,
      pipelining: 1,
      headersTimeout: WEBHOOK_TIMEOUT_MS,
      bodyTimeout: WEBHOOK_TIMEOUT_MS,
      connect: { timeout: CONNECT_TIMEOUT_MS, ...(mayBePrivate ? {} : { lookup: lookupPublic }) },
    });
  }

  /**
   * Resolves with the HTTP status, 2xx.
   * @throws WebhookRefusedError
   */
  async send({ id, body }: WebhookMessage, signal?: AbortSignal): Promise<number> {
    this.#checkAddress();
    const sentAt = new Date();
    const status = await this.#post(body, signal, {
      'content-type': 'application/json',
      'user-agent': 'Seatkeeper-Webhooks',
      'webhook-id': id,
      'webhook-timestamp': String(Math.floor(sentAt.getTime() / 1_000)),
      'webhook-signature': this.#webhook.sign(id, sentAt, body),
    });
    if (status >= 200 && status < 300) return status;
    const redirected = status >= 300 && status < 400 ? ', and redirects are not followed' : '';
    throw new WebhookRefusedError(`the endpoint answered ${status}${redirected}`, status);
  }

  close(): Promise<void> {
    return this.#agent.destroy();
  }

  /** An address in the URL itself is connected to without being looked up. */
  #checkAddress(): void {
    const address = addressIn(this.#url);
    if (this.#mayBePrivate || address === null || isPublicAddress(address)) return;
    throw new WebhookRefusedError(`${address} is not a public address`, null);
  }

  async #post(body: string, signal: AbortSignal | undefined, headers: Record<string, string>): Promise<number> {
    const timeout = AbortSignal.timeout(WEBHOOK_TIMEOUT_MS);
    try {
      const answer = await request(this.#url, {
        method: 'POST',
        dispatcher: this.#agent,
        headers,
        body,
        signal: signal ? AbortSignal.any([signal, timeout]) : timeout,
      });
      await answer.body.dump({ limit: ANSWER_BYTES_MAX }).catch(() => undefined);
      return answer.statusCode;
    } catch (error) {
      const why = timeout.aborted ? `it took longer than ${WEBHOOK_TIMEOUT_MS} ms` : reasonOf(error);
      throw new WebhookRefusedError(`no answer from the endpoint: ${why}`, null, error);
    }
  }
}

/** `newMessageId`: of a test; every message has an id of its own. */
export const createWebhookTargets = (
  { mayBePrivate }: { readonly mayBePrivate: boolean },
  newMessageId: () => string,
): WebhookTargets => ({
  faultOf: (text) => {
    const url = new URL(text);
    const address = addressIn(url);
    if (url.username !== '' || url.password !== '') return 'must not hold a user or a password';
    if (mayBePrivate) return null;
    if (url.protocol !== 'https:') return 'must begin with https';
    return address === null || isPublicAddress(address) ? null : 'is not a public address';
  },
  test: async (endpoint) => {
    const sender = new WebhookSender(endpoint, { mayBePrivate });
    const body = JSON.stringify({ type: 'webhook.test', timestamp: new Date().toISOString(), data: {} });
    const startedAt = performance.now();
    const durationMs = (): number => Math.round(performance.now() - startedAt);
    try {
      const status = await sender.send({ id: newMessageId(), body });
      return { accepted: true, status, error: null, durationMs: durationMs() };
    } catch (error) {
      const { status, message } = error as WebhookRefusedError;
      return { accepted: false, status: status ?? null, error: message, durationMs: durationMs() };
    } finally {
      await sender.close();
    }
  },
});

function reasonOf(error: unknown): string {
  if (error instanceof AddressRefusedError) return error.message;
  const { code, message } = error as NodeJS.ErrnoException;
  return code ?? message;
}
