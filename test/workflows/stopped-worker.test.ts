import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server } from 'node:net';
import { bookingWorkflowId, showWorkflowId } from '../../src/contracts/workflow-ids.ts';
import { book, pay } from '../setup/bookings.ts';
import { TestProcess } from '../setup/process.ts';
import { openShow } from '../setup/shows.ts';
import { useTestSystem } from '../setup/system.ts';

const system = useTestSystem();

/** More than a stopped worker's polls of both queues. */
const BOOKINGS = 12;

/** A way to the server that tells when the server has closed a connection which came by it. */
let link: Server;
const closings: Promise<unknown>[] = [];
let stopped: TestProcess;

beforeAll(async () => {
  const [host, port] = system.env.TEMPORAL_ADDRESS!.split(':') as [string, string];
  link = createServer((near) => {
    const far = connect(Number(port), host);
    closings.push(new Promise((resolve) => far.on('close', resolve)));
    near.pipe(far).pipe(near);
    near.on('error', () => far.destroy());
    far.on('error', () => near.destroy());
  }).listen(0, '127.0.0.1');
  await once(link, 'listening');
  const address = `127.0.0.1:${(link.address() as AddressInfo).port}`;
  stopped = new TestProcess('stopped worker', ['src/main/worker.ts'], { ...system.env, TEMPORAL_ADDRESS: address });
  await stopped.start();
});
afterAll(async () => {
  await stopped.kill();
  link.close();
});

test('a worker that stands still is soon given no more work, which would wait there for its time-out', async () => {
  stopped.signal('SIGSTOP');
  try {
    // The server has asked the connections that are silent, and has closed them.
    await Promise.all(closings);
    const timedOut = await Promise.all(Array.from({ length: BOOKINGS }, tasksTimedOutInABooking));
    expect(timedOut).toEqual(Array.from({ length: BOOKINGS }, () => 0));
  } finally {
    stopped.signal('SIGCONT');
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
