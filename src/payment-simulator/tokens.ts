/**
 * What each test token makes the simulated provider do: the list in docs/payment-simulator.md. Times are milliseconds.
 */
export type ChargeScript =
  /** Captured at once. `answerIsLost`: the money moves, but the first caller never hears of it. */
  | { readonly does: 'capture'; readonly answerIsLost?: true }
  | { readonly does: 'decline'; readonly reason: string }
  /** With the bank, which answers later and takes no recall. */
  | {
      readonly does: 'bank';
      readonly afterMs: number;
      readonly counts: 'from the charge' | 'from the payment deadline';
      readonly ends: 'captured' | 'declined';
    }
  /** Waits for the buyer on the approval page. */
  | { readonly does: 'ask the buyer' }
  /** Captured, and answered, only after this long. */
  | { readonly does: 'capture slowly'; readonly afterMs: number }
  /** The first `calls` calls answer 500 and charge nothing. */
  | { readonly does: 'fail, then capture'; readonly calls: number }
  /** Never charged, never answered. */
  | { readonly does: 'stay silent' }
  /** A definite refusal before charging. */
  | { readonly does: 'refuse' };

const chargeScripts: Readonly<Record<string, ChargeScript>> = {
  tok_ok: { does: 'capture' },
  tok_declined: { does: 'decline', reason: 'card_declined' },
  tok_insufficient_funds: { does: 'decline', reason: 'insufficient_funds' },
  tok_pending: { does: 'bank', afterMs: 2_000, counts: 'from the charge', ends: 'captured' },
  tok_pending_fail: { does: 'bank', afterMs: 2_000, counts: 'from the charge', ends: 'declined' },
  tok_pending_late: { does: 'bank', afterMs: 2_000, counts: 'from the payment deadline', ends: 'captured' },
  tok_redirect: { does: 'ask the buyer' },
  tok_slow: { does: 'capture slowly', afterMs: 3_000 },
  tok_500_twice: { does: 'fail, then capture', calls: 2 },
  tok_timeout_charged: { does: 'capture', answerIsLost: true },
  tok_timeout_not_charged: { does: 'stay silent' },
  tok_down: { does: 'refuse' },
  tok_refund_fails_twice: { does: 'capture' },
  tok_refund_pending: { does: 'capture' },
  tok_refund_refused_once: { does: 'capture' },
};

const unknownToken: ChargeScript = { does: 'decline', reason: 'invalid_token' };

export const chargeScriptOf = (token: string): ChargeScript =>
  Object.hasOwn(chargeScripts, token) ? chargeScripts[token]! : unknownToken;

export interface RefundScript {
  /** So many refund calls of one charge are refused before one is taken. */
  readonly refusals: number;
  /** So many refunds of one charge are taken and then fail for good. */
  readonly failures: number;
  /** The refund ends this long after it was taken; 0 = at once. */
  readonly endsAfterMs: number;
}

const plainRefund: RefundScript = { refusals: 0, failures: 0, endsAfterMs: 0 };
const refundScripts: ReadonlyMap<string, RefundScript> = new Map([
  ['tok_refund_fails_twice', { refusals: 2, failures: 0, endsAfterMs: 0 }],
  ['tok_refund_pending', { refusals: 0, failures: 0, endsAfterMs: 2_000 }],
  ['tok_refund_refused_once', { refusals: 0, failures: 1, endsAfterMs: 2_000 }],
]);

/** How refunds go of a charge that was made with this token. */
export const refundScriptOf = (token: string): RefundScript => refundScripts.get(token) ?? plainRefund;
