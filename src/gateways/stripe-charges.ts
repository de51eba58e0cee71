import type Stripe from 'stripe';
import { providerCallMs } from '../contracts/payment-time-limits.ts';
import type { ChargeOutcome, ChargeRequest, FoundCharge } from '../contracts/payments.ts';
import { onRecord, type ProviderReferences, RECORDS_UNAVAILABLE } from './provider-references.ts';
import { refusalReasons } from './refusal-reasons.ts';
import { failureOf, reasonOf, type StripeFailure } from './stripe-client.ts';
import type { Deadline } from './stripe-deadline.ts';
import { toStripeAmount } from './stripe-money.ts';
import { intentOutcome, readIntent, STRIPE, unknown, voided } from './stripe-objects.ts';

/** Stripe's payment method types for ours. Apple Pay and Google Pay are cards to Stripe, Link is its own wallet. */
const methodTypes: Readonly<Record<ChargeRequest['method'], readonly string[]>> = {
  card: ['card'],
  upi: ['upi'],
  netbanking: ['netbanking'],
  wallet: ['card', 'link'],
};

/** Stands where a payment intent's id would: this attempt never charges. */
const VOIDED = 'voided';
/** A charge is not begun that has less time than a round trip. */
const CONFIRM_MIN_MS = 100;
export interface StripeChargesSettings {
  readonly references: ProviderReferences;
  readonly returnUrl: string;
  readonly onCredentialsRefused?: (reason: string) => void;
}

/** An attempt is one payment intent, by our records; see the table in stripe-gateway.ts. */
export class StripeCharges {
  readonly #stripe: Stripe;
  readonly #settings: StripeChargesSettings;

  constructor(stripe: Stripe, settings: StripeChargesSettings) {
    this.#stripe = stripe;
    this.#settings = settings;
  }

  async charge(request: ChargeRequest, deadline: Deadline): Promise<ChargeOutcome> {
    const intent = await this.#intentOf(request, deadline);
    if (typeof intent !== 'string') return intent;
    if (intent === VOIDED) return voided;
    if (deadline.leftMs < CONFIRM_MIN_MS) return notProcessed(refusalReasons.notTakenUp);
    return this.#confirm(intent, request, deadline);
  }

  async find(attemptId: string, deadline: Deadline): Promise<FoundCharge> {
    const reference = await onRecord(() => this.#settings.references.find(attemptId));
    if (reference === undefined) return unknown(RECORDS_UNAVAILABLE);
    if (reference === null) return { status: 'not_found', provider: STRIPE };
    return reference === VOIDED ? voided : this.#look(reference, deadline);
  }

  /** The mark is kept before anything is asked: an intent that comes later is never confirmed. */
  async void(attemptId: string, deadline: Deadline): Promise<ChargeOutcome> {
    const kept = await onRecord(() => this.#settings.references.keep(attemptId, VOIDED));
    if (kept === undefined) return unknown(RECORDS_UNAVAILABLE);
    return kept.reference === VOIDED ? voided : this.#cancel(kept.reference, deadline);
  }

  async #look(reference: string, deadline: Deadline): Promise<FoundCharge> {
    try {
      return intentOutcome(await this.#stripe.paymentIntents.retrieve(reference, {}, { timeout: deadline.leftMs }));
    } catch (error) {
      return unknown(this.#told(failureOf(error)));
    }
  }

  /** An intent that has succeeded or is with the bank can't be cancelled, and is answered as it is. */
  async #cancel(reference: string, deadline: Deadline): Promise<ChargeOutcome> {
    const found = await this.#look(reference, deadline);
    if (found.status === 'succeeded' || found.status === 'not_processed' || found.status === 'unknown') return found;
    try {
      const canceled = await this.#stripe.paymentIntents.cancel(reference, {}, { timeout: deadline.leftMs });
      if (readIntent(canceled)?.status !== 'canceled') return unknown('unreadable_answer');
      // A declined one could have been confirmed again; now that it can't be, the decline is final.
      return found.status === 'declined' ? found : voided;
    } catch (error) {
      const failure = failureOf(error);
      const outcome = 'intent' in failure && failure.intent ? intentOutcome(failure.intent) : undefined;
      return outcome === undefined || outcome.status === 'not_found' ? unknown(this.#told(failure)) : outcome;
    }
  }

  /** The id of the payment intent that stands for the attempt, made if there is none; or why there is none. */
  async #intentOf(request: ChargeRequest, deadline: Deadline): Promise<string | ChargeOutcome> {
    const { references } = this.#settings;
    const { attemptId, bookingId, amount, method } = request;
    const known = await onRecord(() => references.find(attemptId));
    if (known === undefined) return unknown(RECORDS_UNAVAILABLE);
    if (known !== null) return known;
    const units = toStripeAmount(amount);
    if (units === undefined) return { status: 'failed', provider: STRIPE, reason: 'amount_not_supported' };
    let made: Stripe.PaymentIntent;
    try {
      made = await this.#stripe.paymentIntents.create(
        {
          amount: units,
          currency: amount.currency.toLowerCase(),
          allowed_payment_method_types: [...methodTypes[method]],
          metadata: { bookingId, attemptId },
        },
        { idempotencyKey: `${attemptId}/intent`, timeout: deadline.leftMs },
      );
    } catch (error) {
      return this.#notBegun(failureOf(error));
    }
    const id = readIntent(made)?.id;
    if (id === undefined) return notProcessed(refusalReasons.notTakenUp);
    const kept = await onRecord(() => references.keep(attemptId, id));
    return kept?.reference ?? unknown(RECORDS_UNAVAILABLE);
  }

  /** What was not confirmed has charged nothing, whatever became of the call. */
  #notBegun(failure: StripeFailure): ChargeOutcome {
    const reason = this.#told(failure);
    switch (failure.kind) {
      case 'not_sent':
      case 'credentials':
      case 'too_many_requests':
        return notProcessed(reason);
      case 'lost':
      case 'busy':
      case 'doubtful':
        return notProcessed(refusalReasons.notTakenUp);
      case 'key_reused':
        return unknown(reason);
      case 'card':
      case 'invalid':
        return { status: 'failed', provider: STRIPE, reason };
    }
  }

  async #confirm(intent: string, request: ChargeRequest, deadline: Deadline): Promise<ChargeOutcome> {
    const { attemptId, token } = request;
    try {
      const confirmed = await this.#stripe.paymentIntents.confirm(
        intent,
        {
          ...(token.startsWith('ctoken_') ? { confirmation_token: token } : { payment_method: token }),
          return_url: this.#settings.returnUrl,
        },
        { idempotencyKey: attemptId, timeout: deadline.leftMs },
      );
      const outcome = intentOutcome(confirmed);
      return outcome.status === 'not_found' || !isAbout(outcome, request) ? unknown('unreadable_answer') : outcome;
    } catch (error) {
      return this.#notConfirmed(failureOf(error), intent, deadline);
    }
  }

  #notConfirmed(failure: StripeFailure, intent: string, deadline: Deadline): ChargeOutcome {
    const reason = this.#told(failure);
    switch (failure.kind) {
      case 'not_sent':
      case 'credentials':
      case 'too_many_requests':
        return notProcessed(reason);
      case 'lost':
        // A buyer's patience is shorter than a bank may take: that says nothing about Stripe.
        return unknown(reason === 'timeout' && deadline.totalMs < providerCallMs.charge ? 'slow' : reason);
      case 'busy':
      case 'key_reused':
      case 'doubtful':
        return unknown(reason);
      case 'card':
        return this.#asIntentIs(failure.intent) ?? declined(intent, reason);
      case 'invalid':
        return this.#asIntentIs(failure.intent) ?? refusedToken(failure, intent);
    }
  }

  /** A refusal that comes with the intent must not come with the money. */
  #asIntentIs(intent: unknown): ChargeOutcome | undefined {
    if (!intent) return undefined;
    const outcome = intentOutcome(intent);
    return outcome.status === 'not_found' || outcome.status === 'declined' ? undefined : outcome;
  }

  /** The reason that is recorded; an operator is told of credentials that Stripe does not take. */
  #told(failure: StripeFailure): string {
    if (failure.kind === 'credentials') this.#settings.onCredentialsRefused?.(failure.reason);
    return reasonOf(failure);
  }
}

const notProcessed = (reason: string): ChargeOutcome => ({ status: 'not_processed', provider: STRIPE, reason });

const declined = (providerReference: string, reason: string): ChargeOutcome => ({
  status: 'declined',
  provider: STRIPE,
  providerReference,
  reason,
});

/** The buyer's part of the call is the payment method; all else is ours to have got right. */
function refusedToken(failure: StripeFailure & { kind: 'invalid' }, intent: string): ChargeOutcome {
  const isBuyers = failure.param === 'payment_method' || failure.param === 'confirmation_token';
  if (isBuyers) return declined(intent, failure.reason === 'resource_missing' ? 'invalid_token' : failure.reason);
  return { status: 'failed', provider: STRIPE, reason: failure.reason };
}

function isAbout(outcome: FoundCharge, { bookingId, amount }: ChargeRequest): boolean {
  if (outcome.status !== 'succeeded' || !outcome.captured) return true;
  const { captured } = outcome;
  return (
    captured.bookingId === bookingId &&
    captured.amount.amount === amount.amount &&
    captured.amount.currency === amount.currency
  );
}
