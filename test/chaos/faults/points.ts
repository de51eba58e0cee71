import { setTimeout as delay } from 'node:timers/promises';
import { sql } from 'kysely';
import type { Cluster, Order, OwnName } from '../cluster.ts';
import type { Deed, Fault } from './fault.ts';

/** A point that nobody passes within this is not reached in this run: nothing was killed. */
const WAITED_FOR_MS = 6_000;
const LOOK_EVERY_MS = 10;
/** Up to longer than a stopped worker's tasks wait for it: three seconds those of shows, six those of bookings. */
const STANDS_MS = [1_000, 9_000] as const;

/** A process dies, or stands still, where it comes to a point. */
const at = (name: string, points: readonly string[]): Fault => ({
  name,
  async run(cluster, random, signal): Promise<Deed | null> {
    const point = random.pick(points);
    const kind = random.chance(0.75) ? 'SIGKILL' : 'SIGSTOP';
    const pid = await carriedOutBy(cluster.order(kind, point), signal);
    if (pid === null) return null;
    const killed = nameOf(cluster, pid);
    if (kind === 'SIGKILL') {
      return { what: `${killed ?? pid} ${point}`, atMs: performance.now(), ...(killed && { killed }) };
    }
    const forMs = random.between(...STANDS_MS);
    await delay(forMs, undefined, { signal }).catch(() => undefined);
    if (killed) cluster.part(killed).goOn();
    return { what: `${killed ?? pid} stood for ${forMs} ms ${point}` };
  },
});

async function carriedOutBy(order: Order, signal: AbortSignal): Promise<number | null> {
  const untilMs = Date.now() + WAITED_FOR_MS;
  while (Date.now() < untilMs && !signal.aborted && order.takenBy() === null) await delay(LOOK_EVERY_MS);
  return order.takeBack();
}

const nameOf = (cluster: Cluster, pid: number): OwnName | null =>
  cluster.ownNames.find((name) => cluster.part(name).hasBeen(pid)) ?? null;

const MAY_PROJECT: readonly (readonly OwnName[])[] = [['worker-1'], ['worker-1', 'worker-2'], ['api-1', 'api-2']];

/**
 * A projection that is held in the middle of its statement: the harness has the row of a show's map locked, sees in Postgres that
 * somebody waits for it, an API process or a worker, and kills those who may be it.
 */
const midProjection: Fault = {
  name: 'mid-projection',
  async run(cluster, random, signal): Promise<Deed | null> {
    const done = await cluster.db.transaction().execute(async (trx) => {
      await sql`select show_id from seat_map_snapshots for update`.execute(trx);
      const untilMs = Date.now() + WAITED_FOR_MS;
      while (Date.now() < untilMs && !signal.aborted) {
        const { rows } = await sql<{ waiting: number }>`select count(*)::int as waiting from pg_stat_activity
          where wait_event_type = 'Lock' and query like '%seat_map_snapshots%'`.execute(cluster.db);
        if (rows[0]!.waiting > 0) {
          const killed = random.pick(MAY_PROJECT);
          for (const name of killed) cluster.part(name).kill(random.between(200, 1_500));
          return killed;
        }
        await delay(LOOK_EVERY_MS);
      }
      return null;
    });
    if (done === null) return null;
    await Promise.all(done.map((name) => cluster.part(name).isReady()));
    return { what: done.join(', ') };
  },
};

/**
 * The provider has charged, and its answers are held on the wire: who asked dies without having heard them. Seen in the provider's
 * own books.
 */
const chargedUnheard: Fault = {
  name: 'charged-and-unheard',
  async run(cluster, random, signal): Promise<Deed | null> {
    const workers = ['worker-1', 'worker-2'] as const;
    const ways = workers.map((worker) => cluster.ways(worker).provider!);
    try {
      await Promise.all(ways.map((way) => way.trouble({ kind: 'answers held' })));
      const since = new Date().toISOString();
      const untilMs = Date.now() + WAITED_FOR_MS;
      while (Date.now() < untilMs && !signal.aborted) {
        if ((await chargesSince(cluster, since)) > 0) {
          for (const worker of workers) cluster.part(worker).kill(random.between(200, 1_500));
          return { what: workers.join(', ') };
        }
        await delay(LOOK_EVERY_MS);
      }
      return null;
    } finally {
      await Promise.all(ways.map((way) => way.heal()));
      await Promise.all(workers.map((worker) => cluster.part(worker).isReady()));
    }
  },
};

async function chargesSince({ simulatorUrl }: Cluster, since: string): Promise<number> {
  const answer = await fetch(`${simulatorUrl}/ledger?since=${since}`, { signal: AbortSignal.timeout(2_000) }).catch(
    () => null,
  );
  if (!answer?.ok) return 0;
  const { items } = (await answer.json()) as { readonly items: readonly { readonly kind: string }[] };
  return items.filter(({ kind }) => kind === 'charge').length;
}

export const points: readonly Fault[] = [
  at('after-the-charge', ['after chargePayment']),
  at('between-grant-and-start', ['before startBooking']),
  at('between-start-and-row', ['after startBooking']),
  at('during-continue-as-new', ['before continueAsNew', 'after continueAsNew']),
  at('around-a-hold', ['before releaseHold', 'after releaseHold', 'after extendHold', 'after swapSeats']),
  at('around-a-projection', ['before projectSeatMap', 'after projectSeatMap']),
  at('after-a-confirmation', ['after confirmSeats', 'before recordConfirmed', 'after recordConfirmed']),
  at('around-a-refund', ['before refundPayment', 'after refundPayment']),
  at('around-a-payment', ['before pay', 'after pay']),
  at('around-a-change', [
    ...['before changeBooking', 'after changeBooking', 'before exchangeBooking', 'after exchangeBooking'],
    ...['after recordCancellation', 'before recordExchange', 'after recordExchange'],
  ]),
  midProjection,
  chargedUnheard,
];
