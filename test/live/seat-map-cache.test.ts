import { SeatMapCache } from '../../src/live/seat-map-cache.ts';
import { projectSeatMap } from '../../src/read-model/seat-maps.ts';
import { insertSomeShow } from '../read-model/catalogue-of-tests.ts';
import { eventually } from '../setup/eventually.ts';
import { useTestDatabase } from '../setup/postgres.ts';

const database = useTestDatabase();
const log = { warn: () => undefined, info: () => undefined };
/** More than come between two looks at the versions. */
const VERSIONS = 50;

/** One that no notification reaches: its query of versions alone tells it of changes. */
const deafCache = (nowMs?: () => number) =>
  new SeatMapCache({
    db: database.db,
    databaseUrl: 'postgres://nobody@127.0.0.1:1/nothing',
    log,
    metrics: { healed: () => undefined },
    ...(nowMs && { nowMs }),
  });

test('a map that has been outdated for a while, as nobody asked for it, is not glanced at', async () => {
  const { showId } = await insertSomeShow(database.db, { seatCount: 1 });
  let nowMs = 1_000_000;
  const cache = deafCache(() => nowMs);
  const glanceOnceInAWhile = () => {
    const map = cache.glance(showId);
    nowMs += 10_000;
    return map;
  };
  try {
    await cache.read(showId);
    await projectSeatMap(database.db, {
      showId,
      fromVersion: 0,
      toVersion: 1,
      asOfMs: 1,
      change: { seats: [[0, 'b']] },
    });
    await eventually(() => expect(glanceOnceInAWhile()).toBeNull());
    await eventually(() => expect(cache.glance(showId)?.version).toBe(1));
  } finally {
    await cache.close();
  }
});

test('a reader who has seen a newer map elsewhere is not shown an older one, though this process was told of nothing', async () => {
  const { showId } = await insertSomeShow(database.db, { seatCount: VERSIONS });
  const cache = deafCache();
  try {
    await cache.read(showId);
    for (let version = 1; version <= VERSIONS; version++) {
      const change = { seats: [[version - 1, 'h']] as const };
      await projectSeatMap(database.db, {
        showId,
        fromVersion: version - 1,
        toVersion: version,
        asOfMs: version,
        change,
      });
      expect((await cache.read(showId, version))?.version).toBe(version);
    }
  } finally {
    await cache.close();
  }
});
