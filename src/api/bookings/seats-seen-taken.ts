import { type OwnerMark, ownerMark } from '../../contracts/show-messages.ts';
import type { Booking } from '../../domain/booking.ts';
import type { SeatConflict, SeatRefusal, SeatsGranted, TakenSeatStatus } from '../../domain/seat-commands.ts';
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

/** So long after a booking was cancelled here a seat map may still show its seats as booked: longer than it may lag. */
const RETURNED_FOR_MS = 1_000;

interface Sight {
  readonly status: TakenSeatStatus;
  readonly owner: OwnerMark;
  readonly validUntilMs: number;
  /** When the next request is taken to the show; Infinity: one is on its way. */
  lookAgainMs: number;
}

type TakenRefusal = Extract<SeatRefusal, { refusal: 'SEAT_UNAVAILABLE' }>;

/**
 * What shows have just answered this process about who has their seats. Of a thousand requests for the same seats most
 * need not be taken to the show: it would say what it has said a moment ago to somebody else.
 */
export class SeatsSeenTaken {
  readonly #shows = new LruMap<string, Map<number, Sight>>(SHOWS_MAX);
  /** Until when which seats are known to be back on sale, whatever a map shows. */
  readonly #returned = new LruMap<string, Map<number, number>>(SHOWS_MAX);

  /** The show's refusal of what it was asked at `askedAtMs`. */
  refused(showId: string, { conflicts, takenBy = [] }: TakenRefusal, askedAtMs: number): void {
    const statusOf = new Map(conflicts);
    for (const [seat, owner, untilMs] of takenBy) {
      this.#see(showId, seat, sightOf(statusOf.get(seat)!, owner, askedAtMs, untilMs));
    }
  }

  /** The show's grant of what it was asked at `askedAtMs`. */
  granted(showId: string, bookingId: string, { seats, expiresAtMs }: SeatsGranted, askedAtMs: number): void {
    for (const seat of seats) this.#see(showId, seat, sightOf('h', ownerMark(bookingId), askedAtMs, expiresAtMs));
  }

  /** For whoever has answered a request that may have changed what becomes of the seats. */
  forget({ showId, seats }: Pick<Booking, 'showId' | 'seats'>): void {
    const sights = this.#shows.peek(showId);
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
    const sights = this.#shows.peek(showId);
    if (!sights) return [];
    const conflicts: SeatConflict[] = [];
    let isToLookAgain = false;
    for (const seat of wanted) {
      const sight = sights.get(seat);
      if (!sight || nowMs >= sight.validUntilMs) continue;
      if (sight.owner === ownerMark(bookingId)) return [];
      conflicts.push([seat, sight.status]);
      if (!isAsked || nowMs < sight.lookAgainMs) continue;
      sight.lookAgainMs = Infinity;
      isToLookAgain = true;
    }
    return isToLookAgain ? [] : conflicts;
  }

  #see(showId: string, seat: number, sight: Sight): void {
    const sights = this.#shows.peek(showId) ?? new Map<number, Sight>();
    if (sights.size === 0) this.#shows.set(showId, sights);
    sights.set(seat, sight);
  }
}

const sightOf = (status: TakenSeatStatus, owner: OwnerMark, askedAtMs: number, untilMs: number | null): Sight => ({
  status,
  owner,
  validUntilMs: Math.min(askedAtMs + SEEN_FOR_MS, untilMs ?? Infinity),
  lookAgainMs: askedAtMs + LOOKED_AT_AGAIN_AFTER_MS,
});
