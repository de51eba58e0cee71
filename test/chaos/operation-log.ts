import { createWriteStream, mkdirSync, type WriteStream } from 'node:fs';
import { dirname } from 'node:path';
import { finished } from 'node:stream/promises';

export type OperationKind =
  'hold' | 'extend' | 'change-seats' | 'pay' | 'release' | 'cancel' | 'exchange' | 'read-booking';

/**
 * One call of one client against one show, as the client saw it. Times are nanoseconds of the harness's monotonic clock since
 * the run's start; a number of JavaScript counts them exactly for a hundred days.
 */
export interface Operation {
  /** A client has one call at a time. */
  readonly client: number;
  readonly kind: OperationKind;
  /** Of an exchange: the show of the new seats. */
  readonly showId: string;
  /** Of an exchange: the old booking. Null: a hold whose answer never came, then `key` says which one. */
  readonly bookingId: string | null;
  /** The Idempotency-Key. */
  readonly key: string | null;
  /** Asked for; else those that the booking has by what the client knows. */
  readonly seatIds: readonly string[];
  readonly call: number;
  /** Null: no answer ever came. */
  readonly return: number | null;
  /** `unknown`: 5xx, time-out, connection lost: it may have happened, may happen yet, or never. */
  readonly outcome: 'ok' | 'refused' | 'unknown';
  /** The error code of a refusal. */
  readonly code: string | null;
  /** The status of the booking that was answered; of an exchange that of the new one. */
  readonly status: string | null;
  readonly answeredSeatIds: readonly string[] | null;
  /** When the hold ends by what was answered, on the same clock: the wall clock is mapped to it once, at the start. */
  readonly expiresAt: number | null;
  /** Of an exchange that was granted: the new booking. */
  readonly newBookingId?: string | null;
}

/**
 * Writes operations as JSON lines, in the order in which they are known. Nothing is dropped: a run is bounded by its
 * seconds and its clients, a million lines are some 400 MB.
 */
export class OperationLog {
  readonly #lines: WriteStream;
  #failure: Error | null = null;

  constructor(file: string) {
    mkdirSync(dirname(file), { recursive: true });
    this.#lines = createWriteStream(file);
    this.#lines.on('error', (failure) => {
      this.#failure = failure;
    });
  }

  append(operation: Operation): void {
    this.#lines.write(`${JSON.stringify(operation)}\n`);
  }

  /** Resolves when all lines are in the file; rejects if one could not be written. */
  async close(): Promise<void> {
    if (this.#failure !== null) throw this.#failure;
    this.#lines.end();
    await finished(this.#lines);
  }
}
