import { sql } from 'kysely';
import type { BookingChangeRecord } from '../contracts/change-messages.ts';
import type { NewEvent } from '../contracts/events.ts';
import type { Booking } from '../domain/booking.ts';
import type { ShowToAttend } from '../domain/cancellation-policy.ts';
import type { CategoryPrice } from '../domain/pricing.ts';
import { toBooking } from './bookings.ts';
import type { ReadModel, ReadModelTransaction } from './database.ts';
import { type Payment, type Refund, toPayment, toRefund } from './payments.ts';
import type { BookingChangeRow } from './tables.ts';

/** The booking, locked until the transaction ends: its changes come one after the other. */
export async function lockBooking(trx: ReadModelTransaction, bookingId: string): Promise<Booking | null> {
  const row = await trx
    .selectFrom('bookings')
    .selectAll()
    .where('id', '=', bookingId)
    .forNoKeyUpdate()
    .executeTakeFirst();
  return row === undefined ? null : toBooking(row);
}

/** What a cancellation has to know of its show at the moment it is asked for; null if there is no such show. */
export async function findShowToAttend(
  db: ReadModel,
  showId: string,
): Promise<(ShowToAttend & { readonly categories: readonly CategoryPrice[] }) | null> {
  const row = await db
    .selectFrom('shows')
    .select(['starts_at', 'categories', 'cancelled_at', 'moved_at', 'full_refund_until'])
    .where('id', '=', showId)
    .executeTakeFirst();
  if (row === undefined) return null;
  const { moved_at: movedAt, full_refund_until: until, cancelled_at: cancelledAt } = row;
  return {
    startsAtMs: row.starts_at.getTime(),
    moved: movedAt && until && { atMs: movedAt.getTime(), fullRefundUntilMs: until.getTime() },
    cancelled: cancelledAt,
    categories: row.categories,
  };
}

/** The payments that have bought a booking or one of those that it was exchanged for, oldest first, and all their refunds. */
export async function findMoneyOfChain(
  db: ReadModel,
  { chainId }: Pick<Booking, 'chainId'>,
): Promise<{ readonly payments: Payment[]; readonly refunds: Refund[] }> {
  const bought = db
    .selectFrom('bookings')
    .select('payment_id')
    .where(sql<boolean>`(id = ${chainId} or chain_id = ${chainId}) and payment_id is not null`);
  const payments = await db
    .selectFrom('payments')
    .selectAll()
    .where('id', 'in', bought)
    .where('status', '=', 'SUCCEEDED')
    .orderBy('created_at')
    .orderBy('id')
    .execute();
  const refunds = await findRefundsOf(
    db,
    payments.map(({ id }) => id),
  );
  return { payments: payments.map(toPayment), refunds };
}

async function findRefundsOf(db: ReadModel, paymentIds: readonly string[]): Promise<Refund[]> {
  const rows = await db
    .selectFrom('refunds')
    .selectAll()
    .where('payment_id', '=', sql<string>`any(${paymentIds}::text[])`)
    .orderBy('created_at')
    .orderBy('id')
    .execute();
  return rows.map(toRefund);
}

/** Refunds of a booking that its changes have asked for, oldest first. */
export async function findRefundsOfChanges(db: ReadModel, bookingId: string): Promise<Refund[]> {
  const rows = await db
    .selectFrom('refunds')
    .selectAll()
    .where('booking_id', '=', bookingId)
    .where('change_id', 'is not', null)
    .orderBy('created_at')
    .orderBy('id')
    .execute();
  return rows.map(toRefund);
}

/** Null if there is none of that id. */
export async function findChange(db: ReadModel, changeId: string): Promise<BookingChangeRecord | null> {
  const row = await db.selectFrom('booking_changes').selectAll().where('id', '=', changeId).executeTakeFirst();
  return row === undefined ? null : toChange(row);
}

/** All changes of a booking, oldest first. */
export async function findChangesOfBooking(db: ReadModel, bookingId: string): Promise<BookingChangeRecord[]> {
  const rows = await db
    .selectFrom('booking_changes')
    .selectAll()
    .where('booking_id', '=', bookingId)
    .orderBy('created_at')
    .orderBy('id')
    .execute();
  return rows.map(toChange);
}

export async function insertChange(trx: ReadModelTransaction, change: BookingChangeRecord): Promise<void> {
  await trx
    .insertInto('booking_changes')
    .values({
      id: change.id,
      booking_id: change.bookingId,
      kind: change.kind,
      requested_by: change.requestedBy,
      reason: change.reason,
      seat_ids: [...change.seatIds],
      seats: [...change.seats],
      tier: change.tier === null ? null : JSON.stringify(change.tier),
      refund_amount: change.refund.amount,
      kept_amount: change.kept.amount,
      currency: change.refund.currency,
      other_booking_id: change.otherBookingId,
      created_at: new Date(change.createdAtMs),
    })
    .execute();
}

/**
 * The changed booking, which the transaction has locked: status, seats, price, refund and what was kept. `newTickets`:
 * those given out so far are good no more.
 */
export async function updateBooking(
  trx: ReadModelTransaction,
  booking: Booking,
  options: { readonly newTickets?: true } = {},
): Promise<void> {
  await trx
    .updateTable('bookings')
    .set({
      status: booking.status,
      seats: JSON.stringify(booking.seats),
      price: JSON.stringify(booking.price),
      refund: booking.refund === null ? null : JSON.stringify(booking.refund),
      kept_amount: booking.keptAmount,
      version: booking.version,
      ...(options.newTickets && { ticket_version: sql`ticket_version + 1` }),
      changed_at: new Date(booking.changedAtMs),
      updated_at: sql`now()`,
    })
    .where('id', '=', booking.id)
    .execute();
}

/** The rows of these seats go before the show has them back: the next buyer's confirmation must find none. */
export async function deleteBookedSeats(
  trx: ReadModelTransaction,
  { id, showId }: Pick<Booking, 'id' | 'showId'>,
  seatIds: readonly string[],
): Promise<void> {
  await trx
    .deleteFrom('booked_seats')
    .where('show_id', '=', showId)
    .where('booking_id', '=', id)
    .where('seat_id', '=', sql<string>`any(${seatIds}::text[])`)
    .execute();
}

/** Of a booking that the transaction has locked, so that its events stand in the order of what happened. */
export async function insertEvents(
  trx: ReadModelTransaction,
  bookingId: string,
  events: readonly NewEvent[],
): Promise<void> {
  if (events.length === 0) return;
  const rows = events.map(({ type, payload }) => ({ booking_id: bookingId, type, payload: JSON.stringify(payload) }));
  await trx.insertInto('outbox').values(rows).execute();
}

const toChange = (row: BookingChangeRow): BookingChangeRecord => ({
  id: row.id,
  bookingId: row.booking_id,
  kind: row.kind,
  requestedBy: row.requested_by,
  reason: row.reason,
  seatIds: row.seat_ids,
  seats: row.seats,
  tier: row.tier,
  refund: { amount: row.refund_amount, currency: row.currency },
  kept: { amount: row.kept_amount, currency: row.currency },
  otherBookingId: row.other_booking_id,
  createdAtMs: row.created_at.getTime(),
});
