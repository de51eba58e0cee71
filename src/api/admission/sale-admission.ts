import { tooBusy, TooBusyError } from '../http/api-error.ts';
import { aheadInTurn, totalOf, type Weighed } from './counts-by-show.ts';
import { FairTurns, type TurnLimits } from './fair-turns.ts';
import { ShowsDeciding } from './shows-deciding.ts';

/**
 * Bookings being started at once. A start is a few milliseconds of CPU: more at once make none of them faster and all of
 * them late (docs/decisions/0010).
 */
const STARTS_IN_FLIGHT_MAX = 16;
/** Nobody is refused who has been granted seats, unless there is no end of them. */
const STARTS_WAITING_MAX = 3_000;
/** From one start's end to the next on two cores with nothing else to do: holds good until it has been measured. */
const STARTS_PACE_MS = 5;

/** No more than a worker takes at once (temporal/workers.ts): what waits there nobody can refuse. */
const PAYMENTS_IN_FLIGHT_MAX = 64;
/** At 150 a second, as many as may wait so long. */
const PAYMENTS_WAITING_MAX = 1_000;
/**
 * What a payment may wait for its turn, ms. With the second or two that it takes then, it is answered before a client
 * gives up, and well within the time of a call to its booking.
 */
const PAYMENT_WAIT_MAX_MS = 6_000;
/** As `STARTS_PACE_MS`. */
const PAYMENTS_PACE_MS = 15;

/**
 * In an overload nobody is granted seats who would have to wait longer than this for the booking's start, or then to pay.
 * Enough that no place is free for want of a buyer, and little to be worked off when it is over.
 */
const HOLD_WAIT_MAX_MS = 1_000;
/** More buyers under way than these are one; or fewer, if their payments would be refused. A small machine needs 4 s for them. */
const BUYERS_WITHOUT_OVERLOAD = 256;
/** It is over when nobody has been refused for so long. */
const OVERLOAD_LASTS_MS = 2_000;
/** A show that has answered nothing for so long is asked by one at a time. A worker's death heals sooner. */
const STANDSTILL_MAX_MS = 4_000;
const STANDSTILL_RETRY_AFTER_MS = 2_000;
/** Decisions that the share of granted holds is an average of: one full update of a show. */
const DECISIONS_AVERAGED = 256;

const starts: TurnLimits = {
  inFlightMax: STARTS_IN_FLIGHT_MAX,
  waitingMax: STARTS_WAITING_MAX,
  assumedPaceMs: STARTS_PACE_MS,
};

const payments: TurnLimits = {
  inFlightMax: PAYMENTS_IN_FLIGHT_MAX,
  waitingMax: PAYMENTS_WAITING_MAX,
  waitMaxMs: PAYMENT_WAIT_MAX_MS,
  assumedPaceMs: PAYMENTS_PACE_MS,
};

/** What was refused because more came than can be answered in time. */
export type RefusedInOverload = 'hold' | 'payment';

export interface SaleAdmissionOptions {
  readonly nowMs: () => number;
  readonly onRefused?: (what: RefusedInOverload) => void;
}

/**
 * What this process takes on. Who holds seats comes first: a hold is refused before it is decided when its booking would
 * wait for its start, or those before it have to wait to pay; a payment only when it would wait too long itself. All
 * waits are as expected where shows take turns, so that the storm on one show does not shut the door of another one.
 */
export class SaleAdmission {
  readonly #nowMs: () => number;
  readonly #onRefused: (what: RefusedInOverload) => void;
  readonly #deciding: ShowsDeciding;
  readonly #starts: FairTurns;
  readonly #payments: FairTurns;
  /** Of the latest decisions: most of those who storm a hot show are refused by it, and no load for what comes after. */
  #grantedShare = 1;
  #overloadUntilMs = -Infinity;

  constructor({ nowMs, onRefused = () => undefined }: SaleAdmissionOptions) {
    this.#nowMs = nowMs;
    this.#onRefused = onRefused;
    this.#deciding = new ShowsDeciding(nowMs);
    this.#starts = new FairTurns(starts, nowMs);
    this.#payments = new FairTurns(payments, nowMs);
  }

  /**
   * Has a show decide about a hold.
   * @throws TooBusyError if it was not asked; otherwise what `ask` does
   */
  async decide<Result extends { readonly ok: boolean }>(showId: string, ask: () => Promise<Result>): Promise<Result> {
    if (!this.mayHold(showId)) throw this.refusedHold(showId);
    const result = await this.#deciding.ask(showId, ask);
    this.#grantedShare += (Number(result.ok) - this.#grantedShare) / DECISIONS_AVERAGED;
    return result;
  }

  /** Starts a booking that has been granted its seats. @throws TooBusyError if it was not begun */
  start<Result>(showId: string, start: () => Promise<Result>): Promise<Result> {
    return this.#starts.run(showId, start);
  }

  /** @throws TooBusyError if `pay` was not begun; otherwise what `pay` does */
  async pay<Result>(showId: string, pay: () => Promise<Result>): Promise<Result> {
    try {
      const waitMs = this.#waitMs(this.#payments, showId, [{ counts: this.#payments.waiting, weight: 1 }]);
      if (waitMs > PAYMENT_WAIT_MAX_MS) throw tooBusy(waitMs - PAYMENT_WAIT_MAX_MS);
      return await this.#payments.run(showId, pay);
    } catch (error) {
      if (error instanceof TooBusyError) this.#onRefused('payment');
      throw error;
    }
  }

  /** Whether a hold that came now would be taken to its show. */
  mayHold(showId: string): boolean {
    return this.#hurdleMs(showId) === 0;
  }

  /** The refusal of a hold that may not be taken to its show, counted as one. */
  refusedHold(showId: string): TooBusyError {
    this.#onRefused('hold');
    return tooBusy(this.#hurdleMs(showId));
  }

  /** 0: none. Otherwise when it may be gone, ms. */
  #hurdleMs(showId: string): number {
    if (this.#deciding.standstillMs(showId) > STANDSTILL_MAX_MS) return STANDSTILL_RETRY_AFTER_MS;
    const granted = { counts: this.#deciding.asked, weight: this.#grantedShare };
    const starting = { counts: this.#starts.underWay, weight: 1 };
    const paying = { counts: this.#payments.underWay, weight: 1 };
    const isOverload =
      this.#nowMs() < this.#overloadUntilMs || totalOf([granted, starting, paying]) >= BUYERS_WITHOUT_OVERLOAD;
    const waitMaxMs = isOverload ? HOLD_WAIT_MAX_MS : PAYMENT_WAIT_MAX_MS;
    const waitMs = Math.max(
      this.#waitMs(this.#starts, showId, [granted, { counts: this.#starts.waiting, weight: 1 }]),
      // Whoever holds seats now will pay.
      this.#waitMs(this.#payments, showId, [granted, starting, { counts: this.#payments.waiting, weight: 1 }]),
    );
    if (waitMs <= waitMaxMs) return 0;
    this.#overloadUntilMs = this.#nowMs() + OVERLOAD_LASTS_MS;
    return waitMs;
  }

  #waitMs(turns: FairTurns, showId: string, ahead: readonly Weighed[]): number {
    // Most of the time nobody has to wait, whatever the order.
    const longestMs = turns.waitMs(totalOf(ahead));
    return longestMs <= HOLD_WAIT_MAX_MS ? longestMs : turns.waitMs(aheadInTurn(showId, ahead));
  }
}
