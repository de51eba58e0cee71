import { setTimeout as delay } from 'node:timers/promises';
import pLimit from 'p-limit';
import { connectClient } from '../temporal/connection.ts';
import { type AuditSources, auditShow } from '../src/cli/audit.ts';
import type { ApiClient } from './buyers.ts';
import { openDatabase, type RunningSystem } from './running-system.ts';
import type { RecordedBooking, ToldSales } from './told-sales.ts';

/** A payment whose answer was lost ends at its deadline, 120 s, and is swept up at the latest within a minute more. */
const QUIET_WITHIN_MS = 200_000;
const LOOK_EVERY_MS = 500;
/** Who waits for a connection longer than the pool allows has failed: twenty shows of 5,000 bookings each would. */
const SHOWS_AT_ONCE = 2;
const POOL_MAX = 4;
const BUYERS_AT_ONCE = 8;
const PAGE = 100;
/** The first ones say what is wrong; a broken record breaks them all. */
const FAULTS_TOLD_MAX = 5;

/** Clients were told what the service does not stand by. */
export class AuditError extends Error {
  override readonly name = 'AuditError';

  constructor(faults: readonly string[]) {
    super(`the audit found ${faults.length} faults: ${faults.slice(0, FAULTS_TOLD_MAX).join('; ')}`);
  }
}

/**
 * Holds what the clients were told against what the service has on record, once it is quiet: API, Postgres, show
 * workflows and the provider's ledger agree with each other, and every booking is as its client was told.
 * @throws AuditError
 */
export async function auditSales(system: RunningSystem, api: ApiClient, sales: ToldSales): Promise<void> {
  const faults = [
    ...(await differencesOnceQuiet(system, sales.shows)),
    ...sales.faultsOf(await bookingsOfBuyers(api, sales), { holdsToo: true }),
  ];
  if (faults.length > 0) throw new AuditError(faults);
}

async function differencesOnceQuiet(system: RunningSystem, shows: readonly string[]): Promise<string[]> {
  const temporal = await connectClient(system.temporal);
  const db = openDatabase(system, POOL_MAX);
  try {
    const sources = { db, temporal, api: system.api, paymentSimulator: system.paymentSimulator };
    const limited = pLimit(SHOWS_AT_ONCE);
    return (await Promise.all(shows.map((showId) => limited(() => showOnceQuiet(sources, showId))))).flat();
  } finally {
    await temporal.connection.close();
    await db.destroy();
  }
}

/** What is still under way looks like a difference: only one that stays is one. */
async function showOnceQuiet(sources: AuditSources, showId: string): Promise<readonly string[]> {
  const deadlineMs = Date.now() + QUIET_WITHIN_MS;
  for (;;) {
    const { differences } = await auditShow(sources, showId);
    if (differences.length === 0 || Date.now() > deadlineMs) return differences;
    await delay(LOOK_EVERY_MS);
  }
}

async function bookingsOfBuyers(api: ApiClient, sales: ToldSales): Promise<RecordedBooking[]> {
  const buyers = new Set(sales.bookings.map(({ buyer }) => buyer!));
  const limited = pLimit(BUYERS_AT_ONCE);
  return (await Promise.all([...buyers].map((buyer) => limited(() => bookingsOf(api, buyer))))).flat();
}

interface BookingPage {
  readonly items: readonly {
    readonly id: string;
    readonly showId: string;
    readonly status: string;
    readonly seats: readonly { readonly id: string }[];
  }[];
  readonly nextCursor: string | null;
}

async function bookingsOf(api: ApiClient, buyer: string): Promise<RecordedBooking[]> {
  const found: RecordedBooking[] = [];
  let cursor: string | null = '';
  while (cursor !== null) {
    const from = cursor === '' ? '' : `&cursor=${encodeURIComponent(cursor)}`;
    const page = (await api.expect(200, 'GET', `/bookings?limit=${PAGE}${from}`, buyer)) as unknown as BookingPage;
    for (const { id, showId, status, seats } of page.items) {
      found.push({ bookingId: id, showId, status, seats: seats.map((seat) => seat.id) });
    }
    cursor = page.nextCursor;
  }
  return found;
}
