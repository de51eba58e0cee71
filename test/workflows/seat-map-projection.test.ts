import { sql } from 'kysely';
import { UPDATES_PER_RUN_MAX } from '../../src/contracts/show-messages.ts';
import type { SeatCommand } from '../../src/domain/seat-commands.ts';
import { newId } from '../../src/platform/ids.ts';
import { loadSeatMap } from '../../src/read-model/seat-maps.ts';
import type { Show } from '../../src/read-model/shows.ts';
import { eventually } from '../setup/eventually.ts';
import { openShow, rowsOfSeats, statusesOf } from '../setup/shows.ts';
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
async function keepBusy(show: Show, forMs: number): Promise<void> {
  const untilMs = Date.now() + forMs;
  const lane = async (row: number) => {
    while (Date.now() < untilMs) {
      await holdAndRelease(system.workflows, show, [row * 10, row * 10 + 1]);
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

test('a change reaches readers within half a second, as a rule', async () => {
  const show = await openShow(system);
  const lags: number[] = [];
  for (let seat = 0; seat < 40; seat += 2) {
    await system.workflows.seatCommand(show.id, hold([seat, seat + 1]));
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
  const { events } = await system.temporal.workflow.getHandle(`show/${show.id}`).fetchHistory();
  const projections = events!.filter((event) => event.activityTaskScheduledEventAttributes);
  expect(projections.length).toBeLessThanOrEqual(14);
});

describe('the read model catches up by itself', () => {
  test('after Postgres has answered errors for a while', async () => {
    const show = await openShow(system);
    await sql`alter table seat_map_snapshots rename to seat_map_snapshots_away`.execute(system.db);
    await keepBusy(show, 500);
    await system.workflows.seatCommand(show.id, hold([4, 5]));
    await sql`alter table seat_map_snapshots_away rename to seat_map_snapshots`.execute(system.db);
    await untilProjected(show);
  });

  test('after its connections were cut', async () => {
    const show = await openShow(system);
    const cut = sql`select pg_terminate_backend(pid) from pg_stat_activity
      where datname = current_database() and pid <> pg_backend_pid()`;
    const busy = keepBusy(show, 1_000);
    for (let time = 0; time < 5; time++) await cut.execute(system.db).catch(() => undefined);
    await busy;
    await system.workflows.seatCommand(show.id, hold([4, 5]));
    await untilProjected(show);
  });

  test('after its row was lost: it is written anew, all of it', async () => {
    const show = await openShow(system);
    await system.workflows.seatCommand(show.id, hold([0, 1]));
    await untilProjected(show);
    await system.db.deleteFrom('seat_map_snapshots').where('show_id', '=', show.id).execute();
    await system.workflows.seatCommand(show.id, hold([4, 5]));
    await untilProjected(show);
  });

  test('after the worker was killed with a projection under way', async () => {
    const show = await openShow(system);
    const busy = keepBusy(show, 1_000);
    await eventually(async () => expect((await loadSeatMap(system.db, show.id))!.version).toBeGreaterThan(0));
    await system.workers[0]!.kill('SIGKILL');
    await system.workers[0]!.start();
    await busy;
    const last = hold([4, 5]);
    await untilKnown(() => system.workflows.seatCommand(show.id, last));
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
