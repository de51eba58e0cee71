import type { Booking, NewBooking } from '../domain/booking.ts';
import { findBookings, insertHeldBookings } from '../read-model/bookings.ts';
import { coalesce } from '../read-model/coalesce.ts';
import type { ReadModel } from '../read-model/database.ts';
import { findAnswers, saveAnswers, type KeptAnswer } from '../read-model/idempotency-answers.ts';
import { findPayments, insertPaymentAttempts, type NewPaymentAttempt, type Payment } from '../read-model/payments.ts';

/** Rows of one statement: keeps it below a few hundred kilobytes and a few milliseconds. */
const ROWS_PER_STATEMENT_MAX = 256;
/** Requests waiting for one kind of statement; at 5,000 rows a second that is a wait of about a second. */
const WAITING_MAX = 5_000;

/** Statements that many requests need at once: what arrives while one runs goes together into the next. */
export interface Batches {
  findBooking(id: string): Promise<Booking | null>;
  /** Whether this call wrote the row, or found one there. */
  insertHeldBooking(booking: NewBooking): Promise<boolean>;
  insertPaymentAttempt(attempt: NewPaymentAttempt): Promise<{ readonly inserted: boolean; readonly payment: Payment }>;
  findPayment(attemptId: string): Promise<Payment | null>;
  findAnswer(key: Pick<KeptAnswer, 'scope' | 'key'>): Promise<KeptAnswer | null>;
  /** The answer that is stored now: the first one wins. */
  saveAnswer(answer: KeptAnswer): Promise<KeptAnswer>;
}

export function createBatches(db: ReadModel): Batches {
  const limits = { maxBatch: ROWS_PER_STATEMENT_MAX, maxQueued: WAITING_MAX };
  return {
    findBooking: coalesce((ids) => findBookings(db, ids), limits),
    insertHeldBooking: coalesce((bookings) => insertHeldBookings(db, bookings), limits),
    insertPaymentAttempt: coalesce((attempts) => insertPaymentAttempts(db, attempts), limits),
    findPayment: coalesce((ids) => paymentsInOrder(db, ids), limits),
    findAnswer: coalesce((keys) => findAnswers(db, keys), limits),
    saveAnswer: coalesce((answers) => saveAnswers(db, answers), limits),
  };
}

async function paymentsInOrder(db: ReadModel, ids: readonly string[]): Promise<(Payment | null)[]> {
  const found = new Map((await findPayments(db, ids)).map((payment) => [payment.id, payment]));
  return ids.map((id) => found.get(id) ?? null);
}
