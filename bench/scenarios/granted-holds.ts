import { closedLoops, perOperation, type Scenario } from '../scenario.ts';
import { cpuBetween } from '../process-costs.ts';
import { newShow } from '../shows.ts';
import { quantile } from '../statistics.ts';

const CLIENTS = 256;
const MEASURED_MS = 10_000;

/** Every request wins: each grant starts a durable booking workflow and commits its row before it is answered. */
export const grantedHolds: Scenario = {
  name: 'granted-holds',
  what: `${CLIENTS} clients in closed loops hold distinct seats of one show of 10,000; nobody loses`,
  floors: [
    { figure: 'granted holds', unit: '/s' },
    { figure: 'hold, p99', unit: 'ms' },
    { figure: 'memory of API and worker', unit: 'MiB', most: 700 },
  ],
  async run({ api, system, costs }) {
    const show = await newShow(api, system.staffToken, 10_000);
    const buyers = await api.guests(CLIENTS);
    const queue = show.pairs.values();
    const latencies: number[] = [];
    const before = costs();
    const startedAtMs = Date.now();
    await closedLoops(CLIENTS, startedAtMs + MEASURED_MS, async (number) => {
      const { value: seatIds } = queue.next();
      if (!seatIds) return 'nothing left';
      const answer = await api.call('POST', '/bookings', buyers[number], { showId: show.id, seatIds });
      if (answer.status !== 201) throw new Error(`answered ${answer.status}: ${JSON.stringify(answer.body)}`);
      latencies.push(answer.ms);
      return undefined;
    });
    const after = costs();
    const elapsedSeconds = (Date.now() - startedAtMs) / 1_000;
    return {
      figures: {
        'granted holds': latencies.length / elapsedSeconds,
        'hold, p99': quantile(latencies, 0.99),
        'memory of API and worker': (after.residentBytes.api + after.residentBytes.worker) / 2 ** 20,
      },
      cpuMsPerOperation: perOperation(cpuBetween(before, after), latencies.length),
    };
  },
};
