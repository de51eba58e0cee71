import { sql } from 'kysely';
import type { NewEvent } from '../contracts/events.ts';
import { bookingCan, type Booking } from '../domain/booking.ts';
import { firstRefundId } from '../domain/refund-plan.ts';
import { bookingColumnNames, bookingColumns, bookingJson } from './bookings.ts';
import type { ReadModel } from './database.ts';
import { translatingErrors } from './errors.ts';
import { jsonRows } from './json-rows.ts';
import {
  onPaymentConflict,
  onRefundConflict,
  type Payment,
  paymentColumnNames,
  paymentColumns,
  paymentJson,
  recordPayments,
  recordRefunds,
  type Refund,
  refundColumnNames,
  refundColumns,
  refundJson,
  returningNews,
} from './payments.ts';

export interface ConfirmationRecord {
  /** The booking as it becomes; its status, payment status and number are set here, whatever it says of them. */
  readonly booking: Booking;
  /** The attempt that paid; recorded as SUCCEEDED. */
  readonly payment: Payment;
  readonly outbox: readonly NewEvent[];
}

export type ConfirmationResult =
  /**
   * Recorded by this call, or by an earlier one with the same attempt: the same number again. `version` is the row's;
   * it may be ahead of the record's where somebody else changed the row.
   */
  | { readonly confirmed: true; readonly bookingNumber: string; readonly version: number }
  /** The booking is paid already, by another attempt: this one's money goes back. */
  | { readonly confirmed: false; readonly paidBy: string };

/**
 * Records confirmations, all of a batch in one statement and so in one transaction: the booking CONFIRMED with its
 * number, its seats under `unique (show_id, seat_id)`, the payment SUCCEEDED, the outbox. Repeatable; one result per
 * record, in order. All or nothing for the whole batch: to be coalesced, which gives each record its own failure. No
 * booking twice in one call.
 * @throws SeatAlreadyBookedError another booking has one of the seats
 */
export async function recordConfirmations(
  db: ReadModel,
  records: readonly ConfirmationRecord[],
): Promise<ConfirmationResult[]> {
  const rows = jsonRows(
    records.map(({ booking, payment, outbox }) => ({
      ...bookingJson(booking),
      paid_by: payment.id,
      payment: paymentJson({ ...payment, status: 'SUCCEEDED', failureReason: null }),
      outbox,
    })),
  );
  const { rows: confirmed } = await translatingErrors(confirmationStatement(rows).execute(db));
  const found = new Map(confirmed.map((row) => [row.id, row]));
  const missing = records.map(({ booking }) => booking.id).filter((id) => !found.has(id));
  for (const row of await confirmationsOf(db, missing)) found.set(row.id, row);
  return records.map(({ booking, payment }) => {
    const row = found.get(booking.id)!;
    return row.payment_id === payment.id
      ? { confirmed: true, bookingNumber: row.booking_number, version: row.version }
      : { confirmed: false, paidBy: row.payment_id };
  });
}

interface ConfirmationRow {
  readonly id: string;
  readonly booking_number: string;
  readonly version: number;
  readonly payment_id: string;
}

/**
 * Returns the rows that this call confirmed. `payment_id` is null until then: it decides between two attempts, and a
 * repeat changes nothing. The version grows even past one that the record does not know of.
 */
export const confirmationStatement = (rows: string) => sql<ConfirmationRow>`
  with record as materialized (
    select * from jsonb_to_recordset(${rows}::jsonb)
      as record (${bookingColumns}, paid_by text, payment jsonb, outbox jsonb)
  ),
  confirmed as (
    insert into bookings as booking (${bookingColumnNames}, payment_id, updated_at)
    select id, next_booking_number(), show_id, user_id, city_id, 'CONFIRMED', seats, price, items, fingerprint, held_at,
      expires_at, version, changed_at, 'SUCCEEDED', refund, as_created, cancellation_policy, chain_id, paid_by, now()
    from record
    order by id
    on conflict (id) do update set
      booking_number = excluded.booking_number,
      status = excluded.status,
      seats = excluded.seats,
      price = excluded.price,
      expires_at = excluded.expires_at,
      version = greatest(booking.version + 1, excluded.version),
      changed_at = greatest(booking.changed_at, excluded.changed_at),
      payment_status = excluded.payment_status,
      payment_id = excluded.payment_id,
      refund = excluded.refund,
      as_created = coalesce(booking.as_created, excluded.as_created),
      updated_at = excluded.updated_at
    where booking.payment_id is null
    returning id, show_id, seats, booking_number, version, payment_id
  ),
  booked as (
    insert into booked_seats (show_id, seat_id, booking_id)
    select show_id, seat ->> 'id', id from confirmed, jsonb_array_elements(seats) as seat
    order by 1, 2
  ),
  paid as (
    insert into payments (${paymentColumnNames})
    select payment.* from record, jsonb_to_record(record.payment) as payment (${paymentColumns})
    order by payment.id
    ${onPaymentConflict}
  ),
  posted as (
    insert into outbox (booking_id, type, payload)
    select id, event ->> 'type', event -> 'payload'
    from record, jsonb_array_elements(record.outbox) as event
    where id in (select id from confirmed)
  )
  select id, booking_number, version, payment_id from confirmed`;

/** A statement of its own: the one before does not see what others committed while it waited for their locks. */
async function confirmationsOf(db: ReadModel, ids: readonly string[]): Promise<ConfirmationRow[]> {
  if (ids.length === 0) return [];
  return db
    .selectFrom('bookings')
    .select(['id', 'version', 'booking_number', 'payment_id'])
    .where('id', '=', sql<string>`any(${ids}::text[])`)
    .$narrowType<{ booking_number: string; payment_id: string }>()
    .execute();
}

/** A change of a booking other than its confirmation: PAYMENT_PENDING, HELD again, RELEASED, EXPIRED, FAILED. */
export interface BookingStateRecord {
  readonly booking: Booking;
  readonly payment?: Payment | undefined;
  readonly refund?: Refund | undefined;
  /** Of the booking. */
  readonly outbox?: readonly NewEvent[] | undefined;
  /** Of the refund. */
  readonly refundOutbox?: readonly NewEvent[] | undefined;
}

/**
 * Records states of bookings, all of a batch in one statement: the row if it changed earlier, or at the same time with
 * a lower version (inserted if missing); payment and refund by the rules of `recordPayments` and `recordRefunds`; the
 * booking's outbox only where the row changed, the refund's only where that is new or its status is another one than before.
 * A confirmed booking never goes back to an earlier state, whatever the version, and a released one stays so: the buyer has been
 * told by its row, and the workflow task that wrote it may have been lost. Repeatable; gives for each, in order, whether the row
 * changed. To be coalesced. No booking twice in one call.
 */
export async function recordBookingStates(db: ReadModel, records: readonly BookingStateRecord[]): Promise<boolean[]> {
  const rows = jsonRows(
    records.map(({ booking, payment, refund, outbox, refundOutbox }) => ({
      ...bookingJson(booking),
      payment: payment === undefined ? null : paymentJson(payment),
      new_refund: refund === undefined ? null : refundJson(refund),
      outbox: outbox ?? [],
      refund_outbox: refundOutbox ?? [],
    })),
  );
  const { rows: changed } = await translatingErrors(stateStatement(rows).execute(db));
  const changedIds = new Set(changed.map((row) => row.id));
  return records.map(({ booking }) => changedIds.has(booking.id));
}

/** States that a confirmed booking may be in. */
const confirmedStates = sql.join(['CONFIRMED', ...bookingCan.CONFIRMED.become].map((state) => sql.lit(state)));

/**
 * Number and payment are the confirmation's to write. They are looked up only because Postgres checks a row's
 * constraints before it finds that the row is there already; they never change once set.
 */
export const stateStatement = (rows: string) => sql<{ id: string }>`
  with record as materialized (
    select * from jsonb_to_recordset(${rows}::jsonb)
      as record (${bookingColumns}, payment jsonb, new_refund jsonb, outbox jsonb, refund_outbox jsonb)
  ),
  changed as (
    insert into bookings as booking (${bookingColumnNames}, payment_id, updated_at)
    select record.id, known.booking_number, record.show_id, record.user_id, record.city_id, record.status, record.seats,
      record.price, record.items, record.fingerprint, record.held_at, record.expires_at, record.version,
      record.changed_at, record.payment_status, record.refund, record.as_created, record.cancellation_policy,
      record.chain_id, known.payment_id, now()
    from record
      left join bookings as known on known.id = record.id and record.status in (${confirmedStates})
    order by record.id
    on conflict (id) do update set
      status = excluded.status,
      seats = excluded.seats,
      price = excluded.price,
      expires_at = excluded.expires_at,
      version = greatest(booking.version + 1, excluded.version),
      changed_at = excluded.changed_at,
      payment_status = excluded.payment_status,
      refund = excluded.refund,
      as_created = coalesce(booking.as_created, excluded.as_created),
      updated_at = excluded.updated_at
    where (excluded.changed_at, excluded.version) > (booking.changed_at, booking.version)
      and (booking.payment_id is null or excluded.status in (${confirmedStates}))
      and (booking.status <> 'RELEASED' or excluded.status = 'RELEASED')
    returning id
  ),
  paid as (
    insert into payments (${paymentColumnNames})
    select payment.* from record, jsonb_to_record(record.payment) as payment (${paymentColumns})
    where jsonb_typeof(record.payment) = 'object'
    order by payment.id
    ${onPaymentConflict}
  ),
  refunded as (
    insert into refunds (${refundColumnNames})
    select refund.* from record, jsonb_to_record(record.new_refund) as refund (${refundColumns})
    where jsonb_typeof(record.new_refund) = 'object'
    order by refund.id
    ${onRefundConflict}
    ${returningNews}
  ),
  posted as (
    insert into outbox (booking_id, type, payload)
    select id, event ->> 'type', event -> 'payload'
    from record, jsonb_array_elements(record.outbox) as event
    where id in (select id from changed)
    union all
    select id, event ->> 'type', event -> 'payload'
    from record, jsonb_array_elements(record.refund_outbox) as event
    where new_refund ->> 'id' in (select id from refunded where is_news)
  )
  select id from changed`;

/** What is learnt of a payment and its refund where the booking does not change. */
export interface MoneyRecord {
  readonly bookingId: string;
  readonly payment?: Payment | undefined;
  readonly refund?: Refund | undefined;
  /** Of the refund, as in `BookingStateRecord`. */
  readonly refundOutbox?: readonly NewEvent[] | undefined;
}

/**
 * One transaction, by the same rules as `recordBookingStates`. Repeatable.
 * @throws RefundExceedsCaptureError
 */
export async function recordMoney(
  db: ReadModel,
  { bookingId, payment, refund, refundOutbox = [] }: MoneyRecord,
): Promise<void> {
  await db.transaction().execute(async (trx) => {
    await trx.selectFrom('bookings').select('id').where('id', '=', bookingId).forNoKeyUpdate().execute();
    if (payment) await recordPayments(trx, [payment]);
    const news = refund ? await recordRefunds(trx, [refund]) : new Set();
    if (news.size === 0 || refundOutbox.length === 0) return;
    const rows = refundOutbox.map(({ type, payload }) => ({
      booking_id: bookingId,
      type,
      payload: JSON.stringify(payload),
    }));
    await trx.insertInto('outbox').values(rows).execute();
  });
}

/** Why the money of an attempt goes back, as it was told; null where that is forgotten. */
export async function findWhyGivenBack(db: ReadModel, bookingId: string, refundId: string): Promise<string | null> {
  const row = await db
    .selectFrom('outbox')
    .select(sql<string>`payload ->> 'reason'`.as('reason'))
    .where('booking_id', '=', bookingId)
    .where('type', '=', 'payment.refunded')
    .where(sql<string>`payload ->> 'refundId'`, '=', firstRefundId(refundId))
    .limit(1)
    .executeTakeFirst();
  return row?.reason ?? null;
}
