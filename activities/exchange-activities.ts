import { log } from '@temporalio/activity';
import type {
  BookingChangeRecord,
  ChangeRefused,
  ExchangeChange,
  ExchangeRefused,
  RecordedChange,
} from '../src/contracts/change-messages.ts';
import { bookingEvent } from '../src/contracts/events.ts';
import { ShowNotRunningError } from '../src/contracts/workflow-client.ts';
import { asMade, type Booking, bookingCan, PAYMENT_ATTEMPTS_MAX } from '../src/domain/booking.ts';
import type { PaymentAttempt } from '../src/domain/booking-process.ts';
import {
  type AppliedTier,
  cappedPolicy,
  defaultCancellationPolicy,
  refundOf,
  tierAt,
} from '../src/domain/cancellation-policy.ts';
import { isSameMoney, type Money, money } from '../src/domain/money.ts';
import type { SeatCommand, SeatCommandResult } from '../src/domain/seat-commands.ts';
import { findChange } from '../src/read-model/booking-changes.ts';
import { recordBookingStates } from '../src/read-model/booking-records.ts';
import { findBookings } from '../src/read-model/bookings.ts';
import { BookingsUnderChange } from '../src/read-model/bookings-under-change.ts';
import type { ReadModel, ReadModelTransaction } from '../src/read-model/database.ts';
import { SeatAlreadyBookedError } from '../src/read-model/errors.ts';
import {
  confirmExchange,
  countDeclinedExchanges,
  findBuyingAttempt,
  insertExchange,
} from '../src/read-model/exchanges.ts';
import { createOutboxBell } from '../src/read-model/outbox.ts';
import { findPaymentsOfBooking, insertPaymentAttempts, recordPayments } from '../src/read-model/payments.ts';
import { paymentRow } from './booking-activities.ts';
import {
  asRecorded,
  type ChangeActivityDeps,
  plannedRefunds,
  refundRows,
  startedEvent,
  withRefunds,
} from './change-activities.ts';
import { awaitPurchase, inNextVersionAt, refusalToHandOver } from './confirmed-booking.ts';
import { queuedAtMs } from './server-clock.ts';

export interface ExchangeActivityDeps extends ChangeActivityDeps {
  readonly sendSeatCommand: (showId: string, command: SeatCommand) => Promise<SeatCommandResult>;
}

/** What the records say of an exchange before anything is done for it. */
export type ExchangeBefore =
  | { readonly kind: 'new'; readonly from: Booking }
  /** Its seats were granted before, and its row is there: how far it came is known to show and provider. */
  | { readonly kind: 'begun'; readonly from: Booking; readonly booking: Booking }
  | { readonly kind: 'recorded'; readonly recorded: RecordedChange }
  | { readonly kind: 'refused'; readonly refused: ChangeRefused | ExchangeRefused };

export type OpenedExchange = { readonly ok: true; readonly booking: Booking } | ChangeRefused | ExchangeRefused;

export type ExchangeActivities = ReturnType<typeof createExchangeActivities>;

/** Every effect of exchanges, besides those of any purchase. Each is idempotent, by the change's id. */
export function createExchangeActivities({ db, workflows, ...deps }: ExchangeActivityDeps) {
  const tellRelay = createOutboxBell(db);
  async function sendSeatCommand(showId: string, command: SeatCommand): Promise<SeatCommandResult> {
    try {
      return await deps.sendSeatCommand(showId, command);
    } catch (error) {
      // It has ended.
      if (error instanceof ShowNotRunningError) return { ok: false, refusal: 'SALES_CLOSED' };
      throw error;
    }
  }

  return {
    /** Whether it has been done, or has come to nothing, by an earlier run; and the booking as it is. */
    async findExchange({ changeId, bookingId, to }: ExchangeChange): Promise<ExchangeBefore> {
      const [from, other] = await findBookings(db, [bookingId, to.id]);
      await awaitPurchase(from, workflows);
      const known = await findChange(db, changeId);
      if (!from) return { kind: 'refused', refused: { ok: false, refusal: 'NOT_FOUND' } };
      if (known) return { kind: 'recorded', recorded: await recordedBefore(db, known, to.id) };
      if (!other) return { kind: 'new', from };
      if (other.status === 'PAYMENT_PENDING') return { kind: 'begun', from, booking: other };
      return { kind: 'refused', refused: await asFailed(db, other) };
    },

    /** Those of the new seats that are to be held, for so long; `givenUp`: those of the old ones that go, of the same show. */
    async holdSeats(
      { bookingId, to }: ExchangeChange,
      seats: readonly number[],
      givenUp: readonly number[],
      ttlMs: number,
    ): Promise<SeatCommandResult> {
      const result = await sendSeatCommand(to.showId, {
        kind: 'hold',
        bookingId: to.id,
        fingerprint: to.fingerprint,
        buyerId: to.userId,
        ttlMs,
        pick: { seats },
        ...(givenUp.length > 0 && { insteadOf: { bookingId, seats: givenUp } }),
      });
      if (result.ok || result.refusal !== 'SEAT_UNAVAILABLE') return result;
      // What else the show told with it is of no use in a history.
      const { ok, refusal, conflicts } = result;
      return { ok, refusal, conflicts };
    },

    /** The pivot within one show. `back`: undone. */
    exchangeSeats: (
      from: Pick<Booking, 'id'>,
      to: Pick<Booking, 'id' | 'showId' | 'userId' | 'seats'>,
      back?: true,
    ): Promise<SeatCommandResult> =>
      sendSeatCommand(to.showId, {
        kind: 'exchange',
        fromBookingId: from.id,
        bookingId: to.id,
        buyerId: to.userId,
        seats: to.seats.map(({ index }) => index),
        ...(back && { back }),
      }),

    /** The new booking's row and its payment's, before anything is charged: from now on whoever finds money knows whose. */
    openExchange: (change: ExchangeChange, times: Pick<Booking, 'heldAtMs' | 'expiresAtMs'>): Promise<OpenedExchange> =>
      db.transaction().execute((trx) => open(trx, change, times)),

    /** Old and new booking, seats, change, payment, refunds and events in one transaction. */
    async recordExchange(
      change: ExchangeChange,
      attempt: PaymentAttempt | null,
    ): Promise<RecordedChange | ChangeRefused | { readonly ok: false; readonly refusal: 'SEAT_TAKEN' }> {
      try {
        const recorded = await db.transaction().execute((trx) => exchange(trx, change, attempt));
        tellRelay();
        return recorded;
      } catch (error) {
        if (!(error instanceof SeatAlreadyBookedError)) throw error;
        log.error('a seat would have been sold twice', { alert: 'second_line_fired', bookingId: change.to.id });
        return { ok: false, refusal: 'SEAT_TAKEN' };
      }
    },

    /** It came to nothing. `isToBeTold`: the buyer was told that it waits for the payment. */
    async recordFailedExchange(
      booking: Booking,
      attempt: PaymentAttempt | null,
      isToBeTold: boolean,
    ): Promise<'recorded'> {
      const payment = attempt === null ? undefined : paymentRow(booking.id, attempt);
      const { id: bookingId, showId } = booking;
      const outbox = isToBeTold ? [bookingEvent('booking.failed', { bookingId, showId })] : undefined;
      await recordBookingStates(db, [{ booking, payment, outbox }]);
      if (outbox) tellRelay();
      return 'recorded';
    },
  };
}

async function recordedBefore(db: ReadModel, known: BookingChangeRecord, otherId: string): Promise<RecordedChange> {
  const { id: changeId, bookingId } = known;
  const asked = [
    { changeId, bookingId },
    { changeId, bookingId: otherId },
  ];
  const records = await db.transaction().execute((trx) => BookingsUnderChange.lock(trx, asked));
  return { ...asRecorded(records, records.booking(bookingId)!, known), other: records.booking(otherId)! };
}

const holdExpired: ExchangeRefused = {
  ok: false,
  refusal: 'SEATS_REFUSED',
  seats: { ok: false, refusal: 'HOLD_EXPIRED' },
};

/** As its payment tells: an exchange is not tried again under the same id. */
async function asFailed(db: ReadModel, { id, payment }: Booking): Promise<ExchangeRefused> {
  if (payment === null) return holdExpired;
  const [attempt] = (await findPaymentsOfBooking(db, id)).attempts;
  switch (attempt?.status) {
    case 'DECLINED':
      return { ok: false, refusal: 'PAYMENT_DECLINED', reason: attempt.failureReason ?? 'declined' };
    case 'SUCCEEDED':
      return { ok: false, refusal: 'GIVEN_BACK' };
    case 'FAILED':
      return { ok: false, refusal: 'PAYMENT_UNAVAILABLE' };
    default:
      return { ok: false, refusal: 'OUTCOME_UNKNOWN' };
  }
}

async function open(
  trx: ReadModelTransaction,
  change: ExchangeChange,
  times: Pick<Booking, 'heldAtMs' | 'expiresAtMs'>,
): Promise<OpenedExchange> {
  const records = await BookingsUnderChange.lock(trx, [change]);
  const from = records.booking(change.bookingId);
  const [opened] = await findBookings(trx, [change.to.id]);
  if (opened?.status === 'PAYMENT_PENDING') return { ok: true, booking: opened };
  // Its hold may have been granted in time, and no worker have been there until the show had begun.
  const atMs = Math.max(times.heldAtMs, queuedAtMs());
  const refused = refusalToHandOver(records, from, change, 'exchange', atMs) ?? refusedPrice(from!, change.price);
  if (refused) return refused;
  const tier = tierAt(from!, records.show(from!)!, times.heldAtMs)!;
  const { to, payment } = change;
  // Not a way to try out stolen cards, no more than a purchase is.
  if (payment && (await countDeclinedExchanges(trx, from!.chainId)) >= PAYMENT_ATTEMPTS_MAX) {
    return { ok: false, refusal: 'BOOKING_STATE', bookingStatus: from!.status };
  }
  const booking: Booking = {
    ...asMade({ ...to, ...times, exchangeOf: from!.id, ...policyOf(to, tier) }),
    status: 'PAYMENT_PENDING',
    chainId: from!.chainId,
    payment: payment ? { status: 'PENDING' } : null,
  };
  await insertExchange(trx, booking);
  if (payment) {
    const { attemptId: id, amount, method } = payment;
    const attempt = { id, bookingId: to.id, amount, method, fingerprint: to.fingerprint };
    await insertPaymentAttempts(trx, [{ ...attempt, createdAtMs: times.heldAtMs }]);
  }
  return { ok: true, booking };
}

const policyOf = (
  { cancellationPolicy = defaultCancellationPolicy }: ExchangeChange['to'],
  tier: AppliedTier,
): Pick<Booking, 'cancellationPolicy'> =>
  tier.refundPercent === 100 ? {} : { cancellationPolicy: cappedPolicy(cancellationPolicy, tier) };

const refusedPrice = ({ price }: Booking, asked: Money): ChangeRefused | null =>
  isSameMoney(price.total, asked) ? null : { ok: false, refusal: 'CHANGE_IN_PROGRESS' };

async function exchange(
  trx: ReadModelTransaction,
  change: ExchangeChange,
  attempt: PaymentAttempt | null,
): Promise<RecordedChange | ChangeRefused> {
  const records = await BookingsUnderChange.lock(trx, [change, { ...change, bookingId: change.to.id }]);
  const [from, to] = [records.booking(change.bookingId), records.booking(change.to.id)];
  if (!from || !to) throw new Error(`exchange ${change.changeId} lacks a row`);
  const known = records.change(change.changeId);
  if (known) return { ...asRecorded(records, from, known), other: to };
  if (!bookingCan[from.status].exchange || to.status !== 'PAYMENT_PENDING') {
    return { ok: false, refusal: 'BOOKING_STATE', bookingStatus: from.status };
  }
  const nowMs = Date.now();
  const { booking, refunds } = noteExchange(records, change, { from, to }, nowMs);
  await records.write(trx);
  if (attempt) await recordPayments(trx, [paymentRow(to.id, attempt)]);
  const paidBy = attempt?.id ?? (await findBuyingAttempt(trx, from.id));
  const other = await confirmExchange(trx, { ...to, changedAtMs: nowMs }, paidBy!);
  return { ok: true, booking, other, seats: [], refunds };
}

/** The old booking keeps its seats and price, to be read. */
function noteExchange(
  records: BookingsUnderChange,
  change: ExchangeChange,
  { from, to }: { readonly from: Booking; readonly to: Booking },
  nowMs: number,
): Pick<RecordedChange, 'booking' | 'refunds'> {
  const { currency } = from.price.total;
  const difference = money(to.price.total.amount - from.price.total.amount, currency);
  const saved = money(Math.max(-difference.amount, 0), currency);
  const tier = tierOf(records, from, to);
  const refund = refundOf(saved, tier);
  const kept = money(saved.amount - refund.amount, currency);
  const rows = refundRows(records, from, change, { refund }, nowMs);
  const refunds = plannedRefunds(records, rows, change.kind);
  records.noteChange({ ...recordOf(change, from, nowMs), tier, refund, kept });
  records.noteSeatsBack(
    from,
    from.seats.map(({ id }) => id),
  );
  for (const row of rows) records.noteRefund(row);
  const moved: Booking = { ...from, status: 'EXCHANGED', keptAmount: from.keptAmount + kept.amount };
  const booking = rows.length > 0 ? withRefunds(records, moved, refund.amount, nowMs) : inNextVersionAt(moved, nowMs);
  records.noteBooking(booking, { newTickets: true });
  const told = { bookingId: from.id, showId: from.showId, otherBookingId: to.id, difference };
  records.noteEvents(from.id, [
    bookingEvent('booking.exchanged', { ...told, refund: rows.length > 0 ? refund : null }),
    ...refunds.map(startedEvent(booking)),
  ]);
  records.noteEvents(to.id, [bookingEvent('booking.confirmed', { bookingId: to.id, showId: to.showId })]);
  return { booking, refunds };
}

/** As it was when the new seats were held, however long their payment takes; if staff has done better meanwhile, that. */
function tierOf(records: BookingsUnderChange, from: Booking, { heldAtMs }: Booking): AppliedTier {
  const none: AppliedTier = { refundPercent: 0, hoursBefore: null, because: 'policy' };
  return tierAt(from, records.show(from)!, heldAtMs) ?? none;
}

const recordOf = (
  { changeId: id, bookingId, kind, requestedBy, to }: ExchangeChange,
  { seats }: Booking,
  createdAtMs: number,
) => ({
  id,
  bookingId,
  kind,
  requestedBy,
  reason: null,
  seatIds: seats.map((seat) => seat.id),
  seats: seats.map(({ index }) => index),
  otherBookingId: to.id,
  createdAtMs,
});
