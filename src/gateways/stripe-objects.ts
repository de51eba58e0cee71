import { z } from 'zod';
import { text } from '../contracts/http/primitives.ts';
import type { ChargeOutcome, FoundCharge, RefundOutcome } from '../contracts/payments.ts';
import { refusalReasons } from './refusal-reasons.ts';
import { fromStripeAmount } from './stripe-money.ts';

/** The name under which its payments are recorded. */
export const STRIPE = 'stripe';

/** Longest id or reason of Stripe's that is kept. */
const FIELD_MAX = 255;
const idSchema = text(FIELD_MAX);
/** An outcome whose reason can't be kept is an outcome all the same. */
const reasonSchema = text(FIELD_MAX).catch('unreadable_reason');
const currencySchema = z.string().regex(/^[a-z]{3}$/i);

/** What we have written on it. A payment that somebody else has made on the same account has none of it. */
const metadataSchema = z.object({ bookingId: idSchema, attemptId: idSchema, refundId: idSchema }).partial().catch({});

const withUrl = z.object({ url: z.url() });
const withInstructions = z.object({ hosted_instructions_url: z.url() });

const intentSchema = z.object({
  id: idSchema,
  status: z.string(),
  amount_received: z.int().min(0),
  currency: currencySchema,
  metadata: metadataSchema,
  last_payment_error: z
    .object({ code: reasonSchema.nullish(), decline_code: reasonSchema.nullish(), type: reasonSchema.nullish() })
    .nullish(),
  next_action: z.looseObject({ type: z.string() }).nullish(),
});
export type Intent = z.infer<typeof intentSchema>;

const refundSchema = z.object({
  id: idSchema,
  status: z.string().nullable(),
  amount: z.int().min(0),
  currency: currencySchema,
  failure_reason: reasonSchema.nullish(),
  metadata: metadataSchema.nullable(),
});
export type StripeRefund = z.infer<typeof refundSchema>;

/** Undefined for what is none, whatever the types of the client say of it. */
export const readIntent = (value: unknown): Intent | undefined => intentSchema.safeParse(value).data;
export const readRefund = (value: unknown): StripeRefund | undefined => refundSchema.safeParse(value).data;
export const readMetadata = (value: unknown) => metadataSchema.parse(value ?? {});

export const voided: ChargeOutcome = { status: 'not_processed', provider: STRIPE, reason: refusalReasons.voided };

export const unknown = (reason: string): ChargeOutcome & { status: 'unknown' } => ({
  status: 'unknown',
  provider: STRIPE,
  reason,
});

/**
 * A payment intent as an outcome. One that nobody has confirmed yet is not found: it is only where a charge would be.
 *
 * | status of the intent | outcome |
 * |---|---|
 * | `succeeded` | `succeeded`, with what was received |
 * | `processing`, `requires_capture` | `pending`, to be awaited |
 * | `requires_action` | `pending`, with the address to send the buyer to, if there is one |
 * | `requires_payment_method` after an error | `declined`, with the bank's reason |
 * | `requires_payment_method` without one, `requires_confirmation` | `not_found` |
 * | `canceled` | `not_processed`, voided |
 */
export function intentOutcome(value: unknown): FoundCharge {
  const intent = readIntent(value);
  if (intent === undefined) return unknown('unreadable_answer');
  const { id: providerReference, status, last_payment_error: error } = intent;
  switch (status) {
    case 'succeeded':
      return succeeded(intent);
    case 'processing':
    case 'requires_capture':
      return { status: 'pending', provider: STRIPE, providerReference, nextAction: { type: 'await' } };
    case 'requires_action':
      return { status: 'pending', provider: STRIPE, providerReference, nextAction: nextActionOf(intent) };
    case 'requires_payment_method':
      if (!error) return { status: 'not_found', provider: STRIPE };
      return { status: 'declined', provider: STRIPE, providerReference, reason: declineReason(error) };
    case 'requires_confirmation':
      return { status: 'not_found', provider: STRIPE };
    case 'canceled':
      return voided;
    default:
      return unknown('unreadable_answer');
  }
}

export const declineReason = (error: NonNullable<Intent['last_payment_error']>): string =>
  error.decline_code ?? error.code ?? error.type ?? 'declined';

function succeeded({ id, amount_received: received, currency, metadata }: Intent): ChargeOutcome {
  const amount = fromStripeAmount(received, currency);
  const { bookingId } = metadata;
  // Money has moved that is not ours to understand: somebody has to look at it.
  if (amount === undefined || bookingId === undefined) return unknown('unreadable_answer');
  return { status: 'succeeded', provider: STRIPE, providerReference: id, captured: { bookingId, amount } };
}

/** A card's page of its bank, a wallet's own page, or Stripe's page with a code to scan; otherwise the buyer's bank calls. */
function nextActionOf({ next_action: action }: Intent): { type: 'redirect'; url: string } | { type: 'await' } {
  const detail: unknown = action?.[action.type];
  const url = withUrl.safeParse(detail).data?.url ?? withInstructions.safeParse(detail).data?.hosted_instructions_url;
  return url === undefined ? { type: 'await' } : { type: 'redirect', url };
}

/** Stripe's refund as an outcome; `requires_action` waits for the buyer's bank details. */
export function refundOutcome(value: unknown): RefundOutcome {
  const refund = readRefund(value);
  switch (refund?.status) {
    case 'succeeded':
    case 'pending':
      return { status: refund.status, providerReference: refund.id };
    case 'requires_action':
      return { status: 'pending', providerReference: refund.id };
    case 'failed':
    case 'canceled':
      return { status: 'failed', reason: refund.failure_reason ?? refund.status };
    default:
      return { status: 'unknown', reason: 'unreadable_answer' };
  }
}
