import type { ProcessSpec } from '../../src/platform/process-spec.ts';

/** `restate-in-turn`: every hold is decided by the show's object in turn; `restate` also refuses out of turn what its state says is taken. */
export const peerNames = ['postgres-conditional', 'postgres-coalesced', 'restate', 'restate-in-turn', 'dbos'] as const;
export type PeerName = (typeof peerNames)[number];

/** As ours by default; no hold ends within a run. */
export const HOLD_TTL_SECONDS = 600;

export interface HoldRequest {
  readonly showId: string;
  /** Indices, each once. */
  readonly seats: readonly number[];
  readonly buyer: string;
}

export interface ConfirmedBooking {
  readonly bookingId: string;
  readonly showId: string;
  readonly seats: readonly number[];
}

/** What a peer does behind the HTTP front. Every promise resolves when its outcome is durable. */
export interface SeatSeller {
  /** Puts a show on sale; repeated, it changes nothing. */
  openShow(showId: string, seats: number): Promise<void>;
  /** Does at once what the store would do later with what has been opened, in the middle of what is measured. */
  settle(): Promise<void>;
  /** All seats or none: the booking that holds them, null when one of them is taken. */
  hold(request: HoldRequest): Promise<string | null>;
  /** Charges and confirms, once; false when there is no such hold any more. */
  pay(bookingId: string): Promise<boolean>;
  /** Read from the store, not from memory. */
  confirmedBookings(): Promise<ConfirmedBooking[]>;
}

/** What a peer is started with: servers run beside it and end with it. */
export interface PeerHost {
  readonly dataDir: string;
  /** Resolves when it answers. */
  start(server: ProcessSpec): Promise<void>;
  /** A PostgreSQL as `npm start` runs it, with the same settings; answers the URL of a database. */
  startPostgres(): Promise<string>;
  freePort(): Promise<number>;
}

/** More wait than can be served: the request is refused, and nothing has happened. */
export class Overloaded extends Error {
  override readonly name = 'Overloaded';
}

/** A booking's id names its show, for routing; that it holds seats of it is for the store to say. */
export const bookingIdIn = (showId: string): string => `${showId}.${crypto.randomUUID()}`;
export const showOf = (bookingId: string): string => bookingId.slice(0, bookingId.indexOf('.'));

/** Where a payment provider would be asked: the workload's charge costs nothing, for us and for the peers. */
export const charge = (bookingId: string): Promise<string> => Promise.resolve(`charge/${bookingId}`);
