import type { Log } from './database.ts';
import { keepConnected } from './lasting-connection.ts';
import { SEAT_MAP_CHANNEL } from './seat-maps.ts';

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
  /** Ends the connection; nothing is called any more. */
  close(): Promise<void>;
}

/** Listens to the projections of every show, on a connection of its own; reconnects with growing pauses, for ever. */
export function listenSeatMaps(url: string, { onNotify, onReconnect, log }: SeatMapListenerOptions): SeatMapListener {
  const { promise: listening, resolve: onListening } = Promise.withResolvers<void>();
  const connection = keepConnected(url, {
    name: 'seat maps',
    log,
    onConnected: async (session, isAgain) => {
      session.on('notification', ({ payload }) => passOn(payload ?? '', onNotify));
      await session.query(`listen ${SEAT_MAP_CHANNEL}`);
      if (isAgain) onReconnect();
      onListening();
    },
  });
  return { listening, close: () => connection.close() };
}

function passOn(payload: string, onNotify: SeatMapListenerOptions['onNotify']): void {
  const colon = payload.lastIndexOf(':');
  const version = Number(payload.slice(colon + 1));
  if (colon > 0 && Number.isSafeInteger(version)) onNotify(payload.slice(0, colon), version);
}
