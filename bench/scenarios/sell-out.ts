import { costsPerOperation, serviceCpuMs } from '../costs.ts';
import { eventsWaiting } from '../events-waiting.ts';
import { countOf, endedWithin, expectSold, expectSeatsLeft, holdQuantile, payQuantile } from '../sales-figures.ts';
import type { BenchContext, Measurement, Scenario } from '../scenario.ts';
import { pairsAcross } from '../shows.ts';

export const SHOWS = 4;
export const SEATS_PER_SHOW = 3_000;
const WARM_UP_MS = 5_000;
const MEASURED_MS = 15_000;

/** W1. Hold, pay, confirmed: two seats a booking, four shows, and every answer means that it is durable. */
export const sellOut = (clients: number): Scenario => ({
  name: `sell-out-${clients}`,
  what: `W1: ${clients} clients in closed loops on ${SHOWS} shows of ${SEATS_PER_SHOW}: hold two seats, pay, confirmed; ${MEASURED_MS / 1_000} s after ${WARM_UP_MS / 1_000} s of warm-up`,
  profiles: ['server', 'dev'],
  figures: [
    {
      figure: 'confirmed bookings',
      unit: '/s',
      better: 'more',
      floor: { dev: 35, server: 60 },
      aim: { dev: 60, server: 167 },
    },
    { figure: 'CPU per booking', unit: 'ms', better: 'less', floor: { server: 28 }, aim: { server: 11 } },
    { figure: 'hold, p99', unit: 'ms' },
    { figure: 'payment to confirmed, p99', unit: 'ms' },
    { figure: 'refused for the time being', unit: '/s' },
    { figure: 'events put off per booking', unit: '' },
  ],
  run: (context) => sellFor(context, clients, WARM_UP_MS, MEASURED_MS),
});

/** @throws Error when an answer is neither a booking nor an orderly refusal */
export async function sellFor(
  { api, boxOffice, load, sales, system }: Omit<BenchContext, 'peak'>,
  clients: number,
  warmUpMs: number,
  measuredMs: number,
): Promise<Measurement> {
  const choices = pairsAcross(await boxOffice.newShows(SHOWS, SEATS_PER_SHOW));
  const buyers = await api.guests(clients);
  const front = { kind: 'seatkeeper', origin: system.api, buyers } as const;
  const job = { kind: 'closed loops', front, clients, choices, order: 'in turn', pays: true } as const;
  const waitingBefore = await eventsWaiting(system);
  const loaded = await load({ ...job, warmUpMs, measuredMs });
  const putOff = (await eventsWaiting(system)) - waitingBefore;
  const { attempts } = loaded.outcome;
  sales.addAttempts(attempts, choices, buyers);
  expectSold(attempts);
  expectSeatsLeft(attempts, choices);
  const measured = endedWithin(attempts, 0, measuredMs);
  const confirmed = countOf(measured, 'confirmed');
  const costs = costsPerOperation(loaded, confirmed);
  return {
    figures: {
      'confirmed bookings': confirmed / (measuredMs / 1_000),
      'CPU per booking': serviceCpuMs(costs),
      'hold, p99': holdQuantile(measured, 0.99),
      'payment to confirmed, p99': payQuantile(measured, 0.99),
      'refused for the time being': countOf(measured, 'overloaded') / (measuredMs / 1_000),
      'events put off per booking': putOff / countOf(attempts, 'confirmed'),
    },
    costs,
  };
}
