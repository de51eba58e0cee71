import { isoTime } from '../contracts/http/primitives.ts';
import type { SeatMapBody } from '../contracts/http/seats.ts';
import { EncodedBody } from '../platform/encoded-body.ts';
import { LruMap } from '../platform/lru-map.ts';
import type { Log, ReadModel } from '../read-model/database.ts';
import { listenSeatMaps, type SeatMapListener } from '../read-model/seat-map-listener.ts';
import { loadSeatMap, seatMapVersions, type StoredSeatMap } from '../read-model/seat-maps.ts';
import type { LiveMetrics } from './live-metrics.ts';
import { SeatChanges, type SeatChange } from './seat-changes.ts';

/** Shows kept for readers who ask; with 10,000 seats each and every encoding made, about 60 MB. */
const WATCHED_SHOWS_MAX = 500;
/** A show that nobody has read for so long is no longer watched: the versions query stays as large as what is read. */
const UNWATCH_AFTER_MS = 60_000;
/** How often a lost notification is looked for. Half a second is what a reader may lag. */
const VERSIONS_EVERY_MS = 250;
/** A show read within this time is reloaded as soon as it changes; another one when it is read next. */
const EAGER_FOR_MS = 1_000;
/** So long after a map was last known to be the newest it may be glanced at: some looks at the versions may come late. */
const GLANCE_AGE_MAX_MS = 1_000;
/** Loads for a reader who has seen more than this process: the row can't be behind what was served from it. */
const CATCH_UP_LOADS_MAX = 2;

/** A seat map as it is served: its body is made once a version. */
export interface ServedSeatMap {
  readonly showId: string;
  readonly seatingPlanId: string;
  readonly version: number;
  /** Unix ms. */
  readonly asOfMs: number;
  readonly statuses: string;
  readonly body: EncodedBody;
}

export interface SeatMapCacheOptions {
  readonly db: ReadModel;
  /** The listener keeps a connection of its own. */
  readonly databaseUrl: string;
  readonly log: Log;
  readonly metrics: Pick<LiveMetrics, 'healed'>;
  readonly nowMs?: () => number;
}

/** A show that is advanced as soon as it changes, as long as it is followed. */
export interface FollowedShow {
  /** The newest one. */
  readonly map: ServedSeatMap;
  /** Null: of a version that this process has not had, or more than `max`. */
  changesSince(version: number, max: number): SeatChange[] | null;
  unfollow(): void;
}

class WatchedShow {
  map: ServedSeatMap;
  readonly changes: SeatChanges;
  /** Called with each new map, while it is followed. */
  onAdvance: ((map: ServedSeatMap) => void) | null = null;
  lastReadMs: number;
  /** When its map was last looked at without waiting. */
  lastGlanceMs = 0;
  /** Newest version heard of. */
  heardOf: number;
  /** When the map was last known to be the newest. */
  knownNewestAtMs = 0;
  loading: Promise<void> | null = null;

  constructor(map: ServedSeatMap, nowMs: number) {
    this.map = map;
    this.changes = new SeatChanges(map.version, map.statuses);
    this.heardOf = map.version;
    this.lastReadMs = nowMs;
  }

  get isBehind(): boolean {
    return this.heardOf > this.map.version;
  }

  /** @param newest the version that was found when it was asked for at `askedAtMs` */
  confirm(newest: number, askedAtMs: number): void {
    if (this.map.version >= newest) this.knownNewestAtMs = Math.max(this.knownNewestAtMs, askedAtMs);
  }

  advance(map: ServedSeatMap): void {
    this.map = map;
    this.changes.advance(map.version, map.statuses);
    this.onAdvance?.(map);
  }
}

/**
 * The seat maps that this process' readers look at, kept in memory: loaded from the show's row, advanced by
 * notifications, and, as one of those may be lost, by one query of all their versions every 250 ms. A map here is never
 * replaced by an older one.
 */
export class SeatMapCache {
  readonly #db: ReadModel;
  readonly #log: Log;
  readonly #metrics: SeatMapCacheOptions['metrics'];
  readonly #nowMs: () => number;
  /** Shows with watchers: not to be forgotten for the sake of others. */
  readonly #followed = new Map<string, WatchedShow>();
  readonly #watched = new LruMap<string, WatchedShow>(WATCHED_SHOWS_MAX);
  readonly #firstLoads = new Map<string, Promise<WatchedShow | null>>();
  readonly #listener: SeatMapListener;
  readonly #timer: NodeJS.Timeout;
  #asking: Promise<void> | null = null;
  #closed = false;

  constructor({ db, databaseUrl, log, metrics, nowMs = Date.now }: SeatMapCacheOptions) {
    this.#db = db;
    this.#log = log;
    this.#metrics = metrics;
    this.#nowMs = nowMs;
    this.#listener = listenSeatMaps(databaseUrl, {
      onNotify: (showId, version) => this.#heard(showId, version),
      onReconnect: () => void this.#askVersions(),
      log,
    });
    this.#timer = setInterval(() => void this.#askVersions(), VERSIONS_EVERY_MS);
    this.#timer.unref();
  }

  get watchedShows(): number {
    return this.#watched.size + this.#followed.size;
  }

  /**
   * The show's map as far as this process knows it; null if there is no such show. `seenVersion` is the version that
   * the reader has seen already, from whichever process: a map before it is reloaded first.
   */
  async read(showId: string, seenVersion = 0): Promise<ServedSeatMap | null> {
    const watched = this.#find(showId) ?? (await this.#watch(showId));
    if (!watched) return null;
    watched.lastReadMs = this.#nowMs();
    if (watched.isBehind) await this.#reloadIfPossible(watched);
    for (let loads = 0; watched.map.version < seenVersion && loads < CATCH_UP_LOADS_MAX; loads++) {
      await this.#reload(watched);
    }
    return watched.map;
  }

  /** The newest map, if it is in memory and nothing newer has been heard of: what `read` would give, without waiting. */
  current(showId: string): ServedSeatMap | null {
    const watched = this.#find(showId);
    if (!watched || watched.isBehind) return null;
    watched.lastReadMs = this.#nowMs();
    return watched.map;
  }

  /**
   * Calls back with every newer map of a show until it is no longer followed; one follower a show.
   * @param map as it was just read: the show is there
   */
  follow(map: ServedSeatMap, onAdvance: (map: ServedSeatMap) => void): FollowedShow {
    const { showId } = map;
    const watched = this.#find(showId) ?? new WatchedShow(map, this.#nowMs());
    if (watched.onAdvance) throw new Error(`${showId} is followed already`);
    this.#watched.delete(showId);
    this.#followed.set(showId, watched);
    watched.onAdvance = onAdvance;
    return {
      get map() {
        return watched.map;
      },
      changesSince: (version, max) => watched.changes.since(version, max),
      unfollow: () => {
        watched.onAdvance = null;
        watched.lastReadMs = this.#nowMs();
        this.#followed.delete(showId);
        this.#watched.set(showId, watched);
      },
    };
  }

  /**
   * The show's map as it is in memory, without waiting; null if it is not there yet, or was last known to be the newest
   * `GLANCE_AGE_MAX_MS` ago. It may lag by a little more than what `read` gives: while it is glanced at it is brought up
   * to date with the next query of versions, not with every change; while it is not, not at all.
   */
  glance(showId: string): ServedSeatMap | null {
    const watched = this.#find(showId);
    if (!watched) {
      this.#watch(showId).catch((error: unknown) => this.#reportUnlessClosed(error, showId));
      return null;
    }
    const nowMs = this.#nowMs();
    watched.lastGlanceMs = nowMs;
    if (nowMs - watched.knownNewestAtMs < GLANCE_AGE_MAX_MS) return watched.map;
    if (!watched.loading) void this.#reloadIfPossible(watched);
    return null;
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearInterval(this.#timer);
    await this.#listener.close();
    await this.#asking;
  }

  #find(showId: string): WatchedShow | undefined {
    return this.#followed.get(showId) ?? this.#watched.get(showId);
  }

  /** As `#find`, for news that nobody asked for: it keeps no show in memory. */
  #peek(showId: string): WatchedShow | undefined {
    return this.#followed.get(showId) ?? this.#watched.peek(showId);
  }

  /** Readers who come while a show is loaded for the first time share that load. */
  #watch(showId: string): Promise<WatchedShow | null> {
    const known = this.#firstLoads.get(showId);
    if (known) return known;
    const first = this.#firstLoad(showId).finally(() => this.#firstLoads.delete(showId));
    this.#firstLoads.set(showId, first);
    return first;
  }

  async #firstLoad(showId: string): Promise<WatchedShow | null> {
    const askedAtMs = this.#nowMs();
    const row = await loadSeatMap(this.#db, showId);
    if (!row) return null;
    const known = this.#find(showId);
    if (known) {
      // Followed meanwhile, from a map that may be older than what these readers are about to get.
      if (row.version > known.map.version) known.advance(served(row));
      known.confirm(row.version, askedAtMs);
      return known;
    }
    const watched = new WatchedShow(served(row), this.#nowMs());
    watched.confirm(row.version, askedAtMs);
    this.#watched.set(showId, watched);
    return watched;
  }

  #heard(showId: string, version: number): void {
    const watched = this.#peek(showId);
    if (!watched || version <= watched.heardOf) return;
    watched.heardOf = version;
    const isWaitedFor = watched.onAdvance !== null || this.#nowMs() - watched.lastReadMs < EAGER_FOR_MS;
    if (isWaitedFor) void this.#reloadIfPossible(watched);
  }

  /** A map that can't be advanced just now is still true for its version. */
  async #reloadIfPossible(watched: WatchedShow): Promise<void> {
    try {
      await this.#reload(watched);
      // Heard while it was loaded: who only watches does not ask again.
      while (watched.onAdvance && watched.isBehind && !this.#closed) await this.#reload(watched);
    } catch (error) {
      this.#reportUnlessClosed(error, watched.map.showId);
    }
  }

  #reportUnlessClosed(error: unknown, showId: string): void {
    if (!this.#closed) this.#log.warn({ err: error, showId }, 'a seat map could not be loaded');
  }

  /** One load at a time for a show; those who ask meanwhile share it. */
  #reload(watched: WatchedShow): Promise<void> {
    return (watched.loading ??= this.#advance(watched).finally(() => (watched.loading = null)));
  }

  async #advance(watched: WatchedShow): Promise<void> {
    const { heardOf } = watched;
    const askedAtMs = this.#nowMs();
    const row = await loadSeatMap(this.#db, watched.map.showId);
    if (row && row.version > watched.map.version) watched.advance(served(row));
    if (row) watched.confirm(row.version, askedAtMs);
    // The row is written before it is told of: what was heard before the load and isn't in it was never true.
    if (watched.heardOf === heardOf) watched.heardOf = watched.map.version;
    watched.heardOf = Math.max(watched.heardOf, watched.map.version);
  }

  /** Not twice at a time: a slow database gets no pile of queries. */
  #askVersions(): Promise<void> {
    return (this.#asking ??= this.#ask().finally(() => (this.#asking = null)));
  }

  async #ask(): Promise<void> {
    const showIds = this.#forgetUnused();
    if (showIds.length === 0 || this.#closed) return;
    const askedAtMs = this.#nowMs();
    try {
      for (const [showId, version] of await seatMapVersions(this.#db, showIds)) {
        if (version > (this.#followed.get(showId)?.heardOf ?? Infinity)) this.#metrics.healed('poll');
        this.#heard(showId, version);
        this.#peek(showId)?.confirm(version, askedAtMs);
      }
      this.#catchUp();
    } catch (error) {
      if (!this.#closed) this.#log.warn({ err: error }, 'versions of seat maps could not be asked for');
    }
  }

  /** Those who don't ask again by themselves: shows that are followed, should a load have failed, or only glanced at. */
  #catchUp(): void {
    for (const watched of this.#followed.values()) if (watched.isBehind) void this.#reloadIfPossible(watched);
    const since = this.#nowMs() - EAGER_FOR_MS;
    for (const showId of this.#watched.keys()) {
      const watched = this.#watched.peek(showId)!;
      if (watched.isBehind && watched.lastGlanceMs >= since) void this.#reloadIfPossible(watched);
    }
  }

  #forgetUnused(): readonly string[] {
    const before = this.#nowMs() - UNWATCH_AFTER_MS;
    const used = [...this.#watched.keys()].filter((showId) => {
      const { lastReadMs, lastGlanceMs } = this.#watched.peek(showId)!;
      const isUsed = Math.max(lastReadMs, lastGlanceMs) >= before;
      if (!isUsed) this.#watched.delete(showId);
      return isUsed;
    });
    return [...used, ...this.#followed.keys()];
  }
}

function served({ showId, seatingPlanId, version, asOfMs, statuses }: StoredSeatMap): ServedSeatMap {
  const asOf = isoTime(asOfMs);
  const body = { showId, seatingPlanId, version, asOf, statuses } satisfies SeatMapBody;
  return {
    showId,
    seatingPlanId,
    version,
    asOfMs,
    statuses,
    body: new EncodedBody(Buffer.from(JSON.stringify(body))),
  };
}
