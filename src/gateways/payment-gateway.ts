import type { ChargeOutcome, ChargeRequest, FoundCharge, RefundOutcome, RefundRequest } from '../contracts/payments.ts';

/**
 * A payment provider. No call throws for what the provider or the network does: the outcome says it. Every call is
 * idempotent by `attemptId` or `refundId`.
 */
export interface PaymentGateway {
  /** Name under which its payments are recorded, and the `{provider}` of its webhook route. */
  readonly provider: string;
  /**
   * Charges once per `attemptId`, whatever the number of calls. `timeoutMs` bounds the wait for one provider; past it:
   * `unknown`. How many are waited for, one after the other: `contracts/payment-time-limits.ts`.
   */
  charge(request: ChargeRequest, timeoutMs: number): Promise<ChargeOutcome>;
  /** What became of the charge with this key. */
  findCharge(attemptId: string): Promise<FoundCharge>;
  /**
   * Makes sure that this key never charges from now on. `not_processed` once that is certain; if it has been charged
   * already, the charge's own outcome.
   */
  voidCharge(attemptId: string): Promise<ChargeOutcome>;
  refund(request: RefundRequest): Promise<RefundOutcome>;
  findRefund(refundId: string): Promise<RefundOutcome | { readonly status: 'not_found' }>;
}
