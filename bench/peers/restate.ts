import { createServer, type Http2Server } from 'node:http2';
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { setTimeout as delay } from 'node:timers/promises';
import * as restate from '@restatedev/restate-sdk';
import { Pool } from 'undici';
import { LruMap } from '../../src/platform/lru-map.ts';
import type { ProcessSpec } from '../../src/platform/process-spec.ts';
import {
  bookingIdIn,
  charge,
  type ConfirmedBooking,
  HOLD_TTL_SECONDS,
  type HoldRequest,
  Overloaded,
  type PeerHost,
  type SeatSeller,
  showOf,
} from './peer.ts';

const READY_POLL_MS = 100;
const CALL_TIMEOUT_MS = 30_000;
/** Objects by chance in one of four partitions: so many leave none out. */
const BARRIERS = 64;
/** Shows that are nearly sold out at a time. */
const CONTESTED_MAX = 1_000;
/** More clients than the workloads have. */
const CONNECTIONS_MAX = 512;

interface Booking extends HoldRequest {
  readonly status: 'HELD' | 'CONFIRMED' | 'EXPIRED';
  readonly chargedAs?: string;
}

/** One bit a seat: a show's state is read and written as a whole with each hold, so it is kept small. Whose a seat is, its booking tells. */
const takenSeats = 'taken';

const show = restate.object({
  name: 'show',
  handlers: {
    open: restate.handlers.object.exclusive(async (ctx: restate.ObjectContext, seats: number) => {
      if ((await ctx.get(takenSeats, restate.serde.binary)) !== null) return;
      ctx.set(takenSeats, new Uint8Array(Math.ceil(seats / 8)), restate.serde.binary);
    }),
    /** The expiry is on its way before the hold is granted: whoever dies after that, the seats come back. */
    hold: async (ctx: restate.ObjectContext, hold: { bookingId: string; seats: number[] }) => {
      const taken = await ctx.get(takenSeats, restate.serde.binary);
      if (taken === null || hold.seats.some((seat) => seat >= taken.length * 8 || isTaken(taken, seat))) return false;
      ctx.set(takenSeats, withSeats(taken, hold.seats, true), restate.serde.binary);
      ctx
        .objectSendClient<typeof booking>({ name: 'booking' }, hold.bookingId)
        .expire({ seats: hold.seats }, restate.rpc.sendOpts({ delay: { seconds: HOLD_TTL_SECONDS } }));
      return true;
    },
    /** Shared handlers run side by side; what they see may be a moment old. */
    areFree: restate.handlers.object.shared(async (ctx: restate.ObjectSharedContext, seats: number[]) => {
      const taken = await ctx.get(takenSeats, restate.serde.binary);
      return taken !== null && seats.every((seat) => !isTaken(taken, seat));
    }),
    release: async (ctx: restate.ObjectContext, seats: number[]) => {
      const taken = (await ctx.get(takenSeats, restate.serde.binary))!;
      ctx.set(takenSeats, withSeats(taken, seats, false), restate.serde.binary);
    },
  },
});

/** Only its booking gives seats back, at most once: so a show need not know whose they are. */
const booking = restate.object({
  name: 'booking',
  handlers: {
    open: async (ctx: restate.ObjectContext, hold: HoldRequest): Promise<boolean> => {
      const known = await ctx.get<Booking>('booking');
      if (known !== null) return known.status !== 'EXPIRED';
      ctx.set<Booking>('booking', { ...hold, status: 'HELD' });
      return true;
    },
    pay: async (ctx: restate.ObjectContext): Promise<boolean> => {
      const known = await ctx.get<Booking>('booking');
      if (known?.status !== 'HELD') return known?.status === 'CONFIRMED';
      const chargedAs = await ctx.run('charge', () => charge(ctx.key));
      ctx.set<Booking>('booking', { ...known, status: 'CONFIRMED', chargedAs });
      return true;
    },
    expire: async (ctx: restate.ObjectContext, { seats }: { seats: number[] }): Promise<void> => {
      const known = await ctx.get<Booking>('booking');
      if (known !== null && known.status !== 'HELD') return;
      const showId = showOf(ctx.key);
      ctx.set<Booking>('booking', { ...(known ?? { showId, seats, buyer: '' }), status: 'EXPIRED' });
      ctx.objectSendClient<typeof show>({ name: 'show' }, showId).release(seats);
    },
  },
});

const isTaken = (taken: Uint8Array, seat: number): boolean => (taken[seat >> 3]! & (1 << (seat & 7))) !== 0;

function withSeats(taken: Uint8Array, seats: readonly number[], isNowTaken: boolean): Uint8Array {
  const next = Uint8Array.from(taken);
  for (const seat of seats) {
    const bit = 1 << (seat & 7);
    next[seat >> 3] = isNowTaken ? next[seat >> 3]! | bit : next[seat >> 3]! & ~bit;
  }
  return next;
}

export interface RestateOptions {
  /** Whether a hold on a show that is fought for is first compared with the show's state of a moment ago. */
  readonly refusesOutOfTurn: boolean;
}

/** A virtual object per show and one per booking, on a Restate server of one node that syncs its log to disk. */
export async function startRestate(host: PeerHost, { refusesOutOfTurn }: RestateOptions): Promise<SeatSeller> {
  const handlers = await serveHandlers();
  const [ingressPort, adminPort, nodePort] = [await host.freePort(), await host.freePort(), await host.freePort()];
  const adminUrl = `http://127.0.0.1:${adminPort}`;
  await host.start(restateServer(host.dataDir, { ingressPort, adminPort, nodePort }));
  await register(adminUrl, handlers);
  const ingress = new Pool(`http://127.0.0.1:${ingressPort}`, {
    connections: CONNECTIONS_MAX,
    headersTimeout: CALL_TIMEOUT_MS,
    bodyTimeout: CALL_TIMEOUT_MS,
  });
  const contested = new LruMap<string, true>(CONTESTED_MAX);
  return {
    // It tidies up nothing that was opened.
    settle: () => Promise.resolve(),
    async openShow(showId, seats) {
      await call(ingress, `/show/${showId}/open`, seats);
    },
    /** The show decides: who gets no seats has no booking. One that has refused a hold may be asked out of turn before. */
    async hold(request) {
      const { showId, seats } = request;
      if (contested.get(showId) && (await call(ingress, `/show/${showId}/areFree`, seats)) !== true) return null;
      const bookingId = bookingIdIn(showId);
      if ((await call(ingress, `/show/${showId}/hold`, { bookingId, seats })) !== true) {
        if (refusesOutOfTurn) contested.set(showId, true);
        return null;
      }
      return (await call(ingress, `/booking/${bookingId}/open`, request)) === true ? bookingId : null;
    },
    async pay(bookingId) {
      return (await call(ingress, `/booking/${bookingId}/pay`)) === true;
    },
    confirmedBookings: () => confirmedBookings(adminUrl, ingress),
  };
}

async function serveHandlers(): Promise<string> {
  const server: Http2Server = createServer(
    restate.createEndpointHandler({ services: [show, booking], logger: errorsAlone }),
  );
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return `http://127.0.0.1:${(server.address() as { port: number }).port}`;
}

/** The enum of levels is a type alone. Warnings are of signatures and deployments: here nobody else reaches the handlers. */
const errorsAlone: restate.LoggerTransport = ({ level }, ...parts) => {
  if (String(level) === 'error') console.error(...parts);
};

interface Ports {
  readonly ingressPort: number;
  readonly adminPort: number;
  readonly nodePort: number;
}

function restateServer(dataDir: string, { ingressPort, adminPort, nodePort }: Ports): ProcessSpec {
  const require = createRequire(createRequire(import.meta.url).resolve('@restatedev/restate-server/package.json'));
  return {
    name: 'restate-server',
    command: require.resolve(`@restatedev/restate-server-${process.platform}-${process.arch}/bin/restate-server`),
    args: ['--no-logo', '--node-name', 'peer', '--base-dir', dataDir, '--bind-ip', '127.0.0.1'],
    env: {
      RESTATE_LISTEN_MODE: 'tcp',
      RESTATE_BIND_PORT: String(nodePort),
      RESTATE_ADVERTISED_ADDRESS: `http://127.0.0.1:${nodePort}/`,
      RESTATE_INGRESS__BIND_PORT: String(ingressPort),
      RESTATE_ADMIN__BIND_PORT: String(adminPort),
      RESTATE_ADMIN__DISABLE_WEB_UI: 'true',
      RESTATE_DISABLE_TELEMETRY: 'true',
      // It asks once whether there is a newer one, and says at length when it can't.
      RESTATE_LOG_FILTER: 'error,octocrab=off',
      // Two cores: more partitions have more logs to sync, not more hands.
      RESTATE_DEFAULT_NUM_PARTITIONS: '4',
      // What has ended need not be looked at any more.
      RESTATE_DEFAULT_JOURNAL_RETENTION: '0s',
    },
    ready: (signal) => leadsItsPartitions(adminPort, ingressPort, signal),
    stopSignal: 'SIGTERM',
    stopTimeoutMs: 10_000,
  };
}

/** Both doors are open and the state can be asked for: that takes a leader for each partition. */
async function leadsItsPartitions(adminPort: number, ingressPort: number, signal: AbortSignal): Promise<void> {
  const adminUrl = `http://127.0.0.1:${adminPort}`;
  for (;;) {
    try {
      await bookingsIn(adminUrl);
      if ((await fetch(`http://127.0.0.1:${ingressPort}/restate/health`, { signal })).ok) return;
    } catch {
      signal.throwIfAborted();
    }
    await delay(READY_POLL_MS, undefined, { signal });
  }
}

/** Started again, the handlers listen on another port: the deployment of before is replaced. */
async function register(adminUrl: string, uri: string): Promise<void> {
  const response = await fetch(`${adminUrl}/deployments`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ uri, force: true }),
  });
  if (!response.ok) throw new Error(`Restate does not take the handlers: ${response.status} ${await response.text()}`);
}

async function call(ingress: Pool, path: string, input?: unknown): Promise<unknown> {
  const { statusCode, body } = await ingress.request({
    method: 'POST',
    path,
    ...(input !== undefined && { headers: { 'content-type': 'application/json' }, body: JSON.stringify(input) }),
  });
  const text = await body.text();
  if (statusCode === 429 || statusCode === 503) throw new Overloaded(text);
  if (statusCode >= 300) throw new Error(`Restate answered ${path} with ${statusCode}: ${text}`);
  return text === '' ? null : (JSON.parse(text) as unknown);
}

/** State is read past the handlers: first each partition does something, so it has done all that its log held. */
async function confirmedBookings(adminUrl: string, ingress: Pool): Promise<ConfirmedBooking[]> {
  const keys = Array.from({ length: BARRIERS }, (_, number) => `barrier-${number}`);
  await Promise.all(keys.map((key) => call(ingress, `/show/${key}/open`, 1)));
  return (await bookingsIn(adminUrl)).filter(({ status }) => status === 'CONFIRMED');
}

async function bookingsIn(adminUrl: string): Promise<(Booking & { bookingId: string })[]> {
  const response = await fetch(`${adminUrl}/query`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'application/json' },
    body: JSON.stringify({ query: `select service_key, value_utf8 from state where service_name = 'booking'` }),
  });
  if (!response.ok) throw new Error(`Restate does not tell its state: ${response.status} ${await response.text()}`);
  const { rows } = (await response.json()) as { rows: { service_key: string; value_utf8: string }[] };
  return rows.map((row) => ({ bookingId: row.service_key, ...(JSON.parse(row.value_utf8) as Booking) }));
}
