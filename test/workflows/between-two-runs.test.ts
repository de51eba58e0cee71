import { Client, Connection, defaultGrpcRetryOptions, makeGrpcRetryInterceptor } from '@temporalio/client';
import { UPDATES_PER_RUN_MAX } from '../../src/contracts/show-messages.ts';
import { retryIntervalMs } from '../../temporal/connection.ts';
import { SeatCommandBatcher } from '../../temporal/seat-command-batcher.ts';
import { openShow, rowsOfSeats } from '../setup/shows.ts';
import { useTestSystem } from '../setup/system.ts';
import { TEST_TEMPORAL_ADDRESS } from '../setup/temporal.ts';

const system = useTestSystem();
/** Of the ten updates that Temporal takes of a workflow at once. */
const SENDERS = 8;
/** In each of which something is under way when it ends, as a rule. */
const RUNS_MAX = 10;

test('a command that meets a show between two of its runs is sent again at once, not as after a rate limit', async () => {
  const answered: Parameters<typeof retryIntervalMs>[0][] = [];
  const initialIntervalMs: typeof retryIntervalMs = (status) => {
    answered.push(status);
    return retryIntervalMs(status);
  };
  const connection = await Connection.connect({
    address: process.env[TEST_TEMPORAL_ADDRESS]!,
    interceptors: [makeGrpcRetryInterceptor(defaultGrpcRetryOptions({ initialIntervalMs }))],
  });
  const { workflow } = new Client({ connection, namespace: system.temporal.options.namespace });
  const show = await openShow(system, { plan: rowsOfSeats(1, SENDERS) });
  const senders = Array.from({ length: SENDERS }, () => new SeatCommandBatcher(workflow, { lingerMaxMs: 0 }));
  for (let run = 0; run < RUNS_MAX && answered.length === 0; run++) {
    await Promise.all(
      senders.map(async (sender, seat) => {
        for (let update = 0; update < UPDATES_PER_RUN_MAX / SENDERS; update += 2) {
          await sender.send(show.id, { kind: 'block', seats: [seat], reason: 'x' });
          await sender.send(show.id, { kind: 'unblock', seats: [seat] });
        }
      }),
    );
  }
  await connection.close();
  expect(answered).not.toEqual([]);
  expect(answered.map((status) => retryIntervalMs(status))).toEqual(answered.map(() => 20));
}, 90_000);

test('a rate limit, and a server that is away, are waited for as Temporal does', () => {
  const status = { metadata: undefined as never };
  expect(retryIntervalMs({ ...status, code: 8, details: 'namespace rate limit exceeded' })).toBe(1_000);
  expect(retryIntervalMs({ ...status, code: 14, details: 'No connection established' })).toBe(100);
});
