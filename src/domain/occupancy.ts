import type { SeatStatus } from './seat-commands.ts';
import type { SeatGeometry } from './seat-geometry.ts';

export const AVAILABLE = 0;
export const HELD = 1;
export const BOOKED = 2;
export const BLOCKED = 3;
export type StatusCode = typeof AVAILABLE | typeof HELD | typeof BOOKED | typeof BLOCKED;

/** Statuses by their code. */
export const statusOfCode: readonly SeatStatus[] = ['a', 'h', 'b', 'x'];

export interface StatusCounts {
  readonly available: number;
  readonly held: number;
  readonly booked: number;
  readonly blocked: number;
}

/** The status of every seat, with counts kept beside so that nothing needs a scan of the house. */
export class Occupancy {
  readonly codes: Uint8Array;
  /** Available seats of each stretch. */
  readonly freeInStretch: Uint32Array;
  readonly #stretchOfSeat: Uint32Array;
  readonly #counts: Uint32Array;

  private constructor(codes: Uint8Array, freeInStretch: Uint32Array, stretchOfSeat: Uint32Array, counts: Uint32Array) {
    this.codes = codes;
    this.freeInStretch = freeInStretch;
    this.#stretchOfSeat = stretchOfSeat;
    this.#counts = counts;
  }

  static empty(geometry: SeatGeometry): Occupancy {
    const freeInStretch = new Uint32Array(geometry.stretches.length);
    for (const stretch of geometry.stretches) freeInStretch[stretch.index] = stretch.end - stretch.first;
    const codes = new Uint8Array(geometry.seatCount);
    return new Occupancy(codes, freeInStretch, geometry.stretchOfSeat, Uint32Array.of(geometry.seatCount, 0, 0, 0));
  }

  /** A copy of its own with these seats available. */
  freeing(seats: readonly number[]): Occupancy {
    const copy = new Occupancy(
      this.codes.slice(),
      this.freeInStretch.slice(),
      this.#stretchOfSeat,
      this.#counts.slice(),
    );
    for (const seat of seats) copy.set(seat, AVAILABLE);
    return copy;
  }

  set(seat: number, code: StatusCode): void {
    const before = this.codes[seat]!;
    this.codes[seat] = code;
    this.#counts[before]! -= 1;
    this.#counts[code]! += 1;
    const stretch = this.#stretchOfSeat[seat]!;
    if (before === AVAILABLE) this.freeInStretch[stretch]! -= 1;
    if (code === AVAILABLE) this.freeInStretch[stretch]! += 1;
  }

  status(seat: number): SeatStatus {
    return statusOfCode[this.codes[seat]!]!;
  }

  get counts(): StatusCounts {
    const [available, held, booked, blocked] = this.#counts as unknown as [number, number, number, number];
    return { available, held, booked, blocked };
  }

  toString(): string {
    return Array.from(this.codes, (code) => statusOfCode[code]!).join('');
  }
}
