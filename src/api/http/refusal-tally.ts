import type { Logger } from '../../platform/logger.ts';

const TOLD_EVERY_MS = 1_000;

/**
 * Requests that are refused because more come than can be answered in time. In an overload these are thousands: the log
 * says once a second how many, and the metrics count them.
 */
export class RefusalTally {
  readonly #logger: Pick<Logger, 'warn'>;
  #count = 0;

  constructor(logger: Pick<Logger, 'warn'>) {
    this.#logger = logger;
  }

  note(): void {
    this.#count += 1;
    if (this.#count === 1) setTimeout(() => this.#tell(), TOLD_EVERY_MS).unref();
  }

  #tell(): void {
    this.#logger.warn(
      { count: this.#count, ms: TOLD_EVERY_MS },
      'requests were refused: more came than can be answered',
    );
    this.#count = 0;
  }
}
