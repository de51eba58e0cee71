import type { PricedSeat } from './booking.ts';

/** What the code on a ticket says. It admits to all seats of its booking together. */
export interface TicketClaim {
  readonly bookingId: string;
  /** Raised whenever the ticket changes hands or loses seats: an older code admits nobody any more. */
  readonly ticketVersion: number;
}

export interface TicketSeat extends Omit<PricedSeat, 'price'> {
  /** Room for a wheelchair. */
  readonly accessible: boolean;
}

/** Where and when somebody is expected. */
export interface TicketShow {
  readonly id: string;
  readonly title: string;
  readonly startsAtMs: number;
  /** IANA zone of the venue. */
  readonly timeZone: string;
  readonly venue: string;
  readonly screen: string;
}

/** A booking as its ticket tells of it. */
export interface Ticket extends TicketClaim {
  readonly bookingNumber: string;
  readonly seats: readonly TicketSeat[];
  readonly show: TicketShow;
}
