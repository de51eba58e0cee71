import pg from 'pg';
import { connectionSettings, type Log } from './database.ts';
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

/** Postgres is back within a second or so after a restart: the first tries come fast, the later ones spare it. */
const RECONNECT_FIRST_PAUSE_MS = 100;
const RECONNECT_LONGEST_PAUSE_MS = 5_000;

/** Listens to the projections of every show, on a connection of its own; reconnects with growing pauses, for ever. */
export function listenSeatMaps(url: string, options: SeatMapListenerOptions): SeatMapListener {
  const { promise: listening, resolve: onListening } = Promise.withResolvers<void>();
  const closing = new AbortController();
  let client: pg.Client | undefined;
  let pauseMs = RECONNECT_FIRST_PAUSE_MS;
  let connectedBefore = false;

  /** Resolves when the connection has ended; rejects when there was none. */
  async function listenOnce(): Promise<void> {
    const connection = new pg.Client(connectionSettings(url));
    client = connection;
    const ended = new Promise<void>((resolve) => connection.once('end', resolve));
    connection.on('error', (error) => options.log.warn({ err: error }, 'the seat map listener lost its connection'));
    connection.on('notification', ({ payload }) => passOn(payload ?? '', options.onNotify));
    await connection.connect();
    await connection.query(`listen ${SEAT_MAP_CHANNEL}`);
    pauseMs = RECONNECT_FIRST_PAUSE_MS;
    if (connectedBefore) options.onReconnect();
    connectedBefore = true;
    onListening();
    await ended;
  }

  async function listenForEver(): Promise<void> {
    while (!closing.signal.aborted) {
      try {
        await listenOnce();
      } catch (error) {
        void client?.end().catch(() => undefined);
        if (!closing.signal.aborted) options.log.warn({ err: error, pauseMs }, 'the seat map listener cannot connect');
      }
      await pause(pauseMs, closing.signal);
      pauseMs = Math.min(pauseMs * 2, RECONNECT_LONGEST_PAUSE_MS);
    }
  }

  const ended = listenForEver();
  return {
    listening,
    close: async () => {
      closing.abort();
      await client?.end().catch(() => undefined);
      await ended;
    },
  };
}

function passOn(payload: string, onNotify: SeatMapListenerOptions['onNotify']): void {
  const colon = payload.lastIndexOf(':');
  const version = Number(payload.slice(colon + 1));
  if (colon > 0 && Number.isSafeInteger(version)) onNotify(payload.slice(0, colon), version);
}

/** Ends early when aborted. */
function pause(ms: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const timer = setTimeout(done, ms);
    signal.addEventListener('abort', done, { once: true });
    function done(): void {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    }
  });
}
