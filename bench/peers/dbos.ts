import { createHash } from 'node:crypto';
import { DBOS, type WorkflowHandle } from '@dbos-inc/dbos-sdk';
import pg from 'pg';
import { bookingIdIn, charge, HOLD_TTL_SECONDS, type HoldRequest, type PeerHost, type SeatSeller } from './peer.ts';
import { SeatTable } from './seat-table.ts';

/** Each workflow is in the database most of its time; more connections than this only wait for the two cores. */
const SYSTEM_CONNECTIONS_MAX = 20;
const paid = 'payment';

type Outcome = 'TAKEN' | 'CONFIRMED' | 'EXPIRED';

interface OpenBooking {
  readonly held: PromiseWithResolvers<boolean>;
  readonly ended?: Promise<Outcome>;
}

/** DBOS on Postgres: a workflow per booking, each step of it a checkpoint beside the table of seats. */
export async function startDbos(host: PeerHost): Promise<SeatSeller> {
  const url = await host.startPostgres();
  const table = await SeatTable.open(url);
  /** Bookings of this process that have not ended; others are looked up in the database. */
  const open = new Map<string, OpenBooking>();
  const book = DBOS.registerWorkflow((request: HoldRequest) => bookSeats(table, request, open), { name: 'book' });
  DBOS.setConfig({
    name: 'peer',
    applicationVersion: '1',
    systemDatabaseUrl: url,
    systemDatabasePool: preparingPool(url),
    logLevel: 'error',
  });
  await DBOS.launch();

  return {
    openShow: (showId, seats) => table.openShow(showId, seats),
    settle: () => table.settle(),
    async hold(request) {
      const bookingId = bookingIdIn(request.showId);
      const held = Promise.withResolvers<boolean>();
      open.set(bookingId, { held });
      const handle = await DBOS.startWorkflow(book, { workflowID: bookingId })(request);
      const ended = handle.getResult().finally(() => open.delete(bookingId));
      open.set(bookingId, { held, ended });
      ended.catch(held.reject);
      return (await held.promise) ? bookingId : null;
    },
    async pay(bookingId) {
      const ended = open.get(bookingId)?.ended ?? lookedUp(bookingId);
      await DBOS.send(bookingId, paid, paid);
      return (await ended) === 'CONFIRMED';
    },
    confirmedBookings: () => table.confirmedBookings(),
  };
}

async function bookSeats(table: SeatTable, request: HoldRequest, open: Map<string, OpenBooking>): Promise<Outcome> {
  const bookingId = DBOS.workflowID!;
  const held = await DBOS.runStep(() => table.hold(bookingId, request), { name: 'hold' });
  // The step is on record: whoever waits for it in this process need not ask the database.
  open.get(bookingId)?.held.resolve(held);
  if (!held) return 'TAKEN';
  if ((await DBOS.recv(paid, { timeoutSeconds: HOLD_TTL_SECONDS })) === null) {
    await DBOS.runStep(() => table.release(bookingId), { name: 'release' });
    return 'EXPIRED';
  }
  await DBOS.runStep(() => charge(bookingId), { name: 'charge' });
  const confirmed = await DBOS.runStep(() => table.confirm(bookingId), { name: 'confirm' });
  return confirmed ? 'CONFIRMED' : 'EXPIRED';
}

function lookedUp(bookingId: string): Promise<Outcome> {
  const handle: WorkflowHandle<Outcome> = DBOS.retrieveWorkflow<Outcome>(bookingId);
  return handle.getResult();
}

/**
 * Statements with values are prepared once a connection. DBOS sends them as text: parsed and planned anew each time,
 * they cost Postgres about twice as much.
 */
function preparingPool(url: string): pg.Pool {
  const pool = new pg.Pool({ connectionString: url, max: SYSTEM_CONNECTIONS_MAX });
  // The server ended: whoever sends the next statement hears of it.
  pool.on('error', () => {});
  pool.on('connect', (client) => {
    const query = client.query.bind(client) as (...args: readonly unknown[]) => unknown;
    const prepared = (text: unknown, values?: unknown, ...rest: unknown[]): unknown => {
      // Migrations are many statements in one text, which can't be prepared.
      const canBe = typeof text === 'string' && Array.isArray(values) && values.length > 0;
      if (!canBe) return query(text, values, ...rest);
      return query({ name: createHash('sha1').update(text).digest('base64'), text, values }, ...rest);
    };
    client.query = prepared as typeof client.query;
  });
  return pool;
}
