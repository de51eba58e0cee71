import type { Logger } from '../platform/logger.ts';

/** A person who waits wants to see that something goes on. */
const tickMs = 10_000;

/** Does one step of the start, with a line when it is done, and one every few seconds until then. */
export async function step<Result>(log: Logger, what: string, work: () => Promise<Result>): Promise<Result> {
  const startedAt = Date.now();
  const elapsedMs = (): number => Date.now() - startedAt;
  const ticker = setInterval(() => log.info({ elapsedMs: elapsedMs() }, `${what}: still at it`), tickMs);
  try {
    const result = await work();
    log.info({ elapsedMs: elapsedMs() }, `${what}: done`);
    return result;
  } finally {
    clearInterval(ticker);
  }
}
