import { rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { bookingWorkflowId } from '../../src/contracts/workflow-ids.ts';
import { book, endOf, pay } from '../setup/bookings.ts';
import { openShow } from '../setup/shows.ts';
import { useTestSystem } from '../setup/system.ts';
import { changedCode } from '../setup/versions.ts';
import { replayAll } from './replays.ts';

const system = useTestSystem();

test('what a show and its bookings have done is replayed, and not on code that would have done something else', async () => {
  const show = await openShow(system);
  const booking = await book(system, show, [0, 1]);
  await pay(system, booking, 'tok_ok');
  await endOf(system, booking);
  // Its workflow has had no task yet, and there is nothing to replay.
  await book(system, show, [2, 3]);
  const replayedOn = (root: string) =>
    replayAll(
      {
        root,
        bundlesDir: join(system.env.DATA_DIR!, 'bundles'),
        address: system.env.TEMPORAL_ADDRESS!,
        namespace: system.env.TEMPORAL_NAMESPACE!,
      },
      [show.id],
    );
  const other = await changedCode({
    before: { 'workflows/booking.ts': ['    const ending = await actor.run();'] },
    inserted: 'await sleep(1);',
    imported: "import { sleep } from '@temporalio/workflow';",
  });
  try {
    expect(await replayedOn(resolve(import.meta.dirname, '../..'))).toEqual({ replayed: 2, failures: {} });
    const { replayed, failures } = await replayedOn(other);
    expect(replayed).toBe(2);
    expect(Object.keys(failures)).toEqual([bookingWorkflowId(booking.id)]);
    expect(Object.values(failures)[0]).toMatch(/nondeterminism/i);
  } finally {
    await rm(other, { recursive: true, force: true });
  }
});
