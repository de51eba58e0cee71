import { randomBytes } from 'node:crypto';
import { chargeScriptOf, refundScriptOf, type ChargeScript } from './tokens.ts';
import type { Charge, ProviderStore, Refund } from './store.ts';

/** The backup exists because a second gateway is tried when the first has refused before charging. */
export const providerNames = ['simulator', 'simulator-backup'] as const;
export type ProviderName = (typeof providerNames)[number];

export interface Amount {
  /** Integer minor units. */
  readonly amount: number;
  readonly currency: string;
}

export interface ChargeOrder {
  readonly provider: ProviderName;
  /** Idempotency key. */
  readonly key: string;
  readonly bookingId: string;
  readonly amount: Amount;
  readonly method: string;
  readonly token: string;
}

export interface RefundOrder {
  readonly provider: ProviderName;
  readonly key: string;
  /** Idempotency key of the charge to give back. */
  readonly chargeKey: string;
  readonly amount: Amount;
}

export type ChargeAnswer =
  | { readonly kind: 'charge'; readonly charge: Charge }
  /** Being captured slowly: answered when it has ended. */
  | { readonly kind: 'in progress'; readonly chargeId: string }
  /** The connection is held, and closed without an answer. */
  | { readonly kind: 'silence' }
  | { readonly kind: 'refused'; readonly code: 'not_processed' | 'idempotency_key_reused' | 'internal_error' };

export type RefundAnswer =
  | { readonly kind: 'refund'; readonly refund: Refund }
  | {
      readonly kind: 'refused';
      readonly code:
        'refund_refused' | 'idempotency_key_reused' | 'no_such_charge' | 'not_captured' | 'exceeds_captured';
    };

export type ApprovalAnswer =
  { readonly kind: 'decided'; readonly charge: Charge } | { readonly kind: 'too late'; readonly charge: Charge };

/** Why a refund that was taken fails. */
export const REFUND_FAILED = 'refused_by_bank';

/** Most charges or refunds ended in one transaction. */
const ENDED_PER_BATCH_MAX = 256;

export interface ProviderSettings {
  readonly paymentDeadlineMs: number;
  readonly now: () => number;
  /** Whether a caller is connected and waits for the end of this charge: then the answer tells, no webhook does. */
  readonly isAwaited: (chargeId: string) => boolean;
}

/**
 * The rules of a provider, for both names. Every method is synchronous and runs inside one commit of the store, except
 * those that only read. What a method answers is durable when its commit is.
 */
export class PaymentProvider {
  readonly #store: ProviderStore;
  readonly #settings: ProviderSettings;

  constructor(store: ProviderStore, settings: ProviderSettings) {
    this.#store = store;
    this.#settings = settings;
  }

  /** One charge per key: a repeat is answered from the books, whatever its token would do. */
  charge(order: ChargeOrder): ChargeAnswer {
    const known = this.#store.chargeByKey(order.provider, order.key);
    if (known === undefined) return this.#newCharge(order, chargeScriptOf(order.token));
    if (known.status === 'voided') return { kind: 'charge', charge: known };
    if (!isSameOrder(known, order)) return { kind: 'refused', code: 'idempotency_key_reused' };
    if (known.status === 'processing') return { kind: 'in progress', chargeId: known.id };
    return { kind: 'charge', charge: known };
  }

  /**
   * A tombstone for this key: it never charges from now on. What has already been captured, declined or handed to the
   * bank can't be recalled and is answered as it is.
   */
  voidCharge(provider: ProviderName, key: string): Charge {
    const known = this.#store.chargeByKey(provider, key);
    if (known === undefined) return this.#addTombstone(provider, key);
    if (known.status !== 'awaiting_buyer' && known.status !== 'processing') return known;
    this.#store.endCharge(known.id, 'voided', null, this.#settings.now());
    return this.#reread(known);
  }

  refund(order: RefundOrder): RefundAnswer {
    const known = this.#store.refundByKey(order.provider, order.key);
    const charge = this.#store.chargeByKey(order.provider, order.chargeKey);
    if (charge === undefined) return { kind: 'refused', code: 'no_such_charge' };
    if (known !== undefined) {
      const same = known.chargeId === charge.id && isSameAmount(known, order.amount);
      return same ? { kind: 'refund', refund: known } : { kind: 'refused', code: 'idempotency_key_reused' };
    }
    if (charge.status !== 'captured') return { kind: 'refused', code: 'not_captured' };
    const left = charge.amount - this.#store.refundedAmount(charge.id);
    if (order.amount.currency !== charge.currency || order.amount.amount > left) {
      return { kind: 'refused', code: 'exceeds_captured' };
    }
    return this.#newRefund(order, charge);
  }

  /** The buyer's decision on the approval page. Deciding the same again changes nothing. */
  decide(chargeId: string, decision: 'approve' | 'decline'): ApprovalAnswer | undefined {
    const charge = this.approvalOf(chargeId);
    if (charge === undefined) return undefined;
    const wanted = decision === 'approve' ? 'captured' : 'declined';
    if (charge.status === wanted) return { kind: 'decided', charge };
    if (charge.status !== 'awaiting_buyer') return { kind: 'too late', charge };
    this.#end(charge, wanted, wanted === 'declined' ? 'declined_by_buyer' : null);
    this.#announcePayment(this.#reread(charge));
    return { kind: 'decided', charge: this.#reread(charge) };
  }

  /** The charge of an approval page; undefined for ids that have none. */
  approvalOf(chargeId: string): Charge | undefined {
    const charge = this.#store.chargeById(chargeId);
    if (charge === undefined || chargeScriptOf(charge.token).does !== 'ask the buyer') return undefined;
    return charge;
  }

  /** Ends what is due, in order of time, at most a batch; answers the charges that have ended. */
  endWhatIsDue(): Charge[] {
    const nowMs = this.#settings.now();
    for (const refund of this.#store.refundsDue(nowMs, ENDED_PER_BATCH_MAX)) this.#endRefund(refund);
    return this.#store.chargesDue(nowMs, ENDED_PER_BATCH_MAX).map((charge) => {
      const script = chargeScriptOf(charge.token);
      const fails = script.does === 'bank' && script.ends === 'declined';
      this.#end(charge, fails ? 'declined' : 'captured', fails ? 'declined_by_bank' : null);
      const ended = this.#reread(charge);
      if (charge.status === 'pending' || !this.#settings.isAwaited(charge.id)) this.#announcePayment(ended);
      return ended;
    });
  }

  #newCharge(order: ChargeOrder, script: ChargeScript): ChargeAnswer {
    switch (script.does) {
      case 'capture': {
        const charge = this.#capture(order);
        return script.answerIsLost ? { kind: 'silence' } : { kind: 'charge', charge };
      }
      case 'decline':
        return { kind: 'charge', charge: this.#add(order, 'declined', { reason: script.reason, ended: true }) };
      case 'bank': {
        const fromMs = script.counts === 'from the payment deadline' ? this.#settings.paymentDeadlineMs : 0;
        return { kind: 'charge', charge: this.#add(order, 'pending', { dueInMs: fromMs + script.afterMs }) };
      }
      case 'ask the buyer':
        return { kind: 'charge', charge: this.#add(order, 'awaiting_buyer', {}) };
      case 'capture slowly':
        return { kind: 'in progress', chargeId: this.#add(order, 'processing', { dueInMs: script.afterMs }).id };
      case 'fail, then capture':
        return this.#store.countFailedCall(order.provider, order.key) < script.calls
          ? { kind: 'refused', code: 'internal_error' }
          : { kind: 'charge', charge: this.#capture(order) };
      case 'stay silent':
        return { kind: 'silence' };
      case 'refuse':
        return { kind: 'refused', code: 'not_processed' };
    }
  }

  #capture(order: ChargeOrder): Charge {
    const charge = this.#add(order, 'captured', { ended: true });
    this.#recordCapture(charge);
    return charge;
  }

  #add(
    order: ChargeOrder,
    status: Charge['status'],
    end: { readonly reason?: string; readonly dueInMs?: number; readonly ended?: true },
  ): Charge {
    const nowMs = this.#settings.now();
    const charge: Charge = {
      id: newId('ch'),
      provider: order.provider,
      key: order.key,
      bookingId: order.bookingId,
      amount: order.amount.amount,
      currency: order.amount.currency,
      method: order.method,
      token: order.token,
      status,
      reason: end.reason ?? null,
      createdAtMs: nowMs,
      dueAtMs: end.dueInMs === undefined ? null : nowMs + end.dueInMs,
      endedAtMs: end.ended ? nowMs : null,
      refundRefusals: 0,
    };
    this.#store.addCharge(charge);
    return charge;
  }

  #addTombstone(provider: ProviderName, key: string): Charge {
    const order = { provider, key, bookingId: '', amount: { amount: 0, currency: '' }, method: '', token: '' };
    return this.#add(order, 'voided', { ended: true });
  }

  #end(charge: Charge, status: 'captured' | 'declined', reason: string | null): void {
    this.#store.endCharge(charge.id, status, reason, this.#settings.now());
    if (status === 'captured') this.#recordCapture(charge);
  }

  #recordCapture(charge: Charge): void {
    this.#store.addLedgerEntry({
      id: charge.id,
      kind: 'charge',
      provider: charge.provider,
      bookingId: charge.bookingId,
      attemptId: charge.key,
      amount: charge.amount,
      currency: charge.currency,
      atMs: this.#ledgerTimeMs(),
    });
  }

  #newRefund(order: RefundOrder, charge: Charge): RefundAnswer {
    const script = refundScriptOf(charge.token);
    if (charge.refundRefusals < script.refusals) {
      this.#store.countRefundRefusal(charge.id);
      return { kind: 'refused', code: 'refund_refused' };
    }
    const nowMs = this.#settings.now();
    const refund: Refund = {
      id: newId('re'),
      provider: order.provider,
      key: order.key,
      chargeId: charge.id,
      amount: order.amount.amount,
      currency: order.amount.currency,
      status: script.endsAfterMs > 0 ? 'pending' : 'succeeded',
      createdAtMs: nowMs,
      dueAtMs: script.endsAfterMs > 0 ? nowMs + script.endsAfterMs : null,
    };
    this.#store.addRefund(refund);
    if (refund.status === 'succeeded') this.#recordRefund(refund, charge);
    return { kind: 'refund', refund };
  }

  #endRefund(refund: Refund): void {
    const charge = this.#store.chargeById(refund.chargeId)!;
    const fails = this.#store.failedRefunds(charge.id) < refundScriptOf(charge.token).failures;
    this.#store.endRefund(refund.id, fails ? 'failed' : 'succeeded');
    if (!fails) this.#recordRefund(refund, charge);
    this.#announce(charge, {
      type: fails ? 'refund.failed' : 'refund.succeeded',
      amount: { amount: refund.amount, currency: refund.currency },
      reference: refund.id,
      refundId: refund.key,
      ...(fails ? { reason: REFUND_FAILED } : {}),
    });
  }

  #recordRefund(refund: Refund, charge: Charge): void {
    this.#store.addLedgerEntry({
      id: refund.id,
      kind: 'refund',
      provider: refund.provider,
      bookingId: charge.bookingId,
      attemptId: charge.key,
      amount: refund.amount,
      currency: refund.currency,
      atMs: this.#ledgerTimeMs(),
    });
  }

  #announcePayment(charge: Charge): void {
    this.#announce(charge, {
      type: charge.status === 'captured' ? 'payment.succeeded' : 'payment.failed',
      amount: { amount: charge.amount, currency: charge.currency },
      reference: charge.id,
      ...(charge.reason === null ? {} : { reason: charge.reason }),
    });
  }

  #announce(charge: Charge, event: { readonly type: string; readonly [field: string]: unknown }): void {
    const id = newId('evt');
    const nowMs = this.#settings.now();
    const at = new Date(nowMs).toISOString();
    const { provider, bookingId, key: attemptId } = charge;
    const body = JSON.stringify({ id, ...event, bookingId, attemptId, at, provider });
    this.#store.addWebhook(id, charge.provider, body, nowMs);
  }

  #ledgerTimeMs(): number {
    return Math.max(this.#settings.now(), this.#store.lastLedgerAtMs());
  }

  #reread(charge: Charge): Charge {
    return this.#store.chargeById(charge.id)!;
  }
}

const isSameAmount = (known: { amount: number; currency: string }, amount: Amount): boolean =>
  known.amount === amount.amount && known.currency === amount.currency;

const isSameOrder = (known: Charge, order: ChargeOrder): boolean =>
  known.bookingId === order.bookingId && isSameAmount(known, order.amount);

/** 128 random bits: ids of approval pages can't be guessed. */
const newId = (prefix: string): string => `${prefix}_${randomBytes(16).toString('base64url')}`;
