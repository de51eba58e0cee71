import { type OwnerMark, ownerMark } from '../../contracts/show-messages.ts';
import type { Booking } from '../../domain/booking.ts';
import type {
  ChangedSeats,
  SeatConflict,
  SeatMapMoment,
  SeatRefusal,
  SeatsGranted,
  TakenSeatStatus,
} from '../../domain/seat-commands.ts';
import { LruMap } from '../../platform/lru-map.ts';

/** Shows that are fought for at one time in one process; one of 10,000 seats takes about a megabyte. */
const SHOWS_MAX = 50;
/** So long after another process has changed whose a seat is this one may still refuse it: less than a map may lag. */
const SEEN_FOR_MS = 400;
/**
 * From this age on one request is taken to the show, so that the others need not stop, all together, when the sight is
 * too old: a show answers in a tenth of what is left.
 */
const LOOKED_AT_AGAIN_AFTER_MS = 200;
/** So long after a look that has brought no newer sight another one is taken: it may be refused otherwise, or get no answer. */
const NEXT_LOOK_AFTER_MS = 100;

/**
 * So long after a booking was cancelled here a seat map may still show its seats as booked: longer than it may be looked at
 * without being known to be the newest, and than its row may lag.
 */
const RETURNED_FOR_MS = 2_000;

/** What was seen at one time, and is true until the next look. */
interface Look {
  askedAtMs: number;
  /** When the next request is taken to the show. */
  lookAgainMs: number;
}

interface Sight extends Look {
  readonly status: TakenSeatStatus;
  readonly owner: OwnerMark;
  /** Of the hold, Unix ms; null for good. */
  readonly untilMs: number | null;
  /** In which version of the map the seat is known to be so; null: the show has not told. */
  version: number | null;
}

/** All sights of the map's newest version are as old as the last answer by that version: one request looks for all of them. */
interface SeenShow extends Look {
  /** The newest that was told; -1: none. */
  version: number;
  readonly sights: Map<number, Sight>;
}

type TakenRefusal = Extract<SeatRefusal, { refusal: 'SEAT_UNAVAILABLE' }>;

/**
 * What shows have just answered this process about who has their seats. Of a thousand requests for the same seats most
 * need not be taken to the show: it would say what it has said a moment ago to somebody else.
 */
export class SeatsSeenTaken {
  readonly #shows = new LruMap<string, SeenShow>(SHOWS_MAX);
  /** Until when which seats are known to be back on sale, whatever a map shows. */
  readonly #returned = new LruMap<string, Map<number, number>>(SHOWS_MAX);

  /** The show's refusal of what it was asked at `askedAtMs`. */
  refused(showId: string, { conflicts, takenBy = [], asOf }: TakenRefusal, askedAtMs: number): void {
    const show = this.#show(showId);
    if (asOf) bringTo(show, asOf, askedAtMs);
    const statusOf = new Map(conflicts);
    const version = asOf?.version ?? null;
    for (const [seat, owner, untilMs] of takenBy) {
      show.sights.set(seat, { status: statusOf.get(seat)!, owner, untilMs, version, ...lookOf(askedAtMs) });
    }
  }

  /** The show's grant of what it was asked at `askedAtMs`. */
  granted(showId: string, bookingId: string, { seats, expiresAtMs }: SeatsGranted, askedAtMs: number): void {
    const show = this.#show(showId);
    const sight = { status: 'h', owner: ownerMark(bookingId), untilMs: expiresAtMs, version: null } as const;
    for (const seat of seats) show.sights.set(seat, { ...sight, ...lookOf(askedAtMs) });
  }

  /** For whoever has answered a request that may have changed what becomes of the seats. */
  forget({ showId, seats }: Pick<Booking, 'showId' | 'seats'>): void {
    const sights = this.#shows.peek(showId)?.sights;
    for (const { index } of seats) sights?.delete(index);
  }

  /** For whoever has given booked seats back to their show. */
  returned({ showId, seats }: Pick<Booking, 'showId' | 'seats'>, nowMs: number): void {
    this.forget({ showId, seats });
    const still = [...(this.#returned.peek(showId) ?? [])].filter(([, untilMs]) => nowMs < untilMs);
    const now = seats.map(({ index }): [number, number] => [index, nowMs + RETURNED_FOR_MS]);
    this.#returned.set(showId, new Map([...still, ...now]));
  }

  isReturned(showId: string, seat: number, nowMs: number): boolean {
    return nowMs < (this.#returned.peek(showId)?.get(seat) ?? 0);
  }

  /** Whether any seat of the show has just come back. */
  hasReturned(showId: string, nowMs: number): boolean {
    return [...(this.#returned.peek(showId)?.values() ?? [])].some((untilMs) => nowMs < untilMs);
  }

  /**
   * Those of the seats that somebody else has been seen to have. None if one of them may be the booking's own: a request
   * that is repeated has to find its hold. And none for the one request that is to look again.
   * @param isAsked whether the show would be asked then: in an overload it is not
   */
  conflicts(
    showId: string,
    bookingId: string,
    wanted: readonly number[],
    nowMs: number,
    isAsked = true,
  ): readonly SeatConflict[] {
    const show = this.#shows.peek(showId);
    if (!show) return [];
    const conflicts: SeatConflict[] = [];
    let isToLookAgain = false;
    for (const seat of wanted) {
      const sight = show.sights.get(seat);
      if (!sight) continue;
      const look = newestLook(show, sight);
      if (nowMs >= look.askedAtMs + SEEN_FOR_MS || nowMs >= (sight.untilMs ?? Infinity)) continue;
      if (sight.owner === ownerMark(bookingId)) return [];
      conflicts.push([seat, sight.status]);
      if (!isAsked || nowMs < look.lookAgainMs) continue;
      look.lookAgainMs = nowMs + NEXT_LOOK_AFTER_MS;
      isToLookAgain = true;
    }
    return isToLookAgain ? [] : conflicts;
  }

  #show(showId: string): SeenShow {
    const known = this.#shows.peek(showId);
    if (known) return known;
    const show: SeenShow = { version: -1, askedAtMs: -Infinity, lookAgainMs: Infinity, sights: new Map() };
    this.#shows.set(showId, show);
    return show;
  }
}

const lookOf = (askedAtMs: number): Look => ({ askedAtMs, lookAgainMs: askedAtMs + LOOKED_AT_AGAIN_AFTER_MS });

const newestLook = (show: SeenShow, sight: Sight): Look => (sight.version === show.version ? show : sight);

/**
 * What has not changed up to the version that the show has just told is seen anew. A later answer with an earlier version comes
 * of a show that was brought back to an older state: its versions count anew.
 */
function bringTo(show: SeenShow, { version, changed }: SeatMapMoment, askedAtMs: number): void {
  if (askedAtMs < show.askedAtMs) return;
  if (version < show.version) forgetVersions(show);
  if (version > show.version && changed && changed.fromVersion <= show.version) carryOver(show, version, changed);
  show.version = version;
  Object.assign(show, lookOf(askedAtMs));
}

function carryOver({ version: known, sights }: SeenShow, version: number, changed: ChangedSeats): void {
  const changedSeats = new Set(changed.seats.flatMap(([, seats]) => seats));
  for (const [seat, sight] of sights) {
    if (sight.version === known && !changedSeats.has(seat)) sight.version = version;
  }
}

function forgetVersions({ sights }: SeenShow): void {
  for (const sight of sights.values()) sight.version = null;
}
