import { setTimeout as delay } from 'node:timers/promises';
import { bookingWorkflowId, showWorkflowId } from '../../src/contracts/workflow-ids.ts';
import { book, pay } from '../setup/bookings.ts';
import { openShow } from '../setup/shows.ts';
import { useTestSystem } from '../setup/system.ts';

const system = useTestSystem({ workers: 2 });

/** Nobody announces it: the server has asked the connections that are silent, and has closed them. */
const NOTICED_WITHIN_MS = 8_000;
/** More than a stopped worker's polls of both queues. */
const BOOKINGS = 12;

test('a worker that stands still is soon given no more work, which would wait there for its time-out', async () => {
  const [stopped] = system.workers;
  stopped!.signal('SIGSTOP');
  await delay(NOTICED_WITHIN_MS);
  try {
    const timedOut = await Promise.all(Array.from({ length: BOOKINGS }, tasksTimedOutInABooking));
    expect(timedOut).toEqual(Array.from({ length: BOOKINGS }, () => 0));
  } finally {
    stopped!.signal('SIGCONT');
  }
});

async function tasksTimedOutInABooking(): Promise<number> {
  const show = await openShow(system);
  const booking = await book(system, show, [0]);
  expect(await pay(system, booking, 'tok_ok')).toMatchObject({ outcome: 'confirmed' });
  const counts = await Promise.all([showWorkflowId(show.id), bookingWorkflowId(booking.id)].map(tasksTimedOut));
  return counts.reduce((sum, count) => sum + count, 0);
}

async function tasksTimedOut(workflowId: string): Promise<number> {
  const { events } = await system.temporal.workflow.getHandle(workflowId).fetchHistory();
  return (events ?? []).filter((event) => event.workflowTaskTimedOutEventAttributes).length;
}
