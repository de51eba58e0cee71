import { replayOf } from '../setup/replayed.ts';
import { lostTasks, playLostTask } from '../setup/stories/of-lost-tasks.ts';
import { useTestSystem } from '../setup/system.ts';
import { startTestTemporal, TEST_TEMPORAL_ADDRESS, type TestTemporal } from '../setup/temporal.ts';

/** Of its own: what is lost with it is lost to all. */
let temporal: TestTemporal;
beforeAll(async () => {
  temporal = await startTestTemporal();
  process.env[TEST_TEMPORAL_ADDRESS] = temporal.address;
}, 90_000);

const system = useTestSystem();
afterAll(() => temporal.stop());

test.each(lostTasks)(
  'what was done in a task that was lost and given out again is replayed as it was done: $what',
  async (lost) => {
    const recorded = await playLostTask(system, lost);
    expect(await replayOf(temporal.address, recorded)).toBeNull();
  },
);
