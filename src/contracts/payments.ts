import type { PaymentMethod } from '../domain/booking.ts';
import type { Money } from '../domain/money.ts';
import type { Movement } from '../domain/reconciliation.ts';

/** A charge at a provider; `attemptId` is its idempotency key there. */
export interface ChargeRequest {
  readonly attemptId: string;
  readonly bookingId: string;
  readonly amount: Money;
  readonly method: PaymentMethod;
  /** The provider's one-time token for the buyer's instrument. Never logged, never stored by us outside a history. */
  readonly token: string;
  /**
   * True when an earlier call with this key may have reached a provider (a retry, a restarted activity). Then no second
   * provider is tried: the first one's outcome is not known.
   */
  readonly repeated?: boolean;
}

export type NextAction = { readonly type: 'redirect'; readonly url: string } | { readonly type: 'await' };

/** What a charge took, and for which booking. */
export interface CapturedMoney {
  readonly bookingId: string;
  readonly amount: Money;
}

/** What is known of a charge after asking a provider. All but `pending` and `unknown` are final. */
export type ChargeOutcome =
  | {
      readonly status: 'succeeded';
      readonly provider: string;
      readonly providerReference: string;
      /** As the provider's books have it; not there where only a notice tells, and in histories of before it was told. */
      readonly captured?: CapturedMoney;
    }
  | {
      readonly status: 'declined';
      readonly provider: string;
      readonly providerReference: string;
      readonly reason: string;
    }
  /** The provider has taken it up and will say later, by webhook or when asked. */
  | {
      readonly status: 'pending';
      readonly provider: string;
      readonly providerReference: string;
      readonly nextAction: NextAction;
    }
  /** Certainly not charged, and never will be: refused before charging, circuit open, or voided. */
  | { readonly status: 'not_processed'; readonly provider: string; readonly reason: string }
  /** The provider answered nonsense and certainly charged nothing. */
  | { readonly status: 'failed'; readonly provider: string; readonly reason: string }
  /** A time-out or a broken answer: it may have charged. Ask by key before anything else. */
  | { readonly status: 'unknown'; readonly provider: string; readonly reason: string };

export type FoundCharge = ChargeOutcome | { readonly status: 'not_found'; readonly provider: string };

export interface RefundRequest {
  /** The refund's own id and its idempotency key. */
  readonly refundId: string;
  readonly attemptId: string;
  readonly bookingId: string;
  /** Provider that captured the charge. */
  readonly provider: string;
  readonly providerReference: string;
  readonly amount: Money;
  /** What the charge captured, where only a part of it is asked back. */
  readonly chargeAmount?: Money;
}

/** What became of asking for a refund. The last two: why this one can never be had. */
export type RefundAnswer =
  | Exclude<RefundOutcome, { status: 'unknown' }>
  /** The provider is certain that this attempt captured nothing, and never will. */
  | { readonly status: 'nothing_captured' }
  /** Another amount than is asked back, or by another provider. */
  | {
      readonly status: 'captured_otherwise';
      readonly provider: string;
      readonly providerReference: string;
      readonly amount: Money;
    };

export type RefundOutcome =
  | { readonly status: 'succeeded'; readonly providerReference: string }
  | { readonly status: 'pending'; readonly providerReference: string }
  | { readonly status: 'failed'; readonly reason: string }
  | { readonly status: 'unknown'; readonly reason: string };

/** A provider's notice, verified and translated from its webhook. */
export interface PaymentNotification {
  /** The provider's id of the event. */
  readonly eventId: string;
  readonly provider: string;
  readonly bookingId: string;
  readonly attemptId: string;
  readonly amount: Money;
  readonly atMs: number;
  readonly outcome: 'succeeded' | 'failed';
  readonly providerReference: string;
  readonly reason?: string;
  /**
   * Booking, amount and currency are those of the attempt's row. Without it nobody has compared them, or they differ: then
   * the provider's books are believed, and not the notice.
   */
  readonly matchesRecord?: boolean;
}

/** A provider's notice of how a refund ended that it had answered `pending`. */
export interface RefundNotification {
  readonly eventId: string;
  readonly provider: string;
  readonly bookingId: string;
  /** Of the charge that is given back. */
  readonly attemptId: string;
  /** Our id of the refund; null when the provider does not say it. */
  readonly refundId: string | null;
  readonly amount: Money;
  readonly atMs: number;
  readonly outcome: 'succeeded' | 'failed';
  readonly providerReference: string;
  readonly reason?: string;
}

/** A line of a provider's ledger. */
export type LedgerEntry = Movement;

/** From the first moment on, and before the second. */
export interface LedgerWindow {
  readonly fromMs: number;
  readonly toMs: number;
}

export interface LedgerPage {
  /** Oldest first, at most `LEDGER_PAGE_MAX`; it may be empty though more follow. */
  readonly entries: readonly LedgerEntry[];
  /** For the next page; null after the last one. */
  readonly nextCursor: string | null;
}

/** A page of a provider's books: some 300 KiB of an answer, which is what a reader keeps in memory. */
export const LEDGER_PAGE_MAX = 1_000;

/** What a provider tells that changes nothing here: another kind of news, or somebody else's payment. It is kept. */
export interface OtherNotice {
  readonly eventId: string;
  readonly provider: string;
  /** In the provider's words. */
  readonly type: string;
}

export type WebhookEvent =
  | { readonly kind: 'payment'; readonly notification: PaymentNotification }
  | { readonly kind: 'refund'; readonly notification: RefundNotification }
  | { readonly kind: 'other'; readonly notice: OtherNotice };

/** A webhook's raw body, believed or not. Every refusal is answered with 400 `SIGNATURE_INVALID`. */
export type WebhookVerdict =
  | { readonly ok: true; readonly event: WebhookEvent }
  | {
      readonly ok: false;
      readonly reason:
        'signature_missing' | 'signature_malformed' | 'outside_tolerance' | 'signature_mismatch' | 'body_invalid';
    };

/** How one provider signs its webhooks: one entry per `{provider}` of the webhook route. */
export interface WebhookVerifier {
  /** Name of the header, lower case. */
  readonly signatureHeader: string;
  verify(signature: string | undefined, rawBody: Uint8Array, nowMs: number): WebhookVerdict;
}
