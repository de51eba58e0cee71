import { z } from 'zod';
import { eventType } from '../events.ts';
import { opaqueId, orNull, pageOf, pageQuery, shortText, text, timestamp } from './primitives.ts';

const URL_MAX = 2_000;

export const parkedDelivery = z
  .object({
    id: z.string().meta({ example: 'prk_17' }),
    queue: z.string().meta({ description: 'The consumer; of a partner’s endpoint `webhook/` and its id' }),
    bookingId: z.string(),
    event: z.object({
      id: z.string().meta({ example: 'evt_4711' }),
      type: orNull(z.string()).meta({ description: 'Null: the event is gone from the outbox' }),
      payload: z.unknown(),
    }),
    tries: z.int(),
    lastError: z.string(),
    firstFailedAt: timestamp,
    parkedAt: timestamp,
  })
  .meta({ id: 'ParkedDelivery', description: 'An event that a consumer did not accept, however often it was tried' });
export const parkedPage = pageOf(parkedDelivery).meta({ id: 'ParkedDeliveryPage' });
export const parkedQuery = z.strictObject({ queue: opaqueId.optional(), ...pageQuery });
export const resentAnswer = z
  .object({ id: z.string(), resent: z.literal(true) })
  .meta({ id: 'ResentDelivery', description: 'It is due at once, with all its tries' });

export const newWebhookEndpoint = z
  .strictObject({
    url: z
      .url({ protocol: /^https?$/ })
      .max(URL_MAX)
      .meta({ description: 'https; http as well where WEBHOOK_PRIVATE_TARGETS is allowed' }),
    eventTypes: z
      .array(eventType)
      .min(1)
      .max(eventType.options.length)
      .optional()
      .meta({ description: 'Those that it is told of. Default: all' }),
    description: shortText.optional(),
  })
  .meta({ id: 'NewWebhookEndpoint' });

const endpointFields = {
  id: z.string(),
  url: z.string(),
  description: orNull(z.string()),
  eventTypes: orNull(z.array(eventType)).meta({ description: 'Null: all' }),
  enabled: z.boolean(),
  failingSince: orNull(timestamp).meta({ description: 'Since when every delivery has failed' }),
  disabledBecause: orNull(z.string()).meta({ description: 'Why it was disabled by itself' }),
  createdAt: timestamp,
};
export const webhookEndpointSchema = z
  .object(endpointFields)
  .meta({ id: 'WebhookEndpoint', description: 'Where a partner is told of events, by Standard Webhooks' });
export const newWebhookEndpointAnswer = z
  .object({ ...endpointFields, secret: z.string().meta({ description: 'Shown this once', example: 'whsec_…' }) })
  .meta({ id: 'NewWebhookEndpointAnswer' });
export const webhookEndpointList = z
  .object({ items: z.array(webhookEndpointSchema) })
  .meta({ id: 'WebhookEndpointList' });
export const webhookEndpointChange = z.strictObject({ enabled: z.boolean() }).meta({ id: 'WebhookEndpointChange' });
export const webhookTestAnswer = z
  .object({
    accepted: z.boolean(),
    status: orNull(z.int()).meta({ description: 'HTTP status; null: there was no answer' }),
    error: orNull(text(1_000)),
    durationMs: z.int(),
  })
  .meta({ id: 'WebhookTest' });

export type NewWebhookEndpoint = z.infer<typeof newWebhookEndpoint>;
export type WebhookTest = z.infer<typeof webhookTestAnswer>;
