import { setTimeout as delay } from 'node:timers/promises';
import type { BookingStatus, NewBooking } from '../../src/domain/booking.ts';
import type { BookingTerms } from '../../src/domain/booking-process.ts';
import { loadSeatMap } from '../../src/read-model/seat-maps.ts';
import type { Show } from '../../src/read-model/shows.ts';
import { expectAgreement } from './agreement.ts';
import { book, endOf } from './bookings.ts';
import { eventually } from './eventually.ts';
import { openShow, statusesOf } from './shows.ts';
import type { TestSystem } from './system.ts';
import { type Interruption, withInterruptedWorker } from './with-interrupted-worker.ts';

/** Each has a namespace and workers of its own; they mostly wait for time-outs. */
const CASES_AT_ONCE = 4;
export const CASE_PATIENCE_MS = 240_000;
/** Longer than it takes until a worker's tasks are given to another one: six seconds for those of bookings. */
const STANDS_STILL_MS = 8_000;

/** A worker is interrupted at a moment of a booking's life, and another one goes on. */
export interface InterruptedCase {
  readonly at: Interruption['at'];
  readonly failing?: Interruption['failing'];
  readonly terms?: Partial<BookingTerms>;
  /** What somebody does while the worker dies. */
  readonly act: (system: TestSystem, booking: NewBooking, show: Show) => Promise<unknown>;
  readonly ends: BookingStatus;
}

type Signal = Interruption['by'];

interface Entry extends InterruptedCase {
  readonly by: Signal;
  readonly outcome: PromiseWithResolvers<void>;
}

/** For `describe` blocks of the test file that calls it: the cases as a table for `test.each`, played several at once. */
export function playInterrupted(
  system: TestSystem,
  cases: Readonly<Record<Signal, readonly InterruptedCase[]>>,
): (by: Signal) => [name: string, outcome: PromiseWithResolvers<void>][] {
  const entriesOf = (by: Signal): Entry[] =>
    cases[by].map((each) => ({ ...each, by, outcome: Promise.withResolvers<void>() }));
  const entries = [...entriesOf('SIGKILL'), ...entriesOf('SIGSTOP')];

  beforeAll(() => {
    const queue = entries.values();
    const lane = async (): Promise<void> => {
      for (const entry of queue) {
        entry.outcome.promise.catch(() => undefined);
        await play(system, entry).then(entry.outcome.resolve, entry.outcome.reject);
      }
    };
    for (let number = 0; number < CASES_AT_ONCE; number++) void lane();
  });

  return (by) =>
    entries
      .filter((entry) => entry.by === by)
      .map(({ at, failing, act, ends, outcome }, index) => {
        const after = failing === undefined ? '' : `, after a failure of ${failing}`;
        return [`${index + 1}. ${at}${after}, ${act.name}: ${ends}`, outcome];
      });
}

const play = (system: TestSystem, { at, by, failing, terms, act, ends }: Entry): Promise<void> =>
  withInterruptedWorker(system, { at, by, failing }, async (own, { first, next, untilInterrupted }) => {
    const show = await openShow(own);
    const booking = await book(own, show, [0, 1], { holdTtlMs: 120_000, paymentDeadlineMs: 60_000, ...terms });
    const acting = act(own, booking, show);
    acting.catch(() => undefined);
    await untilInterrupted();
    await next.start();
    if (by === 'SIGSTOP') await Promise.race([acting, delay(STANDS_STILL_MS)]);
    first.signal('SIGCONT');
    await acting;
    expect(await endOf(own, booking)).toBe(ends);
    // What it has under way is done before a worker that is asked to stop has stopped.
    await first.kill('SIGTERM');
    await expectAgreement(own, show);
    await expectProjected(own, show);
  });

async function expectProjected(own: TestSystem, show: Show): Promise<void> {
  const statuses = await statusesOf(own, show.id);
  await eventually(async () => expect(await loadSeatMap(own.db, show.id)).toMatchObject({ statuses }));
}
