import { showWorkflowId } from '../../src/contracts/workflow-ids.ts';
import { connectClient, type TemporalAddress } from '../../temporal/connection.ts';
import { costsPerOperation } from '../costs.ts';
import type { Choice } from '../load/front.ts';
import { countOf, expectNoFailures, holdQuantile } from '../sales-figures.ts';
import type { Scenario } from '../scenario.ts';

const CLIENTS = 256;
const SEATS = 10_000;
/** The hall is sold out in half of it. */
const TIME_LIMIT_MS = 60_000;

/** Every request wins: each grant starts a durable booking workflow and commits its row before it is answered. */
export const grantedHolds: Scenario = {
  name: 'granted-holds',
  what: `${CLIENTS} clients in closed loops hold pairs of seats of one show of 10,000, each pair once, until all are held`,
  profiles: ['server', 'dev'],
  figures: [
    { figure: 'granted holds', unit: '/s' },
    { figure: 'hold, p99', unit: 'ms' },
    { figure: 'seats not held at the end', unit: '', better: 'less', floor: 0, everyRun: true },
    { figure: 'memory of API and worker', unit: 'MiB', better: 'less', floor: 700 },
    { figure: 'runs of the show workflow', unit: '' },
    { figure: 'events in the longest of them', unit: '', better: 'less', floor: 10_000 },
  ],
  async run({ api, boxOffice, load, sales, system }) {
    const show = await boxOffice.newShow(SEATS);
    const buyers = await api.guests(CLIENTS);
    const choices = show.pairs.map((seats): Choice => ({ showId: show.id, seats }));
    const front = { kind: 'seatkeeper', origin: system.api, buyers } as const;
    const job = { kind: 'closed loops', front, clients: CLIENTS, choices, order: 'in turn', pays: false } as const;
    const loaded = await load({ ...job, warmUpMs: 0, measuredMs: TIME_LIMIT_MS });
    const { attempts } = loaded.outcome;
    sales.addAttempts(attempts, choices, buyers);
    expectNoFailures(attempts);
    const granted = countOf(attempts, 'held');
    const elapsedSeconds = attempts.reduce((last, { endMs }) => Math.max(last, endMs), 0) / 1_000;
    const historyLengths = await historyLengthsOf(system.temporal, showWorkflowId(show.id));
    const costs = costsPerOperation(loaded, granted);
    return {
      figures: {
        'granted holds': granted / elapsedSeconds,
        'hold, p99': holdQuantile(attempts, 0.99),
        'seats not held at the end': 2 * (choices.length - granted),
        'runs of the show workflow': historyLengths.length,
        'events in the longest of them': Math.max(...historyLengths),
        'memory of API and worker': (costs.residentBytes.api + costs.residentBytes.worker) / 2 ** 20,
      },
      costs,
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
