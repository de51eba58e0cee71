import { sql } from 'kysely';
import { setTimeout as delay } from 'node:timers/promises';
import type { SeatMapProjector } from '../../src/contracts/seat-map-projector.ts';
import {
  CHANGED_SEATS_MAX,
  type ProjectingSender,
  type SeatCommandsAnswer,
  type SeatCommandsArgs,
  showMessages,
  UPDATES_PER_RUN_MAX,
} from '../../src/contracts/show-messages.ts';
import { showWorkflowId } from '../../src/contracts/workflow-ids.ts';
import type { SeatCommand } from '../../src/domain/seat-commands.ts';
import { newId } from '../../src/platform/ids.ts';
import { PacedSeatMapProjector } from '../../src/live/paced-seat-map-projector.ts';
import { loadSeatMap } from '../../src/read-model/seat-maps.ts';
import type { Show } from '../../src/read-model/shows.ts';
import { eventually } from '../setup/eventually.ts';
import { openShow, rowsOfSeats, statusesOf, viewOf } from '../setup/shows.ts';
import { TemporalWorkflowClient } from '../../temporal/workflow-client.ts';
import { useTestSystem } from '../setup/system.ts';
import { untilKnown } from '../setup/until-known.ts';

const system = useTestSystem();

const hold = (seats: readonly number[], bookingId = newId('bkg')): SeatCommand => ({
  kind: 'hold',
  bookingId,
  fingerprint: 'one',
  buyerId: 'usr',
  ttlMs: 60_000,
  pick: { seats },
});

const log = { warn: () => undefined };
const projectors: PacedSeatMapProjector[] = [];
afterEach(async () => {
  await Promise.all(projectors.splice(0).map((projector) => projector.close()));
});

/** As API and worker processes send commands: what the show answers they project. */
function newSender(): TemporalWorkflowClient {
  const seatMapProjector = new PacedSeatMapProjector(system.db, log);
  projectors.push(seatMapProjector);
  return new TemporalWorkflowClient(system.temporal, { seatMapProjector, seatCommandLingerMaxMs: 0 });
}

/** As one whose process dies with every answer. */
const newForgetfulSender = (): TemporalWorkflowClient => {
  const seatMapProjector: SeatMapProjector = { projectedVersion: () => null, project: () => undefined };
  return new TemporalWorkflowClient(system.temporal, { seatMapProjector, seatCommandLingerMaxMs: 0 });
};

async function projectionsOf(show: Show): Promise<number> {
  const { events } = await system.temporal.workflow.getHandle(showWorkflowId(show.id)).fetchHistory();
  return events!.filter((event) => event.activityTaskScheduledEventAttributes).length;
}

/** Resolves when the row shows what the show's workflow says now. */
async function untilProjected(show: Show): Promise<void> {
  const statuses = await statusesOf(system, show.id);
  await eventually(async () => expect((await loadSeatMap(system.db, show.id))?.statuses).toBe(statuses));
}

/** Of the ten updates that Temporal takes of a workflow at once. */
const SENDERS = 8;
/** A few more than a show takes before it goes on in a new run. */
const UPDATES_PER_RUN = UPDATES_PER_RUN_MAX + 38;

/** One seat after the other, from several sides, for a while. */
async function keepBusy(show: Show, forMs: number, workflows = system.workflows): Promise<void> {
  const untilMs = Date.now() + forMs;
  const lane = async (row: number) => {
    while (Date.now() < untilMs) {
      await holdAndRelease(workflows, show, [row * 10, row * 10 + 1]);
    }
  };
  await Promise.all([0, 1, 2, 3].map(lane));
}

/** Whatever becomes of workers meanwhile. */
async function holdAndRelease(workflows: TemporalWorkflowClient, show: Show, seats: readonly number[]): Promise<void> {
  const bookingId = newId('bkg');
  await untilKnown(() => workflows.seatCommand(show.id, hold(seats, bookingId)));
  await untilKnown(() => workflows.seatCommand(show.id, { kind: 'release', bookingId }));
}

const whoProjects = [
  ['the show', () => system.workflows],
  ['who has sent it', newSender],
] as const;

test.each(whoProjects)('%s projects a change within half a second, as a rule', async (_, sender) => {
  const show = await openShow(system);
  const workflows = sender();
  const lags: number[] = [];
  for (let seat = 0; seat < 40; seat += 2) {
    await workflows.seatCommand(show.id, hold([seat, seat + 1]));
    const changedAtMs = Date.now();
    await eventually(async () => expect((await loadSeatMap(system.db, show.id))?.statuses[seat]).toBe('h'));
    lags.push(Date.now() - changedAtMs);
  }
  const half = lags.sort((a, b) => a - b)[lags.length / 2]!;
  expect(half).toBeLessThan(500);
});

test('readers never see an older version, and at most one projection runs at a time', async () => {
  const show = await openShow(system);
  const handle = system.temporal.workflow.getHandle(`show/${show.id}`);
  const versions: number[] = [];
  const inFlight: number[] = [];
  let busy = true;
  const watch = (async () => {
    while (busy) {
      versions.push((await loadSeatMap(system.db, show.id))!.version);
      inFlight.push(((await handle.describe()).raw.pendingActivities ?? []).length);
    }
  })();
  await keepBusy(show, 2_000);
  busy = false;
  await watch;
  expect(versions).toEqual([...versions].sort((a, b) => a - b));
  expect(new Set(versions).size).toBeGreaterThan(3);
  expect(Math.max(...inFlight)).toBe(1);
  await untilProjected(show);
});

test('a show costs a bounded number of projections a second, however many changes it has', async () => {
  const show = await openShow(system);
  await keepBusy(show, 2_000);
  await untilProjected(show);
  expect(await projectionsOf(show)).toBeLessThanOrEqual(14);
});

describe('senders project what their batches change', () => {
  /** So often the show looks for what was there already when it looked last. */
  const LOOKS_EVERY_MS = 1_000;

  /** For some looks, in one run: the next one would begin with a projection of its own. */
  async function sellSlowly(show: Show, senders: readonly TemporalWorkflowClient[]): Promise<void> {
    const untilMs = Date.now() + 6 * LOOKS_EVERY_MS;
    const sell = async (sender: TemporalWorkflowClient, row: number) => {
      while (Date.now() < untilMs) {
        await holdAndRelease(sender, show, [row * 10, row * 10 + 1]);
        await delay(150);
      }
    };
    await Promise.all(senders.map(sell));
  }

  /** One batch as somebody sends it, and the answer as it comes. */
  const send = (show: Show, commands: readonly SeatCommand[], sender?: ProjectingSender) =>
    system.temporal.workflow
      .getHandle(showWorkflowId(show.id))
      .executeUpdate<SeatCommandsAnswer, SeatCommandsArgs>(showMessages.seatCommands, {
        args: sender ? [commands, sender] : [commands],
      });

  test('and the show does nothing but look after the last one', async () => {
    const show = await openShow(system);
    await sellSlowly(show, [newSender(), newSender()]);
    // Not one a look: a stroke of the machine's may keep a sender from telling for as long.
    expect(await projectionsOf(show)).toBeLessThanOrEqual(1);
    await untilProjected(show);
    await delay(2.5 * LOOKS_EVERY_MS);
    expect(await projectionsOf(show)).toBeLessThanOrEqual(2);
    const { version } = (await loadSeatMap(system.db, show.id))!;
    expect((await viewOf(system, show.id)).version).toBe(version);
  });

  test('what one of them leaves behind, the show projects', async () => {
    const show = await openShow(system);
    await newForgetfulSender().seatCommand(show.id, hold([0, 1]));
    const heldAtMs = Date.now();
    await eventually(async () => expect((await loadSeatMap(system.db, show.id))!.statuses[0]).toBe('h'));
    const lagMs = Date.now() - heldAtMs;
    expect(lagMs).toBeGreaterThan(LOOKS_EVERY_MS / 2);
    expect(lagMs).toBeLessThan(3 * LOOKS_EVERY_MS);
    expect(await projectionsOf(show)).toBe(1);
  });

  test('what all of them leave behind in a storm, the show projects, a few times only', async () => {
    const show = await openShow(system);
    const begunAtMs = Date.now();
    await sellSlowly(show, [newForgetfulSender(), newForgetfulSender()]);
    await untilProjected(show);
    expect(await projectionsOf(show)).toBeGreaterThanOrEqual(2);
    expect(await projectionsOf(show)).toBeLessThanOrEqual((Date.now() - begunAtMs) / LOOKS_EVERY_MS + 1);
  });

  test('what is left behind at the end of a show is projected before it ends, whatever still comes', async () => {
    const inMs = (ms: number) => ({ startsInMs: ms - 1, salesCloseInMs: ms - 1, endsInMs: ms });
    const show = await openShow(system, inMs(3_000));
    const handle = system.temporal.workflow.getHandle(showWorkflowId(show.id));
    const sender = newForgetfulSender();
    const block = (seat: number) => sender.seatCommand(show.id, { kind: 'block', seats: [seat], reason: 'camera' });
    await away(async () => {
      await block(0);
      await delay(show.endsAtMs - Date.now() + 500);
      await block(5);
    });
    await handle.result();
    expect((await loadSeatMap(system.db, show.id))!.statuses.slice(0, 6)).toBe('xaaaax');
  });

  test('what is left behind by a run is projected by the next one', async () => {
    const show = await openShow(system);
    const handle = system.temporal.workflow.getHandle(showWorkflowId(show.id));
    const { runId } = await handle.describe();
    const sender = newForgetfulSender();
    for (let update = 0; update < UPDATES_PER_RUN_MAX; update += 2) await holdAndRelease(sender, show, [0, 1]);
    await eventually(async () => expect((await handle.describe()).runId).not.toBe(runId));
    const { version } = await viewOf(system, show.id);
    await eventually(async () => expect((await loadSeatMap(system.db, show.id))?.version).toBe(version));
  });

  test('a look that finds nothing to do leaves a trace of its task', async () => {
    const show = await openShow(system);
    const bookingId = newId('bkg');
    await send(show, [hold([0, 1], bookingId)], { projectedVersion: 0 });
    // Changes nothing but the order of what may still come. That the row is written is only told here: how long it takes is no
    // matter of the look's, which would project what it has not been told of in time.
    await send(show, [{ kind: 'swap', bookingId, seats: [0, 1], askedAtMs: Date.now() }], { projectedVersion: 1 });
    await eventually(async () => {
      const { events } = await system.temporal.workflow.getHandle(showWorkflowId(show.id)).fetchHistory();
      const looked = events!.findIndex((event) => event.timerFiredEventAttributes);
      expect(looked).toBeGreaterThan(0);
      expect(events!.slice(looked).filter((event) => event.timerStartedEventAttributes)).toHaveLength(1);
    });
    expect(await projectionsOf(show)).toBe(0);
  });

  const away = async (act: () => Promise<unknown>): Promise<void> => {
    await sql`alter table seat_map_snapshots rename to seat_map_snapshots_away`.execute(system.db);
    try {
      await act();
    } finally {
      await sql`alter table seat_map_snapshots_away rename to seat_map_snapshots`.execute(system.db);
    }
  };

  test('an answer names what has changed since the version that the sender has told, and no more', async () => {
    const show = await openShow(system);
    const changedBy = async (seats: readonly number[], projectedVersion: number | null) =>
      (await send(show, [hold(seats)], { projectedVersion })).changed;
    // So that the show's own looks can't change what is projected.
    await away(async () => {
      expect(await changedBy([0, 1], null)).toMatchObject({ fromVersion: 0, seats: [['h', [0, 1]]] });
      expect(await changedBy([10], null)).toMatchObject({ fromVersion: 0, seats: [['h', [0, 1, 10]]] });
      expect(await changedBy([20], 2)).toMatchObject({ fromVersion: 2, seats: [['h', [20]]] });
      // Another life's: no row can have the version that this batch makes, or a later one.
      expect(await changedBy([30], 4)).toMatchObject({ fromVersion: 2, seats: [['h', [20, 30]]] });
      expect((await send(show, [hold([40])])).changed).toBeUndefined();
    });
    await untilProjected(show);
  });

  test('more seats than an answer may name are projected by the show at once', async () => {
    const show = await openShow(system, { plan: rowsOfSeats(30, 10) });
    const all = Array.from({ length: CHANGED_SEATS_MAX + 1 }, (_, seat) => seat);
    const most = await send(show, [{ kind: 'block', seats: all.slice(1), reason: 'camera' }], { projectedVersion: 0 });
    expect(most.changed?.seats).toEqual([['x', all.slice(1)]]);
    const more = await send(show, [{ kind: 'block', seats: all, reason: 'camera' }], { projectedVersion: 0 });
    expect(more.changed).toBeUndefined();
    await eventually(async () => expect(await projectionsOf(show)).toBeGreaterThanOrEqual(1));
    await untilProjected(show);
  });
});

describe.each(whoProjects)('the read model catches up by itself, where %s projects', (_, sender) => {
  test('after Postgres has answered errors for a while', async () => {
    const show = await openShow(system);
    const workflows = sender();
    await sql`alter table seat_map_snapshots rename to seat_map_snapshots_away`.execute(system.db);
    await keepBusy(show, 500, workflows);
    await workflows.seatCommand(show.id, hold([4, 5]));
    await sql`alter table seat_map_snapshots_away rename to seat_map_snapshots`.execute(system.db);
    await untilProjected(show);
  });

  test('after its connections were cut', async () => {
    const show = await openShow(system);
    const workflows = sender();
    const cut = sql`select pg_terminate_backend(pid) from pg_stat_activity
      where datname = current_database() and pid <> pg_backend_pid()`;
    const busy = keepBusy(show, 1_000, workflows);
    for (let time = 0; time < 5; time++) await cut.execute(system.db).catch(() => undefined);
    await busy;
    await workflows.seatCommand(show.id, hold([4, 5]));
    await untilProjected(show);
  });

  test('after its row was lost: it is written anew, all of it', async () => {
    const show = await openShow(system);
    const workflows = sender();
    await workflows.seatCommand(show.id, hold([0, 1]));
    await untilProjected(show);
    await system.db.deleteFrom('seat_map_snapshots').where('show_id', '=', show.id).execute();
    await workflows.seatCommand(show.id, hold([4, 5]));
    await untilProjected(show);
  });

  test('after the worker was killed with a projection under way', async () => {
    const show = await openShow(system);
    const workflows = sender();
    const busy = keepBusy(show, 1_000, workflows);
    await eventually(async () => expect((await loadSeatMap(system.db, show.id))!.version).toBeGreaterThan(0));
    await system.workers[0]!.kill('SIGKILL');
    await system.workers[0]!.start();
    await busy;
    const last = hold([4, 5]);
    await untilKnown(() => workflows.seatCommand(show.id, last));
    await untilProjected(show);
  });
});

test('a show goes on selling, run after run, while Postgres is away', async () => {
  const show = await openShow(system, { plan: rowsOfSeats(30, 20) });
  const handle = system.temporal.workflow.getHandle(`show/${show.id}`);
  const { runId } = await handle.describe();
  await sql`alter table seat_map_snapshots rename to seat_map_snapshots_away`.execute(system.db);
  try {
    const senders = Array.from(
      { length: SENDERS },
      () => new TemporalWorkflowClient(system.temporal, { seatCommandLingerMaxMs: 0 }),
    );
    await Promise.all(
      senders.map(async (sender, row) => {
        for (let update = 0; update < UPDATES_PER_RUN / SENDERS; update += 2) {
          await holdAndRelease(sender, show, [row * 20, row * 20 + 1]);
        }
      }),
    );
    await eventually(async () => expect((await handle.describe()).runId).not.toBe(runId));
  } finally {
    await sql`alter table seat_map_snapshots_away rename to seat_map_snapshots`.execute(system.db);
  }
  await system.workflows.seatCommand(show.id, hold([4, 5]));
  await untilProjected(show);
});
