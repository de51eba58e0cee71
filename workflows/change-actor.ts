import {
  allHandlersFinished,
  CancellationScope,
  condition,
  setCurrentDetails,
  sleep,
  workflowInfo,
} from '@temporalio/workflow';
import type { Refund } from '../src/contracts/booking-messages.ts';
import type {
  BookingChange,
  BookingChangeInput,
  BookingChangeStatus,
  ChangeRefused,
  ExchangeAnswer,
  ExchangeRefused,
  PlannedRefund,
  RecordedChange,
} from '../src/contracts/change-messages.ts';
import type { PaymentNotification } from '../src/contracts/payments.ts';
import type { BookingStatus } from '../src/domain/booking.ts';
import { describeChanges } from './describe-changes.ts';
import { Exchange, type ExchangeSurroundings } from './exchange.ts';
import { refundPlanned } from './refund.ts';
import { step } from './steps.ts';

/**
 * Changes that one run hears. Further ones are refused until its refunds have ended, or a buyer who changes a booking to
 * and fro would let the history grow without an end.
 */
const CHANGES_PER_RUN_MAX = 50;

/**
 * The changes of one booking, one at a time: each is recorded, its seats go back to the show, and its answer is given.
 * Its money goes back meanwhile, however long that takes; other changes need not wait for it.
 */
export class ChangeActor {
  readonly #answers = new Map<string, Promise<ExchangeAnswer>>();
  readonly #refunds = new Map<string, Refund>();
  readonly #news = new Set<string>();
  readonly #firstId: string;
  #latest: BookingChange;
  #latestAnswer: ExchangeAnswer | null = null;
  #exchange: Exchange | null = null;
  #underWay: string | null = null;
  #refundsUnderWay = 0;
  /** Refunds that nothing is done for just now, and how often any of them has waited. */
  #refundsWaiting = 0;
  #waits = 0;
  readonly #waitsMax: number;
  /** Changes of a run before this one, whose refunds it goes on with. */
  readonly #inherited: BookingChange[];
  /** Those whose refunds have not ended, with how many. */
  readonly #unfinished = new Map<BookingChange, number>();
  /** A refund is being tried in the worker itself. A replay does not know in which order several such tries have ended. */
  #isInWorker = false;

  constructor({ change: first, goesOnWith = [], waitsMax = Infinity }: BookingChangeInput) {
    this.#firstId = first.changeId;
    this.#latest = first;
    this.#waitsMax = waitsMax;
    this.#inherited = [...goesOnWith];
    // Begun by the run itself: it is done also when nobody is there any more to wait for it.
    void this.change(first).finally(() => this.#goOn());
  }

  /** From the rows: what a change has recorded is what its repeat finds. */
  async #goOn(): Promise<void> {
    for (let next = this.#inherited[0]; next; next = this.#inherited[0]) {
      await this.change(next).catch(() => undefined);
      this.#inherited.shift();
    }
  }

  /** The answer that the change gets, or has got. */
  change(change: BookingChange): Promise<ExchangeAnswer> {
    const given = this.#answers.get(change.changeId);
    if (given) return given;
    const answer = new Promise<ExchangeAnswer>((resolve, reject) => {
      CancellationScope.nonCancellable(() => this.#perform(change, resolve)).then(resolve, reject);
    });
    this.#answers.set(change.changeId, answer);
    return answer;
  }

  /** Why a change is not heard just now, or null. */
  refusesToHear({ changeId }: BookingChange): ChangeRefused | null {
    if (this.#answers.has(changeId)) return null;
    const isFree = this.#isFree && this.#answers.size < CHANGES_PER_RUN_MAX;
    return isFree ? null : { ok: false, refusal: 'CHANGE_IN_PROGRESS' };
  }

  /** A provider has told that a refund has ended: it is asked at once. */
  refundHasEnded(refundId: string): void {
    this.#news.add(refundId);
  }

  /** What a provider tells of a payment; of one that is not under way here it tells nothing new. */
  notice(notice: PaymentNotification): void {
    this.#exchange?.notice(notice);
  }

  status(): BookingChangeStatus {
    const refunds = [...this.#refunds.values()].map(({ id, amount, status }) => ({ id, amount, status }));
    return { change: this.#latest, answer: this.#latestAnswer, refunds };
  }

  get #isFree(): boolean {
    return this.#underWay === null && this.#inherited.length === 0;
  }

  /** What undoes an exchange never counts as waiting: no row tells a further run to go on with it. */
  get #isOutgrown(): boolean {
    return this.#waits >= this.#waitsMax && this.#refundsWaiting === this.#refundsUnderWay;
  }

  /**
   * Resolves when nothing is under way any more, with the status that the booking has then; null if none was told. Or when
   * the run has waited often enough: with what another one goes on with.
   */
  async ended(): Promise<
    { readonly status: BookingStatus | null } | { readonly goesOnWith: readonly BookingChange[] }
  > {
    await condition(() => this.#isFree && (this.#refundsUnderWay === 0 || (this.#isOutgrown && allHandlersFinished())));
    if (this.#refundsUnderWay > 0) return { goesOnWith: [...this.#unfinished.keys()] };
    return { status: this.#latestAnswer?.ok ? this.#latestAnswer.booking.status : null };
  }

  /** `tell`: gives an answer before the last one. */
  async #perform(change: BookingChange, tell: (answer: ExchangeAnswer) => void): Promise<ExchangeAnswer> {
    this.#underWay = change.changeId;
    this.#latest = change;
    this.#latestAnswer = null;
    this.#describe();
    const isFirst = change.changeId === this.#firstId;
    // It counts as asked for then, however often a task is tried again: a worker or a database that is away costs no tier.
    const askedAtMs = isFirst ? workflowInfo().startTime.getTime() : Date.now();
    if (!isFirst) {
      await untilHeardForGood();
      await condition(() => !this.#isInWorker);
    }
    const recorded = await this.#record(change, askedAtMs, tell);
    if (recorded.ok) await this.#giveBack(change, recorded);
    this.#underWay = null;
    this.#latestAnswer = recorded.ok ? answerOf(recorded) : recorded;
    this.#describe();
    return this.#latestAnswer;
  }

  async #record(
    change: BookingChange,
    askedAtMs: number,
    tell: (answer: ExchangeAnswer) => void,
  ): Promise<RecordedChange | ChangeRefused | ExchangeRefused> {
    switch (change.kind) {
      case 'cancellation':
      case 'show_cancelled':
        return step('recordCancellation', change, askedAtMs);
      case 'transfer':
        return step('recordTransfer', change, askedAtMs);
      case 'exchange':
        this.#exchange = new Exchange(change, this.#surroundings(tell));
        return this.#exchange.run();
    }
  }

  #surroundings(tell: (answer: ExchangeAnswer) => void): ExchangeSurroundings {
    return {
      tell: (answer) => {
        this.#latestAnswer = answer;
        this.#describe();
        tell(answer);
      },
      // What undoes it is waited for by the run, and by nobody else.
      goOn: (undoing) => {
        this.#refundsUnderWay += 1;
        void undoing.finally(() => (this.#refundsUnderWay -= 1));
      },
      refundIs: (refund) => {
        this.#refunds.set(refund.id, refund);
        this.#describe();
      },
    };
  }

  /** The seats at once; the money goes its own way. */
  async #giveBack(change: BookingChange, { booking, seats, refunds }: RecordedChange): Promise<void> {
    const hold = { showId: booking.showId, bookingId: booking.id };
    if (seats.length > 0) {
      await (booking.status === 'CANCELLED' ? step('returnSeats', hold) : step('returnSeats', hold, seats));
    }
    const isAlone = refunds.length === 1 && this.#answers.size === 1;
    for (const refund of refunds) void this.#refund(change, refund, isAlone);
  }

  async #refund(change: BookingChange, refund: PlannedRefund, isAlone: boolean): Promise<void> {
    this.#refundsUnderWay += 1;
    this.#unfinished.set(change, (this.#unfinished.get(change) ?? 0) + 1);
    this.#isInWorker = isAlone;
    const inWorker = { may: () => this.#isInWorker, isOver: () => void (this.#isInWorker = false) };
    const news = { has: (id: string) => this.#news.has(id), heard: (id: string) => void this.#news.delete(id) };
    await CancellationScope.nonCancellable(() =>
      refundPlanned(refund, news, inWorker, {
        onChange: (state) => {
          this.#refunds.set(state.id, state);
          this.#describe();
        },
        whileWaiting: (wait) => this.#whileWaiting(wait),
      }),
    );
    if (isAlone) this.#isInWorker = false;
    this.#refundsUnderWay -= 1;
    const left = this.#unfinished.get(change)! - 1;
    if (left > 0) this.#unfinished.set(change, left);
    else this.#unfinished.delete(change);
  }

  async #whileWaiting<Value>(wait: () => Promise<Value>): Promise<Value> {
    this.#waits += 1;
    this.#refundsWaiting += 1;
    const value = await wait();
    this.#refundsWaiting -= 1;
    return value;
  }

  #describe(): void {
    setCurrentDetails(describeChanges(this.status()));
  }
}

/**
 * What a run was started with stands in its history. An update does once a workflow task has ended after it: until then a server
 * that restarts forgets it, and with it what a local activity has done for it.
 */
const untilHeardForGood = (): Promise<void> => sleep(1, { summary: 'a further change is on record' });

const answerOf = ({ booking, other }: RecordedChange): ExchangeAnswer =>
  other === undefined ? { ok: true, booking } : { ok: true, booking, other };
