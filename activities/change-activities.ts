import type { Refund } from '../src/contracts/booking-messages.ts';
import type {
  BookingChange,
  BookingChangeRecord,
  CancellationChange,
  ChangeRefused,
  PlannedRefund,
  RecordedChange,
  ShowCancelledChange,
} from '../src/contracts/change-messages.ts';
import { bookingEvent, type NewEvent } from '../src/contracts/events.ts';
import { refundEvent } from '../src/contracts/refund-events.ts';
import type { WorkflowClient } from '../src/contracts/workflow-client.ts';
import { bookingCan, type Booking } from '../src/domain/booking.ts';
import { type AppliedTier, type CancelledPart, cancelledPart, tierAt } from '../src/domain/cancellation-policy.ts';
import { money } from '../src/domain/money.ts';
import { type CategoryPrice, type PriceLine, priceAsSold } from '../src/domain/pricing.ts';
import { lastOfEachCause, refundPlan, refundStateOf } from '../src/domain/refund-plan.ts';
import { BookingsUnderChange, type ChangeToMake } from '../src/read-model/bookings-under-change.ts';
import { findBookings } from '../src/read-model/bookings.ts';
import { coalesce } from '../src/read-model/coalesce.ts';
import type { ReadModel } from '../src/read-model/database.ts';
import { createOutboxBell } from '../src/read-model/outbox.ts';
import type { Refund as RefundRow } from '../src/read-model/payments.ts';
import { awaitPurchase } from './confirmed-booking.ts';

/** One transaction's worth, of some tens of milliseconds, and as many waiting as the worker has slots for activities. */
const CHANGE_LIMITS = { maxBatch: 50, maxQueued: 2_000 };

export interface ChangeActivityDeps {
  readonly db: ReadModel;
  readonly workflows: Pick<WorkflowClient, 'purchaseHasEnded'>;
}

type Cancellation = CancellationChange | ShowCancelledChange;

export type ChangeActivities = ReturnType<typeof createChangeActivities>;

/** Every effect of a booking's changes on the records. Each is idempotent, by the change's id or the refund's. */
export function createChangeActivities({ db, workflows }: ChangeActivityDeps) {
  const tellRelay = createOutboxBell(db);
  const told = <Value>(written: Promise<Value>): Promise<Value> => written.finally(tellRelay);
  const find = coalesce((ids: readonly string[]) => findBookings(db, ids), CHANGE_LIMITS);
  const cancelTogether = coalesce(
    (asked: readonly AskedCancellation[]) => told(together(db, asked, ({ change }) => change, cancel)),
    CHANGE_LIMITS,
  );
  const noteTogether = coalesce(
    (known: readonly KnownRefund[]) => told(together(db, known, ({ planned }) => planned, noteRefund)),
    CHANGE_LIMITS,
  );

  return {
    /**
     * Cancels all seats of a booking, or those named: booking, seats, change, refunds and events in one transaction. It
     * counts as asked for at `askedAtMs`, however late it is done. Repeated: what it was the first time.
     */
    async recordCancellation(change: Cancellation, askedAtMs: number): Promise<RecordedChange | ChangeRefused> {
      await awaitPurchase(await find(change.bookingId), workflows);
      return valueOf(await cancelTogether({ change, askedAtMs }));
    },

    /** What is known of a refund of a change, and of the booking by it. */
    async recordChangeRefund(planned: PlannedRefund, refund: Refund): Promise<'recorded'> {
      return valueOf(await noteTogether({ planned, refund }));
    },
  };
}

interface AskedCancellation {
  readonly change: Cancellation;
  readonly askedAtMs: number;
}

interface KnownRefund {
  readonly planned: PlannedRefund;
  readonly refund: Refund;
}

type Outcome<Value> = { readonly value: Value } | { readonly error: unknown };

function valueOf<Value>(outcome: Outcome<Value>): Value {
  if ('error' in outcome) throw outcome.error;
  return outcome.value;
}

/**
 * Decides all that is asked, and writes what was decided: one transaction for as many bookings as come at the same time. What
 * can't be decided writes nothing and keeps nobody else from it.
 */
async function together<Asked, Value>(
  db: ReadModel,
  asked: readonly Asked[],
  changeOf: (each: Asked) => ChangeToMake,
  decide: (records: BookingsUnderChange, each: Asked) => Value,
): Promise<Outcome<Value>[]> {
  const outcomes = new Map<Asked, Outcome<Value>>();
  for (const round of withEachBookingOnce(asked, changeOf)) {
    await db.transaction().execute(async (trx) => {
      const records = await BookingsUnderChange.lock(trx, round.map(changeOf));
      for (const each of round)
        outcomes.set(
          each,
          outcomeOf(() => decide(records, each)),
        );
      await records.write(trx);
    });
  }
  return asked.map((each) => outcomes.get(each)!);
}

function outcomeOf<Value>(decide: () => Value): Outcome<Value> {
  try {
    return { value: decide() };
  } catch (error) {
    return { error };
  }
}

/** A worker that stood still may ask for a change that another try of the same step asks for. */
function withEachBookingOnce<Asked>(asked: readonly Asked[], changeOf: (each: Asked) => ChangeToMake): Asked[][] {
  const rounds: Asked[][] = [];
  const seen = new Map<string, number>();
  for (const each of asked) {
    const { bookingId } = changeOf(each);
    const round = seen.get(bookingId) ?? 0;
    seen.set(bookingId, round + 1);
    (rounds[round] ??= []).push(each);
  }
  return rounds;
}

function cancel(
  records: BookingsUnderChange,
  { change, askedAtMs }: AskedCancellation,
): RecordedChange | ChangeRefused {
  const booking = records.booking(change.bookingId);
  if (!booking) return { ok: false, refusal: 'NOT_FOUND' };
  const known = records.change(change.changeId);
  if (known) return asRecorded(records, booking, known);
  // Somebody has it now to whom it was given after the request was looked at.
  if (change.kind === 'cancellation' && booking.userId !== change.requestedBy)
    return { ok: false, refusal: 'NOT_FOUND' };
  if (isDoneAlready(booking, change)) return { ok: true, booking, seats: [], refunds: [] };
  if (!bookingCan[booking.status].cancel) return { ok: false, refusal: 'BOOKING_STATE', bookingStatus: booking.status };
  const unknown = seatIdsOf(change)?.filter((id) => !booking.seats.some((seat) => seat.id === id)) ?? [];
  if (unknown.length > 0) return { ok: false, refusal: 'UNKNOWN_SEAT', seatIds: unknown };
  const show = records.show(booking);
  if (!show) throw new Error(`booking ${booking.id} has no show`);
  const tier = tierAt(booking, change.kind === 'show_cancelled' ? { ...show, cancelled: change } : show, askedAtMs);
  if (!tier) return { ok: false, refusal: 'NOT_CANCELLABLE' };
  const part = cancelledPart(booking, tier, seatIdsOf(change));
  return recordCancelled(records, change, { booking, part, tier, categories: show.categories });
}

/** All of a booking that is cancelled already: by an earlier request, or because its show was. */
const isDoneAlready = ({ status }: Booking, change: Cancellation): boolean =>
  status === 'CANCELLED' && seatIdsOf(change) === undefined;

const seatIdsOf = (change: Cancellation) => (change.kind === 'cancellation' ? change.seatIds : undefined);

interface Cancelled {
  readonly booking: Booking;
  readonly part: CancelledPart<PriceLine>;
  readonly tier: AppliedTier;
  readonly categories: readonly CategoryPrice[];
}

function recordCancelled(
  records: BookingsUnderChange,
  change: Cancellation,
  { booking, part, tier, categories }: Cancelled,
): RecordedChange {
  const nowMs = Date.now();
  const { changeId: id, bookingId, kind, requestedBy } = change;
  const reason = change.kind === 'show_cancelled' ? change.reason : null;
  const { seatIds, refund, kept } = part;
  const seats = booking.seats.filter((seat) => seatIds.includes(seat.id)).map(({ index }) => index);
  const rows = refundRows(records, booking, change, part, nowMs);
  const refunds = plannedRefunds(records, rows, kind);
  const left = afterCancellation(booking, part, categories);
  // From here on nothing can fail: what is noted is all of it.
  const record = { id, bookingId, kind, requestedBy, reason, seatIds, seats, tier, otherBookingId: null };
  records.noteChange({ ...record, refund, kept, createdAtMs: nowMs });
  records.noteSeatsBack(booking, seatIds);
  for (const row of rows) records.noteRefund(row);
  const cancelled = withRefunds(records, left, refund.amount, nowMs);
  records.noteBooking(cancelled, { newTickets: true });
  records.noteEvents(bookingId, [cancelledEvent(booking, change, part), ...refunds.map(startedEvent(booking))]);
  return { ok: true, booking: cancelled, seats, refunds };
}

/** A booking that is cancelled as a whole keeps its seats and price, to be read. */
function afterCancellation(
  booking: Booking,
  part: CancelledPart<PriceLine>,
  categories: readonly CategoryPrice[],
): Booking {
  const keptAmount = booking.keptAmount + part.kept.amount;
  if (part.whole) return { ...booking, status: 'CANCELLED', keptAmount };
  const seats = booking.seats.filter(({ id }) => !part.seatIds.includes(id));
  const price = priceAsSold(seats, categories, part.linesLeft, part.value.currency);
  return { ...booking, seats, price, keptAmount };
}

/** The booking in its next version, with the state of all that goes back; `further` is not in its refund yet. */
export function withRefunds(records: BookingsUnderChange, booking: Booking, further: number, nowMs: number): Booking {
  const amount = money((booking.refund?.amount.amount ?? 0) + further, booking.price.total.currency);
  const status = refundStateOf(records.refundsOfChanges(booking.id));
  const changedAtMs = Math.max(nowMs, booking.changedAtMs);
  return { ...booking, refund: { amount, status }, version: booking.version + 1, changedAtMs };
}

/** @throws RefundExceedsCaptureError when our books do not have what the price was paid with */
export function refundRows(
  records: BookingsUnderChange,
  booking: Booking,
  { changeId }: Pick<BookingChange, 'changeId'>,
  { refund }: Pick<CancelledPart, 'refund'>,
  nowMs: number,
): RefundRow[] {
  if (refund.amount === 0) return [];
  const payments = records.paymentsOf(booking);
  const captured = payments.map(({ id, amount }) => ({ paymentId: id, amount }));
  const refunded = records.refundsOfPayments(payments).filter(({ status }) => status !== 'FAILED');
  return refundPlan(captured, refunded, refund).map(({ paymentId, amount }, index) => ({
    id: refundIdOf(changeId, index),
    paymentId,
    bookingId: booking.id,
    amount,
    status: 'PENDING',
    providerReference: null,
    changeId,
    createdAtMs: nowMs,
    updatedAtMs: nowMs,
  }));
}

/** `ref_…` as the change, and a number behind it for each further payment. */
const refundIdOf = (changeId: string, index: number): string =>
  changeId.replace(/^chg_/, 'ref_') + (index === 0 ? '' : `-${index + 1}`);

/** A repeat goes on with what is left to be done. */
export function asRecorded(
  records: BookingsUnderChange,
  booking: Booking,
  { id: changeId, kind, seats }: BookingChangeRecord,
): RecordedChange {
  const rows = records.refundsOfChanges(booking.id).filter((refund) => refund.changeId === changeId);
  return { ok: true, booking, seats, refunds: plannedRefunds(records, lastOfEachCause(rows), kind) };
}

export function plannedRefunds(
  records: BookingsUnderChange,
  rows: readonly RefundRow[],
  cause: PlannedRefund['cause'],
): PlannedRefund[] {
  return rows.map(({ id, changeId, bookingId, amount, status, paymentId }) => {
    const payment = records.payment(paymentId);
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

function noteRefund(records: BookingsUnderChange, { planned, refund }: KnownRefund): 'recorded' {
  const booking = records.booking(planned.bookingId);
  if (!booking) throw new Error(`refund ${refund.id} has no booking`);
  const before = records.refund(refund.id);
  const nowMs = Date.now();
  const { id, amount, status, providerReference, attemptId: paymentId } = refund;
  const { bookingId, changeId } = planned;
  const row = { id, paymentId, bookingId, amount, status, providerReference, changeId };
  // A refund that has succeeded stays so; one that has failed is followed by another one, and is not under way any more.
  if (before?.status === 'SUCCEEDED' || (before?.status === 'FAILED' && status === 'PENDING')) return 'recorded';
  records.noteRefund({ ...row, createdAtMs: before?.createdAtMs ?? nowMs, updatedAtMs: nowMs });
  if (refund.nothingCaptured) records.noteNothingCaptured(id);
  if (before?.status === status) return 'recorded';
  records.noteBooking(withRefunds(records, booking, 0, nowMs));
  records.noteEvents(bookingId, [refundEvent(ofBooking(booking, { id, amount, status }), planned.cause)]);
  return 'recorded';
}

function cancelledEvent({ id, showId }: Booking, change: Cancellation, part: CancelledPart): NewEvent {
  const { seatIds, refund, kept, whole } = part;
  const by = change.kind === 'show_cancelled' ? 'staff' : 'buyer';
  return bookingEvent('booking.cancelled', { bookingId: id, showId, seatIds: [...seatIds], refund, kept, whole, by });
}

export const startedEvent =
  (booking: Booking) =>
  (refund: PlannedRefund): NewEvent =>
    refundEvent(ofBooking(booking, { ...refund, status: 'PENDING' }), refund.cause);

const ofBooking = (
  { id: bookingId, showId }: Booking,
  { id, amount, status }: Pick<RefundRow, 'id' | 'amount' | 'status'>,
) => ({ bookingId, showId, id, amount, status });
