import { SeatMapCache } from '../../src/live/seat-map-cache.ts';
import { projectSeatMap } from '../../src/read-model/seat-maps.ts';
import { insertSomeShow } from '../read-model/catalogue-of-tests.ts';
import { useTestDatabase } from '../setup/postgres.ts';

const database = useTestDatabase();
const log = { warn: () => undefined, info: () => undefined };
/** More than come between two looks at the versions. */
const VERSIONS = 50;

test('a reader who has seen a newer map elsewhere is not shown an older one, though this process was told of nothing', async () => {
  const { showId } = await insertSomeShow(database.db, { seatCount: VERSIONS });
  const cache = new SeatMapCache({
    db: database.db,
    // Nobody is there: no notification ever comes.
    databaseUrl: 'postgres://nobody@127.0.0.1:1/nothing',
    log,
    metrics: { healed: () => undefined },
  });
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
