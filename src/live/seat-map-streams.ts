import type { ServerResponse } from 'node:http';
import { Audience } from './audience.ts';
import type { LiveMetrics } from './live-metrics.ts';
import type { SeatMapCache, ServedSeatMap } from './seat-map-cache.ts';
import { heartbeat, reconnectAfter } from './stream-events.ts';
import { Watcher } from './watcher.ts';
import { TooManyWatchersError, WatcherPlaces, type WatcherLimits } from './watcher-limits.ts';

/** Clients of a process that ends come again within this time, not all at once. */
const RECONNECT_MIN_MS = 500;
const RECONNECT_MAX_MS = 2_500;
/**
 * Shows with watchers in one process; past it a further show is refused like a watcher too many. Each costs its map,
 * its body and a number a seat: 120 KB for a hall of 10,000.
 */
const FOLLOWED_SHOWS_MAX = 2_000;
/** Heartbeats to so many take a few milliseconds: then requests get their turn. */
const WATCHERS_PER_TURN = 500;

export interface SeatMapStreamsOptions {
  readonly seatMaps: SeatMapCache;
  readonly limits: WatcherLimits;
  readonly heartbeatMs: number;
  readonly metrics: LiveMetrics;
}

/** Lets a response, whose head is sent, watch the show until its connection ends. */
export type StartWatching = (response: ServerResponse) => void;

/**
 * Who watches which show in this process. A message is made once per show and tick, and the same bytes go to everybody;
 * nothing is kept per watcher but its version.
 */
export class SeatMapStreams {
  readonly #seatMaps: SeatMapCache;
  readonly #metrics: LiveMetrics;
  readonly #places: WatcherPlaces;
  readonly #audiences = new Map<string, Audience>();
  readonly #watchers = new Set<Watcher>();
  readonly #timer: NodeJS.Timeout;
  #closed = false;

  constructor({ seatMaps, limits, heartbeatMs, metrics }: SeatMapStreamsOptions) {
    this.#seatMaps = seatMaps;
    this.#metrics = metrics;
    this.#places = new WatcherPlaces(limits);
    this.#timer = setInterval(() => this.#beat(this.#watchers.values()), heartbeatMs);
    this.#timer.unref();
  }

  /**
   * Null: no such show. `seenVersion` is what the client has, from whichever process; null for nothing. What is
   * returned has to be called: it holds a place.
   * @param caller whom the limit counts: clients that can't be told apart share it
   * @throws TooManyWatchersError
   */
  async admit(showId: string, seenVersion: number | null, caller: string): Promise<StartWatching | null> {
    const giveBack = this.#takePlace(showId, caller);
    try {
      const map = await this.#seatMaps.read(showId, seenVersion ?? 0);
      if (map) return (response) => this.#watch(map, seenVersion, response, giveBack);
    } catch (error) {
      giveBack();
      throw error;
    }
    giveBack();
    return null;
  }

  /** Ends every stream; clients come again, here or elsewhere, within two and a half seconds. */
  close(): void {
    this.#closed = true;
    clearInterval(this.#timer);
    for (const watcher of this.#watchers) watcher.end();
  }

  #takePlace(showId: string, caller: string): () => void {
    try {
      const isOneShowTooMany = this.#audiences.size >= FOLLOWED_SHOWS_MAX && !this.#audiences.has(showId);
      if (this.#closed || isOneShowTooMany) throw new TooManyWatchersError('process');
      return this.#places.take(caller);
    } catch (error) {
      if (error instanceof TooManyWatchersError) this.#metrics.refused(error.of);
      throw error;
    }
  }

  #watch(map: ServedSeatMap, seenVersion: number | null, response: ServerResponse, giveBack: () => void): void {
    if (response.destroyed) return giveBack();
    const audience = this.#audienceOf(map);
    const watcher = new Watcher(response, seenVersion, () => this.#metrics.dropped());
    response.once('close', () => {
      this.#watchers.delete(watcher);
      audience.leave(watcher);
      if (audience.isEmpty) this.#forget(map.showId, audience);
      giveBack();
      this.#metrics.watchers(this.#watchers.size);
    });
    this.#watchers.add(watcher);
    this.#metrics.watchers(this.#watchers.size);
    watcher.send(reconnectAfter(RECONNECT_MIN_MS + Math.floor(Math.random() * (RECONNECT_MAX_MS - RECONNECT_MIN_MS))));
    audience.join(watcher);
    if (this.#closed) watcher.end();
  }

  #audienceOf(map: ServedSeatMap): Audience {
    const known = this.#audiences.get(map.showId);
    if (known) return known;
    const audience = new Audience((onAdvance) => this.#seatMaps.follow(map, onAdvance), this.#metrics);
    this.#audiences.set(map.showId, audience);
    return audience;
  }

  #forget(showId: string, audience: Audience): void {
    if (this.#audiences.get(showId) !== audience) return;
    this.#audiences.delete(showId);
    audience.disband();
  }

  #beat(round: Iterator<Watcher>): void {
    for (let sent = 0; sent < WATCHERS_PER_TURN; sent++) {
      const next = round.next();
      if (next.done) return;
      if (next.value.send(heartbeat)) this.#metrics.sent('heartbeat');
    }
    setImmediate(() => this.#beat(round));
  }
}
