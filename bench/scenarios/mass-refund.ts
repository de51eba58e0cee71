import { setTimeout as delay } from 'node:timers/promises';
import type { ShowCancellationBody } from '../../src/contracts/http/staff.ts';
import type { Booking } from '../../src/domain/booking.ts';
import { costsPerOperation } from '../costs.ts';
import { processCosts } from '../process-costs.ts';
import type { RunningSystem } from '../running-system.ts';
import type { BenchContext, Point, Scenario } from '../scenario.ts';
import { sellHouse } from '../sold-house.ts';

export const REFUNDS = 10_000;
const LOOK_EVERY_MS = 500;
/** At a tenth of the floor. */
const DONE_WITHIN_MS_PER_REFUND = 250;

/** Staff cancels a show that is sold out, and nobody waits for the money longer than need be. */
export const massRefund = (refunds: number): Scenario => ({
  name: 'mass-refund',
  what: `A show with ${refunds.toLocaleString('en')} bookings of a seat each is cancelled: from the call until all of their money is back, at a provider without latency`,
  profiles: ['server'],
  runsMax: 1,
  figures: [
    { figure: 'refunds', unit: '/s', better: 'more', floor: 40 },
    { figure: 'cancel call', unit: 'ms', better: 'less' },
    { figure: 'all told after', unit: 's' },
    { figure: 'all refunded after', unit: 's' },
  ],
  async run({ api, boxOffice, system }: BenchContext) {
    const show = await boxOffice.newShow(refunds);
    const bookings = await sellHouse(system, api, show, refunds);
    const before = processCosts(system.pid);
    const startedAtMs = Date.now();
    const path = `/admin/shows/${show.id}`;
    await api.expect(202, 'POST', `${path}/cancel`, system.staffToken, { reason: 'A benchmark' });
    const calledMs = Date.now() - startedAtMs;
    const points: Point[] = [];
    let toldAfterMs = NaN;
    for (;;) {
      const now = (await api.expect(200, 'GET', `${path}/cancellation`, system.staffToken)) as ShowCancellationBody;
      const afterMs = Date.now() - startedAtMs;
      if (Number.isNaN(toldAfterMs) && now.bookings.total === refunds) toldAfterMs = afterMs;
      points.push({ line: 'refunded', x: afterMs / 1_000, y: now.bookings.refunded });
      if (now.bookings.refunded === refunds) break;
      if (afterMs > refunds * DONE_WITHIN_MS_PER_REFUND) throw new Error(`still under way: ${JSON.stringify(now)}`);
      await delay(LOOK_EVERY_MS);
    }
    const doneAfterMs = Date.now() - startedAtMs;
    const after = processCosts(system.pid);
    await expectAllBack(system, bookings);
    return {
      figures: {
        refunds: refunds / (doneAfterMs / 1_000),
        'cancel call': calledMs,
        'all told after': toldAfterMs / 1_000,
        'all refunded after': doneAfterMs / 1_000,
      },
      costs: costsPerOperation({ before, after, generatorCpuMs: 0 }, refunds),
      points,
    };
  },
});

/** By the provider's books: each was charged once, and given back once. */
async function expectAllBack({ paymentSimulator }: RunningSystem, bookings: readonly Booking[]): Promise<void> {
  const { items } = (await (await fetch(`${paymentSimulator}/ledger`)).json()) as {
    items: readonly {
      readonly kind: string;
      readonly bookingId: string;
      readonly amount: { readonly amount: number };
    }[];
  };
  const movements = Map.groupBy(items, ({ bookingId }) => bookingId);
  for (const { id } of bookings) {
    const moved = movements.get(id) ?? [];
    const net = moved.reduce((sum, { kind, amount }) => sum + (kind === 'charge' ? amount.amount : -amount.amount), 0);
    if (moved.length !== 2 || net !== 0)
      throw new Error(`booking ${id} was not given back once: ${JSON.stringify(moved)}`);
  }
}
