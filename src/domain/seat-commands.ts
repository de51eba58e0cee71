/**
 * Seat commands and their answers: the protocol of the seat map. Seats are indices 0..n-1 of the show's layout, times
 * are Unix milliseconds. Every command is idempotent by state: a seat's owner is the memory of what was done.
 */

/** One character a seat: available, held, booked, blocked (`x`). The REST contract's `statuses` are these. */
export type SeatStatus = 'a' | 'h' | 'b' | 'x';
export type TakenSeatStatus = Exclude<SeatStatus, 'a'>;

export interface BestAvailablePick {
  readonly count: number;
  /** Category id. Absent: any category, all seats of the answer in one. */
  readonly category?: string;
  /** True: all seats must be accessible ones (their companions fill up a group). Absent or false: accessible and companion seats are used last. */
  readonly accessible?: boolean;
}

export type SeatPick = { readonly seats: readonly number[] } | { readonly bestAvailable: BestAvailablePick };

/**
 * When the booking decided on a change of its hold, by its workflow's clock: the same for each time the command is sent,
 * and later for each further one. A process that stood still may send it after another one has sent newer ones. Absent
 * where nobody repeats it.
 */
type AskedAtMs = number;

export type SeatCommand =
  /** A buyer's timed claim. Repeated by the same booking with the same fingerprint: the hold as it is. */
  | {
      readonly kind: 'hold';
      readonly bookingId: string;
      /** Digest of the request's body; the same booking id with another fingerprint is refused. */
      readonly fingerprint: string;
      readonly buyerId: string;
      readonly ttlMs: number;
      readonly pick: SeatPick;
      /** Booked seats that the buyer gives up for these: a cap counts one or the other. */
      readonly insteadOf?: { readonly bookingId: string; readonly seats: readonly number[] };
    }
  /** The hold now has exactly these seats, all or none; its expiry stays. */
  | {
      readonly kind: 'swap';
      readonly bookingId: string;
      readonly seats: readonly number[];
      readonly askedAtMs?: AskedAtMs;
    }
  /** Sets the hold's expiry, earlier or later than it was. */
  | {
      readonly kind: 'extend';
      readonly bookingId: string;
      readonly expiresAtMs: number;
      readonly askedAtMs?: AskedAtMs;
    }
  /** Gives a hold back; nothing to give back is a success. Booked seats are refused: they go by `return`. */
  | { readonly kind: 'release'; readonly bookingId: string }
  /**
   * The hold becomes a booking of exactly these seats. `reclaim`: if the hold has ended but every seat is free, takes
   * them all the same (money came late).
   */
  | {
      readonly kind: 'confirm';
      readonly bookingId: string;
      readonly buyerId: string;
      readonly seats: readonly number[];
      readonly reclaim: boolean;
    }
  /**
   * The booked seats of one booking go to another one, which has these seats then, together with all that were the first
   * one's: what it does not want of them it returns. Nobody can come between. `back`: undoes one, whatever has ended.
   */
  | {
      readonly kind: 'exchange';
      readonly fromBookingId: string;
      readonly bookingId: string;
      readonly buyerId: string;
      readonly seats: readonly number[];
      readonly back?: true;
    }
  /** Booked seats come back on sale; all of the booking's, or those named. Already back is a success. */
  | { readonly kind: 'return'; readonly bookingId: string; readonly seats?: readonly number[] }
  /** Staff takes available seats off sale, all or none. Blocking what is blocked is a success. */
  | { readonly kind: 'block'; readonly seats: readonly number[]; readonly reason: string }
  /** Blocked seats go back on sale; seats that are not blocked stay as they are. */
  | { readonly kind: 'unblock'; readonly seats: readonly number[] };

export const seatCommandKinds: readonly SeatCommand['kind'][] = [
  'hold',
  'swap',
  'extend',
  'release',
  'confirm',
  'exchange',
  'return',
  'block',
  'unblock',
];

export type SeatConflict = readonly [seat: number, status: TakenSeatStatus];

export interface SeatsGranted {
  readonly ok: true;
  /** The seats the command is about, ascending. */
  readonly seats: readonly number[];
  /** Of the hold, after the command; null when the command leaves none. */
  readonly expiresAtMs: number | null;
  /** When the hold was first granted; null when the command leaves none. */
  readonly heldAtMs: number | null;
}

/** Every seat whose status has changed after a version, by its status now. */
export interface ChangedSeats {
  readonly fromVersion: number;
  readonly seats: readonly (readonly [status: string, seats: readonly number[]])[];
}

/** Which version of its seat map a show has gone by, and how that differs from an earlier one, where it has told. */
export interface SeatMapMoment {
  readonly version: number;
  readonly changed?: ChangedSeats;
}

export type SeatRefusal =
  | {
      readonly ok: false;
      readonly refusal: 'SEAT_UNAVAILABLE';
      readonly conflicts: readonly SeatConflict[];
      /** Who has the seats, by mark, and until when (null: for good), where the show has told it. */
      readonly takenBy?: readonly (readonly [seat: number, owner: string, untilMs: number | null])[];
      /** Of the seat map when it was refused, where the show has told it. */
      readonly asOf?: SeatMapMoment;
    }
  | { readonly ok: false; readonly refusal: 'SOLD_OUT' }
  | { readonly ok: false; readonly refusal: 'SALES_CLOSED' }
  /** Fewer than `count` adjacent seats are left that fit the pick, although single ones may be. */
  | { readonly ok: false; readonly refusal: 'NO_ADJACENT_SEATS' }
  /** The available seats that the pick would strand. */
  | { readonly ok: false; readonly refusal: 'ORPHAN_SEAT'; readonly seats: readonly number[] }
  | { readonly ok: false; readonly refusal: 'UNKNOWN_SEAT'; readonly seats: readonly number[] }
  | { readonly ok: false; readonly refusal: 'DUPLICATE_SEAT'; readonly seats: readonly number[] }
  /** None, or more than a booking or a buyer may have; `limit` is what was passed. */
  | { readonly ok: false; readonly refusal: 'TOO_MANY_SEATS'; readonly limit: number }
  | { readonly ok: false; readonly refusal: 'NO_SEATS' }
  | { readonly ok: false; readonly refusal: 'UNKNOWN_CATEGORY' }
  /** The booking id is known with another fingerprint. */
  | { readonly ok: false; readonly refusal: 'FINGERPRINT_MISMATCH' }
  /** The hold is past its time. */
  | { readonly ok: false; readonly refusal: 'HOLD_EXPIRED' }
  /** A hold of this booking has been here and is gone (released, expired or returned): it is not granted anew. */
  | {
      readonly ok: false;
      readonly refusal: 'HOLD_ENDED';
      readonly seats: readonly number[];
      readonly expiresAtMs: number;
      readonly heldAtMs: number;
    }
  /** Confirm or swap names a hold that has other seats than expected, or that never was. */
  | { readonly ok: false; readonly refusal: 'NO_SUCH_HOLD' }
  /** Release, extend or swap of a booking that is confirmed. */
  | { readonly ok: false; readonly refusal: 'ALREADY_BOOKED' }
  /** Swap or extend that comes after one that was asked for later, namely at `byMs`. */
  | { readonly ok: false; readonly refusal: 'SUPERSEDED'; readonly byMs: number };

export type SeatCommandResult = SeatsGranted | SeatRefusal;
export type SeatRefusalCode = SeatRefusal['refusal'];

/** When, and whether at all, seats are sold: what staff may change while a show is sold. */
export interface SaleTimes {
  readonly salesOpenAtMs: number;
  readonly salesCloseAtMs: number;
  /** Staff has ended the sale for good: nobody gets a seat any more, nor keeps one for longer, whatever was paid. */
  readonly closed?: { readonly reason: string };
}

/** What a show's rules depend on besides its layout; the limits are fixed when the show goes on sale. */
export interface SaleRules extends SaleTimes {
  readonly seatsPerBookingMax: number;
  /** Seats one buyer may hold or have booked in this show; 0 = no cap. */
  readonly seatsPerBuyerMax: number;
}
