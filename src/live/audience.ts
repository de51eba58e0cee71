import type { LiveMetrics } from './live-metrics.ts';
import type { FollowedShow, ServedSeatMap } from './seat-map-cache.ts';
import { changeEvent, snapshotEvent } from './stream-events.ts';
import type { Watcher } from './watcher.ts';

/**
 * At most one message per show in this time; what changes meanwhile goes with the next one. Who projects keeps a pace
 * of five a second, so a first change goes at once; this holds when several do, or something advances a show faster.
 */
const TICK_MS = 50;
/** Writes to so many watchers take about three milliseconds: then requests get their turn. */
const WATCHERS_PER_TURN = 250;
/** A change of more seats, about 11 KB, is told as a snapshot: the map of the largest plan is 20 KB. */
const SEATS_PER_CHANGE_MAX = 1_000;
/** Events for watchers with different last versions, kept until the next version: up to 11 KB each. */
const EVENTS_KEPT_MAX = 64;

interface PreparedEvent {
  readonly kind: 'snapshot' | 'change';
  readonly bytes: Buffer;
}

/** The watchers of one show. Each gets what takes it from its last version to the present one. */
export class Audience {
  readonly #metrics: LiveMetrics;
  readonly #watchers = new Set<Watcher>();
  readonly #show: FollowedShow;
  /** Of the present version, by the version of who gets it. */
  readonly #events = new Map<number, PreparedEvent>();
  #snapshot: PreparedEvent | null = null;
  /** The version before the present one: where a watcher is that has missed nothing. */
  #versionBefore: number;
  #version: number;
  #round: Iterator<Watcher> | null = null;
  #isRoundDue = false;
  #lastRoundAtMs = -Infinity;
  #timer: NodeJS.Timeout | null = null;

  /** `follow` calls the function it is given with every new map of the show. */
  constructor(follow: (onAdvance: (map: ServedSeatMap) => void) => FollowedShow, metrics: LiveMetrics) {
    this.#metrics = metrics;
    this.#show = follow((map) => this.#advance(map.version));
    this.#version = this.#show.map.version;
    this.#versionBefore = this.#version;
  }

  get isEmpty(): boolean {
    return this.#watchers.size === 0;
  }

  /** It gets a snapshot, or what it lacks, at once. */
  join(watcher: Watcher): void {
    this.#watchers.add(watcher);
    // Nobody is ahead of what is served here: who says so gets the map as it is.
    if (watcher.version !== null && watcher.version > this.#version) watcher.version = null;
    this.#bringUpToDate(watcher);
  }

  leave(watcher: Watcher): void {
    this.#watchers.delete(watcher);
  }

  /** Nothing is sent any more. */
  disband(): void {
    this.#show.unfollow();
    if (this.#timer) clearTimeout(this.#timer);
    this.#watchers.clear();
  }

  #advance(version: number): void {
    this.#versionBefore = this.#version;
    this.#version = version;
    this.#events.clear();
    this.#snapshot = null;
    this.#requestRound();
  }

  #requestRound(): void {
    this.#isRoundDue = true;
    if (this.#round || this.#timer) return;
    const waitMs = this.#lastRoundAtMs + TICK_MS - performance.now();
    if (waitMs <= 0) this.#beginRound();
    else this.#timer = setTimeout(() => this.#beginRound(), waitMs);
  }

  #beginRound(): void {
    this.#timer = null;
    this.#isRoundDue = false;
    this.#lastRoundAtMs = performance.now();
    this.#round = this.#watchers.values();
    this.#takeTurn(this.#round);
  }

  #takeTurn(round: Iterator<Watcher>): void {
    for (let written = 0; written < WATCHERS_PER_TURN; written++) {
      const next = round.next();
      if (next.done) {
        this.#round = null;
        if (this.#isRoundDue) this.#requestRound();
        return;
      }
      this.#bringUpToDate(next.value);
    }
    setImmediate(() => this.#takeTurn(round));
  }

  #bringUpToDate(watcher: Watcher): void {
    const { version } = watcher;
    if (version === this.#version) return;
    const { kind, bytes } = this.#eventFor(version);
    if (!watcher.send(bytes)) return;
    watcher.version = this.#version;
    this.#metrics.sent(kind);
    if (version !== null && version !== this.#versionBefore) {
      this.#metrics.healed(kind === 'change' ? 'changes' : 'snapshot');
    }
  }

  #eventFor(version: number | null): PreparedEvent {
    if (version === null) return this.#wholeMap();
    const known = this.#events.get(version);
    if (known) return known;
    const changes = this.#show.changesSince(version, SEATS_PER_CHANGE_MAX);
    const event: PreparedEvent = changes
      ? { kind: 'change', bytes: changeEvent(this.#version, changes) }
      : this.#wholeMap();
    if (this.#events.size < EVENTS_KEPT_MAX) this.#events.set(version, event);
    return event;
  }

  #wholeMap(): PreparedEvent {
    return (this.#snapshot ??= { kind: 'snapshot', bytes: snapshotEvent(this.#show.map) });
  }
}
