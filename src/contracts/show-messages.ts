import type { ChangedSeats, SaleRules, SaleTimes, SeatCommand, SeatCommandResult } from '../domain/seat-commands.ts';
import type { SeatLayout } from '../domain/seat-layout.ts';
import type { StatusCounts } from '../domain/occupancy.ts';
import type { SeatMapSnapshot } from '../domain/seat-map.ts';

/** Most seat commands in one update: bounds its payload and the time of its workflow task. */
export const SEAT_COMMANDS_PER_BATCH_MAX = 256;

/**
 * Updates of one run of a show, and then the next run. Temporal allows 2,000, and writes down with each of them those before it:
 * with a thousand Postgres takes a tenth more time for a booking than with 150.
 */
export const UPDATES_PER_RUN_MAX = 250;

export interface ShowWorkflowInput {
  readonly showId: string;
  readonly title: string;
  readonly layout: SeatLayout;
  readonly rules: SaleRules;
  /** After this time the workflow ends. */
  readonly endsAtMs: number;
  /** Of the show as staff has made it; counts every change that staff makes. Absent: 1. */
  readonly showVersion?: number;
  /** `UPDATES_PER_RUN_MAX` when the run was begun. Absent: 1,000. */
  readonly updatesMax?: number;
  /** Of the run before, when continued as new; absent on the first run. */
  readonly carried?: CarriedShowState;
}

export interface CarriedShowState {
  readonly seats: SeatMapSnapshot;
  /** Version that the read model has acknowledged; null when it needs the whole map. */
  readonly projectedVersion: number | null;
}

/** What staff has changed of a show that is on sale. What is absent stays as it is. */
export interface SaleChange extends Partial<SaleTimes> {
  /** That the show has by this change: one that comes after a later one changes nothing. */
  readonly showVersion: number;
  readonly title?: string;
  readonly endsAtMs?: number;
}

/** Everybody whom a change of the sale concerns: bookings that had seats then, held or booked, in the order of their ids. */
export interface SaleChanged {
  readonly bookingIds: readonly string[];
}

/** Answer of the `seatMap` query. */
export interface SeatMapView extends SeatMapSnapshot {
  readonly showId: string;
  readonly counts: StatusCounts;
}

/** `gap`: the row is older than the delta's `fromVersion`; otherwise the version the row has now. */
export type ProjectionOutcome = { readonly kind: 'gap' } | { readonly kind: 'projected'; readonly version: number };

export interface SeatCommandsAnswer {
  /** One result per command, in the order of the batch. */
  readonly results: readonly SeatCommandResult[];
  /** Seat map version after the batch. */
  readonly version: number;
  /**
   * Of each seat that was refused as taken by a buyer, whose it is and until when, Unix ms; null once it is booked.
   * Absent where there is none.
   */
  readonly takenBy?: readonly (readonly [seat: number, owner: OwnerMark, untilMs: number | null])[];
  /** What the sender is to project. Absent where the show does it itself. */
  readonly changed?: SeatChanges;
}

/** The sender of a batch, when it projects what the batch changes. */
export interface ProjectingSender {
  /** Version that the show's row has at least, as far as the sender knows; null when it doesn't. */
  readonly projectedVersion: number | null;
}

/** Of an update; without a sender the show projects what the batch changes. */
export type SeatCommandsArgs = [commands: readonly SeatCommand[], sender?: ProjectingSender];

/** Most seats that are left to a sender to project: of more, each answer that Temporal keeps would grow too long. */
export const CHANGED_SEATS_MAX = 256;

/**
 * What has changed from one version, which the read model's row has at least, to that of the answer; at most
 * `CHANGED_SEATS_MAX` seats, in few bytes, as Temporal keeps every answer of a run.
 */
export interface SeatChanges extends ChangedSeats {
  /** Time of the newest change, Unix ms. */
  readonly asOfMs: number;
}

/**
 * The end of the id of the booking that has a seat. Enough to tell that a seat is not one's own, and of no use for
 * anything else.
 */
export type OwnerMark = string;

/** 36 bits of a booking's id: two that are alike only cost a question to the show. */
const OWNER_MARK_LENGTH = 6;

export const ownerMark = (bookingId: string): OwnerMark => bookingId.slice(-OWNER_MARK_LENGTH);

/** Names of the show workflow's messages. */
export const showMessages = {
  /** Update: a batch of seat commands, answered one by one, and of its sender, if it projects what it changes. */
  seatCommands: 'seatCommands',
  /** Update: the sale goes by other times, or is closed for good. */
  changeSale: 'changeSale',
  /** Signal: release the holds of these bookings, where nobody waits for the answer. */
  releaseSeats: 'releaseSeats',
  /** Query: the seat map, for operators. */
  seatMap: 'seatMap',
} as const;

/**
 * Type of the failure by which the validator refuses a batch that changes nothing; its only detail is the
 * `SeatCommandsAnswer` all the same. Such a batch leaves no history.
 */
export const NOTHING_CHANGED_FAILURE = 'SeatCommandsChangeNothing';

/** Seats whose status changed, and what the read model needs to advance from one version to the next. */
export interface SeatMapDelta {
  readonly showId: string;
  /** The read model's row must be at this version or later; 0 with `full` for a row that may not exist. */
  readonly fromVersion: number;
  readonly toVersion: number;
  /** Time of the newest change, Unix ms. */
  readonly asOfMs: number;
  /** Changed seats with their status at `toVersion`; or the whole map as one string of statuses. */
  readonly change: { readonly seats: readonly (readonly [seat: number, status: string])[] } | { readonly full: string };
}
