import type { Client } from '@temporalio/client';
import { Command, InvalidArgumentError } from 'commander';
import { connectClient } from '../../temporal/connection.ts';
import { makeCurrent, makeUnversionedCurrent, ramp, workerDeployment } from '../../temporal/worker-deployment.ts';
import { readConfig } from '../platform/config.ts';
import { NOT_DONE, runCommand, Stopped } from './command.ts';
import { runningSystem } from './running-system.ts';

/** `npm run deploy -- status | current BUILD | ramp BUILD PERCENT`: which build of the workers workflows go on with. */

const CONNECT_WITHIN_MS = 10_000;

interface Handover {
  readonly leaveQueues?: boolean;
}

async function status(client: Client): Promise<void> {
  const deployment = await workerDeployment(client);
  if (deployment === null) return console.log('No worker has told its build so far: WORKER_BUILD_ID is not used here.');
  const { current, ramping, buildIds } = deployment;
  console.log(`current: ${current ?? 'the workers without a build id'}`);
  if (ramping) console.log(`ramping: ${ramping.buildId}, ${ramping.percentage} % of the workflows`);
  console.log(`known, the latest first: ${buildIds.join(', ')}`);
}

async function setCurrent(client: Client, buildId: string | null, { leaveQueues }: Handover): Promise<void> {
  if (buildId === null) await makeUnversionedCurrent(client);
  else await makeCurrent(client, buildId, { leavesQueues: leaveQueues === true });
  console.log(`current: ${buildId ?? 'the workers without a build id'}. Workers of other builds may be stopped.`);
}

async function setRamp(client: Client, buildId: string, percentage: number, { leaveQueues }: Handover): Promise<void> {
  await ramp(client, { buildId, percentage }, { leavesQueues: leaveQueues === true });
  console.log(percentage === 0 ? 'ramping: none' : `ramping: ${buildId}, ${percentage} % of the workflows`);
}

async function withClient(work: (client: Client) => Promise<void>): Promise<void> {
  const client = await connectClient(temporalOf(process.env), AbortSignal.timeout(CONNECT_WITHIN_MS));
  try {
    await work(client);
  } finally {
    await client.connection.close();
  }
}

/** Of the environment, as in a container; else of the system that runs on the data folder. */
function temporalOf(env: NodeJS.ProcessEnv) {
  const running = env.TEMPORAL_ADDRESS === undefined ? runningSystem(env)?.partSettings : undefined;
  if (running === undefined && env.TEMPORAL_ADDRESS === undefined) {
    throw new Stopped(NOT_DONE, 'No running system was found: start it with npm start, or name its TEMPORAL_ADDRESS.');
  }
  const config = readConfig(['TEMPORAL_ADDRESS', 'TEMPORAL_NAMESPACE'], { ...env, ...running });
  return { address: config.TEMPORAL_ADDRESS, namespace: config.TEMPORAL_NAMESPACE };
}

function percent(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !(value >= 0 && value <= 100)) throw new InvalidArgumentError('It is 0 to 100.');
  return value;
}

const leaveQueues = [
  '--leave-queues',
  'also if its workers lack queues of cities that those of the current build serve',
] as const;
const command = new Command('deploy')
  .description('Which build of the workers (WORKER_BUILD_ID) workflows go on with.')
  .addHelpText('after', '\nExits 0 when done, 2 when it could not be done.');
command
  .command('status')
  .description('the current build, the one that is ramping, and all that are known')
  .action(() => withClient(status));
command
  .command('current [build]')
  .description('from now on every workflow goes on with this build')
  .option('--unversioned', 'with workers that have no build id')
  .option(...leaveQueues)
  .action((build: string | undefined, options: Handover & { unversioned?: boolean }) => {
    if ((build === undefined) !== (options.unversioned === true)) {
      throw new Stopped(NOT_DONE, 'Which build? Name it, or --unversioned.');
    }
    return withClient((client) => setCurrent(client, build ?? null, options));
  });
command
  .command('ramp <build>')
  .description('a share of the workflows goes on with this build, the rest with the current one')
  .argument('<percent>', '0 to 100; 0 takes it back', percent)
  .option(...leaveQueues)
  .action((build: string, percentage: number, options: Handover) =>
    withClient((client) => setRamp(client, build, percentage, options)),
  );

await runCommand(command);
