import type Stripe from 'stripe';
import type { RefundOutcome, RefundRequest } from '../contracts/payments.ts';
import { type KeptReference, onRecord, type ProviderReferences, RECORDS_UNAVAILABLE } from './provider-references.ts';
import { failureOf, reasonOf, type StripeFailure } from './stripe-client.ts';
import type { Deadline } from './stripe-deadline.ts';
import { toStripeAmount } from './stripe-money.ts';
import { readRefund, refundOutcome } from './stripe-objects.ts';

type RefundFound = RefundOutcome | { readonly status: 'not_found' };

export interface StripeRefundsSettings {
  readonly references: ProviderReferences;
  readonly onCredentialsRefused?: (reason: string) => void;
}

/** Refunds of one charge that are looked through: a booking has a hundred seats at most, and each is given back once. */
const REFUNDS_LISTED_MAX = 1_000;
const LIST_PAGE = 100;
/** Refunds carry our id as metadata; which charge's they are is on record, because Stripe lists them by charge alone. */
export class StripeRefunds {
  readonly #stripe: Stripe;
  readonly #settings: StripeRefundsSettings;

  constructor(stripe: Stripe, settings: StripeRefundsSettings) {
    this.#stripe = stripe;
    this.#settings = settings;
  }

  /** The key guards against another call at the same time, the list against one of more than a day ago. */
  async refund(request: RefundRequest, deadline: Deadline): Promise<RefundOutcome> {
    const { refundId, providerReference } = request;
    const kept = await onRecord(() => this.#settings.references.keep(refundId, providerReference));
    if (kept === undefined) return { status: 'unknown', reason: RECORDS_UNAVAILABLE };
    try {
      const earlier = kept.isNew ? undefined : await this.#listed(kept, refundId, deadline);
      return earlier ?? (await this.#create(request, deadline));
    } catch (error) {
      return this.#refused(failureOf(error));
    }
  }

  async find(refundId: string, deadline: Deadline): Promise<RefundFound> {
    const reference = await onRecord(() => this.#settings.references.find(refundId));
    if (reference === undefined) return { status: 'unknown', reason: RECORDS_UNAVAILABLE };
    if (reference === null) return { status: 'not_found' };
    try {
      return (await this.#listed({ reference }, refundId, deadline)) ?? { status: 'not_found' };
    } catch (error) {
      const refused = this.#refused(failureOf(error));
      // That it can't be looked up does not make it a refund that has failed.
      return refused.status === 'failed' ? { status: 'unknown', reason: refused.reason } : refused;
    }
  }

  async #create({ refundId, attemptId, bookingId, ...asked }: RefundRequest, deadline: Deadline) {
    const amount = toStripeAmount(asked.amount);
    if (amount === undefined) return { status: 'failed', reason: 'amount_not_supported' } as const;
    const made = await this.#stripe.refunds.create(
      { payment_intent: asked.providerReference, amount, metadata: { bookingId, attemptId, refundId } },
      { idempotencyKey: refundId, timeout: deadline.leftMs },
    );
    return refundOutcome(made);
  }

  async #listed(
    { reference }: Pick<KeptReference, 'reference'>,
    refundId: string,
    deadline: Deadline,
  ): Promise<RefundOutcome | undefined> {
    let startingAfter: string | undefined;
    for (let listed = 0; listed < REFUNDS_LISTED_MAX; listed += LIST_PAGE) {
      const page = await this.#stripe.refunds.list(
        {
          payment_intent: reference,
          limit: LIST_PAGE,
          ...(startingAfter !== undefined && { starting_after: startingAfter }),
        },
        { timeout: deadline.leftMs },
      );
      const ours = page.data.find((refund) => readRefund(refund)?.metadata?.refundId === refundId);
      if (ours) return refundOutcome(ours);
      startingAfter = page.data.at(-1)?.id;
      if (!page.has_more || startingAfter === undefined) return undefined;
    }
    return { status: 'unknown', reason: 'too_many_refunds' };
  }

  #refused(failure: StripeFailure): RefundOutcome {
    if (failure.kind === 'credentials') this.#settings.onCredentialsRefused?.(failure.reason);
    switch (failure.kind) {
      case 'card':
      case 'invalid':
        return { status: 'failed', reason: reasonOf(failure) };
      case 'busy':
      case 'key_reused':
      case 'too_many_requests':
      case 'not_sent':
      case 'lost':
      case 'credentials':
      case 'doubtful':
        return { status: 'unknown', reason: reasonOf(failure) };
    }
  }
}
