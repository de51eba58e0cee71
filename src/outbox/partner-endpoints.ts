import { isoTime } from '../contracts/http/primitives.ts';
import type { OutboxEvent } from '../contracts/events.ts';
import {
  WEBHOOK_CONNECTIONS_MAX,
  WEBHOOK_TIMEOUT_MS,
  WebhookRefusedError,
  WebhookSender,
} from '../gateways/partner-webhooks.ts';
import type { Log, ReadModel } from '../read-model/database.ts';
import {
  listWebhookEndpoints,
  noteWebhookFailure,
  noteWebhookSuccess,
  queueOfEndpoint,
  type WebhookEndpoint,
} from '../read-model/webhook-endpoints.ts';
import { type Queue, withJitter } from './queue.ts';
import type { OutboxRelay } from './relay.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
/** Until the next try, as Standard Webhooks proposes: some three days, then the message is parked. */
export const WEBHOOK_PAUSES_MS: readonly number[] = [
  5_000,
  5 * MINUTE_MS,
  30 * MINUTE_MS,
  2 * HOUR_MS,
  5 * HOUR_MS,
  10 * HOUR_MS,
  14 * HOUR_MS,
  20 * HOUR_MS,
  24 * HOUR_MS,
];
/** One that fails is asked by one message at a time: the others would fail, too, and each takes its time to do so. */
const CONNECTIONS_WHILE_FAILING = 1;

export interface PartnerEndpointsOptions {
  readonly db: ReadModel;
  readonly relay: Pick<OutboxRelay, 'serve' | 'leave'>;
  readonly mayBePrivate: boolean;
  /** An endpoint that has refused everything for so long is disabled. */
  readonly disableAfterMs: number;
  /** Other than a partner can wait for, in tests. */
  readonly pausesMs?: readonly number[];
  readonly onDisabled: (endpoint: WebhookEndpoint, because: string) => void;
  readonly log: Log;
}

interface Served {
  readonly queue: string;
  readonly sender: WebhookSender;
  endpoint: WebhookEndpoint;
  isFailing: boolean;
}

/** Partners' endpoints: each is a queue of its own, so that none waits for another. */
export class PartnerEndpoints {
  readonly #options: PartnerEndpointsOptions;
  readonly #served = new Map<string, Served>();
  #refreshing: Promise<void> | null = null;
  #isStale = false;

  constructor(options: PartnerEndpointsOptions) {
    this.#options = options;
  }

  /** Serves those that are enabled, and no others. What fails is left to the next time. */
  refresh(): Promise<void> {
    this.#isStale = true;
    this.#refreshing ??= this.#refreshAll().finally(() => {
      this.#refreshing = null;
    });
    return this.#refreshing;
  }

  async close(): Promise<void> {
    await Promise.all([...this.#served.values()].map(({ sender }) => sender.close()));
  }

  async #refreshAll(): Promise<void> {
    while (this.#isStale) {
      this.#isStale = false;
      try {
        const endpoints = await listWebhookEndpoints(this.#options.db);
        this.#serveOnly(endpoints.filter(({ enabled }) => enabled));
      } catch (error) {
        this.#options.log.warn({ err: error }, "partners' endpoints could not be read");
      }
    }
  }

  /** Address and secret of an endpoint never change: another one is another endpoint. */
  #serveOnly(endpoints: readonly WebhookEndpoint[]): void {
    const wanted = new Set(endpoints.map(({ id }) => id));
    for (const [id, { queue, sender }] of this.#served) {
      if (wanted.has(id)) continue;
      this.#served.delete(id);
      this.#options.relay.leave(queue);
      void sender.close();
    }
    for (const endpoint of endpoints) {
      const served = this.#served.get(endpoint.id);
      if (served) Object.assign(served, { endpoint, isFailing: endpoint.failingSinceMs !== null });
      else this.#serve(endpoint);
    }
  }

  #serve(endpoint: WebhookEndpoint): void {
    const { relay, mayBePrivate, pausesMs = WEBHOOK_PAUSES_MS } = this.#options;
    const served: Served = {
      queue: queueOfEndpoint(endpoint.id),
      sender: new WebhookSender(endpoint, { mayBePrivate }),
      endpoint,
      isFailing: endpoint.failingSinceMs !== null,
    };
    this.#served.set(endpoint.id, served);
    const queue: Queue = {
      name: served.queue,
      types: endpoint.eventTypes,
      concurrency: () => (served.isFailing ? CONNECTIONS_WHILE_FAILING : WEBHOOK_CONNECTIONS_MAX),
      timeoutMs: 2 * WEBHOOK_TIMEOUT_MS,
      pauseMsAfter: (failures) => {
        const pauseMs = pausesMs[failures - 1];
        return pauseMs === undefined ? null : withJitter(pauseMs);
      },
      handle: (event, signal) => this.#send(served, event, signal),
    };
    relay.serve(queue);
  }

  async #send(served: Served, event: OutboxEvent, signal: AbortSignal): Promise<void> {
    const { db } = this.#options;
    try {
      await served.sender.send(messageOf(event), signal);
    } catch (error) {
      // Ended from here: it says nothing about the endpoint.
      if (!signal.aborted) await this.#noteFailure(served, error as Error);
      throw error;
    }
    if (!served.isFailing) return;
    served.isFailing = false;
    await noteWebhookSuccess(db, served.endpoint.id);
  }

  async #noteFailure(served: Served, error: Error): Promise<void> {
    const { db, disableAfterMs, onDisabled } = this.#options;
    served.isFailing = true;
    const isForGood = error instanceof WebhookRefusedError && error.isForGood;
    const because = isForGood
      ? 'it answered 410: it wants no more'
      : `it has refused everything for too long: ${error.message}`;
    const isDisabled = await noteWebhookFailure(db, served.endpoint.id, {
      disableAfterMs: isForGood ? 0 : disableAfterMs,
      because,
    });
    if (!isDisabled) return;
    onDisabled(served.endpoint, because);
    void this.refresh();
  }
}

/** As Standard Webhooks has it: what happened, when, and the payload of the catalogue. */
export const messageOf = ({ id, type, createdAtMs, version, payload }: OutboxEvent) => ({
  id: `evt_${id}`,
  body: JSON.stringify({ type, timestamp: isoTime(createdAtMs), data: { version, ...payload } }),
});
