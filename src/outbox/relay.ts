import type { Log } from '../read-model/database.ts';
import { type Delivery, OUTBOX_LANES, type Outcome, OutboxSession } from '../read-model/outbox-session.ts';
import { DeliveryQueue, type DeliveryObserver } from './delivery-queue.ts';
import type { Queue } from './queue.ts';

/** One statement of some tens of milliseconds at most. */
const EVENTS_PER_ROUND_MAX = 500;
/** The second line behind the notices, and how soon lanes of a process that has died are taken over. */
const LOOK_EVERY_MS = 1_000;
/** From one look to the next, which finds all that came meanwhile: each costs much the same for one event as for fifty. */
const LOOK_PACE_MS = 200;
/** For deliveries that are due again, were left by another process, or were sent again. */
const WAKE_QUEUES_EVERY_MS = 5_000;
/** Who has given a lane to another process asks for it only after that one has. */
const LANE_REST_MS = 3_000;
const PURGE_EVERY_MS = 60_000;
/** Looked at in one run of the purge: more than a busy minute makes. */
const PURGE_EVENTS_MAX = 5_000;
/** A single statement's worth. */
const PURGE_PAGES_MAX = 20;

export interface RelayOptions {
  readonly databaseUrl: string;
  /** Those that are there from the beginning; more come by `serve`. */
  readonly queues: readonly Queue[];
  /** How long events are kept that everybody has had. */
  readonly retentionMs: number;
  readonly observer: DeliveryObserver;
  /** Queues were made or closed elsewhere. */
  readonly onQueuesChanged?: () => void;
  readonly log: Log;
}

/**
 * Hands the events of the outbox to their consumers, at least once and those of one booking in order. Any number of
 * processes may do so: the bookings are shared out among them by lanes.
 */
export class OutboxRelay {
  readonly #options: RelayOptions;
  readonly #session: OutboxSession;
  readonly #queues = new Map<string, DeliveryQueue>();
  /** Of `queues`: handed out by name. Partners' endpoints are subscribed by their rows. */
  readonly #subscriptions;
  readonly #lanes = new Set<number>();
  /** To be given away as soon as nothing of theirs is under way. */
  readonly #leaving = new Set<number>();
  /** Lanes of each claim that is being made. */
  readonly #claims = new Set<readonly number[]>();
  readonly #restingUntilMs = new Map<number, number>();
  readonly #timers: NodeJS.Timeout[] = [];
  #handOutTimer: NodeJS.Timeout | null = null;
  #isHandingOut = false;
  #mayHaveEvents = false;
  #lookedAtMs = -Infinity;
  #isSharing = false;
  #purgedToId = 0;
  #isStopped = false;
  #isSettling = false;
  #toSettle: { readonly outcome: Outcome; readonly done: PromiseWithResolvers<void> }[] = [];

  constructor(options: RelayOptions) {
    this.#options = options;
    this.#subscriptions = options.queues.map(({ name, types }) => ({ queue: name, types }));
    for (const queue of options.queues) this.serve(queue);
    this.#session = new OutboxSession(options.databaseUrl, {
      log: options.log,
      onConnected: () => void this.#share(),
      onLost: () => this.#lose(),
      onEvents: () => this.#lookForEvents(),
      onQueuesChanged: () => {
        options.onQueuesChanged?.();
        this.#wakeQueues();
      },
      onShareAsked: (lanesEnough) => this.#giveAwayAllBut(lanesEnough),
    });
    this.#every(LOOK_EVERY_MS, () => {
      void this.#share();
      this.#lookForEvents();
    });
    this.#every(WAKE_QUEUES_EVERY_MS, () => this.#wakeQueues());
    this.#every(PURGE_EVERY_MS, () => void this.purge());
  }

  /** Lanes that this process has; all relays together have all of them. */
  get lanes(): number {
    return this.#lanes.size;
  }

  /** Serves one more queue from now on. */
  serve(queue: Queue): void {
    const served = new DeliveryQueue(queue, this.#shelf, this.#options.observer);
    this.#queues.set(queue.name, served);
    served.wake();
  }

  /** Begins nothing more in a queue that is closed. */
  leave(name: string): void {
    void this.#queues.get(name)?.close();
    this.#queues.delete(name);
  }

  /** Resolves when what is under way has ended, at most after `withinMs`. */
  async stop(withinMs: number): Promise<void> {
    this.#isStopped = true;
    for (const timer of this.#timers) clearInterval(timer);
    if (this.#handOutTimer) clearTimeout(this.#handOutTimer);
    const inTime = new Promise<void>((resolve) => setTimeout(resolve, withinMs).unref());
    await Promise.race([Promise.all([...this.#queues.values()].map((queue) => queue.close())), inTime]);
    this.#lose();
    await this.#session.close();
  }

  readonly #shelf = {
    claim: async (queue: string, withoutBookings: readonly string[], max: number): Promise<readonly Delivery[]> => {
      const lanes = this.#workingLanes();
      if (lanes.length === 0) return [];
      this.#claims.add(lanes);
      try {
        return await this.#session.claim(queue, lanes, withoutBookings, max);
      } finally {
        this.#claims.delete(lanes);
      }
    },
    settle: (outcome: Outcome): Promise<void> => {
      const done = Promise.withResolvers<void>();
      this.#toSettle.push({ outcome, done });
      void this.#settleAll();
      return done.promise;
    },
  };

  /** What ends while one statement runs goes together into the next. */
  async #settleAll(): Promise<void> {
    if (this.#isSettling) return;
    this.#isSettling = true;
    while (this.#toSettle.length > 0) {
      const together = this.#toSettle.splice(0, EVENTS_PER_ROUND_MAX);
      try {
        await this.#session.settle(together.map(({ outcome }) => outcome));
        for (const { done } of together) done.resolve();
      } catch (error) {
        for (const { done } of together) done.reject(error);
      }
    }
    this.#isSettling = false;
  }

  #every(ms: number, what: () => void): void {
    this.#timers.push(setInterval(what, ms));
  }

  #workingLanes(): number[] {
    return [...this.#lanes].filter((lane) => !this.#leaving.has(lane));
  }

  #lookForEvents(): void {
    this.#mayHaveEvents = true;
    if (this.#handOutTimer || this.#isStopped) return;
    const restMs = this.#lookedAtMs + LOOK_PACE_MS - performance.now();
    if (restMs <= 0) return void this.#handOut();
    this.#handOutTimer = setTimeout(() => {
      this.#handOutTimer = null;
      void this.#handOut();
    }, restMs);
  }

  async #handOut(): Promise<void> {
    if (this.#isHandingOut || this.#isStopped) return;
    this.#isHandingOut = true;
    try {
      let mayBeMore = true;
      while (mayBeMore && !this.#isStopped) {
        this.#mayHaveEvents = false;
        this.#lookedAtMs = performance.now();
        const lanes = this.#workingLanes();
        if (lanes.length === 0) break;
        const { events, queues } = await this.#session.handOut(lanes, this.#subscriptions, EVENTS_PER_ROUND_MAX);
        for (const name of queues) this.#queues.get(name)?.wake();
        mayBeMore = events === EVENTS_PER_ROUND_MAX;
      }
    } catch {
      // The connection was lost: it looks again when it has lanes again.
    } finally {
      this.#isHandingOut = false;
    }
    if (this.#mayHaveEvents) this.#lookForEvents();
  }

  #wakeQueues(): void {
    for (const queue of this.#queues.values()) queue.wake();
  }

  /** Takes what lanes are free, gives away what others need, and asks for its share where it has none. */
  async #share(): Promise<void> {
    if (this.#isSharing || this.#isStopped) return;
    this.#isSharing = true;
    try {
      await this.#giveAway();
      const nowMs = Date.now();
      const wanted = everyLane.filter(
        (lane) => !this.#lanes.has(lane) && (this.#restingUntilMs.get(lane) ?? 0) <= nowMs,
      );
      if (wanted.length === 0) return;
      const taken = await this.#session.takeLanes(wanted);
      for (const lane of taken) this.#lanes.add(lane);
      if (taken.length > 0) {
        this.#options.log.info({ lanes: this.#lanes.size }, 'the relay has taken lanes');
        this.#lookForEvents();
        this.#wakeQueues();
      } else {
        await this.#session.askForShare(this.#lanes.size);
      }
    } catch {
      // Not connected: tried again when it is.
    } finally {
      this.#isSharing = false;
    }
  }

  async #giveAway(): Promise<void> {
    const quiet = [...this.#leaving].filter((lane) => !this.#isBusy(lane));
    if (quiet.length === 0) return;
    for (const lane of quiet) {
      this.#leaving.delete(lane);
      this.#lanes.delete(lane);
      this.#restingUntilMs.set(lane, Date.now() + LANE_REST_MS);
    }
    await this.#session.giveLanes(quiet);
    this.#options.log.info({ lanes: this.#lanes.size }, 'the relay has given lanes away');
  }

  #isBusy(lane: number): boolean {
    return (
      [...this.#claims].some((lanes) => lanes.includes(lane)) ||
      [...this.#queues.values()].some((queue) => queue.isIn(lane))
    );
  }

  #giveAwayAllBut(enough: number): void {
    const working = this.#workingLanes();
    if (working.length <= enough) return;
    for (const lane of working.slice(enough)) this.#leaving.add(lane);
    void this.#share();
  }

  #lose(): void {
    this.#lanes.clear();
    this.#leaving.clear();
    this.#restingUntilMs.clear();
    for (const queue of this.#queues.values()) queue.loseLanes();
  }

  /** Deletes what is too old. One process does it for all, by itself: whoever has the first lane. */
  async purge(): Promise<void> {
    if (!this.#lanes.has(0) || this.#isStopped) return;
    try {
      await this.#session.purgeClosedQueues(PURGE_EVENTS_MAX);
      const { retentionMs } = this.#options;
      for (let page = 0; page < PURGE_PAGES_MAX; page++) {
        const { lastId } = await this.#session.purge(this.#purgedToId, { retentionMs, eventsMax: PURGE_EVENTS_MAX });
        this.#purgedToId = lastId ?? 0;
        if (lastId === null) return;
      }
    } catch {
      // The connection was lost; next time.
    }
  }
}

const everyLane: readonly number[] = Array.from({ length: OUTBOX_LANES }, (_, lane) => lane);
