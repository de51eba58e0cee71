import type {
  ChargeOutcome,
  ChargeRequest,
  FoundCharge,
  LedgerPage,
  LedgerWindow,
  RefundOutcome,
  RefundRequest,
} from '../contracts/payments.ts';

/**
 * A payment provider. No call but `ledger` throws for what the provider or the network does: the outcome says it. Every
 * call is idempotent by `attemptId` or `refundId`.
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
  /**
   * A page of the movements of money within a window, oldest first. A page that has been read stays as it was; movements
   * that the provider enters with an earlier time than now may be missing from a window that has only just ended.
   * @param cursor of the page before, of the same window
   * @throws LedgerUnavailableError when the books can't be read now
   */
  ledger(window: LedgerWindow, cursor?: string): Promise<LedgerPage>;
}

export interface ClosableGateway extends PaymentGateway {
  /** Closes the connections; calls under way end `unknown`. */
  close(): Promise<void>;
}

/** The books can't be read now; nothing is known about what they say. */
export class LedgerUnavailableError extends Error {
  override readonly name = 'LedgerUnavailableError';
}
