import { sql } from 'kysely';
import { showWorkflowId } from '../../src/contracts/workflow-ids.ts';
import { newId } from '../../src/platform/ids.ts';
import { eventually } from '../setup/eventually.ts';
import { openShow } from '../setup/shows.ts';
import { useTestSystem } from '../setup/system.ts';
import { untilKnown } from '../setup/until-known.ts';

const system = useTestSystem();

/** Its release, after two changes have reached Postgres or have not, comes before its timer. */
const HOLD_MS = 10_000;

const hold = (showId: string, seats: readonly number[], ttlMs = 60_000, bookingId = newId('bkg')) =>
  untilKnown(() =>
    system.workflows.seatCommand(showId, {
      kind: 'hold',
      bookingId,
      fingerprint: 'one',
      buyerId: 'usr',
      ttlMs,
      pick: { seats },
    }),
  );

const eventsOf = async (showId: string) =>
  (await system.temporal.workflow.getHandle(showWorkflowId(showId)).fetchHistory()).events!;

type Happening = 'timerFiredEventAttributes' | 'activityTaskCompletedEventAttributes';

const countOf = async (showId: string, happening: Happening) =>
  (await eventsOf(showId)).filter((event) => event[happening]).length;

/** Until it has happened so often, and the task that hears of it has been completed. */
const untilHeard = (showId: string, happening: Happening, times: number, withinMs?: number) =>
  eventually(async () => {
    expect(await countOf(showId, happening)).toBe(times);
    const events = await eventsOf(showId);
    const last = events.findLastIndex((event) => event[happening]);
    expect(events.slice(last).some((event) => event.workflowTaskCompletedEventAttributes)).toBe(true);
  }, withinMs);

async function killWorker(): Promise<void> {
  await system.workers[0]!.kill('SIGKILL');
  await system.workers[0]!.start();
}

/**
 * Two tasks in a row in which nothing was to be done: a timer whose hold has gone, and a projection after which nothing has
 * changed. Who loses the show then takes the second one together with the update that comes next, and whoever replays that
 * takes them one by one: https://github.com/temporalio/sdk-rust/issues/1146.
 */
test('a show whose worker died after tasks with nothing to do goes on, whoever replays it', async () => {
  const show = await openShow(system);
  const released = newId('bkg');
  await hold(show.id, [0, 1], HOLD_MS, released);
  await untilHeard(show.id, 'activityTaskCompletedEventAttributes', 1);
  await sql`alter table seat_map_snapshots rename to seat_map_snapshots_away`.execute(system.db);
  try {
    await system.workflows.seatCommand(show.id, { kind: 'release', bookingId: released });
    await untilHeard(show.id, 'timerFiredEventAttributes', 1, 2 * HOLD_MS);
  } finally {
    await sql`alter table seat_map_snapshots_away rename to seat_map_snapshots`.execute(system.db);
  }
  await untilHeard(show.id, 'activityTaskCompletedEventAttributes', 2);
  await killWorker();
  expect(await hold(show.id, [4, 5])).toMatchObject({ ok: true });
  await killWorker();
  expect(await hold(show.id, [8, 9])).toMatchObject({ ok: true });
}, 60_000);
