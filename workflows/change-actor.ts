import { CancellationScope, condition, setCurrentDetails } from '@temporalio/workflow';
import type { Refund } from '../src/contracts/booking-messages.ts';
import type {
  BookingChange,
  BookingChangeStatus,
  ChangeAnswer,
  ChangeRefused,
  PlannedRefund,
  RecordedChange,
} from '../src/contracts/change-messages.ts';
import type { BookingStatus } from '../src/domain/booking.ts';
import { describeChanges } from './describe-changes.ts';
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
  readonly #answers = new Map<string, Promise<ChangeAnswer>>();
  readonly #refunds = new Map<string, Refund>();
  readonly #news = new Set<string>();
  #latest: BookingChange;
  #latestAnswer: ChangeAnswer | null = null;
  #underWay: string | null = null;
  #refundsUnderWay = 0;

  constructor(first: BookingChange) {
    this.#latest = first;
    // Begun by the run itself: it is done also when nobody is there any more to wait for it.
    void this.change(first);
  }

  /** The answer that the change gets, or has got. */
  change(change: BookingChange): Promise<ChangeAnswer> {
    const given = this.#answers.get(change.changeId);
    if (given) return given;
    const answer = CancellationScope.nonCancellable(() => this.#perform(change));
    this.#answers.set(change.changeId, answer);
    return answer;
  }

  /** Why a change is not heard just now, or null. */
  refusesToHear({ changeId }: BookingChange): ChangeRefused | null {
    if (this.#answers.has(changeId)) return null;
    const isFree = this.#underWay === null && this.#answers.size < CHANGES_PER_RUN_MAX;
    return isFree ? null : { ok: false, refusal: 'CHANGE_IN_PROGRESS' };
  }

  /** A provider has told that a refund has ended: it is asked at once. */
  refundHasEnded(refundId: string): void {
    this.#news.add(refundId);
  }

  status(): BookingChangeStatus {
    const refunds = [...this.#refunds.values()].map(({ id, amount, status }) => ({ id, amount, status }));
    return { change: this.#latest, answer: this.#latestAnswer, refunds };
  }

  /** Resolves when nothing is under way any more, with the status that the booking has then; null if none was told. */
  async ended(): Promise<BookingStatus | null> {
    await condition(() => this.#underWay === null && this.#refundsUnderWay === 0);
    return this.#latestAnswer?.ok ? this.#latestAnswer.booking.status : null;
  }

  async #perform(change: BookingChange): Promise<ChangeAnswer> {
    this.#underWay = change.changeId;
    this.#latest = change;
    this.#latestAnswer = null;
    this.#describe();
    // It counts as asked for now: a database that is away meanwhile costs the buyer no tier.
    const recorded = await step('recordCancellation', change, Date.now());
    if (recorded.ok) await this.#giveBack(recorded);
    this.#underWay = null;
    this.#latestAnswer = recorded.ok ? { ok: true, booking: recorded.booking } : recorded;
    this.#describe();
    return this.#latestAnswer;
  }

  /** The seats at once; the money goes its own way. */
  async #giveBack({ booking, seats, refunds }: RecordedChange): Promise<void> {
    for (const refund of refunds) void this.#refund(refund);
    if (seats.length === 0) return;
    const hold = { showId: booking.showId, bookingId: booking.id };
    await (booking.status === 'CANCELLED' ? step('returnSeats', hold) : step('returnSeats', hold, seats));
  }

  async #refund(refund: PlannedRefund): Promise<void> {
    this.#refundsUnderWay += 1;
    const news = { has: (id: string) => this.#news.has(id), heard: (id: string) => void this.#news.delete(id) };
    await CancellationScope.nonCancellable(() =>
      refundPlanned(refund, news, (state) => {
        this.#refunds.set(state.id, state);
        this.#describe();
      }),
    );
    this.#refundsUnderWay -= 1;
  }

  #describe(): void {
    setCurrentDetails(describeChanges(this.status()));
  }
}
