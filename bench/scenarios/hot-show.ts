import type { ApiClient } from '../buyers.ts';
import { cpuBetween } from '../process-costs.ts';
import { closedLoops, perOperation, type Scenario } from '../scenario.ts';
import { type BenchShow, newShow } from '../shows.ts';
import { quantile } from '../statistics.ts';

const CLIENTS = 256;
const WARM_UP_MS = 3_000;
const MEASURED_MS = 15_000;

/** Everybody wants one show: each request names two seats at random; the first ones get them, the others are refused. */
export const hotShow: Scenario = {
  name: 'hot-show',
  what: `${CLIENTS} clients in closed loops ask for pairs of seats, at random, of one show of 1,000 seats for ${MEASURED_MS / 1_000} s, after ${WARM_UP_MS / 1_000} s on another show`,
  floors: [
    { figure: 'hold decisions', unit: '/s', least: 1_500 },
    { figure: 'decision, p99', unit: 'ms', most: 400 },
    { figure: 'decision, median', unit: 'ms' },
    { figure: 'seats sold twice', unit: '', most: 0 },
  ],
  async run({ api, system, costs }) {
    const buyers = await api.guests(CLIENTS);
    await storm(api, buyers, await newShow(api, system.staffToken, 1_000), WARM_UP_MS);
    const show = await newShow(api, system.staffToken, 1_000);
    const before = costs();
    const { latencies, twice } = await storm(api, buyers, show, MEASURED_MS);
    return {
      figures: {
        'hold decisions': latencies.length / (MEASURED_MS / 1_000),
        'decision, p99': quantile(latencies, 0.99),
        'decision, median': quantile(latencies, 0.5),
        'seats sold twice': twice,
      },
      cpuMsPerOperation: perOperation(cpuBetween(before, costs()), latencies.length),
    };
  },
};

async function storm(api: ApiClient, buyers: readonly string[], show: BenchShow, ms: number) {
  const latencies: number[] = [];
  const owners = new Map<string, string>();
  let twice = 0;
  await closedLoops(buyers.length, Date.now() + ms, async (number) => {
    const seatIds = show.pairs[Math.floor(Math.random() * show.pairs.length)]!;
    const answer = await api.call('POST', '/bookings', buyers[number], { showId: show.id, seatIds });
    if (answer.status !== 201 && answer.status !== 409 && answer.status !== 422) {
      throw new Error(`a hold was answered ${answer.status}: ${JSON.stringify(answer.body)}`);
    }
    latencies.push(answer.ms);
    if (answer.status !== 201) return;
    for (const seatId of seatIds) {
      if (owners.has(seatId)) twice += 1;
      owners.set(seatId, answer.body.id as string);
    }
  });
  return { latencies, twice };
}
