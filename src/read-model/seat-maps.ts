import { sql } from 'kysely';
import type { ProjectionOutcome, SeatMapDelta } from '../contracts/show-messages.ts';
import type { ReadModel } from './database.ts';

/** A show's seat map as readers see it. */
export interface StoredSeatMap {
  readonly showId: string;
  readonly seatingPlanId: string;
  readonly version: number;
  /** Time of the version. */
  readonly asOfMs: number;
  /** One character a seat in index order: `a`, `h`, `b`, `x`. */
  readonly statuses: string;
}

/** Postgres channel of the notices; the payload is `showId:version`. */
export const SEAT_MAP_CHANNEL = 'seat_maps';

/** Whoever sends to the show writes its row, each a few times a second: it changes under us now and then. */
const TRIES_MAX = 5;

/**
 * Advances a show's row by a delta, never back, and tells the listeners. `gap` asks for the full map: the row is
 * behind the delta's start, or there is none. A delta that the row has passed already is a success.
 */
export async function projectSeatMap(db: ReadModel, delta: SeatMapDelta): Promise<ProjectionOutcome> {
  const outcome = 'full' in delta.change ? await replaceMap(db, delta, delta.change.full) : await patchMap(db, delta);
  // Whoever has written a later version tells of it.
  if (outcome.kind === 'projected' && outcome.version === delta.toVersion)
    await notify(db, delta.showId, outcome.version);
  return outcome;
}

async function replaceMap(db: ReadModel, delta: SeatMapDelta, statuses: string): Promise<ProjectionOutcome> {
  const row = snapshotOf(delta, statuses);
  const written = await db
    .insertInto('seat_map_snapshots')
    .values({ show_id: delta.showId, total: statuses.length, ...row })
    .onConflict((conflict) =>
      conflict.column('show_id').doUpdateSet(row).where('seat_map_snapshots.version', '<', delta.toVersion),
    )
    .returning('version')
    .executeTakeFirst();
  if (written !== undefined) return { kind: 'projected', version: delta.toVersion };
  return { kind: 'projected', version: (await findSnapshot(db, delta.showId))?.version ?? delta.toVersion };
}

async function patchMap(db: ReadModel, delta: SeatMapDelta): Promise<ProjectionOutcome> {
  for (let tries = 0; tries < TRIES_MAX; tries++) {
    const current = await findSnapshot(db, delta.showId);
    if (current === undefined || current.version < delta.fromVersion) return { kind: 'gap' };
    if (current.version >= delta.toVersion) return { kind: 'projected', version: current.version };
    // Only from the version that was read: two projections that cross can't mix, and no lock is held in between.
    const { numUpdatedRows } = await db
      .updateTable('seat_map_snapshots')
      .set(snapshotOf(delta, patched(current.statuses, delta)))
      .where('show_id', '=', delta.showId)
      .where('version', '=', current.version)
      .executeTakeFirst();
    if (numUpdatedRows === 1n) return { kind: 'projected', version: delta.toVersion };
  }
  throw new Error(`the seat map of ${delta.showId} was changed by others ${TRIES_MAX} times in a row`);
}

const findSnapshot = (db: ReadModel, showId: string) =>
  db.selectFrom('seat_map_snapshots').select(['version', 'statuses']).where('show_id', '=', showId).executeTakeFirst();

const snapshotOf = (delta: SeatMapDelta, statuses: string) => ({
  version: delta.toVersion,
  as_of: new Date(delta.asOfMs),
  statuses,
  available: statuses.split('a').length - 1,
});

function patched(statuses: string, { showId, change }: SeatMapDelta): string {
  if ('full' in change) return change.full;
  const seats = Buffer.from(statuses, 'latin1');
  for (const [seat, status] of change.seats) {
    if (!(seat >= 0 && seat < seats.length)) throw new RangeError(`show ${showId} has no seat ${seat}`);
    seats[seat] = status.charCodeAt(0);
  }
  return seats.toString('latin1');
}

/** A statement of its own: commits that notify queue up behind one lock, and the row's must not. */
async function notify(db: ReadModel, showId: string, version: number): Promise<void> {
  await sql`select pg_notify(${SEAT_MAP_CHANNEL}, ${`${showId}:${version}`})`.execute(db);
}

/** Null if there is no such show. A show without changes yet is at version 0, all available. */
export async function loadSeatMap(db: ReadModel, showId: string): Promise<StoredSeatMap | null> {
  const row = await db
    .selectFrom('seat_map_snapshots')
    .innerJoin('shows', 'shows.id', 'seat_map_snapshots.show_id')
    .select(['seat_map_snapshots.version', 'as_of', 'statuses', 'seating_plan_id'])
    .where('show_id', '=', showId)
    .executeTakeFirst();
  if (row === undefined) return null;
  const { version, statuses } = row;
  return { showId, seatingPlanId: row.seating_plan_id, version, asOfMs: row.as_of.getTime(), statuses };
}

/** Versions of these shows' rows; shows that are not there are left out. One statement for all. */
export async function seatMapVersions(db: ReadModel, showIds: readonly string[]): Promise<Map<string, number>> {
  const rows = await db
    .selectFrom('seat_map_snapshots')
    .select(['show_id', 'version'])
    .where('show_id', '=', sql<string>`any(${showIds}::text[])`)
    .execute();
  return new Map(rows.map((row) => [row.show_id, row.version]));
}
