import type { DatabaseSync } from 'node:sqlite';

/** Most pieces of work in one transaction: bounds how long the event loop stands still for one commit. */
const COMMIT_BATCH_MAX = 256;

interface Entry {
  run(): unknown;
  resolve(value: unknown): void;
  reject(error: unknown): void;
}

/**
 * Runs pieces of work one after the other, all that arrived meanwhile in one durable transaction: the price of an fsync
 * is shared by the batch. A promise resolves only after the commit that its work is part of. The queue is bounded by
 * the connections of the server in front, each of which has one request in flight.
 */
export class GroupCommit {
  readonly #db: DatabaseSync;
  readonly #afterCommit: () => void;
  #waiting: Entry[] = [];
  #scheduled = false;

  constructor(db: DatabaseSync, afterCommit: () => void) {
    this.#db = db;
    this.#afterCommit = afterCommit;
  }

  /** `work` is synchronous and uses nothing but the database; when one piece throws, the whole batch is undone. */
  run<T>(work: () => T): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      this.#waiting.push({ run: work, resolve: (value) => resolve(value as T), reject });
      this.#schedule();
    });
  }

  /** Commits what is waiting, now. */
  flush(): void {
    while (this.#waiting.length > 0) this.#commitBatch();
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    // After the current turn of the event loop: every request read in this turn shares the commit.
    setImmediate(() => {
      this.#scheduled = false;
      this.#commitBatch();
      if (this.#waiting.length > 0) this.#schedule();
    });
  }

  #commitBatch(): void {
    const batch = this.#waiting.splice(0, COMMIT_BATCH_MAX);
    if (batch.length === 0) return;
    let results: unknown[];
    try {
      this.#db.exec('BEGIN IMMEDIATE');
      results = batch.map((entry) => entry.run());
      this.#db.exec('COMMIT');
    } catch (error) {
      if (this.#db.isTransaction) this.#db.exec('ROLLBACK');
      for (const entry of batch) entry.reject(error);
      return;
    }
    batch.forEach((entry, index) => entry.resolve(results[index]));
    this.#afterCommit();
  }
}
