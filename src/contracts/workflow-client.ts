import type { Booking, NewBooking } from '../domain/booking.ts';
import type { SeatCommand, SeatCommandResult } from '../domain/seat-commands.ts';
import type {
  BookingAnswer,
  BookingWorkflowInput,
  ChangeSeatsCommand,
  PayAnswer,
  PayCommand,
} from './booking-messages.ts';
import type { BookingChange, ChangeAnswer, ExchangeAnswer, ExchangeChange } from './change-messages.ts';
import type { PaymentNotification } from './payments.ts';
import type { ShowChange } from './show-changes.ts';
import type { SaleChange, SaleChanged } from './show-messages.ts';
import type { ShowStart } from './show-start.ts';

/** The addressed workflow has ended: its row in the read model says how. */
export const ENDED = 'ended';
export type Ended = typeof ENDED;

/**
 * The actors as the API sees them. Every call is safe to repeat. They throw only the errors below.
 */
export interface WorkflowClient {
  /**
   * Sends a command to a show, in a batch with whatever else arrives meanwhile.
   * @throws ShowNotRunningError, WorkflowBusyError, WorkflowUnavailableError, OutcomeUnknownError,
   *   WorkflowFailedError
   */
  seatCommand(showId: string, command: SeatCommand): Promise<SeatCommandResult>;
  /** Starts the show's workflow; one that runs already is left as it is. */
  startShow(show: ShowStart): Promise<void>;
  /**
   * Has the show's sale go by what staff has decided. A change that comes after a later one has no effect.
   * @throws ShowNotRunningError, WorkflowUnavailableError, OutcomeUnknownError, WorkflowFailedError
   */
  changeSale(showId: string, change: SaleChange): Promise<SaleChanged>;
  /** Starts what brings the change's effects about; one that runs already is left as it is. */
  startShowChange(change: ShowChange): Promise<void>;
  /**
   * Starts the booking's workflow, or finds it running, or finds that it has ended. Retries an unknown outcome.
   * `other_booking`: it runs with another fingerprint or show than `input` has. Two requests with one key for two shows
   * both get their seats; this start is where it is decided which of them is the booking, and the row must agree.
   */
  startBooking(input: BookingWorkflowInput): Promise<'running' | 'other_booking' | Ended>;
  pay(bookingId: string, command: PayCommand): Promise<PayAnswer | Ended>;
  /** `commandId` makes a repeat the same extension. */
  extend(bookingId: string, commandId: string): Promise<BookingAnswer | Ended>;
  release(bookingId: string): Promise<BookingAnswer | Ended>;
  changeSeats(bookingId: string, commandId: string, command: ChangeSeatsCommand): Promise<BookingAnswer | Ended>;
  /**
   * Resolves once the booking's workflow, or its successor for late money, has durably accepted the notice.
   * `booking` is needed to start that successor.
   */
  notifyPayment(
    notification: PaymentNotification,
    booking: NewBooking & Partial<Pick<Booking, 'status'>>,
  ): Promise<void>;
  /** True once nobody acts for the purchase any more: its workflow has ended, and the row says how. */
  purchaseHasEnded(bookingId: string): Promise<boolean>;
  /**
   * Changes a booking that is confirmed, one change at a time: CHANGE_IN_PROGRESS while another one is under way. Answers
   * when the change is durable; its refund goes on by itself. The same `changeId` has one effect, and finds its answer.
   */
  changeBooking(change: Exclude<BookingChange, ExchangeChange>, booking: NewBooking): Promise<ChangeAnswer>;
  /** The same of an exchange, which answers when it is durable, has come to nothing, or waits for the buyer to pay. */
  exchangeBooking(change: ExchangeChange, booking: NewBooking): Promise<ExchangeAnswer>;
  /**
   * Has what is left to be done of a change that is recorded done by a workflow that runs: the one whose work it was may have
   * been terminated after its answer, and `changeBooking` would get that answer again, and nothing else.
   */
  resumeChange(change: BookingChange, booking: NewBooking): Promise<ExchangeAnswer>;
  /** Lets the booking's change workflow know that a refund has ended. Without effect when none waits for it. */
  notifyRefund(bookingId: string, refundId: string): Promise<void>;
  /** Resolves when the Temporal server answers; for readiness. */
  ping(): Promise<void>;
}

export class ShowNotRunningError extends Error {
  override readonly name = 'ShowNotRunningError';
}

/** A queue in front of the actor is full: try again after `retryAfterMs`. Nothing was done. */
export class WorkflowBusyError extends Error {
  override readonly name = 'WorkflowBusyError';
  readonly retryAfterMs: number;
  constructor(message: string, retryAfterMs: number) {
    super(message);
    this.retryAfterMs = retryAfterMs;
  }
}

/** The Temporal server could not be reached in all the time of the call, which was never sent: nothing was done by it. */
export class WorkflowUnavailableError extends Error {
  override readonly name = 'WorkflowUnavailableError';
}

/** No answer in time: it may or may not have been done. Repeating the same call finds out. */
export class OutcomeUnknownError extends Error {
  override readonly name = 'OutcomeUnknownError';
}

/** The server or the workflow refused the call, and will refuse every repeat of it: a defect, not a moment's trouble. */
export class WorkflowFailedError extends Error {
  override readonly name = 'WorkflowFailedError';
}
