import {
  asMade,
  type Booking,
  type BookingStatus,
  bookingCan,
  type NewBooking,
  PAYMENT_ATTEMPTS_MAX,
  type PaymentStatus,
  type PricedSeat,
  type RefundStatus,
} from './booking.ts';
import type { Money } from './money.ts';
import type { Price } from './pricing.ts';

/** Terms of a booking, fixed when it is made, all in milliseconds or counts. */
export interface BookingTerms {
  readonly holdTtlMs: number;
  readonly extensionsMax: number;
  readonly paymentDeadlineMs: number;
}

/** One try at paying, as it is recorded. */
export interface PaymentAttempt {
  readonly id: string;
  readonly amount: Money;
  readonly status: PaymentStatus;
  readonly provider: string | null;
  readonly providerReference: string | null;
  readonly failureReason: string | null;
}

/** `SALES_CLOSED`: staff has ended the sale of the show. */
export type PayRefusal = 'BOOKING_STATE' | 'HOLD_EXPIRED' | 'SALES_CLOSED';

/**
 * A booking's life as a state machine: which state follows which, what an expiry is, how often may be paid and
 * extended. No I/O and no clock: the workflow brings both.
 */
export class BookingProcess {
  readonly #terms: BookingTerms;
  readonly #created: NewBooking;
  #booking: Booking;
  #extensions = 0;
  #attempts = new Map<string, PaymentAttempt>();
  /** While a payment is pending it, not the hold's expiry, ends the booking. */
  #paymentDeadlineMs: number | null = null;

  constructor(created: NewBooking, terms: BookingTerms) {
    this.#terms = terms;
    this.#created = created;
    this.#booking = asMade(created);
  }

  get booking(): Booking {
    return this.#booking;
  }

  get attempts(): readonly PaymentAttempt[] {
    return [...this.#attempts.values()];
  }

  attempt(attemptId: string): PaymentAttempt | undefined {
    return this.#attempts.get(attemptId);
  }

  /** When the booking ends by itself, Unix ms: the payment's deadline while one is pending, else the hold's expiry. */
  get endsAtMs(): number {
    return this.#paymentDeadlineMs ?? this.#booking.expiresAtMs;
  }

  /** Why this may not be paid just now, or null. `amount` is the price that the payer saw: it may have changed since. */
  refusesPayment(amount: Money, nowMs: number): PayRefusal | null {
    const { status, expiresAtMs, price } = this.#booking;
    if (status === 'EXPIRED') return 'HOLD_EXPIRED';
    const counted = this.attempts.filter((attempt) => attempt.status !== 'FAILED').length;
    if (!bookingCan[status].pay || counted >= PAYMENT_ATTEMPTS_MAX) return 'BOOKING_STATE';
    if (amount.amount !== price.total.amount || amount.currency !== price.total.currency) return 'BOOKING_STATE';
    return nowMs >= expiresAtMs ? 'HOLD_EXPIRED' : null;
  }

  refusesExtension(nowMs: number): PayRefusal | 'EXTENSION_LIMIT' | null {
    const { status, expiresAtMs } = this.#booking;
    if (status === 'EXPIRED') return 'HOLD_EXPIRED';
    if (!bookingCan[status].extend) return 'BOOKING_STATE';
    if (nowMs >= expiresAtMs) return 'HOLD_EXPIRED';
    return this.#extensions >= this.#terms.extensionsMax ? 'EXTENSION_LIMIT' : null;
  }

  refusesSeatChange(nowMs: number): PayRefusal | null {
    const { status, expiresAtMs } = this.#booking;
    if (status === 'EXPIRED') return 'HOLD_EXPIRED';
    if (!bookingCan[status].changeSeats) return 'BOOKING_STATE';
    return nowMs >= expiresAtMs ? 'HOLD_EXPIRED' : null;
  }

  /** Expiry after one more extension: as much again as the hold had at first. */
  extendedExpiryMs(): number {
    return this.#booking.expiresAtMs + this.#terms.holdTtlMs;
  }

  extended(expiresAtMs: number, nowMs: number): void {
    this.#extensions += 1;
    this.#change({ expiresAtMs, asCreated: this.#asCreated() }, nowMs);
  }

  seatsChanged(seats: readonly PricedSeat[], price: Price, nowMs: number): void {
    this.#change({ seats, price, asCreated: this.#asCreated() }, nowMs);
  }

  /** Starts an attempt; the payment's deadline takes over from the hold's expiry. Returns the deadline, Unix ms. */
  paymentStarted(attemptId: string, nowMs: number): number {
    this.#attempts.set(attemptId, {
      id: attemptId,
      amount: this.#booking.price.total,
      status: 'PENDING',
      provider: null,
      providerReference: null,
      failureReason: null,
    });
    this.#paymentDeadlineMs = nowMs + this.#terms.paymentDeadlineMs;
    this.#become('PAYMENT_PENDING', { payment: { status: 'PENDING' } }, nowMs);
    return this.#paymentDeadlineMs;
  }

  /** Its hold is known to last until then: the pending payment does not outlive it. */
  securedUntil(untilMs: number): void {
    if (this.#paymentDeadlineMs !== null) this.#paymentDeadlineMs = Math.min(this.#paymentDeadlineMs, untilMs);
  }

  /** Notes what is known of an attempt. The state of the booking does not change by it. */
  attemptIs(attemptId: string, known: Partial<Omit<PaymentAttempt, 'id' | 'amount'>>): void {
    const attempt = this.#attempts.get(attemptId);
    if (!attempt) throw new Error(`no attempt ${attemptId}`);
    this.#attempts.set(attemptId, { ...attempt, ...known });
    if (known.status) this.#booking = { ...this.#booking, payment: { status: known.status } };
  }

  /** The attempt failed for good: the hold goes on until its former expiry. */
  paymentFailed(nowMs: number): void {
    this.#paymentDeadlineMs = null;
    this.#become('HELD', {}, nowMs);
  }

  confirmed(bookingNumber: string, nowMs: number): void {
    this.#become('CONFIRMED', { bookingNumber }, nowMs);
  }

  ended(status: 'RELEASED' | 'EXPIRED' | 'FAILED', nowMs: number): void {
    this.#paymentDeadlineMs = null;
    this.#become(status, {}, nowMs);
  }

  refundIs(amount: Money, status: RefundStatus, nowMs: number): void {
    this.#change({ refund: { amount, status } }, nowMs);
  }

  #become(status: BookingStatus, change: Partial<Booking>, nowMs: number): void {
    const allowed: readonly BookingStatus[] = bookingCan[this.#booking.status].become;
    if (!allowed.includes(status)) throw new Error(`a booking that is ${this.#booking.status} cannot become ${status}`);
    this.#change({ ...change, status }, nowMs);
  }

  #change(change: Partial<Booking>, nowMs: number): void {
    const { version, changedAtMs } = this.#booking;
    this.#booking = { ...this.#booking, ...change, version: version + 1, changedAtMs: Math.max(nowMs, changedAtMs) };
  }

  #asCreated(): Booking['asCreated'] {
    const { seats, price, expiresAtMs } = this.#created;
    return { seats, price, expiresAtMs };
  }
}
