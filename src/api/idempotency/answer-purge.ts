import type { Logger } from '../../platform/logger.ts';
import type { ReadModel } from '../../read-model/database.ts';
import { purgeAnswers } from '../../read-model/idempotency-answers.ts';

/** The OpenAPI document promises 24 hours; a client that comes back the day after at the same time still finds its answer. */
const KEPT_MS = 48 * 60 * 60 * 1_000;
const PURGE_EVERY_MS = 10 * 60 * 1_000;
/** One statement holds its locks for some milliseconds; a day's answers are gone within an hour or so all the same. */
const ANSWERS_PER_PURGE = 5_000;

/** Forgets old answers, a few at a time, until it is stopped. Several processes may do it at once. */
export function startAnswerPurge(db: ReadModel, log: Logger, nowMs: () => number): { stop(): void } {
  const purge = (): void => {
    purgeAnswers(db, { createdBeforeMs: nowMs() - KEPT_MS, limit: ANSWERS_PER_PURGE }).catch((error: unknown) =>
      log.warn({ err: error }, 'old answers could not be forgotten'),
    );
  };
  const timer = setInterval(purge, PURGE_EVERY_MS);
  timer.unref();
  return { stop: () => clearInterval(timer) };
}
