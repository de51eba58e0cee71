import { sql } from 'kysely';
import { setTimeout as delay } from 'node:timers/promises';
import type { SeatMapDelta } from '../../src/contracts/show-messages.ts';
import { PacedSeatMapProjector } from '../../src/live/paced-seat-map-projector.ts';
import { loadSeatMap } from '../../src/read-model/seat-maps.ts';
import { eventually } from '../setup/eventually.ts';
import { useTestDatabase } from '../setup/postgres.ts';
import { insertSomeShow } from '../read-model/catalogue-of-tests.ts';

const test = useTestDatabase();
const SEATS = 12;
/** Of the projector: two writes of one show are that far apart. */
const PACE_MS = 200;

const said: string[] = [];
const log = { warn: (_: unknown, message?: string) => said.push(message!) };
const projectors: PacedSeatMapProjector[] = [];
afterEach(async () => {
  said.length = 0;
  await Promise.all(projectors.splice(0).map((projector) => projector.close()));
});

function newProjector(lingerMs?: number): PacedSeatMapProjector {
  const projector = new PacedSeatMapProjector(test.db, log, lingerMs);
  projectors.push(projector);
  return projector;
}

const newShow = async () => (await insertSomeShow(test.db, { seatCount: SEATS })).showId;
const stored = async (showId: string) => (await loadSeatMap(test.db, showId))!;

/** Seat `toVersion` of the map becomes held. */
const delta = (showId: string, fromVersion: number, toVersion: number): SeatMapDelta => ({
  showId,
  fromVersion,
  toVersion,
  asOfMs: 1_000_000 + toVersion,
  change: { seats: [[toVersion, 'h']] },
});

const untilAt = (showId: string, version: number, withinMs?: number) =>
  eventually(async () => expect((await stored(showId)).version).toBe(version), withinMs);

it('writes a lone change at once, and knows the version from then on', async () => {
  const projector = newProjector();
  const showId = await newShow();
  expect(projector.projectedVersion(showId)).toBeNull();
  projector.project(delta(showId, 0, 1));
  await untilAt(showId, 1, PACE_MS - 50);
  await eventually(() => expect(projector.projectedVersion(showId)).toBe(1));
  expect((await stored(showId)).statuses).toBe('ahaaaaaaaaaa');
});

it('writes of a storm the newest, five times a second', async () => {
  const projector = newProjector();
  const showId = await newShow();
  const versions = new Set<number>();
  const watch = async () => versions.add((await stored(showId)).version);
  const begunAtMs = Date.now();
  let version = 0;
  while (Date.now() - begunAtMs < 1_000) {
    version += 1;
    projector.project({ ...delta(showId, 0, version), change: { seats: [[version % SEATS, 'h']] } });
    await watch();
    await delay(1);
  }
  await untilAt(showId, version);
  versions.add(version).delete(0);
  expect(versions.size).toBeLessThanOrEqual((Date.now() - begunAtMs) / PACE_MS + 2);
  expect(versions.size).toBeGreaterThan(2);
});

it('goes by what others have written meanwhile', async () => {
  const [one, other] = [newProjector(), newProjector()];
  const showId = await newShow();
  one.project(delta(showId, 0, 4));
  await untilAt(showId, 4);
  other.project(delta(showId, 0, 3));
  await eventually(() => expect(other.projectedVersion(showId)).toBe(4));
  expect((await stored(showId)).version).toBe(4);
});

it('leaves a delta that begins after the row to the show, and knows no version then', async () => {
  const projector = newProjector();
  const showId = await newShow();
  projector.project(delta(showId, 0, 2));
  await eventually(() => expect(projector.projectedVersion(showId)).toBe(2));
  await test.db.updateTable('seat_map_snapshots').set({ version: 1 }).where('show_id', '=', showId).execute();
  projector.project(delta(showId, 2, 3));
  await eventually(() => expect(projector.projectedVersion(showId)).toBeNull());
  expect((await stored(showId)).version).toBe(1);
});

it('looks at the row anew when a show tells of an older version than the one that was written', async () => {
  const projector = newProjector();
  const showId = await newShow();
  projector.project(delta(showId, 0, 5));
  await eventually(() => expect(projector.projectedVersion(showId)).toBe(5));
  // Show and row have been brought back to an older state, the process lives on.
  await test.db.updateTable('seat_map_snapshots').set({ version: 2 }).where('show_id', '=', showId).execute();
  projector.project(delta(showId, 2, 3));
  await eventually(() => expect(projector.projectedVersion(showId)).toBe(3));
  expect((await stored(showId)).version).toBe(3);
});

it('waits with a change for others, if it is to linger', async () => {
  const LINGER_MS = 400;
  const projector = newProjector(LINGER_MS);
  const showId = await newShow();
  const begunAtMs = Date.now();
  projector.project(delta(showId, 0, 1));
  projector.project(delta(showId, 0, 2));
  await untilAt(showId, 2);
  expect(Date.now() - begunAtMs).toBeGreaterThanOrEqual(LINGER_MS - 10);
});

it('says once in a minute that the database refuses, and goes on', async () => {
  const projector = newProjector();
  const showIds = await Promise.all([newShow(), newShow(), newShow()]);
  await sql`alter table seat_map_snapshots rename to seat_map_snapshots_away`.execute(test.db);
  try {
    for (const showId of showIds) projector.project(delta(showId, 0, 1));
    await delay(PACE_MS * 2);
    expect(said).toEqual(['a seat map could not be written: its show will do it']);
  } finally {
    await sql`alter table seat_map_snapshots_away rename to seat_map_snapshots`.execute(test.db);
  }
  for (const showId of showIds) projector.project(delta(showId, 0, 2));
  for (const showId of showIds) await untilAt(showId, 2);
  expect(said).toHaveLength(1);
});

it('writes before it is closed what has come, and nothing after that', async () => {
  const projector = newProjector();
  const showId = await newShow();
  for (const version of [1, 2, 3]) projector.project(delta(showId, 0, version));
  const begunAtMs = Date.now();
  await projector.close();
  expect((await stored(showId)).version).toBe(3);
  expect(Date.now() - begunAtMs).toBeLessThan(PACE_MS);
  projector.project(delta(showId, 0, 4));
  await delay(50);
  expect((await stored(showId)).version).toBe(3);
});

it('takes on a thousand shows at once, and leaves the others to themselves', async () => {
  const projector = newProjector();
  const [first, late] = [await newShow(), await newShow()];
  projector.project(delta(first, 0, 1));
  for (let other = 1; other < 1_000; other++) projector.project(delta(`shw_${other}`, 0, 1));
  projector.project(delta(late, 0, 1));
  await untilAt(first, 1);
  await projector.close();
  expect((await stored(late)).version).toBe(0);
});
