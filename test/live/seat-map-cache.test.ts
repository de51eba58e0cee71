import type { KyselyPlugin } from 'kysely';
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
const deafCache = (nowMs?: () => number, db = database.db) =>
  new SeatMapCache({
    db,
    databaseUrl: 'postgres://nobody@127.0.0.1:1/nothing',
    log,
    metrics: { healed: () => undefined },
    ...(nowMs && { nowMs }),
  });

describe('a map that is only glanced at', () => {
  async function glancedAt() {
    const { showId } = await insertSomeShow(database.db, { seatCount: 1 });
    let nowMs = 1_000_000;
    let answers = 0;
    const countAnswers: KyselyPlugin = {
      transformQuery: ({ node }) => node,
      transformResult({ result }) {
        answers += 1;
        return Promise.resolve(result);
      },
    };
    const cache = deafCache(() => nowMs, database.db.withPlugin(countAnswers));
    await cache.read(showId);
    return {
      cache,
      versionsLookedAt: async () => {
        const before = answers;
        // One may have been under way.
        await eventually(() => expect(answers).toBeGreaterThan(before + 1));
      },
      glance: () => cache.glance(showId),
      pass: (ms: number) => void (nowMs += ms),
      sell: () =>
        projectSeatMap(database.db, { showId, fromVersion: 0, toVersion: 1, asOfMs: 1, change: { seats: [[0, 'b']] } }),
    };
  }

  test('is given for a second since it was last known to be the newest, and as soon as that is known again', async () => {
    const { cache, glance, pass } = await glancedAt();
    try {
      pass(999);
      expect(glance()?.version).toBe(0);
      pass(10_000);
      expect(glance()).toBeNull();
      await eventually(() => expect(glance()?.version).toBe(0));
    } finally {
      await cache.close();
    }
  });

  test('is given for as long as each look at the versions finds it to be the newest', async () => {
    const { cache, glance, pass, versionsLookedAt } = await glancedAt();
    try {
      for (let looks = 0; looks < 3; looks++) {
        pass(600);
        await versionsLookedAt();
      }
      pass(600);
      expect(glance()?.version).toBe(0);
    } finally {
      await cache.close();
    }
  });

  test('is not given once it is outdated, though nobody has asked for it meanwhile', async () => {
    const { cache, glance, pass, sell, versionsLookedAt } = await glancedAt();
    try {
      pass(10_000);
      await sell();
      pass(1_000);
      await versionsLookedAt();
      expect(glance()).toBeNull();
      await eventually(() => expect(glance()?.version).toBe(1));
    } finally {
      await cache.close();
    }
  });
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
