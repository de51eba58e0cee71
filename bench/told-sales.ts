import type { Attempt } from './load/attempt.ts';
import type { Choice, Seat } from './load/front.ts';

/** A booking as a client was told of it. */
export interface ToldBooking {
  readonly bookingId: string;
  readonly showId: string;
  readonly seats: readonly Seat[];
  /** `paying`: the answer to its payment was lost, so that it may have ended in any way by now. */
  readonly told: 'held' | 'paying' | 'confirmed';
  /** Whose it is: an access token, where the front knows buyers. */
  readonly buyer?: string;
}

/** A booking as the service's records have it. */
export interface RecordedBooking {
  readonly bookingId: string;
  readonly showId: string;
  readonly seats: readonly Seat[];
  readonly status: string;
}

/** A booking that has seats. */
const statesWithSeats = new Set(['HELD', 'PAYMENT_PENDING', 'CONFIRMED']);

/** What the clients were told. No hold ends within a run, so a seat is granted once. */
export class ToldSales {
  readonly #bookings = new Map<string, ToldBooking>();
  readonly #owners = new Map<string, string>();
  readonly #faults: string[] = [];

  get bookings(): readonly ToldBooking[] {
    return [...this.#bookings.values()];
  }

  get shows(): readonly string[] {
    return [...new Set(this.bookings.map(({ showId }) => showId))];
  }

  granted(booking: ToldBooking): void {
    const { bookingId, showId, seats } = booking;
    for (const seat of seats) {
      const owner = this.#owners.get(`${showId}/${seat}`);
      if (owner !== undefined && owner !== bookingId) {
        this.#faults.push(`seat ${seat} of ${showId} was granted to ${owner} and ${bookingId}`);
      }
      this.#owners.set(`${showId}/${seat}`, bookingId);
    }
    const known = this.#bookings.get(bookingId);
    if (known && (known.showId !== showId || seatsOf(known) !== seatsOf(booking))) {
      this.#faults.push(
        `booking ${bookingId} was told to two clients, with seats ${seatsOf(known)} and ${seatsOf(booking)}`,
      );
    }
    this.#bookings.set(bookingId, booking);
  }

  /** All that a load generator was told. */
  addAttempts(attempts: readonly Attempt[], choices: readonly Choice[], buyers: readonly string[] = []): void {
    for (const { bookingId, choice, end, buyer } of attempts) {
      if (bookingId === null) continue;
      const told = end === 'failed' ? 'paying' : end === 'confirmed' ? 'confirmed' : 'held';
      this.granted({ bookingId, ...choices[choice]!, told, buyer: buyers[buyer % buyers.length] });
    }
  }

  /**
   * What speaks against the service: seats that two clients were granted, seats that two recorded bookings have,
   * bookings that are not on record as they were told. One sentence each.
   * @param holdsToo whether the records tell of bookings that are not confirmed
   */
  faultsOf(recorded: readonly RecordedBooking[], { holdsToo }: { readonly holdsToo: boolean }): string[] {
    const byId = new Map(recorded.map((booking) => [booking.bookingId, booking]));
    const toFind = this.bookings.filter(({ told }) => told === 'confirmed' || holdsToo);
    return [
      ...this.#faults,
      ...recordedTwice(recorded),
      ...toFind.flatMap((booking) => notAsTold(booking, byId.get(booking.bookingId))),
    ];
  }
}

function recordedTwice(recorded: readonly RecordedBooking[]): string[] {
  const owners = new Map<string, string>();
  const faults: string[] = [];
  for (const { bookingId, showId, seats, status } of recorded) {
    if (!statesWithSeats.has(status)) continue;
    for (const seat of seats) {
      const owner = owners.get(`${showId}/${seat}`);
      if (owner !== undefined) faults.push(`seat ${seat} of ${showId} is sold to ${owner} and ${bookingId}`);
      owners.set(`${showId}/${seat}`, bookingId);
    }
  }
  return faults;
}

function notAsTold(booking: ToldBooking, found: RecordedBooking | undefined): string[] {
  const name = `booking ${booking.bookingId}, told ${booking.told},`;
  if (!found) return [`${name} is lost`];
  if (!isKept(booking, found)) return [`${name} is ${found.status}`];
  return seatsOf(found) === seatsOf(booking) ? [] : [`${name} has other seats than its client was told`];
}

function isKept({ told }: ToldBooking, { status }: RecordedBooking): boolean {
  if (told === 'paying') return true;
  return told === 'confirmed' ? status === 'CONFIRMED' : statesWithSeats.has(status);
}

const seatsOf = ({ showId, seats }: { readonly showId: string; readonly seats: readonly Seat[] }): string =>
  `${showId}/${seats.map(String).sort().join(',')}`;
