import type { SeatMapChangeBody } from '../contracts/http/seats.ts';
import type { SeatChange } from './seat-changes.ts';
import type { ServedSeatMap } from './seat-map-cache.ts';

/** Bytes of the event stream: made once, written to every watcher as they are. */

export function snapshotEvent({ version, body }: ServedSeatMap): Buffer {
  return Buffer.concat([Buffer.from(`event: snapshot\nid: ${version}\ndata: `), body.plain, Buffer.from('\n\n')]);
}

export function changeEvent(version: number, changes: SeatChange[]): Buffer {
  const body = { version, changes } satisfies SeatMapChangeBody;
  return Buffer.from(`event: change\nid: ${version}\ndata: ${JSON.stringify(body)}\n\n`);
}

/** A comment, as the standard has it: proxies see traffic, clients see nothing. */
export const heartbeat = Buffer.from(': heartbeat\n\n');

/** How long a client waits before it comes again, in ms. */
export const reconnectAfter = (ms: number): Buffer => Buffer.from(`retry: ${ms}\n\n`);
