/** What holds for every process of this room. */

/** Nothing here is reachable from another machine. */
export const loopback = '127.0.0.1';

/** A first start on a slow disk makes some hundred tables and indexes. */
export const readyTimeoutMs = 90_000;

/** The server drains its services for some seconds before it ends. State is durable: a kill loses nothing. */
export const stopTimeoutMs = 15_000;
