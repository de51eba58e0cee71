import { createHmac, timingSafeEqual } from 'node:crypto';
import { z } from 'zod';
import { text } from '../contracts/http/primitives.ts';
import type { WebhookEvent, WebhookVerdict, WebhookVerifier } from '../contracts/payments.ts';

/** REST contract: a signature's time may differ from ours by 300 s either way. */
const TOLERANCE_MS = 300_000;

const signaturePattern = /^t=(\d{1,12}),v1=([0-9a-f]{64})$/i;

/** Longest id or reason that is believed: of a provider's own, none is. */
const FIELD_MAX = 255;

/** Fields that the contract does not name are optional: `reference`, `refundId`, `reason`, `provider`. */
const bodySchema = z.object({
  id: text(FIELD_MAX),
  type: z.enum(['payment.succeeded', 'payment.failed', 'refund.succeeded', 'refund.failed']),
  bookingId: text(FIELD_MAX),
  attemptId: text(FIELD_MAX),
  amount: z.object({ amount: z.int().min(0), currency: z.string().regex(/^[A-Z]{3}$/) }),
  at: z.iso.datetime({ offset: true }),
  provider: z.string().optional(),
  reference: text(FIELD_MAX).optional(),
  refundId: text(FIELD_MAX).optional(),
  reason: text(FIELD_MAX).optional(),
});

/**
 * Believes a simulator's webhook only with a signature over the raw body that is right, recent, and for this provider.
 *
 * @param secret `PAYMENT_WEBHOOK_SECRET`
 * @param provider whose route it came in by
 * @param signature the `X-Signature` header: `t=<unix seconds>,v1=<hex HMAC-SHA256(secret, t + "." + body)>`
 */
export function verifyWebhook(
  secret: string,
  provider: string,
  signature: string | undefined,
  rawBody: Uint8Array,
  nowMs: number,
  toleranceMs: number = TOLERANCE_MS,
): WebhookVerdict {
  if (signature === undefined || signature === '') return { ok: false, reason: 'signature_missing' };
  const [, seconds, mac] = signaturePattern.exec(signature) ?? [];
  if (seconds === undefined || mac === undefined) return { ok: false, reason: 'signature_malformed' };
  const expected = createHmac('sha256', secret).update(`${seconds}.`).update(rawBody).digest();
  if (!timingSafeEqual(expected, Buffer.from(mac, 'hex'))) return { ok: false, reason: 'signature_mismatch' };
  if (Math.abs(nowMs - Number(seconds) * 1_000) > toleranceMs) return { ok: false, reason: 'outside_tolerance' };
  const event = parseEvent(provider, rawBody);
  return event === undefined ? { ok: false, reason: 'body_invalid' } : { ok: true, event };
}

/** The verifier of one simulated provider, as the API's webhook route takes it. */
export const simulatorWebhookVerifier = (secret: string, provider: string): WebhookVerifier => ({
  signatureHeader: 'x-signature',
  verify: (signature, rawBody, nowMs) => verifyWebhook(secret, provider, signature, rawBody, nowMs),
});

function parseEvent(provider: string, rawBody: Uint8Array): WebhookEvent | undefined {
  const body = bodySchema.safeParse(jsonOf(rawBody)).data;
  // Both providers share the secret: an event sent to the other one's route would send the refund there, too.
  if (body === undefined || (body.provider ?? provider) !== provider) return undefined;
  const common = {
    eventId: body.id,
    provider,
    bookingId: body.bookingId,
    attemptId: body.attemptId,
    amount: body.amount,
    atMs: Date.parse(body.at),
    providerReference: body.reference ?? body.attemptId,
    outcome: body.type.endsWith('.succeeded') ? ('succeeded' as const) : ('failed' as const),
    ...(body.reason === undefined ? {} : { reason: body.reason }),
  };
  return body.type.startsWith('payment.')
    ? { kind: 'payment', notification: common }
    : { kind: 'refund', notification: { ...common, refundId: body.refundId ?? null } };
}

function jsonOf(rawBody: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(rawBody)) as unknown;
  } catch {
    return undefined;
  }
}
