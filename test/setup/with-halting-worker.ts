import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { NewBooking } from '../../src/domain/booking.ts';
import { connectClient } from '../../temporal/connection.ts';
import { TemporalWorkflowClient } from '../../temporal/workflow-client.ts';
import { deleteSchedules } from './delete-schedules.ts';
import { eventually } from './eventually.ts';
import { TestProcess } from './process.ts';
import type { TestSystem } from './system.ts';
import { claimNamespace } from './temporal.ts';

/** What a halted call has left there, until it goes on. */
const HALTED = /^(before|after) /;

type OfBooking = Pick<NewBooking, 'id'>;

export interface Halts {
  /** Before the first call of this activity that is about the booking. */
  readonly haltBefore: (activity: string, booking: OfBooking) => Promise<void>;
  readonly untilHalted: (booking: OfBooking) => Promise<void>;
  readonly goOn: (booking: OfBooking) => Promise<void>;
  /** The call that stood still. */
  readonly fail: (booking: OfBooking) => Promise<void>;
  readonly worker: TestProcess;
}

/** Work of the system in a namespace of its own, with one worker, which can be halted at a step (`halting-worker.ts`). */
export async function withHaltingWorker<Result>(
  system: TestSystem,
  work: (own: TestSystem, halts: Halts, namespace: string) => Promise<Result>,
): Promise<Result> {
  const namespace = await claimNamespace();
  const folder = await mkdtemp(join(tmpdir(), 'seatkeeper-halts-'));
  const env: Record<string, string> = { ...system.env, TEMPORAL_NAMESPACE: namespace, HALTS_DIR: folder };
  const temporal = await connectClient({ address: env.TEMPORAL_ADDRESS!, namespace });
  const own: TestSystem = { ...system, env, temporal, workflows: new TemporalWorkflowClient(temporal) };
  const worker = new TestProcess('halting worker', ['test/setup/halting-worker.ts'], env);
  const halted = ({ id }: OfBooking): string => join(folder, `${id}.halted`);
  try {
    await worker.start();
    const halts: Halts = {
      haltBefore: (activity, { id }) => writeFile(join(folder, id), `before ${activity}`),
      untilHalted: (booking) => eventually(async () => expect(await readFile(halted(booking), 'utf8')).toMatch(HALTED)),
      goOn: (booking) => writeFile(halted(booking), 'go on'),
      fail: (booking) => rm(halted(booking)),
      worker,
    };
    return await work(own, halts, namespace);
  } finally {
    await worker.kill();
    await deleteSchedules(temporal);
    await temporal.connection.close();
    await rm(folder, { recursive: true, force: true });
  }
}
