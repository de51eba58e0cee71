import { setImmediate as afterOthers } from 'node:timers/promises';
import { readEvent, UndeliverableEventError } from '../contracts/events.ts';
import type { Delivery, Outcome } from '../read-model/outbox-session.ts';
import type { Queue } from './queue.ts';

/** Where a queue finds its deliveries, and tells what became of them. Rejects when the relay has lost its lanes. */
export interface DeliveryShelf {
  claim(queue: string, withoutBookings: readonly string[], deliveriesMax: number): Promise<readonly Delivery[]>;
  settle(outcome: Outcome): Promise<void>;
}

export interface DeliveryObserver {
  settled(queue: string, kind: Outcome['kind'], delivery: Delivery, error: string | null): void;
}

interface UnderWay {
  readonly delivery: Delivery;
  /** Aborted when it is not waited for any more. */
  readonly giveUp: AbortController;
}

/**
 * Gives one consumer its events: as many bookings at once as it takes, of each booking one event after the other. It
 * asks for deliveries when it is woken, and again as long as it gets all that it has room for.
 */
export class DeliveryQueue {
  readonly queue: Queue;
  readonly #shelf: DeliveryShelf;
  readonly #observer: DeliveryObserver;
  /** By booking. */
  #underWay = new Map<string, UnderWay>();
  #mayHaveMore = false;
  #isClaiming = false;
  #isClosed = false;
  #wakeUp: NodeJS.Timeout | null = null;
  #wakeUpAtMs = Infinity;
  #idle: (() => void) | null = null;

  constructor(queue: Queue, shelf: DeliveryShelf, observer: DeliveryObserver) {
    this.queue = queue;
    this.#shelf = shelf;
    this.#observer = observer;
  }

  /** There may be something to do. */
  wake(): void {
    this.#mayHaveMore = true;
    void this.#fill();
  }

  /** Whether something of that lane is under way. */
  isIn(lane: number): boolean {
    return [...this.#underWay.values()].some(({ delivery }) => delivery.lane === lane);
  }

  /** What is under way belongs to somebody else now: it is ended if it can be, and what becomes of it counts for nothing. */
  loseLanes(): void {
    const lost = this.#underWay;
    this.#underWay = new Map();
    for (const { giveUp } of lost.values()) giveUp.abort(new Error('the relay has lost its lanes'));
  }

  /** Begins nothing more; resolves when what is under way has ended. */
  async close(): Promise<void> {
    this.#isClosed = true;
    if (this.#wakeUp) clearTimeout(this.#wakeUp);
    if (this.#underWay.size === 0 && !this.#isClaiming) return;
    await new Promise<void>((resolve) => {
      this.#idle = resolve;
    });
  }

  async #fill(): Promise<void> {
    if (this.#isClaiming || this.#isClosed) return;
    this.#isClaiming = true;
    try {
      await this.#claimAll();
    } catch {
      // The relay wakes every queue when it has lanes again.
    } finally {
      this.#isClaiming = false;
      this.#tellWhenIdle();
    }
  }

  async #claimAll(): Promise<void> {
    while (this.#mayHaveMore && !this.#isClosed) {
      // What was settled together makes room together.
      await afterOthers();
      const room = this.queue.concurrency() - this.#underWay.size;
      if (room <= 0) return;
      this.#mayHaveMore = false;
      const underWay = this.#underWay;
      const claimed = await this.#shelf.claim(this.queue.name, [...underWay.keys()], room);
      if (underWay !== this.#underWay) return;
      if (claimed.length === room) this.#mayHaveMore = true;
      for (const delivery of claimed) void this.#deliver(delivery);
    }
  }

  async #deliver(delivery: Delivery): Promise<void> {
    const { bookingId } = delivery;
    const underWay = this.#underWay;
    const giveUp = new AbortController();
    underWay.set(bookingId, { delivery, giveUp });
    const outcome = await this.#outcomeOf(delivery, giveUp);
    // Of lanes that were lost meanwhile nothing is written.
    if (underWay !== this.#underWay) return;
    const isSettled = await this.#shelf.settle(outcome).then(
      () => true,
      () => false,
    );
    if (!isSettled || underWay !== this.#underWay) return;
    underWay.delete(bookingId);
    const error = outcome.kind === 'accepted' ? null : outcome.error;
    this.#observer.settled(this.queue.name, outcome.kind, delivery, error);
    if (outcome.kind === 'postponed') this.#wakeIn(outcome.pauseMs);
    this.wake();
    this.#tellWhenIdle();
  }

  async #outcomeOf(delivery: Delivery, giveUp: AbortController): Promise<Outcome> {
    try {
      await this.#handle(delivery, giveUp);
      return { kind: 'accepted', delivery };
    } catch (thrown) {
      const error = thrown instanceof Error ? thrown.message || thrown.name : String(thrown);
      const pauseMs = thrown instanceof UndeliverableEventError ? null : this.queue.pauseMsAfter(delivery.tries + 1);
      return pauseMs === null ? { kind: 'parked', delivery, error } : { kind: 'postponed', delivery, pauseMs, error };
    }
  }

  /** A consumer that does not heed its signal is not waited for. */
  async #handle({ event }: Delivery, giveUp: AbortController): Promise<void> {
    if (event === null) throw new UndeliverableEventError('the event is not in the outbox any more');
    const { timeoutMs } = this.queue;
    const timer = setTimeout(() => giveUp.abort(new Error(`it took longer than ${timeoutMs} ms`)), timeoutMs);
    const givenUp = new Promise<never>((_, reject) => {
      giveUp.signal.addEventListener('abort', () => reject(giveUp.signal.reason as Error), { once: true });
    });
    try {
      await Promise.race([this.queue.handle(readEvent(event), giveUp.signal), givenUp]);
    } finally {
      clearTimeout(timer);
    }
  }

  /** Only the earliest is kept: later ones are found by the relay's own looking. */
  #wakeIn(ms: number): void {
    const atMs = Date.now() + ms;
    if (this.#isClosed || (this.#wakeUpAtMs <= atMs && this.#wakeUpAtMs > Date.now())) return;
    if (this.#wakeUp) clearTimeout(this.#wakeUp);
    this.#wakeUpAtMs = atMs;
    this.#wakeUp = setTimeout(() => {
      this.#wakeUpAtMs = Infinity;
      this.wake();
    }, ms + 5);
  }

  #tellWhenIdle(): void {
    if (this.#underWay.size === 0 && !this.#isClaiming) this.#idle?.();
  }
}
