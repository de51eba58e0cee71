import { setTimeout as delay } from 'node:timers/promises';
import type { BookingTerms } from '../../../src/domain/booking-process.ts';
import { book, endOf, pay } from '../bookings.ts';
import { closeShard } from '../close-shard.ts';
import { eventually } from '../eventually.ts';
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
  /** What becomes of the charge that was under way. */
  readonly charge: 'goOn' | 'fail';
}

/** After the hold was made: more than what the times below leave. */
const LOST_AFTER_MS = 2_700;
/** What the SDK says when it takes the second doing for the first. */
const MIXED_UP = 'Trying to send a new WFT for a run which already has one!';

export const lostTasks: readonly LostTask[] = [
  {
    name: 'lost-with-less-time-left',
    what: 'the hold lasts until the deadline, or not',
    terms: { holdTtlMs: 22_500, paymentDeadlineMs: 20_000 },
    charge: 'goOn',
  },
  {
    name: 'lost-with-less-time-left-for-a-charge-that-fails',
    what: 'the hold of a charge that fails lasts until the deadline, or not',
    terms: { holdTtlMs: 22_500, paymentDeadlineMs: 20_000 },
    charge: 'fail',
  },
  {
    name: 'lost-before-its-deadline',
    what: 'the deadline has passed, or not',
    terms: { holdTtlMs: 60_000, paymentDeadlineMs: 2_000 },
    charge: 'fail',
  },
];

/** Tells all workflows of the server: nothing else may be under way on it. */
export const playLostTask = (system: TestSystem, { name, terms, charge }: LostTask): Promise<Recorded> =>
  withHaltingWorker(system, async (own, halts, namespace) => {
    const show = await openShow(own);
    const booking = await book(own, show, [0, 1], terms);
    await halts.haltBefore('chargePayment', booking);
    const paying = pay(own, booking, 'tok_ok');
    paying.catch(() => undefined);
    await halts.untilHalted(booking);
    await delay(Math.max(0, booking.heldAtMs + LOST_AFTER_MS - Date.now()));
    await closeShard(own.env.TEMPORAL_ADDRESS!);
    await eventually(() => expect(halts.worker.log.join()).toContain(MIXED_UP));
    await halts[charge](booking);
    await paying;
    expect(await endOf(own, booking)).toBe('CONFIRMED');
    return { ...ofBooking(name, booking), namespace };
  });
