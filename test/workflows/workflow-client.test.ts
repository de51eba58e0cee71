import { setImmediate as turnOfTheLoop, setTimeout as delay } from 'node:timers/promises';
import { showWorkflowInput } from '../../src/contracts/show-start.ts';
import {
  OutcomeUnknownError,
  WorkflowBusyError,
  WorkflowFailedError,
  WorkflowUnavailableError,
} from '../../src/contracts/workflow-client.ts';
import { taskQueues } from '../../src/contracts/workflow-ids.ts';
import type { SeatCommand } from '../../src/domain/seat-commands.ts';
import { seatLayout } from '../../src/domain/seat-layout.ts';
import { newId } from '../../src/platform/ids.ts';
import { connectClient } from '../../temporal/connection.ts';
import { TemporalWorkflowClient } from '../../temporal/workflow-client.ts';
import { linkTo } from '../api/severable-link.ts';
import { eventually } from '../setup/eventually.ts';
import { openShow, rowsOfSeats } from '../setup/shows.ts';
import { useTestSystem } from '../setup/system.ts';
import { untilKnown } from '../setup/until-known.ts';

const system = useTestSystem();

const hold = (seat: number) =>
  ({
    kind: 'hold',
    bookingId: newId('bkg'),
    fingerprint: 'of this body',
    buyerId: newId('usr'),
    ttlMs: 60_000,
    pick: { seats: [seat] },
  }) as const satisfies SeatCommand;

/** As `WorkflowClient` gives up. */
const ANSWER_WITHIN_MS = 10_000;
/** As many commands as one update of a show may carry. */
const BATCH_MAX = 256;

describe('seat commands to a show that does not answer', () => {
  afterEach(() => system.workers[0]!.signal('SIGCONT'));

  test('each is given up at its own time; those that still wait are answered when it does', async () => {
    const show = await openShow(system);
    const sizes: number[] = [];
    const workflows = new TemporalWorkflowClient(system.temporal, {
      observeBatch: ({ commands }) => sizes.push(commands),
    });
    const outcome = (seat: number) => workflows.seatCommand(show.id, hold(seat)).catch((error: unknown) => error);
    const first = hold(0);
    await untilKnown(() => workflows.seatCommand(show.id, first));
    sizes.length = 0;
    system.workers[0]!.signal('SIGSTOP');
    const inFlight = outcome(1);
    await delay(1_000);
    const early = outcome(2);
    expect(await Promise.race([inFlight, early])).toBeInstanceOf(OutcomeUnknownError);
    const late = outcome(4);
    // Its time comes before the show answers, and before that of the one behind it.
    expect(await early).toBeInstanceOf(WorkflowBusyError);
    expect(await Promise.race([late, turnOfTheLoop('waits')])).toBe('waits');
    system.workers[0]!.signal('SIGCONT');
    expect(await late).toMatchObject({ ok: true, seats: [4] });
    // What was in flight was asked after until it was answered: nothing else was sent meanwhile.
    expect(sizes).toEqual([1, 1]);
  }, 60_000);

  test('those that were never sent are told that nothing was done', async () => {
    const show = await openShow(system, { plan: rowsOfSeats(30, 10) });
    const first = hold(0);
    await untilKnown(() => system.workflows.seatCommand(show.id, first));
    system.workers[0]!.signal('SIGSTOP');
    const startedAtMs = Date.now();
    const commands = Array.from({ length: BATCH_MAX + 4 }, (_, number) => hold(number + 1));
    const outcomes = await Promise.all(
      commands.map((command) => system.workflows.seatCommand(show.id, command).catch((error: unknown) => error)),
    );
    expect(Date.now() - startedAtMs).toBeLessThan(ANSWER_WITHIN_MS + 2_000);
    const sent = outcomes.filter((each) => each instanceof OutcomeUnknownError);
    const unsent = outcomes.filter((each) => each instanceof WorkflowBusyError);
    expect([sent.length, unsent.length]).toEqual([BATCH_MAX, 4]);
    system.workers[0]!.signal('SIGCONT');
    const answer = await untilKnown(() => system.workflows.seatCommand(show.id, commands.at(-1)!));
    expect(answer).toMatchObject({ ok: true, heldAtMs: expect.any(Number) as number });
    if (answer.ok) expect(answer.heldAtMs).toBeGreaterThan(startedAtMs + ANSWER_WITHIN_MS);
  }, 60_000);
});

test('a refused hold is told who has the seats, and of the map; a refused change, which goes into a history, is not', async () => {
  const show = await openShow(system);
  // Says of every row that it is an empty one, and writes nothing.
  const seatMapProjector = { projectedVersion: () => null, project: () => undefined };
  const workflows = new TemporalWorkflowClient(system.temporal, { seatMapProjector });
  const mine = hold(0);
  await untilKnown(() => workflows.seatCommand(show.id, mine));
  const inVain = await workflows.seatCommand(show.id, hold(0));
  const takenBy = [[0, expect.any(String), expect.any(Number)]];
  expect(inVain).toMatchObject({ refusal: 'SEAT_UNAVAILABLE', takenBy, asOf: { version: 1 } });
  const [, refused] = await Promise.all([
    workflows.seatCommand(show.id, hold(3)),
    workflows.seatCommand(show.id, hold(0)),
  ]);
  const changed = { fromVersion: 0, seats: [['h', [0, 3]]] };
  expect(refused).toMatchObject({ refusal: 'SEAT_UNAVAILABLE', asOf: { version: 2, changed } });
  const swap = { kind: 'swap', bookingId: mine.bookingId, seats: [3], askedAtMs: Date.now() } as const;
  const notSwapped = await workflows.seatCommand(show.id, swap);
  expect(notSwapped).toEqual({ ok: false, refusal: 'SEAT_UNAVAILABLE', conflicts: [[3, 'h']] });
}, 60_000);

describe('a call that no repeat would change', () => {
  const failsAtOnce = async (call: () => Promise<unknown>): Promise<void> => {
    const startedAtMs = Date.now();
    await expect(call()).rejects.toThrow(WorkflowFailedError);
    expect(Date.now() - startedAtMs).toBeLessThan(5_000);
  };
  const limits = { seatsPerBookingMax: 10, seatsPerBuyerMax: 0 };
  const layout = seatLayout(rowsOfSeats(5, 10));

  test('the server refuses it: it fails at once, and is not repeated until time is up', async () => {
    const longerThanAnIdMayBe = 'x'.repeat(2_000);
    const show = { ...(await openShow(system)), id: longerThanAnIdMayBe };
    await failsAtOnce(() => system.workflows.startShow(showWorkflowInput(show, layout, limits)));
  });

  test('the workflow refuses it: the error is one of those that are promised', async () => {
    const show = await openShow(system);
    const bookingId = newId('bkg');
    await system.temporal.workflow.start('showWorkflow', {
      workflowId: `booking/${bookingId}`,
      taskQueue: taskQueues.shows,
      args: [showWorkflowInput(show, layout, limits)],
    });
    await failsAtOnce(() => system.workflows.release(bookingId));
  });
});

describe('a server that is gone when time is up', () => {
  afterEach(() => system.workers[0]!.signal('SIGCONT'));

  async function whileSevered(afterMs: number): Promise<unknown> {
    const [host, port] = system.env.TEMPORAL_ADDRESS!.split(':') as [string, string];
    const link = await linkTo(host, Number(port));
    const namespace = system.env.TEMPORAL_NAMESPACE!;
    const client = await connectClient({ address: `127.0.0.1:${link.port}`, namespace });
    const workflows = new TemporalWorkflowClient(client);
    const show = await openShow(system);
    // By which its watch has begun, and the connection is known to be up.
    const first = hold(0);
    await untilKnown(() => workflows.seatCommand(show.id, first));
    system.workers[0]!.signal('SIGSTOP');
    const command = () => workflows.seatCommand(show.id, hold(1)).catch((error: unknown) => error);
    try {
      if (afterMs === 0) {
        link.sever();
        await expect(client.withDeadline(Date.now() + 200, () => workflows.ping())).rejects.toThrow();
        return await command();
      }
      const outcome = command();
      await delay(afterMs);
      link.sever();
      return await outcome;
    } finally {
      await client.connection.close();
      await link.close();
    }
  }

  test('a command that it may have taken before has no known outcome', async () => {
    expect(await whileSevered(1_000)).toBeInstanceOf(OutcomeUnknownError);
  }, 30_000);

  test('a command that was never sent was not done', async () => {
    expect(await whileSevered(0)).toBeInstanceOf(WorkflowUnavailableError);
  }, 30_000);
});

test('a server that is away is looked for at least once a second, and so found soon after it has come back', async () => {
  const [host, port] = system.env.TEMPORAL_ADDRESS!.split(':') as [string, string];
  const link = await linkTo(host, Number(port));
  const client = await connectClient({ address: `127.0.0.1:${link.port}`, namespace: system.env.TEMPORAL_NAMESPACE! });
  const workflows = new TemporalWorkflowClient(client);
  const ping = () => client.withDeadline(Date.now() + 200, () => workflows.ping());
  try {
    await ping();
    link.sever();
    for (const untilMs = Date.now() + 6_000; Date.now() < untilMs; await delay(50))
      await expect(ping()).rejects.toThrow();
    // By gRPC's own pauses it would be four.
    expect(link.tries).toBeGreaterThanOrEqual(6);
    link.restore();
    await eventually(ping);
  } finally {
    await client.connection.close();
    await link.close();
  }
}, 30_000);
