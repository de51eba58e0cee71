import { waitForLock } from '../../scripts/process-lock.js';
import type { Logger } from '../../src/platform/logger.ts';

const progressMs = 10_000;

interface LockOptions {
  readonly log: Logger;
  /** What the holder does, for the log of those who wait: `building temporal 1.5.1`. */
  readonly purpose: string;
  readonly signal?: AbortSignal;
}

/**
 * Runs `work` while no other process runs one under the same lock file. It saves double work and guards nothing else:
 * what is made under it is renamed into place whole. On a disk that several machines share each has it to itself.
 */
export async function withCacheLock<Result>(
  lockFile: string,
  { log, purpose, signal }: LockOptions,
  work: () => Promise<Result>,
): Promise<Result> {
  const startedAt = Date.now();
  let toldAt = -Infinity;
  const release = await waitForLock(lockFile, {
    signal,
    whileHeld: ({ pid }) => {
      if (Date.now() - toldAt < progressMs) return;
      toldAt = Date.now();
      const waitedSeconds = Math.round((toldAt - startedAt) / 1000);
      log.info({ pid, waitedSeconds }, `another process is ${purpose}: waiting for it`);
    },
  });
  try {
    return await work();
  } finally {
    release();
  }
}
