import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { printHistory } from '../setup/print-history.ts';
import { replayed } from '../setup/replayed.ts';
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
    const { workflowId, namespace } = await playLostTask(system, lost);
    const folder = await mkdtemp(join(tmpdir(), 'seatkeeper-lost-'));
    try {
      const file = join(folder, `${lost.name}.json`);
      await writeFile(file, await printHistory(temporal.address, { workflowId, namespace: namespace! }));
      expect(await replayed([file])).toEqual({ [file]: null });
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  },
);
