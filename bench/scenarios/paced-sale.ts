import { costsPerOperation, serviceCpuMs } from '../costs.ts';
import { eventsWaiting } from '../events-waiting.ts';
import { countOf, dueWithin, expectSold, holdQuantile, payQuantile } from '../sales-figures.ts';
import type { Point, Scenario } from '../scenario.ts';
import { pairsAcross } from '../shows.ts';
import { SEATS_PER_SHOW, SHOWS } from './sell-out.ts';

export const SHARE_OF_PEAK = 0.7;
const WARM_UP_MS = 5_000;
const MEASURED_MS = 20_000;
/** For the plot of latency over rate, in the first run. */
const OTHER_SHARES = [0.3, 0.5, 0.9];
const OTHER_MS = 10_000;
const BUYERS = 256;

/** W4. Buyers come by chance, whether or not the service is quick: latency counts from when each was to come. */
export const pacedSale: Scenario = {
  name: 'paced-sale',
  what: `W4: W1's work at ${SHARE_OF_PEAK * 100} % of its peak, open loop: buyers come by a Poisson schedule, and latency counts from there; ${MEASURED_MS / 1_000} s after ${WARM_UP_MS / 1_000} s of warm-up`,
  profiles: ['server'],
  figures: [
    { figure: 'buyers', unit: '/s' },
    { figure: 'hold, p99', unit: 'ms', better: 'less', floor: 250, aim: 80 },
    { figure: 'payment to confirmed, p99', unit: 'ms', better: 'less', floor: 800, aim: 300 },
    { figure: 'hold, median', unit: 'ms' },
    { figure: 'payment to confirmed, median', unit: 'ms' },
    { figure: 'CPU per booking', unit: 'ms' },
    { figure: 'events put off per booking', unit: '' },
    { figure: 'refused for the time being', unit: '', better: 'less', floor: 0, everyRun: true },
  ],
  async run({ api, boxOffice, load, peak, run, sales, system }) {
    const peakPerSecond = await peak();
    const stages = [
      { share: SHARE_OF_PEAK, forMs: WARM_UP_MS },
      { share: SHARE_OF_PEAK, forMs: MEASURED_MS },
      ...(run === 0 ? OTHER_SHARES.map((share) => ({ share, forMs: OTHER_MS })) : []),
    ].map(({ share, forMs }) => ({ ratePerSecond: share * peakPerSecond, forMs }));
    const choices = pairsAcross(await boxOffice.newShows(SHOWS, SEATS_PER_SHOW));
    const buyers = await api.guests(BUYERS);
    const front = { kind: 'seatkeeper', origin: system.api, buyers } as const;
    const waitingBefore = await eventsWaiting(system);
    const loaded = await load({ kind: 'arrivals', front, choices, pays: true, stages, seed: run + 1 });
    const { attempts } = loaded.outcome;
    const putOff = (await eventsWaiting(system)) - waitingBefore;
    sales.addAttempts(attempts, choices, buyers);
    expectSold(attempts);
    const measured = dueWithin(attempts, 0, MEASURED_MS);
    const costs = costsPerOperation(loaded, countOf(dueWithin(attempts, 0, Infinity), 'confirmed'));
    return {
      figures: {
        buyers: measured.length / (MEASURED_MS / 1_000),
        'hold, p99': holdQuantile(measured, 0.99),
        'payment to confirmed, p99': payQuantile(measured, 0.99),
        'hold, median': holdQuantile(measured, 0.5),
        'payment to confirmed, median': payQuantile(measured, 0.5),
        'CPU per booking': serviceCpuMs(costs),
        'events put off per booking': putOff / countOf(attempts, 'confirmed'),
        'refused for the time being': countOf(measured, 'overloaded'),
      },
      costs,
      points: run === 0 ? latencyOverRate(attempts, stages) : [],
    };
  },
};

function latencyOverRate(
  attempts: Parameters<typeof dueWithin>[0],
  stages: readonly { readonly ratePerSecond: number; readonly forMs: number }[],
): Point[] {
  let fromMs = 0;
  return stages.slice(1).flatMap(({ ratePerSecond: x, forMs }) => {
    const stage = dueWithin(attempts, fromMs, fromMs + forMs);
    fromMs += forMs;
    return [
      { line: 'hold, median', x, y: holdQuantile(stage, 0.5) },
      { line: 'hold, p99', x, y: holdQuantile(stage, 0.99) },
      { line: 'payment to confirmed, median', x, y: payQuantile(stage, 0.5) },
      { line: 'payment to confirmed, p99', x, y: payQuantile(stage, 0.99) },
    ];
  });
}
