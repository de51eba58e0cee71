import pg from 'pg';
import { connectionSettings, type Log } from './database.ts';

export interface LastingConnectionOptions {
  /** What it is for, in log lines and in Postgres' list of connections. */
  readonly name: string;
  readonly settings?: pg.ClientConfig;
  readonly log: Log;
  /** Connected, for the first time or again; rejecting drops the connection. */
  readonly onConnected: (connection: pg.Client, isAgain: boolean) => Promise<void>;
  /** A connection that `onConnected` was called with is gone. */
  readonly onLost?: () => void;
}

export interface LastingConnection {
  /** Ends the connection; nothing is called any more. */
  close(): Promise<void>;
}

/** Postgres is back within a second or so after a restart: the first tries come fast, the later ones spare it. */
const RECONNECT_FIRST_PAUSE_MS = 100;
const RECONNECT_LONGEST_PAUSE_MS = 5_000;

/** One connection outside the pool, whose session means something; made anew with growing pauses, for ever. */
export function keepConnected(url: string, options: LastingConnectionOptions): LastingConnection {
  const { name, log } = options;
  const closing = new AbortController();
  let client: pg.Client | undefined;
  let pauseMs = RECONNECT_FIRST_PAUSE_MS;
  let connectedBefore = false;

  /** Resolves when the connection has ended; rejects when there was none. */
  async function connectOnce(): Promise<void> {
    const settings = { ...connectionSettings(url), ...options.settings, application_name: `seatkeeper ${name}` };
    const connection = new pg.Client(settings);
    client = connection;
    const ended = new Promise<void>((resolve) => connection.once('end', resolve));
    connection.on('error', (error) => log.warn({ err: error }, `the connection for ${name} was lost`));
    await connection.connect();
    try {
      await options.onConnected(connection, connectedBefore);
      connectedBefore = true;
      pauseMs = RECONNECT_FIRST_PAUSE_MS;
      await ended;
    } finally {
      if (!closing.signal.aborted) options.onLost?.();
    }
  }

  async function stayConnected(): Promise<void> {
    while (!closing.signal.aborted) {
      try {
        await connectOnce();
      } catch (error) {
        void client?.end().catch(() => undefined);
        if (!closing.signal.aborted) log.warn({ err: error, pauseMs }, `no connection for ${name}`);
      }
      await pause(pauseMs, closing.signal);
      pauseMs = Math.min(pauseMs * 2, RECONNECT_LONGEST_PAUSE_MS);
    }
  }

  const ended = stayConnected();
  return {
    close: async () => {
      closing.abort();
      await client?.end().catch(() => undefined);
      await ended;
    },
  };
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
