/**
 * How long payments may take, in milliseconds. Gateways, activities and workflows take their time-outs from here: an
 * activity that ended before its providers do would be tried again while the first try still runs.
 */

/** One call of one provider; past it the outcome is unknown. */
export const providerCallMs = {
  /** The first try of a charge, with a buyer waiting. What takes longer becomes a visible activity. */
  firstCharge: 1_500,
  charge: 5_000,
  /** Finding, voiding, refunding: a look into the provider's books. One that takes longer is not well. */
  ask: 3_000,
} as const;

/** The two providers as one (`src/gateways/fallback-gateway.ts`): what comes one after the other. */
const { firstCharge, charge, ask } = providerCallMs;
const firstChargeMs = 2 * firstCharge;
/** Closed at the second provider, charged at the first, closed there if it refuses. */
const repeatedChargeMs = ask + charge + ask;

/** What an activity does besides: a statement or two, and a turn on a busy machine. */
const BESIDES_MS = 1_000;

/** A show and the database together, when both are busy; after that a purchase goes on step by step. */
const CONFIRMED_WITHIN_MS = 3_000;

/** A show that is asked for a longer hold before a purchase charges; after that nothing is charged in it. */
export const securedWithinMs = 2_000;

/** Charges, or asks what became of a charge that another try has begun. */
const inWorker = Math.max(firstChargeMs, ask) + BESIDES_MS;

/** Start to close of one try of an activity. */
export const activityMs = {
  inWorker,
  /**
   * Secures the hold, charges, confirms and records. A try that was cut off has to be asked for as if it were unknown,
   * which is dear just when all are busy; and it has to end well before the buyer's request does, which waits for ten
   * seconds. So securing takes of the same time.
   */
  purchase: inWorker + CONFIRMED_WITHIN_MS,
  /** Asks for a charge, and repeats it if nobody has heard of it. */
  resolveCharge: ask + repeatedChargeMs + BESIDES_MS,
  /**
   * Any other; of the payments' the longest is a refund that fails: it is asked for, and then its charge. A show answers
   * within as long.
   */
  asTask: Math.max(3 * ask + BESIDES_MS, 10_000),
  /** One sweep over many attempts, of which none is begun in the second half. */
  sweep: 60_000,
} as const;
