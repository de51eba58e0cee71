import { Worker } from 'node:worker_threads';

const BEAT_EVERY_MS = 500;
/** Longer than anything a worker does in one go; the workflow tasks of a hung one go elsewhere after three to six seconds. */
const HUNG_AFTER_SECONDS = 10;

/**
 * Kills this process when its main thread has stood still for ten seconds, as it would in a workflow that never yields:
 * its supervisor starts another one. What is stopped from outside and continued is left alone.
 */
export function guardAgainstHanging(): void {
  const beats = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
  setInterval(() => Atomics.add(beats, 0, 1), BEAT_EVERY_MS).unref();
  const guard = new Worker(new URL('hang-guard-thread.ts', import.meta.url), {
    workerData: { beats, hungAfterSeconds: HUNG_AFTER_SECONDS },
    resourceLimits: { maxOldGenerationSizeMb: 16, maxYoungGenerationSizeMb: 2 },
  });
  guard.unref();
}
