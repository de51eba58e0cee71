import { setTimeout as delay } from 'node:timers/promises';
import type { BookingTerms } from '../../../src/domain/booking-process.ts';
import { book, endOf, pay } from '../bookings.ts';
import { closeShard } from '../close-shard.ts';
import { openShow } from '../shows.ts';
import type { TestSystem } from '../system.ts';
import { withHaltingWorker } from '../with-halting-worker.ts';
import { ofBooking, type Recorded } from './story.ts';

/**
 * A payment whose task is lost with the server, and is given to the same worker once more while its charge is under way. The SDK
 * goes on with the charge that it has, and lets the second doing have done it: so the history tells a later time than that by
 * which it was done.
 */
export interface LostTask {
  readonly name: string;
  /** What the two times differ about. */
  readonly what: string;
  readonly terms: Partial<BookingTerms>;
}

/** After the hold was made: more than what the times below leave. */
const LOST_AFTER_MS = 2_700;
/** The second doing has begun by then. */
const GOES_ON_AFTER_MS = 800;

export const lostTasks: readonly LostTask[] = [
  {
    name: 'lost-with-less-time-left',
    what: 'the hold lasts until the deadline, or not',
    terms: { holdTtlMs: 22_500, paymentDeadlineMs: 20_000 },
  },
  {
    name: 'lost-before-its-deadline',
    what: 'the deadline has passed, or not',
    terms: { holdTtlMs: 60_000, paymentDeadlineMs: 2_000 },
  },
];

/** Tells all workflows of the server: nothing else may be under way on it. */
export const playLostTask = (system: TestSystem, { name, terms }: LostTask): Promise<Recorded> =>
  withHaltingWorker(system, async (own, halts, namespace) => {
    const show = await openShow(own);
    const booking = await book(own, show, [0, 1], terms);
    await halts.haltBefore('chargePayment', booking);
    const paying = pay(own, booking, 'tok_ok');
    paying.catch(() => undefined);
    await halts.untilHalted(booking);
    await delay(Math.max(0, booking.heldAtMs + LOST_AFTER_MS - Date.now()));
    await closeShard(own.env.TEMPORAL_ADDRESS!);
    await delay(GOES_ON_AFTER_MS);
    await halts.goOn(booking);
    await paying;
    await endOf(own, booking);
    return { ...ofBooking(name, booking), namespace };
  });
