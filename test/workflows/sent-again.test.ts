import {
  Client,
  Connection,
  defaultGrpcRetryOptions,
  makeGrpcRetryInterceptor,
  WithStartWorkflowOperation,
  type WorkflowClient,
} from '@temporalio/client';
import { type SeatCommandsArgs, showMessages, UPDATES_PER_RUN_MAX } from '../../src/contracts/show-messages.ts';
import { showWorkflowId, taskQueuesOf } from '../../src/contracts/workflow-ids.ts';
import type { Show } from '../../src/read-model/shows.ts';
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

/** More than Temporal takes of a workflow at once. */
const TOO_MANY = 20;
/** In each of which some are refused, as a rule. */
const ROUNDS_MAX = 10;

type Answer = Parameters<typeof retryIntervalMs>[0];

/** A client with the pauses of ours, and the answers after which it has sent a call again. */
async function tellingClient(): Promise<{ workflow: WorkflowClient; connection: Connection; answered: Answer[] }> {
  const answered: Answer[] = [];
  const initialIntervalMs: typeof retryIntervalMs = (status) => {
    answered.push(status);
    return retryIntervalMs(status);
  };
  const connection = await Connection.connect({
    address: process.env[TEST_TEMPORAL_ADDRESS]!,
    interceptors: [makeGrpcRetryInterceptor(defaultGrpcRetryOptions({ initialIntervalMs }))],
  });
  const { workflow } = new Client({ connection, namespace: system.temporal.options.namespace });
  return { workflow, connection, answered };
}

test('a command that meets a show between two of its runs is sent again at once, not as after a rate limit', async () => {
  const { workflow, connection, answered } = await tellingClient();
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

const update = (workflow: WorkflowClient, show: Show, args: SeatCommandsArgs) =>
  workflow
    .getHandle(showWorkflowId(show.id))
    .executeUpdate<unknown, SeatCommandsArgs>(showMessages.seatCommands, { args });

const updateWithStart = (workflow: WorkflowClient, show: Show, args: SeatCommandsArgs) =>
  workflow.executeUpdateWithStart<() => Promise<void>, unknown, SeatCommandsArgs>(showMessages.seatCommands, {
    args,
    // It runs already.
    startWorkflowOperation: new WithStartWorkflowOperation('showWorkflow', {
      workflowId: showWorkflowId(show.id),
      taskQueue: taskQueuesOf(show.cityId).shows,
      workflowIdConflictPolicy: 'USE_EXISTING',
    }),
  });

test.each([
  ['an update', update],
  ['an update with a start', updateWithStart],
])(
  '%s that finds as many in flight as a workflow takes is sent again soon',
  async (_, send) => {
    const { workflow, connection, answered } = await tellingClient();
    const show = await openShow(system, { plan: rowsOfSeats(1, TOO_MANY) });
    for (let round = 0; round < ROUNDS_MAX && answered.length === 0; round++) {
      await Promise.all(
        Array.from({ length: TOO_MANY }, async (_unused, seat) => {
          await send(workflow, show, [[{ kind: 'block', seats: [seat], reason: 'x' }]]);
          await send(workflow, show, [[{ kind: 'unblock', seats: [seat] }]]);
        }),
      );
    }
    await connection.close();
    expect(answered).not.toEqual([]);
    expect(answered.map((status) => retryIntervalMs(status))).toEqual(answered.map(() => 100));
  },
  60_000,
);

test('a rate limit, and a server that is away, are waited for as Temporal does', () => {
  const status = { metadata: undefined as never };
  expect(retryIntervalMs({ ...status, code: 8, details: 'namespace rate limit exceeded' })).toBe(1_000);
  expect(retryIntervalMs({ ...status, code: 14, details: 'No connection established' })).toBe(100);
});
