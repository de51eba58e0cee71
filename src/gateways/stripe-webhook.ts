import Stripe from 'stripe';
import { z } from 'zod';
import { text } from '../contracts/http/primitives.ts';
import type { WebhookEvent, WebhookVerdict, WebhookVerifier } from '../contracts/payments.ts';
import { fromStripeAmount } from './stripe-money.ts';
import { declineReason, readIntent, readRefund, STRIPE } from './stripe-objects.ts';

/** REST contract: a signature's time may differ from ours by 300 s either way. Stripe's own check knows only the past. */
const TOLERANCE_SECONDS = 300;
const signedAtPattern = /(?:^|,)t=(\d{1,12})(?:,|$)/;

const eventSchema = z.object({
  id: text(255),
  type: z.string(),
  created: z.int().min(0),
  data: z.object({ object: z.unknown() }),
});
type StripeEvent = z.infer<typeof eventSchema>;

/**
 * Believes Stripe's webhook only with a signature over the raw body that is right and recent.
 *
 * | type | told as |
 * |---|---|
 * | `payment_intent.succeeded` | the payment succeeded |
 * | `payment_intent.payment_failed`, `payment_intent.canceled` | the payment failed |
 * | `refund.created`, `refund.updated`, `refund.failed`, `charge.refund.updated` | how the refund ended, if it has |
 * | any other; what somebody else has made on the same account; what has not ended | nothing, but it is kept |
 *
 * @param secret `STRIPE_WEBHOOK_SECRET`, of the endpoint; while it is being changed, Stripe signs with both
 */
export function verifyStripeWebhook(
  secret: string,
  signature: string | undefined,
  rawBody: Uint8Array,
  nowMs: number,
): WebhookVerdict {
  if (signature === undefined || signature === '') return { ok: false, reason: 'signature_missing' };
  const [, signedAt] = signedAtPattern.exec(signature) ?? [];
  if (signedAt === undefined) return { ok: false, reason: 'signature_malformed' };
  let body: unknown;
  try {
    body = Stripe.webhooks.constructEvent(Buffer.from(rawBody), signature, secret, TOLERANCE_SECONDS, undefined, nowMs);
  } catch (error) {
    return { ok: false, reason: whyNot(error) };
  }
  if (Number(signedAt) * 1_000 - nowMs > TOLERANCE_SECONDS * 1_000) return { ok: false, reason: 'outside_tolerance' };
  const event = eventSchema.safeParse(body).data;
  return event === undefined ? { ok: false, reason: 'body_invalid' } : { ok: true, event: translated(event) };
}

/** Stripe's verifier, as the API's webhook route takes it. */
export const stripeWebhookVerifier = (secret: string): WebhookVerifier => ({
  signatureHeader: 'stripe-signature',
  verify: (signature, rawBody, nowMs) => verifyStripeWebhook(secret, signature, rawBody, nowMs),
});

/** The client tells its refusals apart by their words alone. */
function whyNot(error: unknown): Extract<WebhookVerdict, { ok: false }>['reason'] {
  if (!(error instanceof Stripe.errors.StripeSignatureVerificationError)) return 'body_invalid';
  if (/tolerance/.test(error.message)) return 'outside_tolerance';
  return /Unable to extract|expected scheme/.test(error.message) ? 'signature_malformed' : 'signature_mismatch';
}

function translated(event: StripeEvent): WebhookEvent {
  switch (event.type) {
    case 'payment_intent.succeeded':
    case 'payment_intent.payment_failed':
    case 'payment_intent.canceled':
      return paymentEvent(event) ?? ofNoConcern(event);
    case 'refund.created':
    case 'refund.updated':
    case 'refund.failed':
    case 'charge.refund.updated':
      return refundEvent(event) ?? ofNoConcern(event);
    default:
      return ofNoConcern(event);
  }
}

const ofNoConcern = ({ id, type }: StripeEvent): WebhookEvent => ({
  kind: 'other',
  notice: { eventId: id, provider: STRIPE, type },
});

function paymentEvent({ id: eventId, type, created, data }: StripeEvent): WebhookEvent | undefined {
  const intent = readIntent(data.object);
  const asked = amountSchema.safeParse(data.object).data?.amount;
  const { bookingId, attemptId } = intent?.metadata ?? {};
  if (!intent || asked === undefined || bookingId === undefined || attemptId === undefined) return undefined;
  const hasSucceeded = type === 'payment_intent.succeeded';
  const amount = fromStripeAmount(hasSucceeded ? intent.amount_received : asked, intent.currency);
  if (amount === undefined) return undefined;
  const common = { eventId, provider: STRIPE, bookingId, attemptId, amount, atMs: created * 1_000 };
  const notification = { ...common, providerReference: intent.id };
  if (hasSucceeded) return { kind: 'payment', notification: { ...notification, outcome: 'succeeded' } };
  const reason = type === 'payment_intent.canceled' ? 'canceled' : declineReason(intent.last_payment_error ?? {});
  return { kind: 'payment', notification: { ...notification, outcome: 'failed', reason } };
}

const amountSchema = z.object({ amount: z.int().min(0) });

function refundEvent({ id: eventId, created, data }: StripeEvent): WebhookEvent | undefined {
  const refund = readRefund(data.object);
  const { bookingId, attemptId, refundId } = refund?.metadata ?? {};
  // One that was made by hand at Stripe is none of ours; the ledger tells of it.
  if (!refund || bookingId === undefined || attemptId === undefined || refundId === undefined) return undefined;
  const amount = fromStripeAmount(refund.amount, refund.currency);
  const outcome = refundEnds[refund.status ?? ''];
  if (amount === undefined || outcome === undefined) return undefined;
  const ids = { eventId, provider: STRIPE, bookingId, attemptId, refundId, providerReference: refund.id };
  const reason = outcome === 'failed' ? { reason: refund.failure_reason ?? 'failed' } : {};
  return { kind: 'refund', notification: { ...ids, amount, atMs: created * 1_000, outcome, ...reason } };
}

const refundEnds: Readonly<Record<string, 'succeeded' | 'failed' | undefined>> = {
  succeeded: 'succeeded',
  failed: 'failed',
  canceled: 'failed',
};
