import { type RawBuilder, sql } from 'kysely';
import { isoTime } from '../contracts/http/primitives.ts';
import type { PaymentMethod, PaymentStatus, RefundStatus } from '../domain/booking.ts';
import type { Money } from '../domain/money.ts';
import type { ReadModel } from './database.ts';
import { translatingErrors } from './errors.ts';
import { jsonRows } from './json-rows.ts';
import type { PaymentRow, RefundRow } from './tables.ts';

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
  /** The change of the booking that it belongs to; null: of a payment that bought nothing. */
  readonly changeId: string | null;
  readonly createdAtMs: number;
  readonly updatedAtMs: number;
}

export type NewPaymentAttempt = Pick<Payment, 'id' | 'bookingId' | 'amount' | 'fingerprint'> & {
  readonly method: PaymentMethod;
  /** Without it, of now by the database's clock: who sweeps goes by it, and the API's may be wrong. */
  readonly createdAtMs?: number;
};

/**
 * Makes attempts durable, PENDING, before anything is charged for them: one statement for all, to be coalesced. Answers
 * in order: what now stands in the table, and whether this call wrote it (`inserted`) or found it.
 */
export async function insertPaymentAttempts(
  db: ReadModel,
  attempts: readonly NewPaymentAttempt[],
): Promise<{ readonly inserted: boolean; readonly payment: Payment }[]> {
  const unsettled = { status: 'PENDING', provider: null, providerReference: null, failureReason: null } as const;
  const rows = attempts.map(({ createdAtMs, ...attempt }) => {
    // `now` is a time that PostgreSQL can read: when the transaction began.
    const at = createdAtMs === undefined ? 'now' : isoTime(createdAtMs);
    return { ...timelessJson({ ...attempt, ...unsettled }), created_at: at, updated_at: at };
  });
  const { rows: inserted } = await sql<PaymentRow>`
    insert into payments (${paymentColumnNames})
    select ${paymentColumnNames} from jsonb_to_recordset(${jsonRows(rows)}::jsonb) as payment (${paymentColumns})
    order by id
    on conflict (id) do nothing
    returning *`.execute(db);
  const newIds = new Set(inserted.map((row) => row.id));
  const others = attempts.map((attempt) => attempt.id).filter((id) => !newIds.has(id));
  // A statement of its own: the one above does not see rows that others committed while it waited for them.
  const stored = others.length === 0 ? [] : await findPayments(db, others);
  const byId = new Map([...inserted.map(toPayment), ...stored].map((payment) => [payment.id, payment]));
  return attempts.map(({ id }) => ({ inserted: newIds.delete(id), payment: byId.get(id)! }));
}

/**
 * `first`: nobody has sent it before. `again`: somebody may have, which is also said of an attempt without a row.
 * `refused`: its booking has refused it unsent, and it must not be sent any more.
 */
export type SendingMark = 'first' | 'again' | 'refused';

/**
 * Marks attempts as about to be sent to a provider, before they are. In the order of `attemptIds`; of an id that stands
 * there twice only one is the first.
 */
export async function markPaymentsSent(db: ReadModel, attemptIds: readonly string[]): Promise<SendingMark[]> {
  const { rows } = await sql<{ id: string }>`
    update payments set sent_at = now()
    where id = any(${attemptIds}::text[]) and sent_at is null and status <> 'FAILED'
    returning id`.execute(db);
  const first = new Set(rows.map((row) => row.id));
  const others = attemptIds.filter((id) => !first.has(id));
  const refused = new Set(others.length === 0 ? [] : await findRefusedUnsent(db, others));
  return attemptIds.map((id) => (first.delete(id) ? 'first' : refused.has(id) ? 'refused' : 'again'));
}

async function findRefusedUnsent(db: ReadModel, ids: readonly string[]): Promise<string[]> {
  const rows = await db
    .selectFrom('payments')
    .select('id')
    .where('id', '=', sql<string>`any(${ids}::text[])`)
    .where('status', '=', 'FAILED')
    .where('sent_at', 'is', null)
    .execute();
  return rows.map((row) => row.id);
}

/**
 * Ends an attempt that its booking refused before anything was sent to a provider: FAILED, for the refusal's code. False,
 * and the row as it was, if a provider may know of it, if it has ended already, or if there is none.
 */
export async function refuseUnsentPayment(
  db: ReadModel,
  { attemptId, reason, atMs }: { readonly attemptId: string; readonly reason: string; readonly atMs: number },
): Promise<boolean> {
  const { numUpdatedRows } = await db
    .updateTable('payments')
    .set({ status: 'FAILED', failure_reason: reason, updated_at: new Date(atMs) })
    .where('id', '=', attemptId)
    .where('status', '=', 'PENDING')
    .where('sent_at', 'is', null)
    .executeTakeFirst();
  return numUpdatedRows > 0n;
}

/** All attempts and refunds of a booking, oldest first. */
export async function findPaymentsOfBooking(
  db: ReadModel,
  bookingId: string,
): Promise<{ readonly attempts: Payment[]; readonly refunds: Refund[] }> {
  const [attempts, refunds] = await Promise.all([
    db.selectFrom('payments').selectAll().where('booking_id', '=', bookingId).orderBy('created_at').execute(),
    db.selectFrom('refunds').selectAll().where('booking_id', '=', bookingId).orderBy('created_at').execute(),
  ]);
  return { attempts: attempts.map(toPayment), refunds: refunds.map(toRefund) };
}

/** Null if there is no such attempt. */
export async function findPayment(db: ReadModel, attemptId: string): Promise<Payment | null> {
  const row = await db.selectFrom('payments').selectAll().where('id', '=', attemptId).executeTakeFirst();
  return row === undefined ? null : toPayment(row);
}

/** Null if there is none of that id. */
export async function findRefund(db: ReadModel, refundId: string): Promise<Refund | null> {
  const row = await db.selectFrom('refunds').selectAll().where('id', '=', refundId).executeTakeFirst();
  return row === undefined ? null : toRefund(row);
}

/** Those of the attempts that there are, in no order. */
export async function findPayments(db: ReadModel, attemptIds: readonly string[]): Promise<Payment[]> {
  const rows = await db
    .selectFrom('payments')
    .selectAll()
    .where('id', '=', sql<string>`any(${attemptIds}::text[])`)
    .execute();
  return rows.map(toPayment);
}

/** What became of an attempt, and of its money if it has captured some. */
export interface PaymentFate {
  readonly payment: Payment;
  /** Its booking was confirmed by this attempt. */
  readonly hasBought: boolean;
  /** A refund of it has been asked for, and so it buys nothing any more. */
  readonly isGivenBack: boolean;
}

/** One statement: a confirmation and its payment are seen together or not at all. Null if there is no such attempt. */
export async function findPaymentFate(db: ReadModel, attemptId: string): Promise<PaymentFate | null> {
  const row = await db
    .selectFrom('payments')
    .selectAll()
    .select((payment) => [
      payment
        .exists(
          payment
            .selectFrom('bookings')
            .whereRef('bookings.id', '=', 'payments.booking_id')
            .whereRef('bookings.payment_id', '=', 'payments.id'),
        )
        .as('has_bought'),
      payment
        .exists(
          payment
            .selectFrom('refunds')
            .whereRef('refunds.booking_id', '=', 'payments.booking_id')
            .whereRef('refunds.payment_id', '=', 'payments.id'),
        )
        .as('is_given_back'),
    ])
    .where('id', '=', attemptId)
    .executeTakeFirst();
  if (!row) return null;
  const { has_bought: hasBought, is_given_back: isGivenBack } = row;
  return { payment: toPayment(row), hasBought: Boolean(hasBought), isGivenBack: Boolean(isGivenBack) };
}

/**
 * Attempts still PENDING or UNKNOWN that were made before `createdBeforeMs`, for the sweeper: first the one whose making
 * or last `markPaymentSwept` is longest ago, so that each has its turn however many there are.
 */
export async function findAttemptsWithoutOutcome(
  db: ReadModel,
  { createdBeforeMs, limit }: { readonly createdBeforeMs: number; readonly limit: number },
): Promise<Payment[]> {
  const rows = await db
    .selectFrom('payments')
    .selectAll()
    .where(sql<boolean>`status in ('PENDING', 'UNKNOWN')`)
    .where('created_at', '<', new Date(createdBeforeMs))
    .orderBy(sql`coalesce(swept_at, created_at)`)
    .limit(limit)
    .execute();
  return rows.map(toPayment);
}

/** Before the sweeper looks at an attempt: it goes to the end of the line, also if the look never ends. */
export async function markPaymentSwept(db: ReadModel, attemptId: string): Promise<void> {
  await db
    .updateTable('payments')
    .set({ swept_at: sql`now()` })
    .where('id', '=', attemptId)
    .execute();
}

/**
 * Writes what became of attempts. A status never goes back: SUCCEEDED stays, DECLINED and FAILED give way to SUCCEEDED
 * only. Attempts that are not there are inserted. No id twice in one call.
 */
export async function recordPayments(db: ReadModel, payments: readonly Payment[]): Promise<void> {
  const rows = jsonRows(payments.map(paymentJson));
  await sql`
    insert into payments (${paymentColumnNames})
    select ${paymentColumnNames} from jsonb_to_recordset(${rows}::jsonb) as payment (${paymentColumns})
    order by id
    ${onPaymentConflict}`.execute(db);
}

/**
 * Writes refunds. SUCCEEDED stays; FAILED does until it is SUCCEEDED after all: what is tried again has an id of its own. No id twice in one call. Gives the ids of those that are new, or
 * have another status than before.
 * @throws RefundExceedsCaptureError with those that have not failed, they would give back more than was captured
 */
export async function recordRefunds(db: ReadModel, refunds: readonly Refund[]): Promise<ReadonlySet<string>> {
  const rows = jsonRows(refunds.map(refundJson));
  const statement = sql<{ id: string; is_news: boolean }>`
    insert into refunds (${refundColumnNames})
    select ${refundColumnNames} from jsonb_to_recordset(${rows}::jsonb) as refund (${refundColumns})
    order by id
    ${onRefundConflict}
    ${returningNews}`;
  const { rows: written } = await translatingErrors(statement.execute(db));
  return new Set(written.filter((row) => row.is_news).map((row) => row.id));
}

/** Columns of a payment as a set of rows sent in one JSON parameter has them. */
export const paymentColumns: RawBuilder<unknown> = sql.raw(
  'id text, booking_id text, status text, provider text, provider_reference text, method text, amount bigint, ' +
    'currency text, failure_reason text, fingerprint text, created_at timestamptz, updated_at timestamptz',
);
export const paymentColumnNames: RawBuilder<unknown> = sql.raw(
  'id, booking_id, status, provider, provider_reference, method, amount, currency, failure_reason, fingerprint, ' +
    'created_at, updated_at',
);
/** The rule of `recordPayments`. What an earlier writer knew and this one does not is kept. */
export const onPaymentConflict: RawBuilder<unknown> = sql.raw(`on conflict (id) do update set
      status = excluded.status,
      provider = coalesce(excluded.provider, payments.provider),
      provider_reference = coalesce(excluded.provider_reference, payments.provider_reference),
      method = coalesce(payments.method, excluded.method),
      failure_reason = excluded.failure_reason,
      updated_at = excluded.updated_at
    where payments.status in ('PENDING', 'UNKNOWN')
      or (payments.status <> 'SUCCEEDED' and excluded.status = 'SUCCEEDED')`);

export const refundColumns: RawBuilder<unknown> = sql.raw(
  'id text, payment_id text, booking_id text, amount bigint, currency text, status text, provider_reference text, ' +
    'change_id text, created_at timestamptz, updated_at timestamptz',
);
export const refundColumnNames: RawBuilder<unknown> = sql.raw(
  'id, payment_id, booking_id, amount, currency, status, provider_reference, change_id, created_at, updated_at',
);
export const onRefundConflict: RawBuilder<unknown> = sql.raw(`on conflict (id) do update set
      status = excluded.status,
      provider_reference = coalesce(excluded.provider_reference, refunds.provider_reference),
      updated_at = excluded.updated_at
    where refunds.status = 'PENDING' or (refunds.status <> 'SUCCEEDED' and excluded.status = 'SUCCEEDED')`);
/** Of the rows that were written: a new one has no status before. */
export const returningNews: RawBuilder<unknown> = sql.raw(
  'returning with (old as before, new as written) written.id, written.status is distinct from before.status as is_news',
);

export const paymentJson = (payment: Payment) => ({
  ...timelessJson(payment),
  created_at: isoTime(payment.createdAtMs),
  updated_at: isoTime(payment.updatedAtMs),
});

const timelessJson = (payment: Omit<Payment, 'createdAtMs' | 'updatedAtMs'>) => ({
  id: payment.id,
  booking_id: payment.bookingId,
  status: payment.status,
  provider: payment.provider,
  provider_reference: payment.providerReference,
  method: payment.method,
  amount: payment.amount.amount,
  currency: payment.amount.currency,
  failure_reason: payment.failureReason,
  fingerprint: payment.fingerprint,
});

export const refundJson = (refund: Refund) => ({
  id: refund.id,
  payment_id: refund.paymentId,
  booking_id: refund.bookingId,
  amount: refund.amount.amount,
  currency: refund.amount.currency,
  status: refund.status,
  provider_reference: refund.providerReference,
  change_id: refund.changeId,
  created_at: isoTime(refund.createdAtMs),
  updated_at: isoTime(refund.updatedAtMs),
});

export const toPayment = (row: PaymentRow): Payment => ({
  id: row.id,
  bookingId: row.booking_id,
  status: row.status,
  provider: row.provider,
  providerReference: row.provider_reference,
  method: row.method,
  amount: { amount: row.amount, currency: row.currency },
  failureReason: row.failure_reason,
  fingerprint: row.fingerprint,
  createdAtMs: row.created_at.getTime(),
  updatedAtMs: row.updated_at.getTime(),
});

export const toRefund = (row: RefundRow): Refund => ({
  changeId: row.change_id,
  id: row.id,
  paymentId: row.payment_id,
  bookingId: row.booking_id,
  amount: { amount: row.amount, currency: row.currency },
  status: row.status,
  providerReference: row.provider_reference,
  createdAtMs: row.created_at.getTime(),
  updatedAtMs: row.updated_at.getTime(),
});
