import { sql } from 'kysely';
import fc from 'fast-check';
import type { SeatMapDelta } from '../../src/contracts/show-messages.ts';
import { listenSeatMaps, type SeatMapListener } from '../../src/read-model/seat-map-listener.ts';
import { loadSeatMap, projectSeatMap, seatMapVersions } from '../../src/read-model/seat-maps.ts';
import { eventually } from '../setup/eventually.ts';
import { useTestDatabase } from '../setup/postgres.ts';
import { insertSomeShow } from './catalogue-of-tests.ts';

const test = useTestDatabase();
const SEATS = 12;
/** Seconds on an idle machine; on one whose cores are all busy, several times that. */
const PROPERTY_TIMEOUT_MS = 60_000;
const log = { warn: () => undefined, info: () => undefined };

const stored = async (showId: string) => (await loadSeatMap(test.db, showId))!;
const availableOf = async (showId: string) =>
  test.db.selectFrom('seat_map_snapshots').select('available').where('show_id', '=', showId).executeTakeFirstOrThrow();

function delta(showId: string, fromVersion: number, toVersion: number, change: SeatMapDelta['change']): SeatMapDelta {
  return { showId, fromVersion, toVersion, asOfMs: 1_000_000 + toVersion, change };
}

describe('the projection of a seat map', () => {
  it('begins at version 0 with every seat available', async () => {
    const { showId, seatingPlanId } = await insertSomeShow(test.db, { seatCount: SEATS });
    expect(await stored(showId)).toMatchObject({ showId, seatingPlanId, version: 0, statuses: 'a'.repeat(SEATS) });
  });

  it('applies a change, counts what is available, and dates it', async () => {
    const { showId } = await insertSomeShow(test.db, { seatCount: SEATS });
    const change = {
      seats: [
        [0, 'h'],
        [3, 'b'],
        [11, 'x'],
      ] as const,
    };
    expect(await projectSeatMap(test.db, delta(showId, 0, 5, change))).toEqual({ kind: 'projected', version: 5 });
    expect(await stored(showId)).toMatchObject({ version: 5, asOfMs: 1_000_005, statuses: 'haabaaaaaaax' });
    expect(await availableOf(showId)).toEqual({ available: 9 });
  });

  it('asks for the whole map when changes in between are missing, and changes nothing', async () => {
    const { showId } = await insertSomeShow(test.db, { seatCount: SEATS });
    expect(await projectSeatMap(test.db, delta(showId, 1, 2, { seats: [[0, 'h']] }))).toEqual({ kind: 'gap' });
    expect((await stored(showId)).version).toBe(0);
    expect(await projectSeatMap(test.db, delta('shw_none', 0, 2, { seats: [] }))).toEqual({ kind: 'gap' });
    const full = delta(showId, 0, 7, { full: 'b'.repeat(SEATS) });
    expect(await projectSeatMap(test.db, full)).toEqual({ kind: 'projected', version: 7 });
    expect(await stored(showId)).toMatchObject({ version: 7, statuses: 'b'.repeat(SEATS) });
  });

  it('answers a delta that came too late with the version it has, and stays there', async () => {
    const { showId } = await insertSomeShow(test.db, { seatCount: SEATS });
    await projectSeatMap(test.db, delta(showId, 0, 9, { full: 'h'.repeat(SEATS) }));
    for (const change of [{ seats: [[0, 'b']] as const }, { full: 'b'.repeat(SEATS) }]) {
      const outcome = await projectSeatMap(test.db, delta(showId, 0, 8, change));
      expect(outcome).toEqual({ kind: 'projected', version: 9 });
    }
    expect((await stored(showId)).statuses).toBe('h'.repeat(SEATS));
  });

  it('leaves what a newer one has written between its look and its writing', async () => {
    const { showId } = await insertSomeShow(test.db, { seatCount: SEATS });
    const older = await test.db.transaction().execute(async (newer) => {
      await sql`select from seat_map_snapshots where show_id = ${showId} for update`.execute(newer);
      const projecting = projectSeatMap(test.db, delta(showId, 0, 1, { seats: [[0, 'h']] }));
      await eventually(async () => expect(await writersWaiting()).toBe(1));
      await projectSeatMap(newer, delta(showId, 0, 2, { full: 'b'.repeat(SEATS) }));
      return { projecting };
    });
    expect(await older.projecting).toEqual({ kind: 'projected', version: 2 });
    expect(await stored(showId)).toMatchObject({ version: 2, statuses: 'b'.repeat(SEATS) });
  });

  async function writersWaiting(): Promise<number> {
    const { rows } = await sql<{ waiting: number }>`select count(*)::int as waiting from pg_stat_activity
      where datname = current_database() and wait_event_type = 'Lock'
        and query like 'update "seat_map_snapshots"%'`.execute(test.db);
    return rows[0]!.waiting;
  }

  it('refuses a seat that the show does not have, and a map of another size', async () => {
    const { showId } = await insertSomeShow(test.db, { seatCount: SEATS });
    for (const seat of [SEATS, -1]) {
      await expect(projectSeatMap(test.db, delta(showId, 0, 1, { seats: [[seat, 'h']] }))).rejects.toThrow(RangeError);
    }
    await expect(projectSeatMap(test.db, delta(showId, 0, 1, { full: 'aaa' }))).rejects.toThrow();
    expect((await stored(showId)).version).toBe(0);
  });

  /** Every version of a map, each with one seat changed. */
  const histories = fc
    .array(fc.tuple(fc.nat(SEATS - 1), fc.constantFrom('a', 'h', 'b', 'x')), { minLength: 3, maxLength: 12 })
    .map((changes) => {
      const maps = ['a'.repeat(SEATS)];
      for (const [seat, status] of changes) {
        const before = maps.at(-1)!;
        maps.push(before.slice(0, seat) + status + before.slice(seat + 1));
      }
      return { changes, maps };
    });

  it(
    'never goes back and never mixes versions, in whatever order and however often deltas come',
    async () => {
      const { showId } = await insertSomeShow(test.db, { seatCount: SEATS });
      let base = 0;
      await fc.assert(
        fc.asyncProperty(histories, fc.infiniteStream(fc.nat(100)), async ({ changes, maps }, chances) => {
          base += 1_000;
          await projectSeatMap(test.db, delta(showId, 0, base, { full: maps[0]! }));
          const chance = () => chances.next().value as number;
          const deltas = changes.flatMap((_, index) => {
            const from = chance() % (index + 1);
            const to = index + 1;
            const seats = changes.slice(from, to).map(([seat]) => [seat, maps[to]![seat]!] as const);
            return [delta(showId, base + from, base + to, chance() % 5 === 0 ? { full: maps[to]! } : { seats })];
          });
          const shuffled = [...deltas, ...deltas].sort(() => (chance() % 2 === 0 ? 1 : -1));
          let seen = base;
          const watch = async (): Promise<void> => {
            const now = await stored(showId);
            expect(now.version).toBeGreaterThanOrEqual(seen);
            expect(now.statuses).toBe(maps[now.version - base]);
            seen = now.version;
          };
          const writers = [shuffled.slice(0, deltas.length), shuffled.slice(deltas.length)].map(async (mine) => {
            for (const each of mine) await projectSeatMap(test.db, each);
          });
          const reader = (async () => {
            for (let reads = 0; reads < 5; reads++) await watch();
          })();
          await Promise.all([...writers, reader]);
          await projectSeatMap(test.db, delta(showId, base, base + changes.length, { full: maps.at(-1)! }));
          await watch();
          expect(seen).toBe(base + changes.length);
          expect((await availableOf(showId)).available).toBe(maps.at(-1)!.split('a').length - 1);
        }),
        { numRuns: 25 },
      );
    },
    PROPERTY_TIMEOUT_MS,
  );

  it('tells the versions of many shows at once and leaves out unknown ones', async () => {
    const [a, b] = [await insertSomeShow(test.db), await insertSomeShow(test.db)];
    await projectSeatMap(test.db, delta(b.showId, 0, 4, { seats: [] }));
    const versions = await seatMapVersions(test.db, [a.showId, 'shw_none', b.showId]);
    expect(versions).toEqual(
      new Map([
        [a.showId, 0],
        [b.showId, 4],
      ]),
    );
    expect(await seatMapVersions(test.db, [])).toEqual(new Map());
    expect(await loadSeatMap(test.db, 'shw_none')).toBeNull();
  });
});

describe('listening to seat maps', () => {
  // Also after a test that failed: a listener left behind would reconnect for ever, and the tests never end.
  const listeners: SeatMapListener[] = [];
  afterEach(async () => {
    await Promise.all(listeners.splice(0).map((listener) => listener.close()));
  });

  /** Collects what the listener says; `next` awaits the next word. */
  function listen() {
    const heard: string[] = [];
    let announce = (): void => undefined;
    const hear = (word: string): void => {
      heard.push(word);
      announce();
    };
    const listener = listenSeatMaps(test.url, {
      onNotify: (showId, version) => hear(`${showId}:${version}`),
      onReconnect: () => hear('reconnected'),
      log,
    });
    listeners.push(listener);
    const next = async (): Promise<string> => {
      if (heard.length === 0) await new Promise<void>((resolve) => (announce = resolve));
      return heard.shift()!;
    };
    return { listener, next };
  }

  it('hears show and version of every projection, after it can be read', async () => {
    const { showId } = await insertSomeShow(test.db, { seatCount: SEATS });
    const { listener, next } = listen();
    await listener.listening;
    await projectSeatMap(test.db, delta(showId, 0, 3, { seats: [[1, 'h']] }));
    expect(await next()).toBe(`${showId}:3`);
    expect((await stored(showId)).version).toBe(3);
  });

  it('listens again after its connection was lost, says so, and hears what comes then', async () => {
    const { showId } = await insertSomeShow(test.db, { seatCount: SEATS });
    const { listener, next } = listen();
    await listener.listening;
    for (let losses = 1; losses <= 2; losses++) {
      await sql`
        select pg_terminate_backend(pid) from pg_stat_activity
        where datname = current_database() and query like 'listen %'`.execute(test.db);
      expect(await next()).toBe('reconnected');
      await projectSeatMap(test.db, delta(showId, 0, losses, { seats: [] }));
      expect(await next()).toBe(`${showId}:${losses}`);
    }
  });

  it('can be closed while it cannot connect', async () => {
    const listener = listenSeatMaps('postgres://postgres@127.0.0.1:1/none', {
      onNotify: () => undefined,
      onReconnect: () => undefined,
      log,
    });
    await listener.close();
  });
});
