import { Context } from '@temporalio/activity';

/** Several within the time after which a worker that is silent counts as dead. */
const HEARTBEAT_EVERY_MS = 1_000;

/**
 * Tells the server that this process lives, however long a single step takes. The signal comes when the step is not wanted
 * any more: the worker stops, or the server has given it to another one.
 */
export async function whileAlive<Result>(work: (signal: AbortSignal) => Promise<Result>): Promise<Result> {
  const context = Context.current();
  const beat = setInterval(() => context.heartbeat(), HEARTBEAT_EVERY_MS);
  try {
    return await work(context.cancellationSignal);
  } finally {
    clearInterval(beat);
  }
}

/** All items in so many lanes; results stand in the items' order. Ends early when the signal comes, by its reason. */
export async function atOnce<Item, Result>(
  lanes: number,
  items: readonly Item[],
  signal: AbortSignal,
  run: (item: Item) => Promise<Result>,
): Promise<Result[]> {
  const results: Result[] = [];
  const queue = items.entries();
  const lane = async () => {
    for (const [place, item] of queue) {
      signal.throwIfAborted();
      results[place] = await run(item);
    }
  };
  await Promise.all(Array.from({ length: lanes }, lane));
  return results;
}
