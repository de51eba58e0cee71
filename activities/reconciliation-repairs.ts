import { log } from '@temporalio/activity';
import type { BookingChangeRecord } from '../src/contracts/change-messages.ts';
import { bookingEvent } from '../src/contracts/events.ts';
import type { RefundOutcome } from '../src/contracts/payments.ts';
import { ShowNotRunningError, type WorkflowClient } from '../src/contracts/workflow-client.ts';
import { type Booking, hasLiveHold } from '../src/domain/booking.ts';
import { isSameMoney } from '../src/domain/money.ts';
import { type Difference, differenceClasses, type JudgedBefore, type Repair } from '../src/domain/reconciliation.ts';
import type { SeatCommand, SeatCommandResult } from '../src/domain/seat-commands.ts';
import { findChange } from '../src/read-model/booking-changes.ts';
import { recordBookingStates } from '../src/read-model/booking-records.ts';
import { findBookings } from '../src/read-model/bookings.ts';
import { findPayment, findRefund, type Payment, type Refund } from '../src/read-model/payments.ts';
import {
  deleteOrphanRows,
  insertMissingRows,
  refundHasFailed,
  replaceStoredMap,
  resendGivenUp,
} from '../src/read-model/reconciliation.ts';
import { type Evidence, type EvidenceDeps, unsentEventOf } from './reconciliation-evidence.ts';

export interface RepairDeps extends EvidenceDeps {
  readonly workflows: Pick<WorkflowClient, 'notifyPayment' | 'seatCommand' | 'resumeChange'>;
  /** Looks at one attempt as the sweep does; true once its outcome is known. */
  readonly sweepAttempt: (attemptId: string) => Promise<boolean>;
}

/**
 * What brings about the one right answer, through whoever owns it: the booking's workflows, its show, the sweep. Only what
 * the read model alone lacks is written there. Each is idempotent; the difference is looked for anew right before.
 */
export class Repairs {
  readonly #deps: RepairDeps;
  readonly #evidence: Evidence;

  constructor(deps: RepairDeps, evidence: Evidence) {
    this.#deps = deps;
    this.#evidence = evidence;
  }

  /**
   * In words what was done, or null: nothing, for it is gone, is being changed, or needs a person.
   * @throws NoEvidenceError, and whatever the actors answer who are asked
   */
  async act(known: Difference, before: JudgedBefore): Promise<string | null> {
    const { repair } = differenceClasses[known.kind];
    if (repair === null || known.needsPerson) return null;
    const current = await this.#evidence.again(known, before);
    if (current === null || current.needsPerson) return null;
    log.info('reconciliation acts', { difference: current.kind, subject: current.subject, repair });
    return this.#repairs[repair](current);
  }

  readonly #repairs: Readonly<Record<Repair, (difference: Difference) => Promise<string | null>>> = {
    late_payment: (difference) => this.#settleLate(difference),
    sweep: async ({ attemptId }) =>
      (await this.#deps.sweepAttempt(attemptId!)) ? 'the provider was asked, and the attempt has an outcome' : null,
    refund: (difference) => this.#refund(difference),
    end_booking: (difference) => this.#endBooking(difference),
    release_hold: ({ showId, bookingId }) =>
      this.#askShow(showId!, { kind: 'release', bookingId: bookingId! }, 'the show has released the hold'),
    return_seats: ({ showId, bookingId, seats }) =>
      this.#askShow(showId!, { kind: 'return', bookingId: bookingId!, seats }, 'the show has the seats back'),
    delete_seat_rows: async ({ showId, bookingId }) =>
      (await deleteOrphanRows(this.#deps.db, showId!, bookingId!)) > 0 ? 'the rows were deleted' : null,
    insert_seat_rows: async ({ bookingId }) =>
      (await insertMissingRows(this.#deps.db, bookingId!)) > 0 ? 'the rows were written' : null,
    confirm_seats: (difference) => this.#confirmSeats(difference),
    project_map: (difference) => this.#projectMap(difference),
    resend: async (unsent) => {
      const { queue, eventId } = unsentEventOf(unsent);
      const isBack = queue !== null && (await resendGivenUp(this.#deps.db, { queue, eventId }));
      return isBack ? `put back into the queue of ${queue}` : null;
    },
  };

  /** As the sweep does it: what the provider's books say goes the way of its notices. */
  async #settleLate({ attemptId, bookingId }: Pick<Difference, 'attemptId' | 'bookingId'>): Promise<string | null> {
    const { db, gateway, workflows } = this.#deps;
    const found = await gateway.findCharge(attemptId!);
    const [booking] = await findBookings(db, [bookingId!]);
    if (found.status !== 'succeeded' || !booking) return null;
    const attempt = await findPayment(db, attemptId!);
    const amount = found.captured?.amount ?? attempt?.amount;
    if (!amount) return null;
    const isRecorded = attempt?.bookingId === booking.id && isSameMoney(amount, attempt.amount);
    await workflows.notifyPayment(
      {
        eventId: `reconciliation-${attemptId}`,
        provider: found.provider,
        bookingId: booking.id,
        attemptId: attemptId!,
        amount,
        atMs: Date.now(),
        outcome: 'succeeded',
        providerReference: found.providerReference,
        matchesRecord: isRecorded && (found.captured?.bookingId ?? booking.id) === booking.id,
      },
      booking,
    );
    return 'the workflow of the booking’s late money settles it';
  }

  /** A refund that is open goes on where it was asked for. */
  async #refund({ refundId, subject, bookingId }: Difference): Promise<string | null> {
    const { db } = this.#deps;
    if (refundId === null) return this.#changeAgain(subject, bookingId!);
    const refund = await findRefund(db, refundId);
    const payment = refund && (await findPayment(db, refund.paymentId));
    if (!refund || !payment) return null;
    return refund.status === 'SUCCEEDED' ? this.#refundNotMade(refund, payment) : this.#goOnWith(refund, payment);
  }

  #goOnWith({ changeId, bookingId }: Refund, { id: attemptId, bookingId: paidFor }: Payment): Promise<string | null> {
    return changeId === null
      ? this.#settleLate({ attemptId, bookingId: paidFor })
      : this.#changeAgain(changeId, bookingId);
  }

  /** It is recorded as done: asked for under its own key, or, where it came back from the buyer's bank, followed by another. */
  async #refundNotMade(refund: Refund, payment: Payment): Promise<string | null> {
    const { db, gateway } = this.#deps;
    const { id: refundId, amount } = refund;
    const { id: attemptId, bookingId, provider, providerReference } = payment;
    if (provider === null || providerReference === null) return null;
    let { status }: { status: RefundOutcome['status'] | 'not_found' } = await gateway.findRefund(refundId);
    if (status === 'not_found') {
      ({ status } = await gateway.refund({ refundId, attemptId, bookingId, provider, providerReference, amount }));
    }
    if (status === 'succeeded' || status === 'pending') return 'the provider was asked for it again';
    if (status !== 'failed') return null;
    log.error('a refund that had succeeded failed at the provider', { alert: 'refund_failed', refundId });
    await refundHasFailed(db, refundId);
    return this.#goOnWith(refund, payment);
  }

  /** The same change has one effect: what is left of it goes on. */
  async #changeAgain(changeId: string, bookingId: string): Promise<string | null> {
    const { db } = this.#deps;
    const change = await findChange(db, changeId);
    const [booking, other] = await findBookings(db, [bookingId, change?.otherBookingId ?? '']);
    if (!change || !booking) return null;
    const answer = await this.#askedAgain(change, booking, other ?? null);
    return answer?.ok ? 'the workflow of the booking’s changes goes on with it' : null;
  }

  #askedAgain(change: BookingChangeRecord, booking: Booking, other: Booking | null) {
    const { workflows } = this.#deps;
    const { kind, bookingId, requestedBy, seatIds, reason } = change;
    const asked = { changeId: change.id, bookingId, requestedBy };
    switch (kind) {
      case 'cancellation':
        return workflows.resumeChange({ ...asked, kind, seatIds }, booking);
      case 'show_cancelled':
        return workflows.resumeChange({ ...asked, kind, reason: reason ?? '' }, booking);
      case 'exchange':
        // It is recorded: all but its money is done, and nothing is held or paid any more.
        return (
          other &&
          workflows.resumeChange({ ...asked, kind, price: booking.price.total, to: other, holdTtlMs: 0 }, booking)
        );
      default:
        return null;
    }
  }

  /** Nobody acts for the booking any more: its hold goes, and the row says so. */
  async #endBooking({ bookingId }: Difference): Promise<string | null> {
    const [booking] = await findBookings(this.#deps.db, [bookingId!]);
    if (!booking || !hasLiveHold(booking.status)) return null;
    if (booking.exchangeOf !== undefined) return this.#endExchange(booking, booking.exchangeOf);
    const released = await this.#send(booking.showId, { kind: 'release', bookingId: booking.id });
    // Paid after all, as the show knows: the money decides, and its workflow waits for the booking's end.
    const wasBooked = released?.ok === false && released.refusal === 'ALREADY_BOOKED';
    await this.#recordEnd(booking, 'EXPIRED', 'booking.expired');
    return wasBooked
      ? 'the booking has ended; its seats wait for its money'
      : 'the hold was released, the booking has ended';
  }

  async #recordEnd(
    booking: Booking,
    status: 'EXPIRED' | 'FAILED',
    event: 'booking.expired' | 'booking.failed',
  ): Promise<void> {
    const { id: bookingId, showId, version } = booking;
    const changedAtMs = Math.max(Date.now(), booking.changedAtMs + 1);
    const ended = { ...booking, status, version: version + 1, changedAtMs };
    await recordBookingStates(this.#deps.db, [
      { booking: ended, outbox: [bookingEvent(event, { bookingId, showId })] },
    ]);
  }

  /**
   * An exchange that nobody goes on with is undone: within one show the seats go back to the booking that had them, before
   * any of them is on sale. `FAILED`, unlike what has expired, buys nothing any more: money of it goes back.
   */
  async #endExchange(booking: Booking, fromId: string): Promise<string | null> {
    const [from] = await findBookings(this.#deps.db, [fromId]);
    if (!from) return null;
    const { id: bookingId, showId } = booking;
    const released = await this.#send(showId, { kind: 'release', bookingId });
    if (released?.ok === false && released.refusal === 'ALREADY_BOOKED') {
      const isBack =
        from.showId === showId ? await this.#seatsBackTo(from, booking) : await this.#giveUp(showId, bookingId);
      if (!isBack) return null;
    }
    await this.#recordEnd(booking, 'FAILED', 'booking.failed');
    return 'the exchange was undone; what was paid for it goes back';
  }

  async #seatsBackTo(from: Booking, { id: fromBookingId, showId }: Booking): Promise<boolean> {
    const { id: bookingId, userId: buyerId } = from;
    const seats = from.seats.map(({ index }) => index);
    const answer = await this.#send(showId, { kind: 'exchange', fromBookingId, bookingId, buyerId, seats, back: true });
    if (!answer?.ok) return answer === null;
    const further = answer.seats.filter((seat) => !seats.includes(seat));
    return further.length === 0 || this.#giveUp(showId, bookingId, further);
  }

  async #giveUp(showId: string, bookingId: string, seats?: readonly number[]): Promise<boolean> {
    const answer = await this.#send(showId, { kind: 'return', bookingId, seats });
    return answer === null || answer.ok;
  }

  async #confirmSeats({ bookingId }: Difference): Promise<string | null> {
    const [booking] = await findBookings(this.#deps.db, [bookingId!]);
    if (booking?.status !== 'CONFIRMED') return null;
    const { id, userId: buyerId, showId } = booking;
    const seats = booking.seats.map(({ index }) => index);
    const command: SeatCommand = { kind: 'confirm', bookingId: id, buyerId, seats, reclaim: true };
    return this.#askShow(showId, command, 'the show has confirmed the seats');
  }

  async #projectMap({ showId }: Difference): Promise<string | null> {
    const view = await this.#deps.actors.seatMap(showId!);
    if (!view) return null;
    const { version, statuses, changedAtMs: asOfMs } = view;
    const isWritten = await replaceStoredMap(this.#deps.db, showId!, { version, statuses, asOfMs });
    return isWritten ? 'the show’s map was written for readers' : null;
  }

  async #askShow(showId: string, command: SeatCommand, done: string): Promise<string | null> {
    const answer = await this.#send(showId, command);
    return answer?.ok ? done : null;
  }

  /** Null: the show has ended, and nobody has seats in it to give or take. */
  async #send(showId: string, command: SeatCommand): Promise<SeatCommandResult | null> {
    try {
      return await this.#deps.workflows.seatCommand(showId, command);
    } catch (error) {
      if (error instanceof ShowNotRunningError) return null;
      throw error;
    }
  }
}
