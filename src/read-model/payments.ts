import type { PaymentMethod, PaymentStatus, RefundStatus } from '../domain/booking.ts';
import type { Money } from '../domain/money.ts';
import type { ReadModel } from './database.ts';

/** One attempt to pay a booking. Never deleted. */
export interface Payment {
  /** The attempt's id and its idempotency key at the provider. */
  readonly id: string;
  readonly bookingId: string;
  readonly status: PaymentStatus;
  readonly provider: string | null;
  readonly providerReference: string | null;
  /** Null where only the provider's notice told of the payment. */
  readonly method: PaymentMethod | null;
  readonly amount: Money;
  readonly failureReason: string | null;
  /** Digest of the request's body, to tell a repeated request from another one under the same key. */
  readonly fingerprint: string | null;
  readonly createdAtMs: number;
  readonly updatedAtMs: number;
}

export interface Refund {
  readonly id: string;
  readonly paymentId: string;
  readonly bookingId: string;
  readonly amount: Money;
  readonly status: RefundStatus;
  readonly providerReference: string | null;
  readonly createdAtMs: number;
  readonly updatedAtMs: number;
}

export type NewPaymentAttempt = Pick<Payment, 'id' | 'bookingId' | 'amount' | 'fingerprint' | 'createdAtMs'> & {
  readonly method: PaymentMethod;
};

/**
 * Makes attempts durable, before anything is charged for them: one statement for all, PENDING. Answers in the order of
 * `attempts`: what now stands in the table, and whether this call wrote it (`inserted`) or found it.
 */
export declare function insertPaymentAttempts(
  db: ReadModel,
  attempts: readonly NewPaymentAttempt[],
): Promise<{ readonly inserted: boolean; readonly payment: Payment }[]>;

/** All attempts and refunds of a booking, oldest first. */
export declare function findPaymentsOfBooking(
  db: ReadModel,
  bookingId: string,
): Promise<{ readonly attempts: Payment[]; readonly refunds: Refund[] }>;

/** Attempts still PENDING or UNKNOWN that were made before `createdBeforeMs`, oldest first; for the sweeper. */
export declare function findAttemptsWithoutOutcome(
  db: ReadModel,
  filter: { readonly createdBeforeMs: number; readonly limit: number },
): Promise<Payment[]>;

/**
 * Writes what became of attempts. A status never goes back: SUCCEEDED stays, DECLINED and FAILED give way to SUCCEEDED
 * only. Attempts that are not there are inserted.
 */
export declare function recordPayments(db: ReadModel, payments: readonly Payment[]): Promise<void>;

/** Writes refunds; SUCCEEDED stays. */
export declare function recordRefunds(db: ReadModel, refunds: readonly Refund[]): Promise<void>;
