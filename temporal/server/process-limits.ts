/** What holds for every process of this room. */

/** Nothing here is reachable from another machine. */
export const loopback = '127.0.0.1';

/** A first start on a slow disk makes some hundred tables and indexes. */
export const readyTimeoutMs = 90_000;

/** The server drains its services for some seconds before it ends. State is durable: a kill loses nothing. */
export const stopTimeoutMs = 15_000;

/**
 * Go's collector runs when the heap has grown fivefold instead of doubled, which spares the server a fifth of its CPU
 * (docs/decisions/0002), and near the limit as often as it must: memory stays bounded.
 */
export const garbageCollection = { GOGC: '400', GOMEMLIMIT: '1GiB' } as const;
