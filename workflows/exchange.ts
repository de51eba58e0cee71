import { condition, log, patched, sleep } from '@temporalio/workflow';
import type { ExchangeBefore } from '../activities/exchange-activities.ts';
import type { GivenBackBecause, Refund } from '../src/contracts/booking-messages.ts';
import type {
  ChangeRefused,
  ExchangeAnswer,
  ExchangeChange,
  ExchangeRefused,
  RecordedChange,
} from '../src/contracts/change-messages.ts';
import { attemptKnowledge, capturedOtherwise, isFinal } from '../src/contracts/charge-outcomes.ts';
import type { ChargeOutcome, ChargeRequest, NextAction, PaymentNotification } from '../src/contracts/payments.ts';
import type { Booking, PricedSeat } from '../src/domain/booking.ts';
import type { PaymentAttempt } from '../src/domain/booking-process.ts';
import { isSameMoney, type Money } from '../src/domain/money.ts';
import type { SeatCommandResult, SeatsGranted } from '../src/domain/seat-commands.ts';
import { fromNotification, isBelieved, logCapturedOtherwise } from './payment-notices.ts';
import { refundAttempt } from './refund.ts';
import { durably, firstTry, growingIntervals, interruptibly, resolveOrVoid, step, unanswered } from './steps.ts';

/** A pending charge is asked for in growing intervals; the provider's webhook usually comes first. */
const POLL_INTERVAL_MIN_MS = 2_000;
const POLL_INTERVAL_MAX_MS = 15_000;
/** Past the deadline a charge without an outcome is voided within this time, or left to whoever settles late money. */
const VOIDED_WITHIN_MS = 10_000;

export interface ExchangeSurroundings {
  /** The buyer need not wait any longer: this is the answer for now. */
  readonly tell: (answer: ExchangeAnswer) => void;
  /** Something is left to be done when the exchange has been answered. */
  readonly goOn: (undoing: Promise<unknown>) => void;
  readonly refundIs: (refund: Refund) => void;
}

type Refused = ChangeRefused | ExchangeRefused;
type Paid = { readonly ok: true; readonly attempt: PaymentAttempt | null } | Refused;

/**
 * One booking becomes another one, of other seats: these are held, the difference is charged, they are booked, and only then
 * are the old ones given up. Until the one transaction that records all of it everything is undone: the money goes back, the
 * new seats too, and the old ones have never been anybody else's.
 */
export class Exchange {
  readonly #change: ExchangeChange;
  readonly #around: ExchangeSurroundings;
  #from!: Booking;
  /** The new one, as it is recorded. */
  #booking!: Booking;
  #news: PaymentNotification | undefined;
  /** What was told and is not believed: the provider is asked at once. */
  #doubts = 0;
  #isOverdue = false;
  #isToldToWait = false;

  constructor(change: ExchangeChange, around: ExchangeSurroundings) {
    this.#change = change;
    this.#around = around;
  }

  notice(notice: PaymentNotification): void {
    const { payment } = this.#change;
    if (notice.attemptId !== payment?.attemptId) return;
    if (isBelieved(notice) && isSameMoney(notice.amount, payment.amount)) this.#news = notice;
    else this.#doubts += 1;
  }

  async run(): Promise<RecordedChange | Refused> {
    const before = await step('findExchange', this.#change);
    if (before.kind !== 'new') return this.#goOnFrom(before);
    this.#from = before.from;
    const opened = await this.#open();
    if (opened.ok) return this.#buy();
    // What was found before is on record, unlike all that a task has done since which was lost with its worker: it may have
    // opened the exchange, and even brought it to its end.
    const now = patched('an-exchange-that-is-refused-looks-again') ? await step('findExchange', this.#change) : before;
    if (now.kind === 'begun' || now.kind === 'recorded') return this.#goOnFrom(now);
    if (opened.isHeld) await this.#giveNewBack();
    return opened.refused;
  }

  async #goOnFrom(before: Exclude<ExchangeBefore, { kind: 'new' }>): Promise<RecordedChange | Refused> {
    switch (before.kind) {
      case 'refused':
        return before.refused;
      case 'recorded':
        await this.#returnOld(before.recorded);
        return before.recorded;
      case 'begun':
        this.#from = before.from;
        this.#booking = before.booking;
        return this.#buy();
    }
  }

  async #open(): Promise<{ ok: true } | { ok: false; refused: Refused; isHeld: boolean }> {
    const held = await this.#holdNew();
    if (!held.ok) return { ok: false, refused: { ok: false, refusal: 'SEATS_REFUSED', seats: held }, isHeld: false };
    const times = { heldAtMs: held.heldAtMs!, expiresAtMs: held.expiresAtMs! };
    // As a task: a worker that stood still may not open what another one has been refused, and nobody would go on with.
    const by: typeof step = patched('an-exchange-is-opened-by-a-task') ? durably : step;
    const opened = await by('openExchange', this.#change, times);
    if (!opened.ok) return { ok: false, refused: opened, isHeld: true };
    this.#booking = opened.booking;
    return { ok: true };
  }

  async #buy(): Promise<RecordedChange | Refused> {
    const paid = await this.#pay();
    return paid.ok ? this.#confirm(paid.attempt) : paid;
  }

  // ---- the seats ----

  /** Of its own show a booking may keep some: only the others are held. */
  async #holdNew(): Promise<SeatCommandResult> {
    const { to, holdTtlMs } = this.#change;
    const own = this.#isWithinShow ? this.#from.seats : [];
    const wanted = indicesWithout(to.seats, own);
    if (wanted.length > 0) return step('holdSeats', this.#change, wanted, indicesWithout(own, to.seats), holdTtlMs);
    return { ok: true, seats: [], heldAtMs: Date.now(), expiresAtMs: Date.now() + holdTtlMs };
  }

  get #isWithinShow(): boolean {
    return this.#change.to.showId === this.#from.showId;
  }

  async #takeNew(): Promise<SeatCommandResult> {
    if (this.#isWithinShow) return step('exchangeSeats', this.#from, this.#booking);
    const byHold = await step('confirmSeats', this.#booking, { reclaim: false });
    if (byHold.ok || byHold.refusal === 'SALES_CLOSED') return byHold;
    return step('confirmSeats', this.#booking, { reclaim: true });
  }

  /**
   * Held or booked; what comes late of a worker that stood still takes none any more. As tasks: the money may go back at the
   * same time, and a replay does not know in which order tries in the worker have ended.
   */
  async #giveNewBack(): Promise<void> {
    const hold = { showId: this.#change.to.showId, bookingId: this.#change.to.id };
    await durably('releaseHold', hold);
    await durably('returnSeats', hold);
  }

  /** The rows of the old seats are gone; now they go on sale. `granted`: what the new booking has in its show. */
  async #returnOld({ booking, other }: RecordedChange, granted: readonly number[] = []): Promise<void> {
    if (booking.showId !== other!.showId) {
      await step('returnSeats', { showId: booking.showId, bookingId: booking.id });
      return;
    }
    const hold = { showId: other!.showId, bookingId: other!.id };
    const indices = indicesWithout(booking.seats, other!.seats);
    // Of the one that the old booking was exchanged for, should its exchange not have come to returning them yet.
    const further = granted.filter((seat) => ![...booking.seats, ...other!.seats].some(({ index }) => index === seat));
    if (further.length > 0 && patched('an-exchange-returns-what-came-along')) indices.push(...further);
    if (indices.length > 0) await step('returnSeats', hold, indices);
  }

  // ---- the difference ----

  async #pay(): Promise<Paid> {
    const { payment, to } = this.#change;
    if (!payment) return { ok: true, attempt: null };
    const { attemptId, amount, method, token } = payment;
    const request: ChargeRequest = { attemptId, bookingId: to.id, amount, method, token };
    const outcome = await this.#outcomeOf(request);
    const attempt = attemptOf(attemptId, amount, outcome);
    const otherwise = capturedOtherwise(outcome, { bookingId: to.id, amount });
    if (otherwise) {
      logCapturedOtherwise(attemptId, amount, otherwise);
      await this.#undo(attempt, 'amount_differs', otherwise.amount);
      return { ok: false, refusal: 'GIVEN_BACK' };
    }
    if (outcome.status === 'succeeded') return { ok: true, attempt };
    await untilOnRecord();
    await this.#failed(attempt);
    await this.#giveNewBack();
    return unpaid(outcome);
  }

  /** Not final where nobody has known in time. */
  async #outcomeOf(request: ChargeRequest): Promise<ChargeOutcome> {
    let known: ChargeOutcome = (await firstTry('chargePayment', request)) ?? unanswered;
    let isOver = isFinal(known);
    void condition(() => isOver, Math.max(1, this.#booking.expiresAtMs - Date.now())).then((ended) => {
      this.#isOverdue = !ended;
    });
    const nextIntervalMs = growingIntervals(POLL_INTERVAL_MIN_MS, POLL_INTERVAL_MAX_MS);
    while (!isFinal(known) && !this.#isOverdue) {
      if (known.status === 'pending') this.#tellToWait(known.nextAction);
      known = (await this.#ask(request, known, nextIntervalMs())) ?? known;
      if (this.#news && !isFinal(known)) known = fromNotification(this.#news);
    }
    isOver = true;
    return isFinal(known) ? known : ((await this.#voided(request.attemptId)) ?? known);
  }

  async #ask(request: ChargeRequest, known: ChargeOutcome, intervalMs: number): Promise<ChargeOutcome | undefined> {
    const isTold = () => this.#isOverdue || this.#news !== undefined;
    if (known.status === 'unknown') return interruptibly(() => resolveOrVoid(request), isTold);
    const doubts = this.#doubts;
    await condition(() => isTold() || this.#doubts > doubts, intervalMs);
    if (isTold()) return undefined;
    const found = await interruptibly(() => durably('findCharge', request.attemptId), isTold);
    return found && found.status !== 'not_found' && found.status !== 'unknown' ? found : undefined;
  }

  async #voided(attemptId: string): Promise<ChargeOutcome | undefined> {
    let isTimeUp = false;
    let isOver = false;
    void condition(() => isOver, VOIDED_WITHIN_MS).then((ended) => (isTimeUp = !ended));
    const outcome = await interruptibly(
      () => durably('voidCharge', attemptId),
      () => isTimeUp,
    );
    isOver = true;
    return outcome;
  }

  #tellToWait(nextAction: NextAction): void {
    if (this.#isToldToWait) return;
    this.#isToldToWait = true;
    this.#around.tell({ ok: true, booking: this.#from, other: this.#booking, nextAction });
  }

  // ---- the end ----

  async #confirm(attempt: PaymentAttempt | null): Promise<RecordedChange | Refused> {
    const seats = await this.#takeNew();
    if (!seats.ok) {
      // A task that was lost may have taken and recorded them, and they may have been given up since, in part or whole.
      const now = patched('an-exchange-that-gets-no-seats-looks-again')
        ? await step('findExchange', this.#change)
        : null;
      if (now?.kind === 'recorded') return this.#goOnFrom(now);
      await this.#undo(attempt, seats.refusal === 'SALES_CLOSED' ? 'show_cancelled' : 'seats_gone');
      return { ok: false, refusal: 'SEATS_REFUSED', seats };
    }
    const recorded = await step('recordExchange', this.#change, attempt);
    if (recorded.ok) {
      await this.#returnOld(recorded, seats.seats);
      return recorded;
    }
    await untilOnRecord();
    await this.#handBack(seats);
    await this.#undo(attempt, 'seats_gone');
    if (recorded.refusal !== 'SEAT_TAKEN') return recorded;
    return { ok: false, refusal: 'SEATS_REFUSED', seats: { ok: false, refusal: 'SEAT_UNAVAILABLE', conflicts: [] } };
  }

  /** Within one show the old booking gets its seats again. */
  async #handBack({ seats }: SeatsGranted): Promise<void> {
    if (!this.#isWithinShow) return;
    await step('exchangeSeats', this.#booking, this.#from, true);
    const old = this.#from.seats.map(({ index }) => index);
    const further = seats.filter((seat) => !old.includes(seat));
    const hold = { showId: this.#from.showId, bookingId: this.#from.id };
    if (further.length > 0) await step('returnSeats', hold, further);
  }

  /** Nobody waits for the money but the run: it may take as long as the provider likes. */
  async #undo(attempt: PaymentAttempt | null, because: GivenBackBecause, captured = attempt?.amount): Promise<void> {
    log.error('an exchange could not be completed: it is undone', { alert: 'compensating', because });
    await untilOnRecord();
    await this.#failed(attempt);
    if (attempt) this.#around.goOn(this.#refund(attempt, captured!, because));
    await this.#giveNewBack();
  }

  #refund(attempt: PaymentAttempt, captured: Money, because: GivenBackBecause): Promise<boolean> {
    return refundAttempt(this.#booking.id, { ...attempt, amount: captured }, async (refund) => {
      this.#around.refundIs(refund);
      this.#become({ refund: { amount: refund.amount, status: refund.status } });
      await durably('amendBooking', this.#booking, attempt, refund, because);
    });
  }

  async #failed(attempt: PaymentAttempt | null): Promise<void> {
    this.#become({ status: 'FAILED', ...(attempt && { payment: { status: attempt.status } }) });
    await step('recordFailedExchange', this.#booking, attempt, this.#isToldToWait);
  }

  #become(change: Partial<Booking>): void {
    const { version, changedAtMs } = this.#booking;
    const next = { version: version + 1, changedAtMs: Math.max(Date.now(), changedAtMs) };
    this.#booking = { ...this.#booking, ...change, ...next };
  }
}

/**
 * A workflow task that ends writes down what its local activities have found. Without it a worker that dies while it undoes
 * would leave the next one to find out anew, from records that are half undone already.
 */
const untilOnRecord = (): Promise<void> => sleep(1, { summary: 'it is on record why the exchange is undone' });

const indicesWithout = (seats: readonly PricedSeat[], others: readonly PricedSeat[]): number[] =>
  seats.filter(({ id }) => !others.some((other) => other.id === id)).map(({ index }) => index);

const attemptOf = (id: string, amount: Money, outcome: ChargeOutcome): PaymentAttempt => ({
  id,
  amount,
  ...attemptKnowledge(outcome),
});

/** What a charge that captured nothing means for the exchange. */
function unpaid(outcome: ChargeOutcome): ExchangeRefused {
  switch (outcome.status) {
    case 'declined':
      return { ok: false, refusal: 'PAYMENT_DECLINED', reason: outcome.reason };
    case 'failed':
      return { ok: false, refusal: 'GATEWAY_ERROR' };
    case 'not_processed':
      return { ok: false, refusal: 'PAYMENT_UNAVAILABLE' };
    default:
      return { ok: false, refusal: 'OUTCOME_UNKNOWN' };
  }
}
