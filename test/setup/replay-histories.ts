import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { DefaultLogger, Runtime, Worker } from '@temporalio/worker';
import { workflowBundle } from '../../temporal/bundle.ts';

/**
 * Replays the histories whose paths are the arguments on the present workflows. Prints one JSON object: for each path
 * the message of what went wrong, or null. A process of its own, as a worker is.
 */
Runtime.install({ logger: new DefaultLogger('ERROR') });
const bundle = await workflowBundle(process.env.BUNDLES_DIR!);
const historyFromJson = historyReader();

async function* histories(paths: readonly string[]): AsyncGenerator<{ workflowId: string; history: unknown }> {
  for (const path of paths) {
    const history = historyFromJson(JSON.parse(await readFile(path, 'utf8')));
    yield { workflowId: path, history };
  }
}

const outcomes: Record<string, string | null> = {};
for await (const { workflowId, error } of Worker.runReplayHistories(
  { workflowBundle: bundle },
  histories(process.argv.slice(2)),
)) {
  outcomes[workflowId] = error === undefined ? null : error.message;
}
process.stdout.write(JSON.stringify(outcomes));

/**
 * The SDK's own reader works only where all of it shares one copy of protobufjs; npm may install several. The copy that
 * @temporalio/proto is made with always fits its types.
 */
function historyReader(): (json: unknown) => unknown {
  const requireOfProto = createRequire(createRequire(import.meta.url).resolve('@temporalio/proto'));
  const { fromJson } = requireOfProto('protobufjs/ext/protojson') as {
    fromJson: (type: unknown, json: unknown, options: object) => unknown;
  };
  const { patchProtobufRoot } = requireOfProto('../lib/patch-protobuf-root.js') as {
    patchProtobufRoot: (root: unknown) => { lookupType: (name: string) => unknown };
  };
  const type = patchProtobufRoot(requireOfProto('@temporalio/proto')).lookupType('temporal.api.history.v1.History');
  return (json) => fromJson(type, json, { ignoreUnknownFields: true });
}
