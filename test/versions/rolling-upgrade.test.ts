import { Client, type WorkflowClientInterceptor } from '@temporalio/client';
import { rm } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import type { BookingWorkflowInput } from '../../src/contracts/booking-messages.ts';
import { bookingChangeWorkflowId, bookingWorkflowId, showWorkflowId } from '../../src/contracts/workflow-ids.ts';
import type { NewBooking } from '../../src/domain/booking.ts';
import { newId } from '../../src/platform/ids.ts';
import type { Show } from '../../src/read-model/shows.ts';
import { TemporalWorkflowClient } from '../../temporal/workflow-client.ts';
import { makeCurrent, workerDeployment } from '../../temporal/worker-deployment.ts';
import { book, changeEndOf, decideAtProvider, endOf, lateEndOf, pay, rowOf } from '../setup/bookings.ts';
import { expectChainsToAgree } from '../setup/chains.ts';
import { eventually } from '../setup/eventually.ts';
import { exchangeFor } from '../setup/exchanges.ts';
import type { TestProcess } from '../setup/process.ts';
import { openShow, rowsOfSeats } from '../setup/shows.ts';
import { type TestSystem, useTestSystem } from '../setup/system.ts';
import { type Build, changedCode, workerOfBuild } from '../setup/versions.ts';

/**
 * A rolling upgrade as docs/operations.md tells it, and each step of it taken back, while bookings are in every state and
 * buyers go on buying. The next version is the present code with one more step in each of the actors, under a patch.
 */
const PATCH = 'a-step-of-the-next-version';
const first: Build = { buildId: 'first' };
/** Money that comes late comes after it: by then its booking has given up, whoever of the workers was killed. */
const PAYMENT_DEADLINE_SECONDS = '30';
const system = useTestSystem({ settings: { WORKER_BUILD_ID: first.buildId, PAYMENT_DEADLINE_SECONDS }, apis: 1 });

const changes = {
  imported: `import { patched as isPatched, sleep as pausing } from '@temporalio/workflow';`,
  inserted: `if (isPatched('${PATCH}')) await pausing(1);`,
  before: {
    'workflows/booking.ts': ['    const ending = await actor.run();\n', '    endedAs(ending);\n'],
    'workflows/show.ts': ['      const outcome = await projectSeatMap(delta());\n'],
    'workflows/change-actor.ts': ['    const recorded = await this.#record(change, askedAtMs, tell);\n'],
    'workflows/late-payment.ts': ['  const booking = await endedBooking(input);\n'],
  },
};

/** As long as a client of the API waits. */
const ANSWERED_WITHIN_MS = 10_000;
const BUYS_EVERY_MS = 50;
const HISTORIES_AT_ONCE = 20;
/** What the server says of a task that would end a workflow which has been told something meanwhile: it is done again. */
const HEARD_SOMETHING_MORE = 'UnhandledCommand';
/** All hand-overs together may take so long. */
const UPGRADE_MS = 240_000;
const patient = { holdTtlMs: UPGRADE_MS, paymentDeadlineMs: UPGRADE_MS };

/** Something under way; `end` brings about its end, on whichever build is current then. */
interface UnderWay {
  readonly name: string;
  readonly workflowId: string;
  /** It has done a task, and does none that ends it before `end`. */
  readonly waits?: true;
  readonly ends: string;
  readonly end: () => Promise<unknown>;
}
type Scene = (show: Show) => Promise<UnderWay>;
type Begun = UnderWay & { readonly begunOn: string };

const shows: Show[] = [];
const seatsTaken = new Map<string, number>();
function nextSeats({ id }: Show): number[] {
  const seat = seatsTaken.get(id) ?? 0;
  seatsTaken.set(id, seat + 2);
  return [seat, seat + 1];
}

const ended: (Begun & { readonly endedOn: string; readonly ended: unknown })[] = [];
const purchases: { readonly outcome: string }[] = [];
/** Of each request to the API, two for each purchase. */
const answeredAfterMs: number[] = [];

async function timed<Answer>(request: () => Promise<Answer>): Promise<Answer> {
  const askedAtMs = performance.now();
  const answer = await request();
  answeredAfterMs.push(performance.now() - askedAtMs);
  return answer;
}

const ofBooking = (name: string, booking: NewBooking, ends: string, act: () => Promise<unknown>): UnderWay => ({
  name,
  workflowId: bookingWorkflowId(booking.id),
  ends,
  end: async () => {
    await act();
    return endOf(system, booking);
  },
});

const waiting = (...of: Parameters<typeof ofBooking>): UnderWay => ({ ...ofBooking(...of), waits: true });

async function paid(show: Show, token = 'tok_ok'): Promise<NewBooking> {
  const booking = await book(system, show, nextSeats(show), patient);
  await pay(system, booking, token);
  await endOf(system, booking);
  return booking;
}

const scenes: readonly Scene[] = [
  async (show) => {
    const booking = await book(system, show, nextSeats(show), patient);
    return ofBooking('held, then paid', booking, 'CONFIRMED', () => pay(system, booking, 'tok_ok'));
  },
  async (show) => {
    const booking = await book(system, show, nextSeats(show), patient);
    await system.workflows.extend(booking.id, 'first');
    return waiting('extended, then paid', booking, 'CONFIRMED', () => pay(system, booking, 'tok_ok'));
  },
  async (show) => {
    const booking = await book(system, show, nextSeats(show), patient);
    await pay(system, booking, 'tok_declined');
    return waiting('declined, then released', booking, 'RELEASED', () => system.workflows.release(booking.id));
  },
  async (show) => {
    const booking = await book(system, show, nextSeats(show), patient);
    const answer = await pay(system, booking, 'tok_redirect');
    return waiting('pending, then approved', booking, 'CONFIRMED', () => decideAtProvider(answer, 'approve'));
  },
  async (show) => {
    const booking = await book(system, show, nextSeats(show), patient);
    const answer = await pay(system, booking, 'tok_redirect');
    return waiting('pending, then refused and paid anew', booking, 'CONFIRMED', async () => {
      await decideAtProvider(answer, 'decline');
      await eventually(async () => expect(await rowOf(system, booking)).toMatchObject({ status: 'HELD' }));
      await pay(system, booking, 'tok_ok');
    });
  },
  async (show) => {
    const booking = await book(system, show, nextSeats(show), { ...patient, holdTtlMs: 5_000 });
    await system.workflows.extend(booking.id, 'first');
    return ofBooking('left to expire', booking, 'EXPIRED', () => Promise.resolve());
  },
  async (show) => {
    const booking = await book(system, show, nextSeats(show), { holdTtlMs: 120_000, paymentDeadlineMs: 3_000 });
    const attemptId = newId('pay');
    await pay(system, booking, 'tok_pending_late', attemptId);
    return {
      ...ofBooking('given up, then paid late', booking, 'confirmed', () => Promise.resolve()),
      end: async () => {
        await endOf(system, booking);
        return eventually(() => lateEndOf(system, booking, attemptId));
      },
    };
  },
  async (show) => {
    const booking = await paid(show, 'tok_refund_pending');
    const asked = { changeId: newId('chg'), bookingId: booking.id, requestedBy: booking.userId };
    await system.workflows.changeBooking({ kind: 'cancellation', ...asked }, booking);
    const end = () => changeEndOf(system, booking);
    return { name: 'refund on its way', workflowId: bookingChangeWorkflowId(booking.id), ends: 'CANCELLED', end };
  },
  async (show) => {
    const booking = await paid(show);
    const to = await openShow(system, { seatPrice: 40_000 });
    shows.push(to);
    const change = exchangeFor(booking, to, [0, 1], 'tok_redirect');
    const answer = await system.workflows.exchangeBooking({ ...change, holdTtlMs: 60_000 }, booking);
    if (!answer.ok || answer.nextAction === undefined) throw new Error(`not pending: ${JSON.stringify(answer)}`);
    const { nextAction } = answer;
    const end = async () => {
      await decideAtProvider({ outcome: 'pending', booking: answer.booking, nextAction }, 'approve');
      return changeEndOf(system, booking);
    };
    const workflowId = bookingChangeWorkflowId(booking.id);
    return { name: 'exchange waits for its payment', workflowId, waits: true, ends: 'EXCHANGED', end };
  },
];

/** What is begun on the current build: some of it on a show that was opened before, some on one that is opened on it. */
async function begin({ buildId: begunOn }: Build): Promise<Begun[]> {
  const opened = await openShow(system, { plan: rowsOfSeats(20, 20) });
  shows.push(opened);
  const underWay = await Promise.all(scenes.map((scene, index) => scene(index % 2 === 0 ? shows[0]! : opened)));
  return underWay.map((each) => ({ ...each, begunOn }));
}

async function endAll(underWay: readonly Begun[], { buildId: endedOn }: Build): Promise<void> {
  await Promise.all(underWay.map(async (each) => ended.push({ ...each, endedOn, ended: await each.end() })));
}

/** Buyers who come one after the other, whatever happens to the workers, until they are told to stop. */
function buyAllTheWhile(): () => Promise<void> {
  const stopped = new AbortController();
  const buyer = async (workflows: TestSystem['workflows']): Promise<void> => {
    const show = await openShow(system, { plan: rowsOfSeats(40, 40) });
    shows.push(show);
    while (!stopped.signal.aborted) {
      const booking = await timed(() => book({ ...system, workflows }, show, nextSeats(show), patient));
      const answer = await timed(() => pay(system, booking, 'tok_ok'));
      purchases.push({ outcome: answer === 'ended' ? answer : answer.outcome });
      await delay(BUYS_EVERY_MS);
    }
  };
  const buying = Promise.all([system.workflows, ofAnOlderApi()].map(buyer));
  return async () => {
    stopped.abort();
    await buying;
  };
}

/** The API of a version that told a booking nothing of how it works: it is replaced last. */
function ofAnOlderApi(): TestSystem['workflows'] {
  const { connection, options } = system.temporal;
  const forgetting: WorkflowClientInterceptor = {
    startWithDetails: (input, next) => {
      const [{ booking, terms }] = input.options.args as [BookingWorkflowInput];
      return next({ ...input, options: { ...input.options, args: [{ booking, terms }] } });
    },
  };
  const { namespace } = options;
  return new TemporalWorkflowClient(new Client({ connection, namespace, interceptors: { workflow: [forgetting] } }));
}

/** Its workers come up beside the others, it is made current, the others go. */
async function handOver(
  from: TestProcess,
  { to, leavesBy }: { readonly to: Build; readonly leavesBy: 'SIGTERM' | 'SIGKILL' },
): Promise<TestProcess> {
  const worker = workerOfBuild(system, to);
  await worker.start();
  await makeCurrent(system.temporal, to.buildId);
  await from.kill(leavesBy);
  return worker;
}

const cautious: Build = { buildId: 'next-held-back', heldBack: [PATCH] };
const next: Build = { buildId: 'next' };
/** Up in two steps, the first of which is taken back at first; and the second one in the end. */
const ladder = [
  { to: cautious, leavesBy: 'SIGTERM' },
  { to: first, leavesBy: 'SIGKILL' },
  { to: cautious, leavesBy: 'SIGTERM' },
  { to: next, leavesBy: 'SIGTERM' },
  { to: cautious, leavesBy: 'SIGKILL' },
] as const;

let nextCode: string | undefined;
const running: TestProcess[] = [];

beforeAll(async () => {
  nextCode = await changedCode(changes);
  await makeCurrent(system.temporal, first.buildId);
  const stopBuying = buyAllTheWhile();
  let worker = system.workers[0]!;
  let current: Build = first;
  let underWay: Begun[] = [];
  const ending: Promise<unknown>[] = [];
  for (const { to, leavesBy } of ladder) {
    const further = await begin(current);
    const code = to === first ? undefined : nextCode;
    worker = await handOver(worker, { to: { ...to, ...(code && { code }) }, leavesBy });
    running.push(worker);
    current = to;
    // Half of it goes through one more hand-over.
    const isAtItsEnd = (_: Begun, index: number) => index % 2 === 0;
    ending.push(endAll([...underWay, ...further.filter(isAtItsEnd)], current));
    underWay = further.filter((each, index) => !isAtItsEnd(each, index));
  }
  await Promise.all([...ending, endAll(underWay, current)]);
  await stopBuying();
}, UPGRADE_MS);

afterAll(async () => {
  await Promise.all(running.map((worker) => worker.kill()));
  if (nextCode !== undefined) await rm(nextCode, { recursive: true, force: true });
});

test('what was under way ends as it should, whichever builds it has gone through', () => {
  expect(ended).toHaveLength(scenes.length * ladder.length);
  expect(ended.filter((each) => each.ended !== each.ends)).toEqual([]);
});

test('buyers are answered in time all the while', () => {
  expect(purchases.length).toBeGreaterThan(100);
  expect(purchases.filter(({ outcome }) => outcome !== 'confirmed')).toEqual([]);
  expect(Math.max(...answeredAfterMs)).toBeLessThan(ANSWERED_WITHIN_MS);
});

test('no task of any workflow has failed, and so none has asked for something else than its history tells', async () => {
  expect((await tales()).flatMap(({ failures }) => failures)).toEqual([]);
});

test('workflows go from build to build and back, and begin what is new on the last of them alone', async () => {
  const all = await tales();
  // The newest run comes first; a run that goes on on the build of the one before is no step of the ladder.
  const runsOfOldestShow = all.filter(({ workflowId }) => workflowId === showWorkflowId(shows[0]!.id)).toReversed();
  const builds = runsOfOldestShow.flatMap((run) => run.builds);
  const ladderOfBuilds = [first, ...ladder.map(({ to }) => to)].map(({ buildId }) => buildId);
  expect(builds.filter((build, at) => build !== builds[at - 1])).toEqual(ladderOfBuilds);
  const crossed = all.filter((run) => run.builds.length > 1).map(({ workflowId }) => workflowId);
  const handedOver = ended.filter(({ waits, begunOn, endedOn }) => waits && begunOn !== endedOn);
  expect(handedOver.length).toBeGreaterThan(3 * ladder.length);
  expect(handedOver.filter(({ workflowId }) => !crossed.includes(workflowId))).toEqual([]);
  const changed = all.filter(({ patchedBy }) => patchedBy.length > 0);
  expect(new Set(changed.flatMap(({ patchedBy }) => patchedBy))).toEqual(new Set([next.buildId]));
  expect(changed.map(({ type }) => type)).toEqual(
    expect.arrayContaining(['showWorkflow', 'bookingWorkflow', 'bookingChangeWorkflow']),
  );
});

test('all records agree', async () => {
  await expectChainsToAgree(system, shows);
  expect(await workerDeployment(system.temporal)).toMatchObject({ current: 'next-held-back', ramping: null });
});

interface Tale {
  readonly workflowId: string;
  readonly type: string;
  /** That have done its tasks, as they followed each other. */
  readonly builds: readonly string[];
  /** Builds that have begun what is new. */
  readonly patchedBy: readonly string[];
  /** Why tasks of it have failed. */
  readonly failures: readonly string[];
}

/** Of all workflows that there are, as their histories tell it. */
async function tales(): Promise<readonly Tale[]> {
  const told: Promise<Tale>[] = [];
  for await (const { workflowId, runId, type } of system.temporal.workflow.list()) {
    told.push(taleOf({ workflowId, runId, type }));
    if (told.length % HISTORIES_AT_ONCE === 0) await Promise.all(told);
  }
  return Promise.all(told);
}

async function taleOf(of: {
  readonly workflowId: string;
  readonly runId: string;
  readonly type: string;
}): Promise<Tale> {
  const { workflowId, runId, type } = of;
  const { events } = await system.temporal.workflow.getHandle(workflowId, runId).fetchHistory();
  const builds = (events ?? []).flatMap(
    (event) => event.workflowTaskCompletedEventAttributes?.deploymentVersion?.buildId ?? [],
  );
  const isOfPatch = ({ data }: { readonly data?: Uint8Array | null }) => Buffer.from(data!).toString().includes(PATCH);
  const patchedBy = (events ?? []).flatMap(({ markerRecordedEventAttributes: marker }) => {
    const patches = marker?.markerName === 'core_patch' ? (marker.details?.['patch-data']?.payloads ?? []) : [];
    if (!patches.some(isOfPatch)) return [];
    const task = events?.find(({ eventId }) => String(eventId) === String(marker!.workflowTaskCompletedEventId));
    return [task?.workflowTaskCompletedEventAttributes?.deploymentVersion?.buildId ?? 'none'];
  });
  return {
    workflowId,
    type,
    builds: builds.filter((buildId, index) => buildId !== builds[index - 1]),
    patchedBy,
    failures: (events ?? [])
      .flatMap(({ workflowTaskFailedEventAttributes: failed }) => failed?.failure?.message ?? [])
      .filter((message) => message !== HEARD_SOMETHING_MORE)
      .map((message) => `${workflowId}: ${message}`),
  };
}
