import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { bookingWorkflowId, cityTaskQueues, taskQueues } from '../../src/contracts/workflow-ids.ts';
import { newId } from '../../src/platform/ids.ts';
import type { Show } from '../../src/read-model/shows.ts';
import { makeCurrent, QueuesUnservedError, ramp, workerDeployment } from '../../temporal/worker-deployment.ts';
import { book, endOf, pay } from '../setup/bookings.ts';
import { eventually } from '../setup/eventually.ts';
import type { TestProcess } from '../setup/process.ts';
import { openShow, rowsOfSeats } from '../setup/shows.ts';
import { useTestSystem } from '../setup/system.ts';
import { workerOfBuild } from '../setup/versions.ts';

/** Its worker has no build id, as those of all installations that never asked for one. */
const system = useTestSystem();
const CITY = newId('cit');

const started: TestProcess[] = [];
async function start(buildId: string, env: Readonly<Record<string, string>> = {}): Promise<TestProcess> {
  const worker = workerOfBuild(system, { buildId });
  started.push(worker);
  await worker.start(env);
  return worker;
}
afterAll(() => Promise.all(started.map((worker) => worker.kill())));

let show: Show;
let nextSeat = 0;
beforeAll(async () => {
  show = await openShow(system, { plan: rowsOfSeats(10, 20) });
});

/** Build whose worker has done a purchase; `none`: one without a build id. */
async function boughtFrom(): Promise<string> {
  const booking = await book(system, show, [nextSeat, nextSeat + 1]);
  nextSeat += 2;
  expect(await pay(system, booking, 'tok_ok')).toMatchObject({ outcome: 'confirmed' });
  expect(await endOf(system, booking)).toBe('CONFIRMED');
  const { events } = await system.temporal.workflow.getHandle(bookingWorkflowId(booking.id)).fetchHistory();
  const last = events?.findLast((event) => event.workflowTaskCompletedEventAttributes);
  return last?.workflowTaskCompletedEventAttributes?.deploymentVersion?.buildId ?? 'none';
}

/** What is said of the queues that its workers do not serve. */
async function queueMissedBy(buildId: string, handover: { leavesQueues?: boolean } = {}): Promise<string> {
  const taken = makeCurrent(system.temporal, buildId, { ...handover, knownWithinMs: 0 });
  const refusal = await taken.catch((error: unknown) => error);
  expect(refusal).toBeInstanceOf(QueuesUnservedError);
  return String(refusal);
}

async function deploy(...args: string[]): Promise<string> {
  const { stdout } = await promisify(execFile)(process.execPath, ['src/cli/deploy.ts', ...args], {
    env: { ...process.env, ...system.env },
  });
  return stdout;
}

describe('workers of several builds', () => {
  test('without any, the command says that there are none', async () => {
    expect(await deploy('status')).toMatch('WORKER_BUILD_ID is not used');
  });

  let one: TestProcess;

  test('take no task before one is made current, and all of them from then on', async () => {
    one = await start('one');
    expect(await boughtFrom()).toBe('none');
    expect(await deploy('current', 'one')).toMatch('current: one');
    await system.workers[0]!.kill('SIGTERM');
    expect(await boughtFrom()).toBe('one');
    expect(await deploy('status')).toMatch('current: one');
  });

  test('give way again to those without build ids', async () => {
    await system.workers[0]!.start();
    await deploy('current', '--unversioned');
    await one.kill('SIGTERM');
    expect(await boughtFrom()).toBe('none');
  });

  test('share the workflows while one is ramping, each with those that are its own', async () => {
    await Promise.all([start('two'), start('three')]);
    await makeCurrent(system.temporal, 'two');
    await ramp(system.temporal, { buildId: 'three', percentage: 50 });
    const builds = [];
    for (let bought = 0; bought < 20; bought += 1) builds.push(await boughtFrom());
    expect(new Set(builds)).toEqual(new Set(['two', 'three']));
    await ramp(system.temporal, { buildId: 'three', percentage: 0 });
    expect(await workerDeployment(system.temporal)).toMatchObject({ current: 'two', ramping: null });
  });

  test('are not made current where they lack a queue of the current one, unless it is left on purpose', async () => {
    await start('with-a-city', { CITY_QUEUES: CITY });
    await makeCurrent(system.temporal, 'with-a-city');
    await start('without');
    await eventually(async () => expect((await workerDeployment(system.temporal))?.buildIds).toContain('without'));
    expect(await queueMissedBy('without')).toMatch(cityTaskQueues(CITY).bookings);
    expect(await workerDeployment(system.temporal)).toMatchObject({ current: 'with-a-city' });
    await deploy('current', 'without', '--leave-queues');
    expect(await boughtFrom()).toBe('without');
  });

  test('are never made current where they lack the queues that are no city’s', async () => {
    await start('of-a-city', { CITY_QUEUES: CITY, WORKER_QUEUES: CITY });
    await eventually(async () => expect((await workerDeployment(system.temporal))?.buildIds).toContain('of-a-city'));
    expect(await queueMissedBy('of-a-city', { leavesQueues: true })).toMatch(taskQueues.bookings);
    expect(await workerDeployment(system.temporal)).toMatchObject({ current: 'without' });
  });

  test('are not made current where nobody has seen one', async () => {
    await expect(makeCurrent(system.temporal, 'unheard-of', { knownWithinMs: 0 })).rejects.toThrow('unheard-of');
  });
});
