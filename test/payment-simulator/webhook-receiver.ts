import { EventEmitter, once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface ReceivedWebhook {
  readonly path: string;
  readonly signature: string;
  readonly rawBody: Buffer;
  readonly body: {
    readonly id: string;
    readonly type: string;
    readonly bookingId: string;
    readonly attemptId: string;
    readonly amount: { readonly amount: number; readonly currency: string };
    readonly at: string;
  };
  readonly atMs: number;
}

export interface WebhookReceiver {
  readonly url: string;
  readonly received: readonly ReceivedWebhook[];
  /** Most webhooks that were under way at once. */
  readonly atOnceMax: number;
  /** Status that later webhooks are answered with; may take its time. */
  answer: (webhook: ReceivedWebhook) => number | Promise<number>;
  /** All webhooks about this attempt, once there are `count`. */
  about(attemptId: string, count?: number): Promise<ReceivedWebhook[]>;
  close(): Promise<void>;
}

/** Stands where the API is, for the simulator's webhooks. */
export async function receiveWebhooks(): Promise<WebhookReceiver> {
  const arrivals = new EventEmitter().setMaxListeners(0);
  const received: ReceivedWebhook[] = [];
  let atOnce = 0;
  let atOnceMax = 0;
  const server = createServer((request, response) => {
    void (async () => {
      const rawBody = Buffer.concat(await request.toArray());
      const webhook: ReceivedWebhook = {
        path: request.url!,
        signature: request.headers['x-signature'] as string,
        rawBody,
        body: JSON.parse(rawBody.toString()) as ReceivedWebhook['body'],
        atMs: Date.now(),
      };
      received.push(webhook);
      atOnceMax = Math.max(atOnceMax, (atOnce += 1));
      arrivals.emit('webhook');
      const status = await receiver.answer(webhook);
      atOnce -= 1;
      response.writeHead(status).end();
    })();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');

  const receiver: WebhookReceiver = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    received,
    get atOnceMax() {
      return atOnceMax;
    },
    answer: () => 200,
    async about(attemptId, count = 1) {
      for (;;) {
        const found = received.filter((webhook) => webhook.body.attemptId === attemptId);
        if (found.length >= count) return found;
        await once(arrivals, 'webhook', { signal: AbortSignal.timeout(10_000) });
      }
    },
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
  return receiver;
}
