import type { SeatMapChangeBody } from '../contracts/http/seats.ts';

/** A seat's index and its status from then on, one character as in a seat map's `statuses`. */
export type SeatChange = SeatMapChangeBody['changes'][number];

/** At ten versions a second, five of each process that sells, some twenty-five seconds; who comes with an older one gets the whole map. */
const VERSIONS_KEPT_MAX = 256;

/**
 * When each seat of a show has last changed, as far as this process has seen it. So one number a seat answers every
 * reader who comes with a version that this process has had, too: a change says what a seat is now, not what it was, and
 * whoever applies one too many is no worse off. Of a version in between, which only another process has had, nothing can
 * be said: a seat may have been let go in it that was taken before and is taken again.
 */
export class SeatChanges {
  /** Those that this process has had, the last of them. */
  readonly #versions: number[];
  readonly #changedAt: Float64Array;
  #statuses: string;

  constructor(version: number, statuses: string) {
    this.#versions = [version];
    this.#changedAt = new Float64Array(statuses.length).fill(version);
    this.#statuses = statuses;
  }

  /** The show is at this version now. A plan is immutable: the number of seats stays. */
  advance(version: number, statuses: string): void {
    for (let seat = 0; seat < statuses.length; seat++) {
      if (statuses.charCodeAt(seat) !== this.#statuses.charCodeAt(seat)) this.#changedAt[seat] = version;
    }
    this.#statuses = statuses;
    this.#versions.push(version);
    if (this.#versions.length > VERSIONS_KEPT_MAX) this.#versions.shift();
  }

  /**
   * What to apply to the map of `version` to have the present one, in index order; null when this process has not had that
   * version, or not lately, or when there are more than `max` changes.
   */
  since(version: number, max: number): SeatChange[] | null {
    if (!this.#versions.includes(version)) return null;
    const changes: SeatChange[] = [];
    for (let seat = 0; seat < this.#changedAt.length; seat++) {
      if (this.#changedAt[seat]! <= version) continue;
      if (changes.length === max) return null;
      changes.push([seat, this.#statuses[seat] as SeatChange[1]]);
    }
    return changes;
  }
}
