import { showWorkflowId } from '../../src/contracts/workflow-ids.ts';
import { connectClient, type TemporalAddress } from '../../temporal/connection.ts';
import { closedLoops, perOperation, type Scenario } from '../scenario.ts';
import { cpuBetween } from '../process-costs.ts';
import { newShow } from '../shows.ts';
import { quantile } from '../statistics.ts';

const CLIENTS = 256;
/** The hall is sold out in half of it. */
const TIME_LIMIT_MS = 60_000;

/** Every request wins: each grant starts a durable booking workflow and commits its row before it is answered. */
export const grantedHolds: Scenario = {
  name: 'granted-holds',
  what: `${CLIENTS} clients in closed loops hold pairs of seats of one show of 10,000, each pair once, until all are held`,
  floors: [
    { figure: 'granted holds', unit: '/s' },
    { figure: 'hold, p99', unit: 'ms' },
    { figure: 'seats not held at the end', unit: '', most: 0 },
    { figure: 'memory of API and worker', unit: 'MiB', most: 700 },
    { figure: 'runs of the show workflow', unit: '' },
    { figure: 'events in the longest of them', unit: '', most: 10_000 },
  ],
  async run({ api, system, costs }) {
    const show = await newShow(api, system.staffToken, 10_000);
    const buyers = await api.guests(CLIENTS);
    const queue = show.pairs.values();
    const latencies: number[] = [];
    const before = costs();
    const startedAtMs = Date.now();
    await closedLoops(CLIENTS, startedAtMs + TIME_LIMIT_MS, async (number) => {
      const { value: seatIds } = queue.next();
      if (!seatIds) return 'nothing left';
      const answer = await api.call('POST', '/bookings', buyers[number], { showId: show.id, seatIds });
      if (answer.status !== 201) throw new Error(`answered ${answer.status}: ${JSON.stringify(answer.body)}`);
      latencies.push(answer.ms);
      return undefined;
    });
    const after = costs();
    const elapsedSeconds = (Date.now() - startedAtMs) / 1_000;
    const historyLengths = await historyLengthsOf(system.temporal, showWorkflowId(show.id));
    return {
      figures: {
        'granted holds': latencies.length / elapsedSeconds,
        'hold, p99': quantile(latencies, 0.99),
        'seats not held at the end': 2 * (show.pairs.length - latencies.length),
        'runs of the show workflow': historyLengths.length,
        'events in the longest of them': Math.max(...historyLengths),
        'memory of API and worker': (after.residentBytes.api + after.residentBytes.worker) / 2 ** 20,
      },
      cpuMsPerOperation: perOperation(cpuBetween(before, after), latencies.length),
    };
  },
};

/** Events of each run of a workflow. */
async function historyLengthsOf(temporal: TemporalAddress, workflowId: string): Promise<number[]> {
  const client = await connectClient(temporal);
  try {
    const lengths: number[] = [];
    let runId: string | undefined;
    do {
      const { events } = await client.workflow.getHandle(workflowId, runId).fetchHistory();
      lengths.push(events?.length ?? 0);
      runId = events?.[0]?.workflowExecutionStartedEventAttributes?.continuedExecutionRunId || undefined;
    } while (runId !== undefined);
    return lengths;
  } finally {
    await client.connection.close();
  }
}
