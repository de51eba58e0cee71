import { mayBeOneRowsFault, ReadModelBusyError } from './errors.ts';

export interface CoalesceLimits {
  /** Most items in one batch: bounds its statement and how long its neighbours wait. */
  readonly maxBatch: number;
  /** Most items waiting; past it a call is refused at once with `ReadModelBusyError`. */
  readonly maxQueued: number;
}

interface Waiting<Item, Result> {
  readonly item: Item;
  readonly resolve: (result: Result) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Smart batching: while one batch is under way, what arrives is collected; the next batch takes all of it, up to
 * `maxBatch`. There is no timer: an item that comes alone goes at once.
 *
 * `runBatch` gives one result per item, in order, and writes all or nothing. A batch that fails through what may be one
 * item's fault is run again in two halves at once, each of them likewise, until the item stands alone: each caller gets
 * its own item's error and no other's, and whoever is in the queue waits for as many rounds as a batch can be halved.
 * It must therefore be repeatable. A failure that would meet all alike (no connection) reaches all at once.
 */
export function coalesce<Item, Result>(
  runBatch: (items: readonly Item[]) => Promise<readonly Result[]>,
  { maxBatch, maxQueued }: CoalesceLimits,
): (item: Item) => Promise<Result> {
  let queue: Waiting<Item, Result>[] = [];
  let running = false;

  async function drain(): Promise<void> {
    running = true;
    while (queue.length > 0) {
      const batch = queue.slice(0, maxBatch);
      queue = queue.slice(maxBatch);
      await settle(runBatch, batch);
    }
    running = false;
  }

  return (item) =>
    new Promise((resolve, reject) => {
      if (queue.length >= maxQueued) {
        reject(new ReadModelBusyError(`${maxQueued} items are waiting already`));
        return;
      }
      queue.push({ item, resolve, reject });
      if (!running) void drain();
    });
}

/** Never rejects: every outcome goes to the callers it belongs to. */
async function settle<Item, Result>(
  runBatch: (items: readonly Item[]) => Promise<readonly Result[]>,
  batch: readonly Waiting<Item, Result>[],
): Promise<void> {
  try {
    const results = await runBatch(batch.map((waiting) => waiting.item));
    if (results.length !== batch.length) throw new Error(`${results.length} results for ${batch.length} items`);
    batch.forEach((waiting, position) => waiting.resolve(results[position] as Result));
  } catch (error) {
    if (batch.length === 1 || !mayBeOneRowsFault(error)) {
      for (const waiting of batch) waiting.reject(error);
      return;
    }
    const half = Math.ceil(batch.length / 2);
    await Promise.all([settle(runBatch, batch.slice(0, half)), settle(runBatch, batch.slice(half))]);
  }
}
