import { bookingWorkflowId } from '../../src/contracts/workflow-ids.ts';
import type { NewBooking } from '../../src/domain/booking.ts';
import { book, pay } from '../setup/bookings.ts';
import { eventually } from '../setup/eventually.ts';
import { openShow, rowsOfSeats } from '../setup/shows.ts';
import { useTestSystem } from '../setup/system.ts';

const system = useTestSystem();

const HOT_BOOKINGS = 120;
const SEATS_PER_ROW = 10;

/** When a worker took its first task, Unix ms. */
async function takenAtMs({ id }: NewBooking): Promise<number> {
  const { events } = await system.temporal.workflow.getHandle(bookingWorkflowId(id)).fetchHistory();
  const time = events?.find((event) => event.workflowTaskStartedEventAttributes)?.eventTime;
  return Number(time?.seconds) * 1_000 + (time?.nanos ?? 0) / 1_000_000;
}

/** Resolves when each of them has a task, which no worker has taken yet. */
const everyTaskWaits = (bookings: readonly NewBooking[]) =>
  eventually(async () => {
    const handles = bookings.map(({ id }) => system.temporal.workflow.getHandle(bookingWorkflowId(id)));
    const descriptions = await Promise.all(handles.map((handle) => handle.describe()));
    for (const { raw } of descriptions) expect(raw.pendingWorkflowTask).toBeTruthy();
  });

test('a payment of a quiet show does not wait for a worker behind all those of a hot one', async () => {
  const hotShow = await openShow(system, { plan: rowsOfSeats(HOT_BOOKINGS / SEATS_PER_ROW, SEATS_PER_ROW) });
  const quietShow = await openShow(system);
  const terms = { holdTtlMs: 120_000, paymentDeadlineMs: 60_000 };
  const hot = await Promise.all(
    Array.from({ length: HOT_BOOKINGS }, (_, seat) => book(system, hotShow, [seat], terms)),
  );
  const quiet = await book(system, quietShow, [0], terms);
  await system.workers[0]!.kill();
  const paying = hot.map((booking) => pay(system, booking, 'tok_ok'));
  // The storm is there before the quiet show's buyer is: all its tasks wait.
  await everyTaskWaits(hot);
  const payingQuietly = pay(system, quiet, 'tok_ok');
  await everyTaskWaits([quiet]);
  await system.workers[0]!.start();
  expect(await payingQuietly).toMatchObject({ outcome: 'confirmed' });
  await Promise.all(paying);
  const [quietMs, ...hotMs] = await Promise.all([quiet, ...hot].map(takenAtMs));
  const before = hotMs.filter((ms) => ms < quietMs!).length;
  expect(before).toBeLessThan(HOT_BOOKINGS / 3);
}, 120_000);
