/**
 * How long an ended hold is remembered: longer than any request, or a stopped API process that goes on, may come late.
 * A later repeat finds the booking's row.
 */
export const TOMBSTONE_TTL_MS = 10 * 60_000;

/**
 * Most ended holds remembered, the oldest dropped first. About 75 bytes each in a snapshot: with every seat of a house
 * of 10,000 claimed singly the whole stays below 1.5 MB, under Temporal's payload limit of 2 MiB.
 */
export const TOMBSTONES_MAX = 5_000;

/** Most seats of ended holds remembered, for the same reason: a booking may have up to a hundred. */
export const TOMBSTONE_SEATS_MAX = 20_000;

export type HoldEnd = 'expired' | 'released' | 'returned';

/** A tombstone: what is remembered of a hold, or of a booking that was returned. */
export interface EndedHold {
  readonly bookingId: string;
  /** Null once it was booked: from then on the booking's row tells a repeated request from another one. */
  readonly fingerprint: string | null;
  readonly seats: readonly number[];
  readonly heldAtMs: number;
  readonly expiresAtMs: number;
  readonly end: HoldEnd;
  /** When its end was noticed; an expired hold's may be later than its time. */
  readonly endedAtMs: number;
}

/** The tombstones of a show, oldest first, within the limits above. Time never goes backwards. */
export class EndedHolds {
  readonly #byBooking = new Map<string, EndedHold>();
  #seatCount = 0;

  find(bookingId: string, nowMs: number): EndedHold | undefined {
    const ended = this.#byBooking.get(bookingId);
    return ended !== undefined && isRemembered(ended, nowMs) ? ended : undefined;
  }

  /** The booking must have no tombstone: one that takes seats again loses it. */
  add(ended: EndedHold): void {
    this.#byBooking.set(ended.bookingId, ended);
    this.#seatCount += ended.seats.length;
    for (const oldest of this.#byBooking.values()) {
      const full = this.#byBooking.size > TOMBSTONES_MAX || this.#seatCount > TOMBSTONE_SEATS_MAX;
      if (!full && isRemembered(oldest, ended.endedAtMs)) break;
      this.delete(oldest.bookingId);
    }
  }

  delete(bookingId: string): void {
    const ended = this.#byBooking.get(bookingId);
    if (ended === undefined) return;
    this.#byBooking.delete(bookingId);
    this.#seatCount -= ended.seats.length;
  }

  /** Those still remembered, oldest first. */
  list(nowMs: number): EndedHold[] {
    return [...this.#byBooking.values()].filter((ended) => isRemembered(ended, nowMs));
  }
}

function isRemembered(ended: EndedHold, nowMs: number): boolean {
  return nowMs < ended.endedAtMs + TOMBSTONE_TTL_MS;
}
