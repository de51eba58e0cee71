import { setTimeout as delay } from 'node:timers/promises';
import { book, endOf, pay } from '../bookings.ts';
import { openShow } from '../shows.ts';
import type { TestSystem } from '../system.ts';
import { withHaltingWorker } from '../with-halting-worker.ts';
import { ofBooking, patient, type Recorded } from './story.ts';

/** Less than a step may take in the worker itself; two of them take longer than a task goes on without a sign of life. */
const SLOW_MS = 3_000;

/**
 * A payer has waited long enough while steps are slow that are tried in the worker itself: one task keeps them alive after the other,
 * and with the second one the time is up. The payer is answered; then the step fails, and is asked for as an activity. A replay is
 * told of both at once.
 */
export const playAnswerWhileStepsAreSlow = (system: TestSystem): Promise<Recorded> =>
  withHaltingWorker(system, async (own, halts, namespace) => {
    const booking = await book(own, await openShow(own), [0, 1], patient);
    const letGoOnTo = async (activity: string): Promise<void> => {
      await delay(SLOW_MS);
      await halts.haltBefore(activity, booking);
      await halts.goOn(booking);
      await halts.untilHalted(booking);
    };
    await halts.haltBefore('resolveCharge', booking);
    const paying = pay(own, booking, 'tok_timeout_charged');
    await halts.untilHalted(booking);
    await letGoOnTo('confirmSeats');
    await letGoOnTo('recordConfirmed');
    expect(await paying).toMatchObject({ outcome: 'pending' });
    await halts.fail(booking);
    expect(await endOf(own, booking)).toBe('CONFIRMED');
    return { ...ofBooking('answered-while-steps-are-slow', booking), namespace };
  });
