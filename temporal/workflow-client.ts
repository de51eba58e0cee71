import {
  type Client,
  WithStartWorkflowOperation,
  WorkflowExecutionAlreadyStartedError,
  WorkflowNotFoundError,
  WorkflowUpdateFailedError,
} from '@temporalio/client';
import { ApplicationFailure, type Priority, WorkflowIdConflictPolicy, WorkflowIdReusePolicy } from '@temporalio/common';
import { randomUUID } from 'node:crypto';
import {
  type BookingAnswer,
  bookingMessages,
  type BookingWorkflowInput,
  type ChangeSeatsCommand,
  HEARD_ENOUGH_FAILURE,
  type PayAnswer,
  type PayCommand,
} from '../src/contracts/booking-messages.ts';
import {
  type BookingChange,
  type ChangeAnswer,
  CHANGE_UNHEARD_FAILURE,
  changeMessages,
  type ExchangeAnswer,
  type ExchangeChange,
  WAITS_PER_RUN_MAX,
} from '../src/contracts/change-messages.ts';
import type { PaymentNotification } from '../src/contracts/payments.ts';
import type { SeatMapProjector } from '../src/contracts/seat-map-projector.ts';
import type { SenderPlaces } from '../src/contracts/sender-places.ts';
import type { ShowChange } from '../src/contracts/show-changes.ts';
import { type SaleChange, type SaleChanged, showMessages } from '../src/contracts/show-messages.ts';
import type { ShowStart } from '../src/contracts/show-start.ts';
import { ENDED, type Ended, ShowNotRunningError, type WorkflowClient } from '../src/contracts/workflow-client.ts';
import {
  bookingChangeWorkflowId,
  bookingWorkflowId,
  type CityQueues,
  latePaymentWorkflowId,
  showCancellationWorkflowId,
  showMoveWorkflowId,
  showWorkflowId,
  type TaskQueues,
  taskQueuesOf,
} from '../src/contracts/workflow-ids.ts';
import type { Booking, NewBooking } from '../src/domain/booking.ts';
import type { SeatCommand, SeatCommandResult } from '../src/domain/seat-commands.ts';
import type { bookingWorkflow } from '../workflows/booking.ts';
import type { bookingChangeWorkflow } from '../workflows/booking-change.ts';
import type { latePaymentWorkflow } from '../workflows/late-payment.ts';
import { bookingAttributes, showAttribute } from '../workflows/search-attribute-keys.ts';
import type { showWorkflow } from '../workflows/show.ts';
import type { showCancellationWorkflow, showMoveWorkflow } from '../workflows/show-changes.ts';
import { type BatchObserver, SeatCommandBatcher } from './seat-command-batcher.ts';
import { inOurWords, isTransient, untilAnswered } from './until-answered.ts';

/** A workflow task whose worker died is handed to another after this long. */
const WORKFLOW_TASK_TIMEOUT = '3s';
/**
 * The same of workflows with local activities, which their worker keeps alive by a call after four fifths of it: late enough
 * that a single step which runs into its own time-out needs no call. A task that timed out under a worker which waits for
 * a local activity can end in a history that nobody replays (docs/decisions/0025-what-tasks-leave-in-a-history.md).
 */
const TASK_WITH_LOCAL_ACTIVITIES_TIMEOUT = '6s';
/** A client waits this long for an actor; a worker's death heals within it. */
const CALL_TIMEOUT_MS = 10_000;
/** One try of a call; past it the same call is sent again. */
const TRY_TIMEOUT_MS = 7_000;
/** A notice is told by update if a worker answers so soon. */
const NOTICE_TIMEOUT_MS = 2_000;

/** Of a booking's workflow: tells a repeated start from another request under the same key. */
interface BookingMemo extends Record<string, unknown> {
  readonly fingerprint: string;
}

export interface WorkflowClientOptions {
  /** Needed where more processes than Temporal takes updates at once may send to one show. */
  readonly senderPlaces?: SenderPlaces;
  /** Cities that have task queues of their own. */
  readonly cityQueues?: CityQueues;
  readonly observeBatch?: BatchObserver;
  /** As `BatcherOptions.projector`. */
  readonly seatMapProjector?: SeatMapProjector;
  /** As `BatcherOptions.lingerMaxMs`. */
  readonly seatCommandLingerMaxMs?: number;
}

/** The actors, over a Temporal client. Commands to shows go in batches. */
export class TemporalWorkflowClient implements WorkflowClient {
  readonly #client: Client;
  readonly #seatCommands: SeatCommandBatcher;
  readonly #queuesOf: (cityId: string) => TaskQueues;

  constructor(client: Client, options: WorkflowClientOptions = {}) {
    const { senderPlaces, cityQueues, observeBatch, seatMapProjector, seatCommandLingerMaxMs } = options;
    this.#client = client;
    this.#seatCommands = new SeatCommandBatcher(client.workflow, {
      places: senderPlaces,
      observe: observeBatch,
      projector: seatMapProjector,
      lingerMaxMs: seatCommandLingerMaxMs,
    });
    this.#queuesOf = (cityId) => taskQueuesOf(cityId, cityQueues);
  }

  seatCommand(showId: string, command: SeatCommand): Promise<SeatCommandResult> {
    return this.#seatCommands.send(showId, command);
  }

  async startShow(show: ShowStart): Promise<void> {
    const { showId, title, cityId } = show;
    await this.#untilAnswered(() =>
      this.#client.workflow
        .start<typeof showWorkflow>('showWorkflow', {
          workflowId: showWorkflowId(showId),
          taskQueue: this.#queuesOf(cityId).shows,
          args: [show],
          workflowTaskTimeout: WORKFLOW_TASK_TIMEOUT,
          workflowIdConflictPolicy: WorkflowIdConflictPolicy.USE_EXISTING,
          workflowIdReusePolicy: WorkflowIdReusePolicy.REJECT_DUPLICATE,
          typedSearchAttributes: [{ key: showAttribute, value: showId }],
          staticSummary: title,
        })
        .catch(unlessEnded),
    );
  }

  async changeSale(showId: string, change: SaleChange): Promise<SaleChanged> {
    const handle = this.#client.workflow.getHandle(showWorkflowId(showId));
    // A repeat gets the first answer: who had seats then, and not who has some now.
    const update = { updateId: `sale-${change.showVersion}`, args: [change] as [SaleChange] };
    const send = () => handle.executeUpdate<SaleChanged, [SaleChange]>(showMessages.changeSale, update);
    return untilAnswered(this.#client.workflow, unlessNotRunning(showId, send), {
      deadlineMs: Date.now() + CALL_TIMEOUT_MS,
      tryTimeoutMs: TRY_TIMEOUT_MS,
      alsoTransient: (error) => error instanceof WorkflowNotFoundError,
    });
  }

  async startShowChange(change: ShowChange): Promise<void> {
    const { showId, cityId, kind, showVersion, title } = change;
    const isCancelled = kind === 'cancelled';
    const workflow = isCancelled ? 'showCancellationWorkflow' : 'showMoveWorkflow';
    await this.#untilAnswered(() =>
      this.#client.workflow
        .start<typeof showCancellationWorkflow | typeof showMoveWorkflow>(workflow, {
          workflowId: isCancelled ? showCancellationWorkflowId(showId) : showMoveWorkflowId(showId, showVersion),
          taskQueue: this.#queuesOf(cityId).shows,
          args: [change],
          workflowTaskTimeout: WORKFLOW_TASK_TIMEOUT,
          workflowIdConflictPolicy: WorkflowIdConflictPolicy.USE_EXISTING,
          // One that was terminated begins anew, and goes on from the rows.
          workflowIdReusePolicy: WorkflowIdReusePolicy.ALLOW_DUPLICATE_FAILED_ONLY,
          typedSearchAttributes: [{ key: showAttribute, value: showId }],
          staticSummary: `${isCancelled ? 'cancelled' : 'moved'}: ${title}`,
        })
        .catch(unlessEnded),
    );
  }

  async startBooking(input: BookingWorkflowInput): Promise<'running' | 'other_booking' | Ended> {
    const { booking } = input;
    const workflowId = bookingWorkflowId(booking.id);
    const found = await this.#untilAnswered(() =>
      this.#client.workflow
        .start<typeof bookingWorkflow>('bookingWorkflow', {
          workflowId,
          taskQueue: this.#queuesOf(booking.cityId).bookings,
          args: [{ ...input, firstTry: 'purchase', readsNoClock: true, localActivitiesComeLast: true }],
          workflowTaskTimeout: TASK_WITH_LOCAL_ACTIVITIES_TIMEOUT,
          // Not "use existing", which would not tell whose request it is that runs.
          workflowIdConflictPolicy: WorkflowIdConflictPolicy.FAIL,
          workflowIdReusePolicy: WorkflowIdReusePolicy.REJECT_DUPLICATE,
          typedSearchAttributes: bookingAttributes(booking),
          staticSummary: summaryOf(booking),
          memo: { fingerprint: booking.fingerprint } satisfies BookingMemo,
          priority: inTurnWithOtherShows(booking),
          // Nothing to do for the workflow before the first message or the hold's expiry, whichever comes first.
          // A clock that is behind must not put the end of the hold off: it is never longer than the hold.
          startDelay: Math.max(Math.min(booking.expiresAtMs - Date.now(), booking.expiresAtMs - booking.heldAtMs), 1),
        })
        .catch(unlessEnded),
    );
    if (found !== ENDED) return 'running';
    const { status, memo } = await this.#untilAnswered(() => this.#client.workflow.getHandle(workflowId).describe());
    if ((memo as BookingMemo | undefined)?.fingerprint !== booking.fingerprint) return 'other_booking';
    return status.name === 'RUNNING' ? 'running' : ENDED;
  }

  pay(bookingId: string, command: PayCommand): Promise<PayAnswer | Ended> {
    return this.#update<PayAnswer>(bookingId, bookingMessages.pay, command.attemptId, [command]);
  }

  extend(bookingId: string, commandId: string): Promise<BookingAnswer | Ended> {
    return this.#update<BookingAnswer>(bookingId, bookingMessages.extend, commandId, []);
  }

  release(bookingId: string): Promise<BookingAnswer | Ended> {
    // An id of its own: a release that was refused while a payment was pending may be granted after it.
    return this.#update<BookingAnswer>(bookingId, bookingMessages.release, randomUUID(), []);
  }

  changeSeats(bookingId: string, commandId: string, command: ChangeSeatsCommand): Promise<BookingAnswer | Ended> {
    return this.#update<BookingAnswer>(bookingId, bookingMessages.changeSeats, commandId, [command]);
  }

  async notifyPayment(
    notice: PaymentNotification,
    booking: NewBooking & Partial<Pick<Booking, 'status'>>,
  ): Promise<void> {
    const told =
      booking.exchangeOf === undefined ? await this.#tell(notice) : await this.#tellExchange(notice, booking);
    if (told === ENDED) await this.#startLatePayment(notice, booking);
  }

  async #tell(notice: PaymentNotification): Promise<'told' | void | Ended> {
    return (await this.#tellNow(notice)) ?? (await this.#tellDurably(notice));
  }

  /** One that has come to an end hears nothing any more, whatever else its workflow does. */
  async #tellExchange(
    notice: PaymentNotification,
    { exchangeOf, status = 'PAYMENT_PENDING' }: Pick<NewBooking, 'exchangeOf'> & Partial<Pick<Booking, 'status'>>,
  ): Promise<void | Ended> {
    if (status !== 'PAYMENT_PENDING') return ENDED;
    const handle = this.#client.workflow.getHandle(bookingChangeWorkflowId(exchangeOf!));
    return this.#untilAnswered(() =>
      handle.signal<[PaymentNotification]>(changeMessages.paymentNotification, notice).catch(unlessEnded),
    );
  }

  /** By update, which ends the start delay of a booking that nobody has paid yet. Null: no worker has answered. */
  async #tellNow(notice: PaymentNotification): Promise<'told' | Ended | null> {
    const handle = this.#client.workflow.getHandle(bookingWorkflowId(notice.bookingId));
    const update = { updateId: `notice-${notice.eventId}`, args: [notice] as [PaymentNotification] };
    try {
      await this.#client.withDeadline(Date.now() + NOTICE_TIMEOUT_MS, () =>
        handle.executeUpdate<undefined, [PaymentNotification]>(bookingMessages.paymentNotification, update),
      );
      return 'told';
    } catch (error) {
      if (isTransient(error)) return null;
      if (saysEnded(error)) return ENDED;
      throw inOurWords(error);
    }
  }

  /** By signal, which needs no worker; a booking whose start is delayed hears of it when its hold expires. */
  #tellDurably(notice: PaymentNotification): Promise<void | Ended> {
    const handle = this.#client.workflow.getHandle(bookingWorkflowId(notice.bookingId));
    return this.#untilAnswered(() =>
      handle.signal<[PaymentNotification]>(bookingMessages.paymentNotification, notice).catch(unlessEnded),
    );
  }

  async purchaseHasEnded(bookingId: string): Promise<boolean> {
    const handle = this.#client.workflow.getHandle(bookingWorkflowId(bookingId));
    const found = await this.#untilAnswered(() => handle.describe().catch(unlessEnded));
    return found === ENDED || found.status.name !== 'RUNNING';
  }

  changeBooking(change: Exclude<BookingChange, ExchangeChange>, booking: NewBooking): Promise<ChangeAnswer> {
    return this.#change<ChangeAnswer>(change, booking);
  }

  exchangeBooking(change: ExchangeChange, booking: NewBooking): Promise<ExchangeAnswer> {
    return this.#change<ExchangeAnswer>(change, booking);
  }

  /** By an update of its own: the server answers one that it has seen from the run that has ended, and starts none. */
  resumeChange(change: BookingChange, booking: NewBooking): Promise<ExchangeAnswer> {
    return this.#change<ExchangeAnswer>(change, booking, `${change.changeId}/${randomUUID()}`);
  }

  #change<Answer>(change: BookingChange, booking: NewBooking, updateId: string = change.changeId): Promise<Answer> {
    return this.#untilAnswered(
      () =>
        this.#client.workflow
          .executeUpdateWithStart<typeof bookingChangeWorkflow, Answer, [BookingChange]>(changeMessages.change, {
            updateId,
            args: [change],
            startWorkflowOperation: this.#startOfChange(change, booking),
          })
          .catch((error: unknown) => detailsOf<Answer>(error, CHANGE_UNHEARD_FAILURE) ?? rethrow(error)),
      // It was heard by a run that has ended since: the next one finds what became of it.
      saysEnded,
    );
  }

  /** One that runs already hears it; after its end another one is started. */
  #startOfChange(change: BookingChange, booking: NewBooking) {
    return new WithStartWorkflowOperation<typeof bookingChangeWorkflow>('bookingChangeWorkflow', {
      workflowId: bookingChangeWorkflowId(booking.id),
      taskQueue: this.#queuesOf(booking.cityId).bookings,
      args: [{ change, waitsMax: WAITS_PER_RUN_MAX, localActivitiesComeLast: true }],
      workflowTaskTimeout: TASK_WITH_LOCAL_ACTIVITIES_TIMEOUT,
      workflowIdConflictPolicy: WorkflowIdConflictPolicy.USE_EXISTING,
      workflowIdReusePolicy: WorkflowIdReusePolicy.ALLOW_DUPLICATE,
      typedSearchAttributes: bookingAttributes(booking),
      staticSummary: `${change.kind} of ${booking.seats.map((seat) => seat.label).join(', ')}`,
      priority: inTurnWithOtherShows(booking),
    });
  }

  async notifyRefund(bookingId: string, refundId: string): Promise<void> {
    const handle = this.#client.workflow.getHandle(bookingChangeWorkflowId(bookingId));
    await this.#untilAnswered(() =>
      handle.signal<[string]>(changeMessages.refundNotification, refundId).catch(unlessEnded),
    );
  }

  async ping(): Promise<void> {
    await this.#client.workflowService.getSystemInfo({});
  }

  /** The booking has ended: its successor for late money is started, or finds itself started already. */
  async #startLatePayment(notice: PaymentNotification, booking: NewBooking): Promise<void> {
    const { attemptId } = notice;
    await this.#untilAnswered(() =>
      this.#client.workflow
        .signalWithStart<typeof latePaymentWorkflow, [PaymentNotification]>('latePaymentWorkflow', {
          workflowId: latePaymentWorkflowId(booking.id, attemptId),
          taskQueue: this.#queuesOf(booking.cityId).bookings,
          args: [{ booking, attemptId, amount: notice.amount }],
          workflowTaskTimeout: TASK_WITH_LOCAL_ACTIVITIES_TIMEOUT,
          // A second word of the provider may be another one than the first, which has been settled.
          workflowIdReusePolicy: WorkflowIdReusePolicy.ALLOW_DUPLICATE,
          typedSearchAttributes: bookingAttributes(booking),
          staticSummary: `payment ${attemptId} of a booking that has ended`,
          priority: inTurnWithOtherShows(booking),
          signal: bookingMessages.paymentNotification,
          signalArgs: [notice],
        })
        .catch(unlessEnded),
    );
  }

  /** The same update id makes a repeat find the first one's outcome, also after the workflow's end. */
  #update<Answer>(bookingId: string, name: string, updateId: string, args: [] | [unknown]): Promise<Answer | Ended> {
    const handle = this.#client.workflow.getHandle(bookingWorkflowId(bookingId));
    return this.#untilAnswered(() =>
      handle
        .executeUpdate<Answer, [unknown]>(name, { updateId, args: args as [unknown] })
        .catch((error: unknown) => unheardAnswer<Answer>(error) ?? unlessEnded(error)),
    );
  }

  #untilAnswered<Answer>(call: () => Promise<Answer>, alsoTransient?: (error: unknown) => boolean): Promise<Answer> {
    const deadlineMs = Date.now() + CALL_TIMEOUT_MS;
    const patience = { deadlineMs, tryTimeoutMs: TRY_TIMEOUT_MS, ...(alsoTransient && { alsoTransient }) };
    return untilAnswered(this.#client.workflow, call, patience);
  }
}

/** A show that continues as new is briefly between two runs. */
const NOT_RUNNING_RETRIES = 3;

function unlessNotRunning<Answer>(showId: string, call: () => Promise<Answer>): () => Promise<Answer> {
  let notRunning = 0;
  return async () => {
    try {
      return await call();
    } catch (error) {
      if (!(error instanceof WorkflowNotFoundError) || ++notRunning <= NOT_RUNNING_RETRIES) throw error;
      throw new ShowNotRunningError(`show ${showId} has no running workflow`);
    }
  };
}

/** What the server says of an update that a workflow had taken when it ended. */
const TAKEN_BUT_ENDED = 'AcceptedUpdateCompletedWorkflow';

function saysEnded(error: unknown): boolean {
  if (error instanceof WorkflowExecutionAlreadyStartedError || error instanceof WorkflowNotFoundError) return true;
  if (!(error instanceof WorkflowUpdateFailedError)) return false;
  return error.cause instanceof ApplicationFailure && error.cause.type === TAKEN_BUT_ENDED;
}

/** The validator refuses what a booking does not hear any more, and tells the answer all the same. */
const unheardAnswer = <Answer>(error: unknown): Answer | null => detailsOf<Answer>(error, HEARD_ENOUGH_FAILURE);

function detailsOf<Answer>(error: unknown, type: string): Answer | null {
  if (!(error instanceof WorkflowUpdateFailedError)) return null;
  const { cause } = error;
  if (!(cause instanceof ApplicationFailure) || cause.type !== type) return null;
  return cause.details?.[0] as Answer;
}

function rethrow(error: unknown): never {
  throw error;
}

function unlessEnded(error: unknown): Ended {
  if (saysEnded(error)) return ENDED;
  throw error;
}

/**
 * Where tasks wait for a worker, those of all shows are given out in turn: a payment of a quiet show does not stand behind
 * all those of a hot one. A server that is not told to do so (`matching.enableFairness`) gives them out as they came.
 */
const inTurnWithOtherShows = ({ showId }: NewBooking): Priority => ({ fairnessKey: showId });

function summaryOf({ seats, price, expiresAtMs }: NewBooking): string {
  const labels = seats.map((seat) => seat.label).join(', ');
  return `${labels} — ${price.total.amount} ${price.total.currency} — held until ${new Date(expiresAtMs).toISOString()}`;
}
