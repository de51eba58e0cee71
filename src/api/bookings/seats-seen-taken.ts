import { type OwnerMark, ownerMark } from '../../contracts/show-messages.ts';
import type { Booking } from '../../domain/booking.ts';
import type { SeatConflict, SeatRefusal, SeatsGranted, TakenSeatStatus } from '../../domain/seat-commands.ts';
import { LruMap } from '../../platform/lru-map.ts';

/** Shows that are fought for at one time in one process; one of 10,000 seats takes about a megabyte. */
const SHOWS_MAX = 50;
/** So long after another process has changed whose a seat is this one may still refuse it: less than a map may lag. */
const SEEN_FOR_MS = 400;

/** So long after a booking was cancelled here a seat map may still show its seats as booked: longer than it may lag. */
const RETURNED_FOR_MS = 1_000;

interface Sight {
  readonly status: TakenSeatStatus;
  readonly owner: OwnerMark;
  readonly validUntilMs: number;
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
      this.#see(showId, seat, { status: statusOf.get(seat)!, owner, validUntilMs: validUntil(askedAtMs, untilMs) });
    }
  }

  /** The show's grant of what it was asked at `askedAtMs`. */
  granted(showId: string, bookingId: string, { seats, expiresAtMs }: SeatsGranted, askedAtMs: number): void {
    const sight = {
      status: 'h',
      owner: ownerMark(bookingId),
      validUntilMs: validUntil(askedAtMs, expiresAtMs),
    } as const;
    for (const seat of seats) this.#see(showId, seat, sight);
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
   * that is repeated has to find its hold.
   */
  conflicts(showId: string, bookingId: string, wanted: readonly number[], nowMs: number): readonly SeatConflict[] {
    const sights = this.#shows.peek(showId);
    if (!sights) return [];
    const conflicts: SeatConflict[] = [];
    for (const seat of wanted) {
      const sight = sights.get(seat);
      if (!sight || nowMs >= sight.validUntilMs) continue;
      if (sight.owner === ownerMark(bookingId)) return [];
      conflicts.push([seat, sight.status]);
    }
    return conflicts;
  }

  #see(showId: string, seat: number, sight: Sight): void {
    const sights = this.#shows.peek(showId) ?? new Map<number, Sight>();
    if (sights.size === 0) this.#shows.set(showId, sights);
    sights.set(seat, sight);
  }
}

const validUntil = (askedAtMs: number, untilMs: number | null): number =>
  Math.min(askedAtMs + SEEN_FOR_MS, untilMs ?? Infinity);
