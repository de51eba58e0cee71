import { setTimeout as delay } from 'node:timers/promises';
import type { BookingStatus, NewBooking } from '../../src/domain/booking.ts';
import type { BookingTerms } from '../../src/domain/booking-process.ts';
import { loadSeatMap } from '../../src/read-model/seat-maps.ts';
import type { Show } from '../../src/read-model/shows.ts';
import { connectClient } from '../../temporal/connection.ts';
import { TemporalWorkflowClient } from '../../temporal/workflow-client.ts';
import { expectAgreement } from './agreement.ts';
import { book, endOf } from './bookings.ts';
import { eventually } from './eventually.ts';
import { TestProcess } from './process.ts';
import { openShow, statusesOf } from './shows.ts';
import type { TestSystem } from './system.ts';
import { claimNamespace } from './temporal.ts';

/** Each has a namespace and workers of its own; they mostly wait for time-outs. */
const CASES_AT_ONCE = 4;
export const CASE_PATIENCE_MS = 240_000;
/** Longer than it takes until a worker's tasks are given to another one. */
const STANDS_STILL_MS = 4_000;

/** A worker is interrupted at a moment of a booking's life, and another one goes on. */
export interface InterruptedCase {
  /** `before` or `after`, and an activity. */
  readonly at: string;
  readonly terms?: Partial<BookingTerms>;
  /** What somebody does while the worker dies. */
  readonly act: (system: TestSystem, booking: NewBooking, show: Show) => Promise<unknown>;
  readonly ends: BookingStatus;
}

export type Interruption = 'SIGKILL' | 'SIGSTOP';

interface Entry extends InterruptedCase {
  readonly by: Interruption;
  readonly outcome: PromiseWithResolvers<void>;
}

/** For `describe` blocks of the test file that calls it: the cases as a table for `test.each`, played several at once. */
export function playInterrupted(
  system: TestSystem,
  cases: Readonly<Record<Interruption, readonly InterruptedCase[]>>,
): (by: Interruption) => [name: string, outcome: PromiseWithResolvers<void>][] {
  const entriesOf = (by: Interruption): Entry[] =>
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
      .map(({ at, act, ends, outcome }, index) => [`${index + 1}. ${at}, ${act.name}: ${ends}`, outcome]);
}

async function play(system: TestSystem, { at, by, terms, act, ends }: Entry): Promise<void> {
  const namespace = await claimNamespace();
  const env: Record<string, string> = { ...system.env, TEMPORAL_NAMESPACE: namespace };
  const temporal = await connectClient({ address: env.TEMPORAL_ADDRESS!, namespace });
  const own: TestSystem = { ...system, env, temporal, workflows: new TemporalWorkflowClient(temporal) };
  const first = new TestProcess('first worker', ['test/setup/interrupted-worker.ts'], {
    ...env,
    INTERRUPT_AT: at,
    INTERRUPT_BY: by,
  });
  const next = new TestProcess('next worker', ['src/main/worker.ts'], env);
  try {
    await first.start();
    const show = await openShow(own);
    const booking = await book(own, show, [0, 1], { holdTtlMs: 120_000, paymentDeadlineMs: 60_000, ...terms });
    const acting = act(own, booking, show);
    acting.catch(() => undefined);
    await eventually(() => expect(first.log).toContain('{"msg":"interrupted"}'));
    await next.start();
    if (by === 'SIGSTOP') await Promise.race([acting, delay(STANDS_STILL_MS)]);
    first.signal('SIGCONT');
    await acting;
    expect(await endOf(own, booking)).toBe(ends);
    // What it has under way is done before a worker that is asked to stop has stopped.
    await first.kill('SIGTERM');
    await expectAgreement(own, show);
    await expectProjected(own, show);
  } finally {
    await Promise.all([first.kill(), next.kill()]);
    await temporal.connection.close();
  }
}

async function expectProjected(own: TestSystem, show: Show): Promise<void> {
  const statuses = await statusesOf(own, show.id);
  await eventually(async () => expect(await loadSeatMap(own.db, show.id)).toMatchObject({ statuses }));
}
