import type { ConfirmedBooking } from './peer.ts';

/** What the clients of one run were told. */
export class SalesRecord {
  readonly #owners = new Map<string, string>();
  readonly #confirmed = new Map<string, ConfirmedBooking>();
  readonly #faults: string[] = [];

  /** A hold was granted; no hold ends within a run, so each seat is granted once. */
  granted({ bookingId, showId, seats }: ConfirmedBooking): void {
    for (const seat of seats) {
      const owner = this.#owners.get(`${showId}/${seat}`);
      if (owner !== undefined) this.#faults.push(`seat ${seat} of ${showId} was granted to ${owner} and ${bookingId}`);
      this.#owners.set(`${showId}/${seat}`, bookingId);
    }
  }

  confirmed(booking: ConfirmedBooking): void {
    this.#confirmed.set(booking.bookingId, booking);
  }

  /** What speaks against the peer, the store having answered `stored`: double sales and lost confirmations. */
  faultsOf(stored: readonly ConfirmedBooking[]): string[] {
    const faults = [...this.#faults];
    const owners = new Map<string, string>();
    const byId = new Map(stored.map((booking) => [booking.bookingId, booking]));
    for (const { bookingId, showId, seats } of stored) {
      for (const seat of seats) {
        const owner = owners.get(`${showId}/${seat}`);
        if (owner !== undefined) faults.push(`seat ${seat} of ${showId} is sold to ${owner} and ${bookingId}`);
        owners.set(`${showId}/${seat}`, bookingId);
      }
    }
    for (const told of this.#confirmed.values()) {
      const found = byId.get(told.bookingId);
      if (!found) faults.push(`the confirmed booking ${told.bookingId} is lost`);
      else if (seatsOf(found) !== seatsOf(told))
        faults.push(`booking ${told.bookingId} has other seats than confirmed`);
    }
    return faults;
  }
}

const seatsOf = ({ showId, seats }: ConfirmedBooking): string =>
  `${showId}/${seats.toSorted((a, b) => a - b).join(',')}`;
