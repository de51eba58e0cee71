import { ApplicationFailure } from '@temporalio/activity';
import type { Refund } from '../src/contracts/booking-messages.ts';
import type {
  BookingChangeRecord,
  CancellationChange,
  ChangeRefused,
  PlannedRefund,
  RecordedChange,
  ShowCancelledChange,
} from '../src/contracts/change-messages.ts';
import { bookingEvent, type NewEvent } from '../src/contracts/events.ts';
import type { WorkflowClient } from '../src/contracts/workflow-client.ts';
import { bookingCan, type Booking } from '../src/domain/booking.ts';
import { type AppliedTier, type CancelledPart, cancelledPart, tierAt } from '../src/domain/cancellation-policy.ts';
import { money } from '../src/domain/money.ts';
import { type CategoryPrice, priceAsSold } from '../src/domain/pricing.ts';
import { lastOfEachCause, refundPlan, refundStateOf } from '../src/domain/refund-plan.ts';
import {
  deleteBookedSeats,
  findChange,
  findMoneyOfChain,
  findRefundsOfChanges,
  findShowToAttend,
  insertChange,
  insertEvents,
  lockBooking,
  updateBooking,
} from '../src/read-model/booking-changes.ts';
import { findBookings } from '../src/read-model/bookings.ts';
import type { ReadModel, ReadModelTransaction } from '../src/read-model/database.ts';
import { findPayments, findRefund, recordRefunds } from '../src/read-model/payments.ts';

export interface ChangeActivityDeps {
  readonly db: ReadModel;
  readonly workflows: Pick<WorkflowClient, 'purchaseHasEnded'>;
}

type Cancellation = CancellationChange | ShowCancelledChange;

export type ChangeActivities = ReturnType<typeof createChangeActivities>;

/** Every effect of a booking's changes on the records. Each is idempotent, by the change's id or the refund's. */
export function createChangeActivities({ db, workflows }: ChangeActivityDeps) {
  /**
   * A purchase that still runs may repeat its last steps; a seat that it finds returned would be a seat that was lost.
   * It ends as soon as a worker has time for it.
   */
  async function awaitPurchase(bookingId: string): Promise<void> {
    const [booking] = await findBookings(db, [bookingId]);
    if (booking?.status !== 'CONFIRMED' || (await workflows.purchaseHasEnded(bookingId))) return;
    throw ApplicationFailure.retryable('the purchase has not ended yet', 'PurchaseRunning');
  }

  return {
    /**
     * Cancels all seats of a booking, or those named: booking, seats, change, refunds and events in one transaction. It
     * counts as asked for at `askedAtMs`, however late it is done. Repeated: what it was the first time.
     */
    async recordCancellation(change: Cancellation, askedAtMs: number): Promise<RecordedChange | ChangeRefused> {
      await awaitPurchase(change.bookingId);
      return db.transaction().execute((trx) => cancel(trx, change, askedAtMs));
    },

    /** What is known of a refund of a change, and of the booking by it. */
    async recordChangeRefund(planned: PlannedRefund, refund: Refund): Promise<'recorded'> {
      await db.transaction().execute((trx) => noteRefund(trx, planned, refund));
      return 'recorded';
    },
  };
}

async function cancel(
  trx: ReadModelTransaction,
  change: Cancellation,
  askedAtMs: number,
): Promise<RecordedChange | ChangeRefused> {
  const booking = await lockBooking(trx, change.bookingId);
  if (!booking) return { ok: false, refusal: 'NOT_FOUND' };
  const known = await findChange(trx, change.changeId);
  if (known) return asRecorded(trx, booking, known);
  if (isDoneAlready(booking, change)) return { ok: true, booking, seats: [], refunds: [] };
  if (!bookingCan[booking.status].cancel) return { ok: false, refusal: 'BOOKING_STATE', bookingStatus: booking.status };
  const unknown = seatIdsOf(change)?.filter((id) => !booking.seats.some((seat) => seat.id === id)) ?? [];
  if (unknown.length > 0) return { ok: false, refusal: 'UNKNOWN_SEAT', seatIds: unknown };
  const show = await findShowToAttend(trx, booking.showId);
  if (!show) throw new Error(`booking ${booking.id} has no show`);
  const tier = tierAt(booking, change.kind === 'show_cancelled' ? { ...show, cancelled: change } : show, askedAtMs);
  if (!tier) return { ok: false, refusal: 'NOT_CANCELLABLE' };
  const part = cancelledPart(booking, tier, seatIdsOf(change));
  return recordCancelled(trx, change, { booking, part, tier, categories: show.categories });
}

/** All of a booking that is cancelled already: by an earlier request, or because its show was. */
const isDoneAlready = ({ status }: Booking, change: Cancellation): boolean =>
  status === 'CANCELLED' && seatIdsOf(change) === undefined;

const seatIdsOf = (change: Cancellation) => (change.kind === 'cancellation' ? change.seatIds : undefined);

interface Cancelled {
  readonly booking: Booking;
  readonly part: CancelledPart;
  readonly tier: AppliedTier;
  readonly categories: readonly CategoryPrice[];
}

async function recordCancelled(
  trx: ReadModelTransaction,
  change: Cancellation,
  { booking, part, tier, categories }: Cancelled,
): Promise<RecordedChange> {
  const nowMs = Date.now();
  const { changeId: id, bookingId, kind, requestedBy } = change;
  const reason = change.kind === 'show_cancelled' ? change.reason : null;
  const { seatIds, refund, kept } = part;
  const seats = booking.seats.filter((seat) => seatIds.includes(seat.id)).map(({ index }) => index);
  const record = { id, bookingId, kind, requestedBy, reason, seatIds, seats, tier, otherBookingId: null };
  await insertChange(trx, { ...record, refund, kept, createdAtMs: nowMs });
  await deleteBookedSeats(trx, booking, part.seatIds);
  const refunds = await planRefunds(trx, booking, change, part, nowMs);
  const cancelled = await withRefunds(trx, afterCancellation(booking, part, categories), part.refund.amount, nowMs);
  await updateBooking(trx, cancelled, { newTickets: true });
  await insertEvents(trx, bookingId, [cancelledEvent(booking, change, part), ...refunds.map(startedEvent(booking))]);
  return { ok: true, booking: cancelled, seats, refunds };
}

/** A booking that is cancelled as a whole keeps its seats and price, to be read. */
function afterCancellation(booking: Booking, part: CancelledPart, categories: readonly CategoryPrice[]): Booking {
  const keptAmount = booking.keptAmount + part.kept.amount;
  if (part.whole) return { ...booking, status: 'CANCELLED', keptAmount };
  const seats = booking.seats.filter(({ id }) => !part.seatIds.includes(id));
  const price = priceAsSold(seats, categories, part.value.currency);
  if (price.total.amount !== booking.price.total.amount - part.value.amount) {
    throw new RangeError(`what is left of booking ${booking.id} does not cost what was paid for it`);
  }
  return { ...booking, seats, price, keptAmount };
}

/** The booking in its next version, with the state of all that goes back; `further` is not in its refund yet. */
async function withRefunds(
  trx: ReadModelTransaction,
  booking: Booking,
  further: number,
  nowMs: number,
): Promise<Booking> {
  const amount = money((booking.refund?.amount.amount ?? 0) + further, booking.price.total.currency);
  const status = refundStateOf(await findRefundsOfChanges(trx, booking.id));
  const changedAtMs = Math.max(nowMs, booking.changedAtMs);
  return { ...booking, refund: { amount, status }, version: booking.version + 1, changedAtMs };
}

/** @throws RefundExceedsCaptureError when our books do not have what the price was paid with */
async function planRefunds(
  trx: ReadModelTransaction,
  booking: Booking,
  { changeId, kind }: Cancellation,
  { refund }: CancelledPart,
  nowMs: number,
): Promise<PlannedRefund[]> {
  if (refund.amount === 0) return [];
  const { payments, refunds } = await findMoneyOfChain(trx, booking);
  const captured = payments.map(({ id, amount }) => ({ paymentId: id, amount }));
  const plan = refundPlan(
    captured,
    refunds.filter(({ status }) => status !== 'FAILED'),
    refund,
  );
  const rows = plan.map(({ paymentId, amount }, index) => ({
    id: refundIdOf(changeId, index),
    paymentId,
    bookingId: booking.id,
    amount,
    status: 'PENDING' as const,
    providerReference: null,
    changeId,
    createdAtMs: nowMs,
    updatedAtMs: nowMs,
  }));
  await recordRefunds(trx, rows);
  return plannedRefunds(trx, rows, kind);
}

/** `ref_…` as the change, and a number behind it for each further payment. */
const refundIdOf = (changeId: string, index: number): string =>
  changeId.replace(/^chg_/, 'ref_') + (index === 0 ? '' : `-${index + 1}`);

/** A repeat goes on with what is left to be done. */
async function asRecorded(
  trx: ReadModelTransaction,
  booking: Booking,
  { id: changeId, kind, seats }: BookingChangeRecord,
): Promise<RecordedChange> {
  const rows = (await findRefundsOfChanges(trx, booking.id)).filter((refund) => refund.changeId === changeId);
  const refunds = await plannedRefunds(trx, lastOfEachCause(rows), kind);
  return { ok: true, booking, seats, refunds };
}

type RefundRow = Awaited<ReturnType<typeof findRefundsOfChanges>>[number];

async function plannedRefunds(
  trx: ReadModelTransaction,
  rows: readonly RefundRow[],
  cause: PlannedRefund['cause'],
): Promise<PlannedRefund[]> {
  const payments = await findPayments(
    trx,
    rows.map(({ paymentId }) => paymentId),
  );
  return rows.map(({ id, changeId, bookingId, amount, status, paymentId }) => {
    const payment = payments.find((each) => each.id === paymentId);
    if (!payment?.provider || !payment.providerReference) throw new Error(`payment ${paymentId} has no provider`);
    const { provider, providerReference } = payment;
    const of = {
      attemptId: paymentId,
      bookingId: payment.bookingId,
      amount: payment.amount,
      provider,
      providerReference,
    };
    return { id, changeId: changeId!, cause, bookingId, amount, status, payment: of };
  });
}

async function noteRefund(trx: ReadModelTransaction, planned: PlannedRefund, refund: Refund): Promise<void> {
  const booking = await lockBooking(trx, planned.bookingId);
  if (!booking) throw new Error(`refund ${refund.id} has no booking`);
  const before = await findRefund(trx, refund.id);
  const nowMs = Date.now();
  const { id, amount, status, providerReference, attemptId: paymentId } = refund;
  const { bookingId, changeId } = planned;
  const row = { id, paymentId, bookingId, amount, status, providerReference, changeId };
  await recordRefunds(trx, [{ ...row, createdAtMs: nowMs, updatedAtMs: nowMs }]);
  // A refund that has succeeded stays so.
  if (before?.status === status || before?.status === 'SUCCEEDED') return;
  await updateBooking(trx, await withRefunds(trx, booking, 0, nowMs));
  await insertEvents(trx, bookingId, [refundEvent(booking, { ...planned, id, amount }, status)]);
}

function cancelledEvent({ id, showId }: Booking, change: Cancellation, part: CancelledPart): NewEvent {
  const { seatIds, refund, kept, whole } = part;
  const by = change.kind === 'show_cancelled' ? 'staff' : 'buyer';
  return bookingEvent('booking.cancelled', { bookingId: id, showId, seatIds: [...seatIds], refund, kept, whole, by });
}

const startedEvent =
  (booking: Booking) =>
  (refund: PlannedRefund): NewEvent =>
    refundEvent(booking, refund, 'PENDING');

const refundEvents = { PENDING: 'refund.started', SUCCEEDED: 'refund.succeeded', FAILED: 'refund.failed' } as const;

const refundEvent = (
  { id: bookingId, showId }: Booking,
  { id: refundId, amount, cause: reason }: Pick<PlannedRefund, 'id' | 'amount' | 'cause'>,
  status: keyof typeof refundEvents,
): NewEvent => bookingEvent(refundEvents[status], { bookingId, showId, refundId, amount, reason });
