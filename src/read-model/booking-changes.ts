import { type Insertable, sql } from 'kysely';
import type { BookingChangeRecord } from '../contracts/change-messages.ts';
import type { ShowToAttend } from '../domain/cancellation-policy.ts';
import type { CategoryPrice } from '../domain/pricing.ts';
import type { ReadModel } from './database.ts';
import type { BookingChangeRow, BookingChangesTable, ShowRow } from './tables.ts';

/** What a cancellation has to know of its show at the moment it is asked for. */
export interface ShowOfBooking extends ShowToAttend {
  readonly categories: readonly CategoryPrice[];
}

/** Null if there is no such show. */
export async function findShowToAttend(db: ReadModel, showId: string): Promise<ShowOfBooking | null> {
  return (await findShowsToAttend(db, [showId])).get(showId) ?? null;
}

/** The same of several; shows that are not there are left out. */
export async function findShowsToAttend(
  db: ReadModel,
  showIds: readonly string[],
): Promise<Map<string, ShowOfBooking>> {
  const rows = await db
    .selectFrom('shows')
    .select(['id', 'starts_at', 'categories', 'cancelled_at', 'moved_at', 'full_refund_until'])
    .where('id', '=', sql<string>`any(${showIds}::text[])`)
    .execute();
  return new Map(rows.map((row) => [row.id, toShowOfBooking(row)]));
}

type ShowOfBookingRow = Pick<ShowRow, 'starts_at' | 'categories' | 'cancelled_at' | 'moved_at' | 'full_refund_until'>;

function toShowOfBooking(row: ShowOfBookingRow): ShowOfBooking {
  const { moved_at: movedAt, full_refund_until: until, cancelled_at: cancelledAt } = row;
  return {
    startsAtMs: row.starts_at.getTime(),
    moved: movedAt && until && { atMs: movedAt.getTime(), fullRefundUntilMs: until.getTime() },
    cancelled: cancelledAt,
    categories: row.categories,
  };
}

/** Null if there is none of that id. */
export async function findChange(db: ReadModel, changeId: string): Promise<BookingChangeRecord | null> {
  const row = await db.selectFrom('booking_changes').selectAll().where('id', '=', changeId).executeTakeFirst();
  return row === undefined ? null : toChange(row);
}

export const changeRow = (change: BookingChangeRecord): Insertable<BookingChangesTable> => ({
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
});

export const toChange = (row: BookingChangeRow): BookingChangeRecord => ({
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
