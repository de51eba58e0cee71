import { log } from '@temporalio/activity';
import { bookingEvent } from '../src/contracts/events.ts';
import { ShowNotRunningError, type WorkflowClient } from '../src/contracts/workflow-client.ts';
import { hasLiveHold } from '../src/domain/booking.ts';
import { isSameMoney } from '../src/domain/money.ts';
import { type Difference, differenceClasses, type JudgedBefore, type Repair } from '../src/domain/reconciliation.ts';
import type { SeatCommand, SeatCommandResult } from '../src/domain/seat-commands.ts';
import { findChange } from '../src/read-model/booking-changes.ts';
import { recordBookingStates } from '../src/read-model/booking-records.ts';
import { findBookings } from '../src/read-model/bookings.ts';
import { findPayment, findRefund } from '../src/read-model/payments.ts';
import {
  deleteOrphanRows,
  insertMissingRows,
  replaceStoredMap,
  resendGivenUp,
} from '../src/read-model/reconciliation.ts';
import type { Evidence, EvidenceDeps } from './reconciliation-evidence.ts';

export interface RepairDeps extends EvidenceDeps {
  readonly workflows: Pick<WorkflowClient, 'notifyPayment' | 'seatCommand' | 'changeBooking'>;
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
    resend: async ({ subject }) => {
      const [, queue, eventId] = /^(.+)\/(\d+)$/.exec(subject) ?? [];
      const isBack = queue !== undefined && (await resendGivenUp(this.#deps.db, { queue, eventId: Number(eventId) }));
      return isBack ? `put back into the queue of ${queue}` : null;
    },
  };

  /** As the sweep does it: what the provider's books say goes the way of its notices. */
  async #settleLate({ attemptId, bookingId }: Difference): Promise<string | null> {
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

  /** A refund that is open goes on where it was asked for. One that is recorded as done is asked for under its own key. */
  async #refund(difference: Difference): Promise<string | null> {
    const { db, gateway } = this.#deps;
    const { refundId, subject, bookingId } = difference;
    if (refundId === null) return this.#changeAgain(subject, bookingId!);
    const refund = await findRefund(db, refundId);
    const payment = refund && (await findPayment(db, refund.paymentId));
    if (!refund || !payment?.provider || !payment.providerReference) return null;
    if (refund.status !== 'SUCCEEDED') {
      return refund.changeId === null
        ? this.#settleLate({ ...difference, attemptId: payment.id, bookingId: payment.bookingId })
        : this.#changeAgain(refund.changeId, bookingId!);
    }
    const { provider, providerReference, id: attemptId } = payment;
    const asked = await gateway.refund({
      refundId,
      attemptId,
      bookingId: payment.bookingId,
      provider,
      providerReference,
      amount: refund.amount,
    });
    return asked.status === 'succeeded' || asked.status === 'pending' ? 'the provider was asked for it again' : null;
  }

  /** The same change has one effect: what is left of it goes on. */
  async #changeAgain(changeId: string, bookingId: string): Promise<string | null> {
    const { db, workflows } = this.#deps;
    const [change, [booking]] = await Promise.all([findChange(db, changeId), findBookings(db, [bookingId])]);
    if (!change || !booking) return null;
    const asked = { changeId, bookingId: change.bookingId, requestedBy: change.requestedBy };
    if (change.kind !== 'cancellation' && change.kind !== 'show_cancelled') return null;
    const answer = await workflows.changeBooking(
      change.kind === 'cancellation'
        ? { ...asked, kind: 'cancellation', seatIds: change.seatIds }
        : { ...asked, kind: 'show_cancelled', reason: change.reason ?? '' },
      booking,
    );
    return answer.ok ? 'the workflow of the booking’s changes goes on with it' : null;
  }

  /** Nobody acts for the booking any more: its hold goes, and the row says so. */
  async #endBooking({ bookingId }: Difference): Promise<string | null> {
    const { db } = this.#deps;
    const [booking] = await findBookings(db, [bookingId!]);
    if (!booking || !hasLiveHold(booking.status)) return null;
    const released = await this.#send(booking.showId, { kind: 'release', bookingId: booking.id });
    // Paid after all, as the show knows: the money decides, and its workflow waits for the booking's end.
    const wasBooked = released?.ok === false && released.refusal === 'ALREADY_BOOKED';
    const changedAtMs = Math.max(Date.now(), booking.changedAtMs + 1);
    const ended = { ...booking, status: 'EXPIRED', version: booking.version + 1, changedAtMs } as const;
    const event = bookingEvent('booking.expired', { bookingId: booking.id, showId: booking.showId });
    await recordBookingStates(db, [{ booking: ended, outbox: [event] }]);
    return wasBooked
      ? 'the booking has ended; its seats wait for its money'
      : 'the hold was released, the booking has ended';
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
