import type { Log } from './database.ts';

export interface SeatMapListenerOptions {
  /** A show's row was advanced to this version. */
  readonly onNotify: (showId: string, version: number) => void;
  /** Listening again after the connection was lost: notices may have been missed. Not called the first time. */
  readonly onReconnect: () => void;
  readonly log: Log;
}

export interface SeatMapListener {
  /** Resolves once it listens for the first time. */
  readonly listening: Promise<void>;
  close(): Promise<void>;
}

/** Listens to the projections of every show, on a connection of its own; reconnects with growing pauses, for ever. */
export declare function listenSeatMaps(url: string, options: SeatMapListenerOptions): SeatMapListener;
