import type { ChangeRefused, RecordedChange, TransferChange } from '../src/contracts/change-messages.ts';
import { bookingEvent } from '../src/contracts/events.ts';
import { money } from '../src/domain/money.ts';
import { findBookings } from '../src/read-model/bookings.ts';
import { BookingsUnderChange } from '../src/read-model/bookings-under-change.ts';
import type { ReadModelTransaction } from '../src/read-model/database.ts';
import { createOutboxBell } from '../src/read-model/outbox.ts';
import { insertReceiver, setOwner } from '../src/read-model/transfers.ts';
import type { ChangeActivityDeps } from './change-activities.ts';
import { awaitPurchase, inNextVersionAt, refusalToHandOver } from './confirmed-booking.ts';
import { queuedAtMs } from './server-clock.ts';

export type TransferActivities = ReturnType<typeof createTransferActivities>;

export function createTransferActivities({ db, workflows }: ChangeActivityDeps) {
  const tellRelay = createOutboxBell(db);

  return {
    /**
     * Owner, ticket, receiver's account, change and event in one transaction. Repeated: what it was the first time. A task of before
     * `askedAtMs` was told counts as asked for when it was queued.
     */
    async recordTransfer(change: TransferChange, askedAtMs = queuedAtMs()): Promise<RecordedChange | ChangeRefused> {
      const [booking] = await findBookings(db, [change.bookingId]);
      await awaitPurchase(booking, workflows);
      return db
        .transaction()
        .execute((trx) => transfer(trx, change, askedAtMs))
        .finally(tellRelay);
    },
  };
}

async function transfer(
  trx: ReadModelTransaction,
  change: TransferChange,
  askedAtMs: number,
): Promise<RecordedChange | ChangeRefused> {
  const { changeId: id, bookingId, kind, requestedBy, to } = change;
  const records = await BookingsUnderChange.lock(trx, [change]);
  const booking = records.booking(bookingId);
  if (booking && records.change(id)) return { ok: true, booking, seats: [], refunds: [] };
  const refused = refusalToHandOver(records, booking, change, 'transfer', askedAtMs);
  if (refused) return refused;
  const nowMs = Date.now();
  const given = inNextVersionAt({ ...booking!, userId: to.userId }, nowMs);
  const none = money(0, given.price.total.currency);
  const record = { id, bookingId, kind, requestedBy, reason: null, seatIds: [], seats: [], tier: null };
  records.noteChange({ ...record, refund: none, kept: none, otherBookingId: null, createdAtMs: nowMs });
  records.noteBooking(given, { newTickets: true });
  const told = { bookingId, showId: given.showId, toUserId: to.userId, fromUserId: requestedBy };
  records.noteEvents(bookingId, [bookingEvent('booking.transferred', told)]);
  await insertReceiver(trx, to, nowMs);
  await records.write(trx);
  await setOwner(trx, given);
  return { ok: true, booking: given, seats: [], refunds: [] };
}
