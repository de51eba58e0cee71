import { join } from 'node:path';
import { Client, Connection } from '@temporalio/client';
import { DefaultLogger, type ReplayHistoriesIterable, Runtime, Worker } from '@temporalio/worker';
import { searchAttributes } from '../../src/contracts/workflow-ids.ts';
import type * as bundles from '../../temporal/bundle.ts';
import type { Replays } from './replays.ts';

/** Prints what `replayAll` answers. A process of its own, as a worker is. */
const [root, address, namespace, ...shows] = process.argv.slice(2);
Runtime.install({ logger: new DefaultLogger('ERROR') });
const { workflowBundle } = (await import(join(root!, 'temporal/bundle.ts'))) as typeof bundles;
const connection = await Connection.connect({ address });
const client = new Client({ connection, namespace });

/** Of what has decided anything yet: for a booking whose first task is still to come, the SDK waits for ever. */
async function* histories(): ReplayHistoriesIterable {
  const query = `${searchAttributes.showId} IN (${shows.map((id) => `'${id}'`).join(', ')})`;
  for await (const { workflowId, runId } of client.workflow.list({ query })) {
    const history = await client.workflow.getHandle(workflowId, runId).fetchHistory();
    if (history.events?.some(({ workflowTaskCompletedEventAttributes }) => workflowTaskCompletedEventAttributes))
      yield { workflowId, history };
  }
}

let replayed = 0;
const failures: Record<string, string> = {};
const bundle = await workflowBundle(process.env.BUNDLES_DIR!);
for await (const { workflowId, error } of Worker.runReplayHistories({ workflowBundle: bundle }, histories())) {
  replayed += 1;
  if (error) failures[workflowId] = error.message;
}
await connection.close();
process.stdout.write(`\n${JSON.stringify({ replayed, failures } satisfies Replays)}`);
