import { randomBytes } from 'node:crypto';
import type { EventType } from '../../contracts/events.ts';
import { endpoints } from '../../contracts/http/endpoints.ts';
import { isoTime } from '../../contracts/http/primitives.ts';
import type { WebhookTargets } from '../../contracts/webhook-targets.ts';
import { newId } from '../../platform/ids.ts';
import type { ReadModel } from '../../read-model/database.ts';
import { listParked, type ParkedDelivery, resendParked, tellQueuesChanged } from '../../read-model/outbox.ts';
import {
  deleteWebhookEndpoint,
  findWebhookEndpoint,
  insertWebhookEndpoint,
  listWebhookEndpoints,
  setWebhookEndpointEnabled,
  WEBHOOK_ENDPOINTS_MAX,
  type WebhookEndpoint,
} from '../../read-model/webhook-endpoints.ts';
import { type Answer, ok } from '../http/answer.ts';
import { ApiError } from '../http/api-error.ts';
import { notFound, validationFailed } from '../http/problem.ts';
import { route, type Route } from '../http/route.ts';
import type { AnswerMemory } from '../idempotency/answer-memory.ts';

export interface OutboxDeps {
  readonly db: ReadModel;
  readonly memory: AnswerMemory;
  readonly webhookTargets: WebhookTargets;
  readonly nowMs: () => number;
}

/** What was given up, and partners' endpoints: for those who run the system. */
export const outboxRoutes = (deps: OutboxDeps): readonly Route[] => [...parkedRoutes(deps), ...endpointRoutes(deps)];

const parkedRoutes = ({ db, memory }: OutboxDeps): readonly Route[] => [
  route(endpoints.listParkedDeliveries, async ({ query }) => {
    const { items, nextCursor } = await listParked(db, { queue: query.queue }, query);
    return ok({ items: items.map(parkedBody), nextCursor });
  }),

  route(endpoints.resendParkedDelivery, (call) =>
    memory.once(call, async () => {
      const { id } = call.params;
      const number = Number(id.slice('prk_'.length));
      if (!Number.isSafeInteger(number) || (await resendParked(db, { id: number })) === 0) {
        throw notFound('parked delivery');
      }
      return ok({ id, resent: true });
    }),
  ),
];

const endpointRoutes = ({ db, memory, webhookTargets, nowMs }: OutboxDeps): readonly Route[] => [
  route(endpoints.createWebhookEndpoint, async (call) => {
    const { url, description = null, eventTypes = null } = call.body;
    const fault = webhookTargets.faultOf(url);
    if (fault !== null) throw validationFailed([{ path: 'url', message: fault }]);
    const answer = await memory.onceInTransaction(call, async (trx) => {
      const endpoint = newEndpoint({ url, description, eventTypes }, nowMs());
      if (!(await insertWebhookEndpoint(trx, endpoint))) {
        throw new ApiError('LIMIT_REACHED', `There are ${WEBHOOK_ENDPOINTS_MAX} endpoints already.`);
      }
      return { status: 201, body: endpointBody(endpoint) };
    });
    await tellQueuesChanged(db);
    return answer.status === 201 ? withSecret(db, answer) : answer;
  }),

  route(endpoints.listWebhookEndpoints, async () => {
    return ok({ items: (await listWebhookEndpoints(db)).map(endpointBody) });
  }),

  route(endpoints.changeWebhookEndpoint, async ({ params, body }) => {
    const endpoint = await setWebhookEndpointEnabled(db, params.id, body.enabled);
    if (!endpoint) throw notFound('webhook endpoint');
    await tellQueuesChanged(db);
    return ok(endpointBody(endpoint));
  }),

  route(endpoints.deleteWebhookEndpoint, async ({ params }) => {
    if (!(await deleteWebhookEndpoint(db, params.id))) throw notFound('webhook endpoint');
    await tellQueuesChanged(db);
    return { status: 204 };
  }),

  route(endpoints.testWebhookEndpoint, (call) =>
    memory.once(call, async () => {
      const endpoint = await findWebhookEndpoint(db, call.params.id);
      if (!endpoint) throw notFound('webhook endpoint');
      return ok(await webhookTargets.test(endpoint));
    }),
  ),
];

/** The answer is kept for its repeats without the secret, which stands nowhere but with its endpoint. */
async function withSecret(db: ReadModel, { body, ...answer }: Answer): Promise<Answer> {
  const made = body as ReturnType<typeof endpointBody>;
  const endpoint = await findWebhookEndpoint(db, made.id);
  if (!endpoint) throw notFound('webhook endpoint');
  return { ...answer, body: { ...made, secret: endpoint.secret } };
}

const newEndpoint = (
  named: {
    readonly url: string;
    readonly description: string | null;
    readonly eventTypes: readonly EventType[] | null;
  },
  createdAtMs: number,
): WebhookEndpoint => ({
  id: newId('whe'),
  ...named,
  // As long as the key of the signature's HMAC-SHA256.
  secret: `whsec_${randomBytes(32).toString('base64')}`,
  enabled: true,
  failingSinceMs: null,
  disabledBecause: null,
  createdAtMs,
});

const endpointBody = ({ secret: _, failingSinceMs, createdAtMs, ...endpoint }: WebhookEndpoint) => ({
  ...endpoint,
  failingSince: failingSinceMs === null ? null : isoTime(failingSinceMs),
  createdAt: isoTime(createdAtMs),
});

const parkedBody = (parked: ParkedDelivery) => ({
  id: `prk_${parked.id}`,
  queue: parked.queue,
  bookingId: parked.bookingId,
  event: { id: `evt_${parked.eventId}`, type: parked.type, payload: parked.payload },
  tries: parked.tries,
  lastError: parked.lastError,
  firstFailedAt: isoTime(parked.firstFailedAtMs),
  parkedAt: isoTime(parked.parkedAtMs),
});
