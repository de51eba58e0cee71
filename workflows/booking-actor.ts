import {
  CancellationScope,
  ParentClosePolicy,
  WorkflowIdReusePolicy,
  condition,
  log,
  patched,
  setCurrentDetails,
  sleep,
  startChild,
} from '@temporalio/workflow';
import { WorkflowExecutionAlreadyStartedError } from '@temporalio/common';
import type {
  BookingAnswer,
  BookingRefusalCode,
  BookingStatusView,
  BookingView,
  BookingWorkflowInput,
  ChangeSeatsCommand,
  GivenBackBecause,
  PayAnswer,
  PayCommand,
  PurchaseProgress,
  RecordOutcome,
} from '../src/contracts/booking-messages.ts';
import { attemptKnowledge, capturedOtherwise, type FinalOutcome, isFinal } from '../src/contracts/charge-outcomes.ts';
import type {
  CapturedMoney,
  ChargeOutcome,
  ChargeRequest,
  NextAction,
  PaymentNotification,
} from '../src/contracts/payments.ts';
import { latePaymentWorkflowId } from '../src/contracts/workflow-ids.ts';
import {
  BOOKING_COMMANDS_MAX,
  type BookingStatus,
  hasLiveHold,
  inNextVersion,
  PAYMENT_ATTEMPTS_MAX,
} from '../src/domain/booking.ts';
import { BookingProcess, type PaymentAttempt, type PayRefusal } from '../src/domain/booking-process.ts';
import { isSameMoney, type Money } from '../src/domain/money.ts';
import type { SeatCommandResult, SeatRefusal } from '../src/domain/seat-commands.ts';
import { fromNotification, isAbout, isBelieved, logCapturedOtherwise } from './payment-notices.ts';
import { describeBooking } from './describe-booking.ts';
import type { latePaymentWorkflow } from './late-payment.ts';
import { refundAttempt } from './refund.ts';
import { bookingAttributes } from './search-attribute-keys.ts';
import {
  durably,
  firstTry,
  firstTryOfPurchase,
  growingIntervals,
  interruptibly,
  resolveOrVoid,
  step,
  unanswered,
} from './steps.ts';

/** A payer waits this long for an outcome; then the answer is "pending", and the booking goes on by itself. */
const PAY_ANSWER_WITHIN_MS = 5_000;
/** …and no longer than until this before the payment's deadline: while nothing is known, "pending" is the answer. */
const PAY_ANSWER_BEFORE_DEADLINE_MS = 1_000;
/** A pending charge is asked for in growing intervals; the provider's webhook usually comes first. */
const POLL_INTERVAL_MIN_MS = 3_000;
const POLL_INTERVAL_MAX_MS = 30_000;

type Undo = (because: GivenBackBecause) => Promise<unknown>;
type FurtherProgress = Pick<PurchaseProgress, 'seats' | 'recorded'>;
type Charged = FurtherProgress & { readonly charge: ChargeOutcome };

/**
 * One buyer's order, from the granted hold to its end. States and limits are in BookingProcess; here is the order of
 * effects, and what undoes them.
 */
export class BookingActor {
  readonly #process: BookingProcess;
  readonly #triesWholePurchase: boolean;
  /**
   * What this decides, it decides by what is on record: its messages, its timers, and what it was answered. A task whose worker
   * or server is lost is done again, and its time is another one then; where the same worker is given it again while a
   * local activity of its first doing is under way, the SDK goes on with that one, and the history has the second one's time.
   */
  readonly #readsNoClock: boolean;
  readonly #hold: { readonly showId: string; readonly bookingId: string };
  /** Answers by attempt: a repeated payment gets the one that was given. */
  readonly #answers = new Map<string, Promise<PayAnswer>>();
  readonly #notices = new Map<string, PaymentNotification>();
  /** Attempts of which something was told that is not believed: the provider is asked at once. */
  readonly #doubts = new Set<string>();
  /** One effect at a time: expiry, extension and payment never interleave. */
  #busy = false;
  #cancelled = false;
  #holdChangedAtMs = 0;
  /** The end that has come, as `run` was told by its timer. */
  #endedMs: number | null = null;
  /** The payment's deadline that has passed, as `run` has seen. */
  #passedMs: number | null = null;
  /** Nothing has been done, and nothing is under way. */
  #untouched = true;
  /** Heard so far, for `BOOKING_COMMANDS_MAX`. */
  #commands = 0;

  constructor({ booking, terms, firstTry, readsNoClock }: BookingWorkflowInput) {
    this.#triesWholePurchase = firstTry === 'purchase';
    this.#readsNoClock = readsNoClock === true;
    this.#process = new BookingProcess(booking, terms);
    this.#hold = { showId: booking.showId, bookingId: booking.id };
    this.#describe();
  }

  /** Waits for the booking's end, and brings it about when its time is up or an operator cancels the workflow. */
  async run(): Promise<BookingStatus> {
    for (;;) {
      while (this.#busy) await condition(() => !this.#busy);
      const { status } = this.#process.booking;
      if (!hasLiveHold(status)) return status;
      const { endsAtMs } = this.#process;
      const timeIsUp = this.#isTimeUp(endsAtMs);
      if (status === 'PAYMENT_PENDING' && timeIsUp) {
        this.#passedMs = endsAtMs;
        await condition(() => this.#process.booking.status !== 'PAYMENT_PENDING');
      } else if (status === 'HELD' && (timeIsUp || this.#cancelled)) {
        await this.#exclusively(() => this.#endHold(timeIsUp ? 'EXPIRED' : 'RELEASED'));
      } else {
        const lastsMs = Math.max(endsAtMs - Date.now(), 1);
        const isWoken = await condition(() => this.#busy || this.#wakesUp(endsAtMs), lastsMs);
        if (!isWoken) this.#endedMs = endsAtMs;
      }
    }
  }

  /** A hold that nobody has touched ends in its first task, without a timer: done again, that finds its time over, too. */
  #isTimeUp(endsAtMs: number): boolean {
    if (this.#readsNoClock && this.#endedMs === endsAtMs) return true;
    return (this.#untouched || !this.#readsNoClock) && Date.now() >= endsAtMs;
  }

  /** By which what comes too late is refused: now, or never, where that is left to the show and to the timer. */
  #refusalMs(): number {
    return this.#readsNoClock ? -Infinity : Date.now();
  }

  /** An operator's cancellation gives a hold back; a payment under way is finished first. */
  cancel(): void {
    this.#cancelled = true;
  }

  #wakesUp(endsAtMs: number): boolean {
    const { status } = this.#process.booking;
    return !hasLiveHold(status) || this.#process.endsAtMs !== endsAtMs || (status === 'HELD' && this.#cancelled);
  }

  /** The payment's deadline has passed without an outcome. */
  #isOverdue(): boolean {
    return this.#process.booking.status === 'PAYMENT_PENDING' && Date.now() >= this.#process.endsAtMs;
  }

  status(): BookingStatusView {
    return { booking: this.#process.booking, attempts: this.#process.attempts, endsAtMs: this.#process.endsAtMs };
  }

  /** Why no further change is heard, or null. */
  refusesToHearChange(): BookingAnswer | null {
    return this.#commands < BOOKING_COMMANDS_MAX ? null : this.#refused('RATE_LIMITED');
  }

  /** Why no further payment is heard, or null. */
  refusesToHearPayment(): PayAnswer | null {
    if (this.#commands < BOOKING_COMMANDS_MAX) return null;
    return { outcome: 'refused', refusal: 'RATE_LIMITED', booking: this.#view() };
  }

  async extend(): Promise<BookingAnswer> {
    this.#commands += 1;
    return this.#exclusively(async () => {
      const refusal = this.#process.refusesExtension(this.#refusalMs());
      if (refusal) return this.#refused(refusal);
      await untilHeardForGood();
      const expiresAtMs = this.#process.extendedExpiryMs();
      const result = await this.#extendHold(expiresAtMs);
      if (!result.ok) return this.#refused(result.refusal === 'SALES_CLOSED' ? 'SALES_CLOSED' : 'HOLD_EXPIRED');
      this.#process.extended(expiresAtMs, Date.now());
      await this.#record();
      return this.#done();
    });
  }

  async changeSeats({ seats, price, version }: ChangeSeatsCommand): Promise<BookingAnswer> {
    this.#commands += 1;
    return this.#exclusively(async () => {
      const refusal = this.#process.refusesSeatChange(this.#refusalMs());
      if (refusal) return this.#refused(refusal);
      // A request that comes late, from a process that stood still, must not undo one that was made after it.
      const isOutdated = version !== undefined && version < this.#process.booking.version;
      if (isOutdated) return this.#refused('CHANGE_IN_PROGRESS');
      await untilHeardForGood();
      const indices = seats.map((seat) => seat.index);
      const result = await this.#changeHold((by, askedAtMs) => by('swapSeats', this.#hold, indices, askedAtMs));
      if (!result.ok) return this.#seatsRefused(result);
      this.#process.seatsChanged(seats, price, Date.now());
      await this.#record();
      return this.#done();
    });
  }

  async release(): Promise<BookingAnswer> {
    return this.#exclusively(async () => {
      const { status } = this.#process.booking;
      if (status !== 'HELD' && status !== 'RELEASED') return this.#refused('BOOKING_STATE');
      if (status === 'HELD') {
        await untilHeardForGood();
        await this.#endHold('RELEASED');
      }
      return this.#process.booking.status === 'RELEASED' ? this.#done() : this.#refused('BOOKING_STATE');
    });
  }

  async pay(command: PayCommand): Promise<PayAnswer> {
    this.#commands += 1;
    const given = this.#answers.get(command.attemptId);
    if (given) return given;
    const refusal = this.#refusesPayment(command.amount);
    if (refusal) return { outcome: 'refused', refusal, booking: this.#view() };
    const answer = CancellationScope.nonCancellable(() => this.#pay(command));
    this.#answers.set(command.attemptId, answer);
    return answer;
  }

  /** A provider's notice: news of an open attempt, money for one that was given up, or nothing new. */
  async notice(notice: PaymentNotification): Promise<void> {
    const { attemptId } = notice;
    const attempt = this.#process.attempt(attemptId);
    if (attempt && isOpen(attempt)) {
      if (isAbout(notice, attempt)) this.#notices.set(attemptId, notice);
      else this.#doubts.add(attemptId);
      return;
    }
    if (notice.outcome === 'failed' || attempt?.status === 'SUCCEEDED') return;
    if (attempt || !this.#mayAdopt(notice)) return this.#settleLater(attemptId, attempt?.amount ?? notice.amount);
    this.#answers.set(
      attemptId,
      this.#exclusively(() => this.#adopt(notice)),
    );
  }

  // ---- paying ----

  async #pay(command: PayCommand): Promise<PayAnswer> {
    const begun = await this.#exclusively(() => this.#charge(command));
    if ('answer' in begun) return begun.answer;
    const { request, first } = begun;
    const settled = this.#settleWhenKnown(request, first);
    return first.status === 'pending' ? this.#pending(first.nextAction) : this.#answerInTime(settled);
  }

  #refusesPayment(amount: Money): PayRefusal | null {
    const refusal = this.#process.refusesPayment(amount, this.#refusalMs());
    if (refusal !== null || this.#process.attempts.length < PAYMENT_ATTEMPTS_MAX) return refusal;
    // Before this patch those that were not processed counted too.
    return patched('unprocessed-attempts-do-not-count') ? null : 'BOOKING_STATE';
  }

  /** The charge's first try: settled at once, or recorded as pending and to be followed. */
  async #charge(
    command: PayCommand,
  ): Promise<{ answer: PayAnswer } | { request: ChargeRequest; first: ChargeOutcome }> {
    const { attemptId, amount, method, token } = command;
    const refuse = (refusal: PayRefusal) =>
      ({ answer: { outcome: 'refused', refusal, booking: this.#view() } }) as const;
    const refusal = this.#refusesPayment(amount) ?? (this.#readsNoClock ? null : await this.#secureHold(attemptId));
    if (refusal) return refuse(refusal);
    const { id: bookingId, price } = this.#process.booking;
    const request: ChargeRequest = { attemptId, bookingId, amount: price.total, method, token };
    const tried = this.#readsNoClock ? await this.#securedFirstTry(request) : await this.#firstTry(request);
    if (typeof tried === 'string') return refuse(tried);
    const { charge: first, ...further } = tried;
    if (isFinal(first)) return { answer: await this.#settle(attemptId, first, further) };
    this.#process.attemptIs(attemptId, attemptKnowledge(first));
    await this.#record(attemptId);
    return { request, first };
  }

  /** In one go as far as all goes well: a marker in the history instead of three, and two calls of this workflow less. */
  async #firstTry(request: ChargeRequest): Promise<Charged> {
    if (!this.#triesWholePurchase) return { charge: (await firstTry('chargePayment', request)) ?? unanswered };
    const { charge = unanswered, ...further } = (await firstTryOfPurchase(request, this.#process.booking)) ?? {};
    return { charge, ...further };
  }

  /**
   * The same of a hold that lasts until the payment's deadline: whether it does already, and what was asked of the show if not,
   * is on record with the rest. Why it can't be paid, where nothing was charged.
   */
  async #securedFirstTry(request: ChargeRequest): Promise<Charged | PayRefusal> {
    const { attemptId } = request;
    const { expiresAtMs } = this.#process.booking;
    const untilMs = this.#process.paymentStarted(attemptId, Date.now());
    const toSecure = { untilMs, askedAtMs: this.#nextChangeAtMs() };
    const tried = await firstTryOfPurchase(request, this.#process.booking, toSecure);
    if (tried?.charge) {
      const { secured, charge, ...further } = tried;
      this.#securedBy(secured, expiresAtMs);
      return { charge, ...further };
    }
    const secured = await this.#securedDurably(Math.max(untilMs, expiresAtMs), tried?.secured);
    this.#securedBy(secured, untilMs);
    // Cut off, it may have charged.
    const isUncharged = tried !== undefined;
    if (secured.ok) return { charge: (isUncharged && (await firstTry('chargePayment', request))) || unanswered };
    if (!isUncharged) {
      if (secured.refusal === 'ALREADY_BOOKED') return { charge: unanswered };
      const charge = await durably('voidCharge', attemptId);
      if (charge.status === 'succeeded' || charge.status === 'pending') return { charge };
    }
    const refusal = await this.#refusesUnsecured(attemptId, secured);
    return refusal ?? { charge: (await firstTry('chargePayment', request)) ?? unanswered };
  }

  /** As the show has answered already; if not, it is asked by a task: of a worker that stood still the server takes none. */
  async #securedDurably(untilMs: number, answered: SeatCommandResult | undefined): Promise<SeatCommandResult> {
    if (answered !== undefined && (answered.ok || answered.refusal !== 'SUPERSEDED')) return answered;
    if (answered !== undefined) this.#holdChangedAtMs = answered.byMs;
    return this.#extendHold(untilMs, durably);
  }

  /**
   * Paying secures the hold until the payment's deadline. If the hold is gone, so is the booking. The attempt's row is
   * left to whoever knows whether it was sent: a worker that died may have sent it in a task that is done again now.
   */
  async #secureHold(attemptId: string): Promise<PayRefusal | null> {
    const { expiresAtMs } = this.#process.booking;
    const deadlineMs = this.#process.paymentStarted(attemptId, Date.now());
    if (expiresAtMs >= deadlineMs) return null;
    return this.#refusesUnsecured(attemptId, await this.#extendHold(deadlineMs));
  }

  /** `otherwise`: until when it is, where the show was not asked. */
  #securedBy(secured: SeatCommandResult | undefined, otherwise: number): void {
    if (secured === undefined || secured.ok) this.#process.securedUntil(secured?.expiresAtMs ?? otherwise);
  }

  async #refusesUnsecured(attemptId: string, secured: SeatCommandResult): Promise<PayRefusal | null> {
    if (secured.ok) return null;
    // By a task that was lost with its worker: the same attempt goes on with it. Another one pays twice, and that goes back.
    if (secured.refusal === 'ALREADY_BOOKED' && patched('a-hold-that-is-booked-is-secured')) return null;
    if (secured.refusal === 'SALES_CLOSED') return this.#refuseUncharged(attemptId);
    this.#process.attemptIs(attemptId, { status: 'FAILED', failureReason: 'HOLD_EXPIRED' satisfies PayRefusal });
    await this.#endHold('EXPIRED');
    return 'HOLD_EXPIRED';
  }

  #paymentFailed(): void {
    this.#process.paymentFailed(Date.now());
    // The hold's end is another one than the payment's, also where both are the same time.
    this.#endedMs = null;
  }

  /** Staff has ended the sale: nothing is charged, and the hold goes on until its time. */
  async #refuseUncharged(attemptId: string): Promise<'SALES_CLOSED'> {
    this.#process.attemptIs(attemptId, { status: 'FAILED', failureReason: 'SALES_CLOSED' satisfies PayRefusal });
    this.#paymentFailed();
    await this.#record();
    return 'SALES_CLOSED';
  }

  /** Follows a charge that is pending or unknown until it is settled or its deadline passes. */
  async #settleWhenKnown(request: ChargeRequest, first: ChargeOutcome): Promise<PayAnswer> {
    const { attemptId } = request;
    // Conditions look at what events have told. One that reads the clock may come true in the task of a refused update,
    // of which the history tells nothing: a replay would not know why. Before this patch they did.
    const isOverdue =
      this.#readsNoClock || patched('conditions-read-no-clock')
        ? () => this.#passedMs === this.#process.endsAtMs && this.#process.booking.status === 'PAYMENT_PENDING'
        : () => this.#isOverdue();
    const news = () => isOverdue() || this.#notices.has(attemptId);
    const isTimeToAsk = () => news() || this.#doubts.has(attemptId);
    let known = first;
    const nextIntervalMs = growingIntervals(POLL_INTERVAL_MIN_MS, POLL_INTERVAL_MAX_MS);
    for (;;) {
      known = (await this.#ask(request, known, { news, isTimeToAsk }, nextIntervalMs())) ?? known;
      const notice = this.#notices.get(attemptId);
      if (notice) known = fromNotification(notice);
      const outcome = known;
      if (isFinal(outcome)) return this.#exclusively(() => this.#settle(attemptId, outcome));
      if (this.#readsNoClock ? isOverdue() : this.#isOverdue()) return this.#exclusively(() => this.#giveUp(attemptId));
    }
  }

  async #ask(
    request: ChargeRequest,
    known: ChargeOutcome,
    { news, isTimeToAsk }: { readonly news: () => boolean; readonly isTimeToAsk: () => boolean },
    intervalMs: number,
  ): Promise<ChargeOutcome | undefined> {
    if (known.status === 'unknown') return interruptibly(() => resolveOrVoid(request), news);
    if ((await condition(isTimeToAsk, intervalMs)) && news()) return undefined;
    this.#doubts.delete(request.attemptId);
    const found = await interruptibly(() => durably('findCharge', request.attemptId), news);
    return found && found.status !== 'not_found' && found.status !== 'unknown' ? found : undefined;
  }

  /** From here on the outcome of the charge is certain. `further`: what the first try has done already. */
  async #settle(attemptId: string, outcome: FinalOutcome, further: FurtherProgress = {}): Promise<PayAnswer> {
    this.#process.attemptIs(attemptId, attemptKnowledge(outcome));
    const asked = { bookingId: this.#hold.bookingId, amount: this.#attempt(attemptId).amount };
    const otherwise = capturedOtherwise(outcome, asked);
    if (otherwise) return this.#giveBack(attemptId, otherwise);
    if (outcome.status === 'succeeded') return this.#confirm(attemptId, further);
    this.#paymentFailed();
    if (await this.#restoreExpiry()) await this.#record(attemptId);
    else await this.#endHold('EXPIRED', attemptId);
    const booking = this.#view();
    if (outcome.status === 'declined') return { outcome: 'declined', reason: outcome.reason, booking };
    return { outcome: outcome.status === 'failed' ? 'gateway_error' : 'unavailable', booking };
  }

  /** After a failed attempt the former expiry applies again; one that has passed ends the booking at once. False: the hold is gone. */
  async #restoreExpiry(): Promise<boolean> {
    const { expiresAtMs } = this.#process.booking;
    if (expiresAtMs <= this.#refusalMs()) return true;
    const restored = await this.#extendHold(expiresAtMs);
    const isGone = !restored.ok && (restored.refusal === 'NO_SUCH_HOLD' || restored.refusal === 'HOLD_EXPIRED');
    return !(isGone && patched('a-hold-that-is-gone-ends-its-booking'));
  }

  /** The captured money buys the seats, or goes back. What undoes a step is registered before the step. */
  async #confirm(attemptId: string, tried: FurtherProgress): Promise<PayAnswer> {
    const refund = (because: GivenBackBecause) => this.#refund(attemptId, because);
    const giveSeatsBack: Undo = () => this.#giveSeatsBack();
    const seats = await this.#confirmSeats(tried.seats);
    if (!seats.ok) {
      const because = seats.refusal === 'SALES_CLOSED' ? 'show_cancelled' : 'seats_gone';
      return this.#compensate(attemptId, 'EXPIRED', because, [refund, giveSeatsBack]);
    }
    const recorded = tried.recorded ?? (await this.#recordConfirmed(attemptId));
    if (recorded.kind === 'seat_taken') {
      return this.#compensate(attemptId, 'FAILED', 'seats_gone', [refund, giveSeatsBack]);
    }
    // The seats are the booking's all the same: another payment has bought them.
    if (recorded.kind === 'paid_by') return this.#compensate(attemptId, 'FAILED', 'paid_twice', [refund]);
    this.#process.confirmed(recorded.bookingNumber, Date.now());
    return { outcome: 'confirmed', booking: this.#view() };
  }

  #recordConfirmed(attemptId: string): Promise<RecordOutcome> {
    return step('recordConfirmed', inNextVersion(this.#process.booking), this.#attempt(attemptId));
  }

  /** Captured, but not what was asked for: that buys nothing, and all of it goes back. */
  #giveBack(attemptId: string, captured: CapturedMoney): Promise<PayAnswer> {
    logCapturedOtherwise(attemptId, this.#attempt(attemptId).amount, captured);
    const refund: Undo = (because) => this.#refund(attemptId, because, captured.amount);
    return this.#compensate(attemptId, 'FAILED', 'amount_differs', [refund, () => this.#giveSeatsBack()]);
  }

  /** Granted once the seats are booked: by the hold or, should it have lapsed, because all of them are still free. */
  async #confirmSeats(tried: SeatCommandResult | undefined): Promise<SeatCommandResult> {
    const byHold = tried ?? (await step('confirmSeats', this.#process.booking, { reclaim: false }));
    if (byHold.ok || byHold.refusal === 'SALES_CLOSED') return byHold;
    return step('confirmSeats', this.#process.booking, { reclaim: true });
  }

  /** The hold, should it still be there, and the seats, should they be booked already. */
  async #giveSeatsBack(): Promise<void> {
    await durably('releaseHold', this.#hold);
    await durably('returnSeats', this.#hold);
  }

  /** Undoes what was done until it is undone; the money does not wait for the seats. */
  async #compensate(
    attemptId: string,
    ending: 'EXPIRED' | 'FAILED',
    reason: GivenBackBecause,
    undo: readonly Undo[],
  ): Promise<PayAnswer> {
    log.error('paid, but not confirmed: the money goes back', { alert: 'compensating', attemptId, reason });
    // On record first: what is recorded as ended with a payment would be refunded by nobody if this were lost.
    if (patched('what-goes-back-is-on-record-first'))
      await sleep(1, { summary: 'it is on record that the money goes back' });
    this.#process.ended(ending, Date.now());
    await this.#record(attemptId);
    await Promise.all(undo.map((undoStep) => undoStep(reason)));
    return { outcome: 'refunded', booking: this.#view(), reason };
  }

  #refund(attemptId: string, because: GivenBackBecause, amount = this.#attempt(attemptId).amount): Promise<boolean> {
    const captured = { ...this.#attempt(attemptId), amount };
    return refundAttempt(this.#hold.bookingId, captured, async (refund) => {
      this.#process.refundIs(refund.amount, refund.status, Date.now());
      await durably('amendBooking', this.#process.booking, this.#attempt(attemptId), refund, because);
    });
  }

  /** A captured payment whose attempt this booking never heard of: a process died between the two. */
  #mayAdopt(notice: PaymentNotification): boolean {
    const { booking, endsAtMs } = this.#process;
    const inTime = booking.status === 'HELD' && this.#refusalMs() < endsAtMs;
    return inTime && !this.#busy && isSameMoney(notice.amount, booking.price.total) && isBelieved(notice);
  }

  async #adopt(notice: PaymentNotification): Promise<PayAnswer> {
    this.#process.paymentStarted(notice.attemptId, Date.now());
    return this.#settle(notice.attemptId, fromNotification(notice));
  }

  async #answerInTime(settled: Promise<PayAnswer>): Promise<PayAnswer> {
    let answer: PayAnswer | undefined;
    void settled.then((known) => (answer = known));
    const untilDeadlineMs = this.#process.endsAtMs - Date.now();
    // Once it has passed, the booking is about to end: then that is the answer.
    const isOver = this.#readsNoClock && untilDeadlineMs <= 0;
    const waitsMs = isOver ? PAY_ANSWER_WITHIN_MS : untilDeadlineMs - PAY_ANSWER_BEFORE_DEADLINE_MS;
    await condition(() => answer !== undefined, Math.max(1, Math.min(PAY_ANSWER_WITHIN_MS, waitsMs)));
    return answer ?? this.#pending({ type: 'await' });
  }

  // ---- the hold ----

  #extendHold(expiresAtMs: number, by: typeof step = step): Promise<SeatCommandResult> {
    return this.#changeHold((how, askedAtMs) => how('extendHold', this.#hold, expiresAtMs, askedAtMs), by);
  }

  /**
   * Each change of the hold is asked for at a later time than the one before: a worker that stood still with an earlier
   * one may not undo it. Should the show know of a later one, of a server whose clock was ahead, this one comes after it,
   * as a task of its own: one who stood still is told of a later one, too, and the server takes nothing more from him.
   */
  async #changeHold(
    send: (by: typeof step, askedAtMs: number) => Promise<SeatCommandResult>,
    by: typeof step = step,
  ): Promise<SeatCommandResult> {
    for (;;) {
      const result = await send(by, this.#nextChangeAtMs());
      if (result.ok || result.refusal !== 'SUPERSEDED') return result;
      this.#holdChangedAtMs = result.byMs;
      if (patched('what-comes-after-a-later-change-is-a-task')) by = durably;
    }
  }

  #nextChangeAtMs(): number {
    this.#holdChangedAtMs = Math.max(this.#holdChangedAtMs + 1, Date.now());
    return this.#holdChangedAtMs;
  }

  // ---- ending ----

  async #endHold(ending: 'RELEASED' | 'EXPIRED', attemptId?: string, by: typeof step = step): Promise<void> {
    const released = await by('releaseHold', this.#hold);
    if (!released.ok) return this.#endBooked();
    this.#process.ended(ending, Date.now());
    await this.#record(attemptId);
  }

  /**
   * The seats are booked, and this history does not know by which payment: a workflow task that timed out has charged
   * and confirmed. Its record may be there; if not, the sweep finds the payment, and its successor writes the record.
   */
  async #endBooked(): Promise<void> {
    const row = await durably('loadBooking', this.#hold.bookingId);
    if (row?.bookingNumber) return this.#process.confirmed(row.bookingNumber, Date.now());
    this.#process.ended('EXPIRED', Date.now());
    await this.#record();
  }

  /** Nobody knows yet whether there is money: the seats go, and a workflow of its own settles it when it is known. */
  async #giveUp(attemptId: string): Promise<PayAnswer> {
    // As a task: should its outcome come while a worker stands still with this, another one goes on with the hold.
    const by: typeof step = patched('a-payment-is-given-up-by-a-task') ? durably : step;
    await this.#endHold('EXPIRED', attemptId, by);
    await this.#settleLater(attemptId, this.#attempt(attemptId).amount);
    return this.#pending({ type: 'await' });
  }

  async #settleLater(attemptId: string, amount: Money): Promise<void> {
    const { booking } = this.#process;
    try {
      await startChild<typeof latePaymentWorkflow>('latePaymentWorkflow', {
        workflowId: latePaymentWorkflowId(booking.id, attemptId),
        args: [{ booking, attemptId, amount, isRecorded: this.#process.attempt(attemptId) !== undefined }],
        typedSearchAttributes: bookingAttributes(booking),
        parentClosePolicy: ParentClosePolicy.ABANDON,
        // What an earlier one has settled by another word of the provider is settled again by this one.
        workflowIdReusePolicy: WorkflowIdReusePolicy.ALLOW_DUPLICATE,
        staticSummary: `payment ${attemptId} of a booking that has ended`,
      });
    } catch (error) {
      // It runs, because the provider's notice started it.
      if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
    }
  }

  // ---- answers and records ----

  async #exclusively<Result>(effect: () => Promise<Result>): Promise<Result> {
    return CancellationScope.nonCancellable(async () => {
      while (this.#busy) await condition(() => !this.#busy);
      this.#busy = true;
      this.#untouched = false;
      try {
        return await effect();
      } finally {
        this.#busy = false;
        this.#describe();
      }
    });
  }

  async #record(attemptId?: string): Promise<void> {
    const attempt = attemptId === undefined ? null : this.#attempt(attemptId);
    await step('recordBooking', this.#process.booking, attempt);
  }

  #attempt(attemptId: string): PaymentAttempt {
    const attempt = this.#process.attempt(attemptId);
    if (!attempt) throw new Error(`no attempt ${attemptId}`);
    return attempt;
  }

  #seatsRefused(refused: SeatRefusal): BookingAnswer {
    switch (refused.refusal) {
      case 'SEAT_UNAVAILABLE':
        return { ...this.#refused('SEAT_UNAVAILABLE'), conflicts: refused.conflicts };
      case 'ORPHAN_SEAT':
        return { ...this.#refused('ORPHAN_SEAT'), seats: refused.seats };
      case 'TOO_MANY_SEATS':
      case 'SALES_CLOSED':
        return this.#refused(refused.refusal);
      default:
        return this.#refused('HOLD_EXPIRED');
    }
  }

  #refused(refusal: BookingRefusalCode): BookingAnswer & { ok: false } {
    return { ok: false, refusal, booking: this.#view() };
  }

  #done(): BookingAnswer {
    return { ok: true, booking: this.#view() };
  }

  #pending(nextAction: NextAction): PayAnswer {
    return { outcome: 'pending', nextAction, booking: this.#view() };
  }

  #view(): BookingView {
    const { status, version, expiresAtMs, bookingNumber, payment, refund } = this.#process.booking;
    return { status, version, expiresAtMs, bookingNumber, payment, refund };
  }

  #describe(): void {
    setCurrentDetails(describeBooking(this.#process));
  }
}

/**
 * A message is on record once a workflow task has ended after it. Until then a server that restarts forgets it, and this history
 * would not know what a local activity has done for it at the show.
 */
async function untilHeardForGood(): Promise<void> {
  if (patched('a-change-of-a-hold-is-on-record-first'))
    await sleep(1, { summary: 'a change of the hold is on record' });
}

const isOpen = ({ status }: PaymentAttempt): boolean => status === 'PENDING' || status === 'UNKNOWN';
