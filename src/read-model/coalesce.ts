export interface CoalesceLimits {
  /** Most items in one statement: bounds its size and how long its neighbours wait. */
  readonly maxBatch: number;
  /** Most items waiting; past it a call is refused at once with `ReadModelBusyError`. */
  readonly maxQueued: number;
}

/**
 * Smart batching: while one batch is under way, what arrives is collected; the next batch takes all of it, up to
 * `maxBatch`. No timer: an item that comes alone goes at once. If a batch fails, its items are tried one by one, so that
 * one bad item fails alone. `runBatch` must therefore be repeatable and answer one result per item, in order.
 */
export declare function coalesce<Item, Result>(
  runBatch: (items: readonly Item[]) => Promise<readonly Result[]>,
  limits: CoalesceLimits,
): (item: Item) => Promise<Result>;
