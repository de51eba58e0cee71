import { setMaxListeners } from 'node:events';
import pLimit from 'p-limit';
import { setTimeout as delay } from 'node:timers/promises';
import type { SeatMapProjector } from '../contracts/seat-map-projector.ts';
import type { SeatMapDelta } from '../contracts/show-messages.ts';
import type { Logger } from '../platform/logger.ts';
import { LruMap } from '../platform/lru-map.ts';
import type { ReadModel } from '../read-model/database.ts';
import { projectSeatMap } from '../read-model/seat-maps.ts';

/** Least time between two writes of one show by one process: a reader may see a change that much later. */
const PACE_MS = 200;
/** Connections of the pool that writes of seat maps may take. */
const WRITES_AT_ONCE_MAX = 4;
/** Shows with something to write, or written a moment ago; what is more is left to the shows themselves. */
const SHOWS_AT_ONCE_MAX = 1_000;
/** Shows of which the written version is remembered; of others the show goes by what it knows itself. */
const SHOWS_REMEMBERED_MAX = 10_000;
/** While the database refuses, thousands of writes may fail. */
const WARN_EVERY_MS = 60_000;

/**
 * Brings the rows of shows to the versions that their answers tell: a lone change at once, of a storm the newest, at a pace.
 * A delta begins at a version that the row had before its batch was sent, so the newest one needs none of those before.
 */
export class PacedSeatMapProjector implements SeatMapProjector {
  readonly #db: ReadModel;
  readonly #log: Pick<Logger, 'warn'>;
  readonly #lingerMs: number;
  readonly #limit = pLimit(WRITES_AT_ONCE_MAX);
  readonly #written = new LruMap<string, number>(SHOWS_REMEMBERED_MAX);
  /** Of the shows at hand, the newest delta that is not written yet; null where there is none. */
  readonly #unwritten = new Map<string, SeatMapDelta | null>();
  readonly #atHand = new Set<Promise<void>>();
  readonly #closing = new AbortController();
  #warnedAtMs = -Infinity;
  /** A database that can't be reached would keep the process for as long as every show waits for it. */
  #hasFailedWhileClosing = false;

  /** @param lingerMs so long a change waits for others before it is written; none: it is written at once */
  constructor(db: ReadModel, log: Pick<Logger, 'warn'>, lingerMs = 0) {
    this.#db = db;
    this.#log = log;
    this.#lingerMs = lingerMs;
    // Each show at hand rests with it.
    setMaxListeners(0, this.#closing.signal);
  }

  projectedVersion(showId: string): number | null {
    return this.#written.get(showId) ?? null;
  }

  project(delta: SeatMapDelta): void {
    const { showId, toVersion } = delta;
    // One that is older than the row as it was known here is looked at: the row may have been brought back to an older state.
    if (this.#closing.signal.aborted || toVersion === this.#written.get(showId)) return;
    const newest = this.#unwritten.get(showId);
    if (newest === undefined) {
      if (this.#unwritten.size >= SHOWS_AT_ONCE_MAX) return;
      this.#unwritten.set(showId, delta);
      const writing = this.#writeWhatComes(showId).finally(() => this.#atHand.delete(writing));
      this.#atHand.add(writing);
    } else if (newest === null || newest.toVersion < toVersion) {
      this.#unwritten.set(showId, delta);
    }
  }

  /** Resolves when what has come until now is written or can't be; what comes later is left to the shows. */
  async close(): Promise<void> {
    this.#closing.abort();
    await Promise.all(this.#atHand);
  }

  async #writeWhatComes(showId: string): Promise<void> {
    while (this.#unwritten.get(showId)) {
      const startedAtMs = performance.now();
      await this.#rest(this.#lingerMs);
      await this.#limit(() => this.#write(showId));
      await this.#rest(PACE_MS - (performance.now() - startedAtMs));
    }
    this.#unwritten.delete(showId);
  }

  async #write(showId: string): Promise<void> {
    const delta = this.#unwritten.get(showId)!;
    this.#unwritten.set(showId, null);
    if (this.#hasFailedWhileClosing) return;
    try {
      const outcome = await projectSeatMap(this.#db, delta);
      if (outcome.kind === 'projected') this.#written.set(showId, outcome.version);
      else this.#written.delete(showId);
    } catch (error) {
      this.#hasFailedWhileClosing = this.#closing.signal.aborted;
      this.#warn(error, showId);
    }
  }

  #warn(error: unknown, showId: string): void {
    const nowMs = performance.now();
    if (nowMs - this.#warnedAtMs < WARN_EVERY_MS) return;
    this.#warnedAtMs = nowMs;
    this.#log.warn({ err: error, showId }, 'a seat map could not be written: its show will do it');
  }

  async #rest(ms: number): Promise<void> {
    if (ms <= 0) return;
    await delay(ms, undefined, { signal: this.#closing.signal }).catch(() => undefined);
  }
}
