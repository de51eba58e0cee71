import type { ServerResponse } from 'node:http';

/**
 * Bytes that may wait in this process for one watcher, besides what the kernel takes: three snapshots of the largest
 * plan. Who is further behind than that is dropped, and comes again for what it lacks.
 */
export const WATCHER_BUFFER_BYTES_MAX = 64 * 1_024;

/** One client that watches a show. */
export class Watcher {
  readonly #response: ServerResponse;
  readonly #onSlow: () => void;
  /** Version that it has; null: none. */
  version: number | null;

  constructor(response: ServerResponse, version: number | null, onSlow: () => void) {
    this.#response = response;
    this.version = version;
    this.#onSlow = onSlow;
  }

  /** False: it was not sent, because the watcher is gone or has just been dropped. */
  send(bytes: Buffer): boolean {
    const response = this.#response;
    if (response.destroyed || response.writableEnded) return false;
    if (response.writableLength > WATCHER_BUFFER_BYTES_MAX) {
      response.destroy();
      this.#onSlow();
      return false;
    }
    response.write(bytes);
    return true;
  }

  end(): void {
    this.#response.end();
  }
}
