import type { SeatMapChangeBody } from '../contracts/http/seats.ts';

/** A seat's index and its status from then on, one character as in a seat map's `statuses`. */
export type SeatChange = SeatMapChangeBody['changes'][number];

/**
 * When each seat of a show has last changed, as far as this process has seen it. So one number a seat answers every
 * reader, whatever version it comes with: a change says what a seat is now, not what it was, and whoever applies one
 * too many is no worse off. No list of past changes is kept, and none can overflow.
 */
export class SeatChanges {
  /** Readers who have this version or a later one can be told what they lack. */
  readonly #sinceVersion: number;
  readonly #changedAt: Float64Array;
  #statuses: string;

  constructor(version: number, statuses: string) {
    this.#sinceVersion = version;
    this.#changedAt = new Float64Array(statuses.length).fill(version);
    this.#statuses = statuses;
  }

  /** The show is at this version now. A plan is immutable: the number of seats stays. */
  advance(version: number, statuses: string): void {
    for (let seat = 0; seat < statuses.length; seat++) {
      if (statuses.charCodeAt(seat) !== this.#statuses.charCodeAt(seat)) this.#changedAt[seat] = version;
    }
    this.#statuses = statuses;
  }

  /**
   * What to apply to the map of `version` to have the present one, in index order; null when it is older than what
   * this process has seen, or when there are more than `max` changes.
   */
  since(version: number, max: number): SeatChange[] | null {
    if (version < this.#sinceVersion) return null;
    const changes: SeatChange[] = [];
    for (let seat = 0; seat < this.#changedAt.length; seat++) {
      if (this.#changedAt[seat]! <= version) continue;
      if (changes.length === max) return null;
      changes.push([seat, this.#statuses[seat] as SeatChange[1]]);
    }
    return changes;
  }
}
