import { InvalidReferenceError, ShowOverlapError } from '../../src/read-model/errors.ts';
import { projectSeatMap } from '../../src/read-model/seat-maps.ts';
import { findShow, listShows } from '../../src/read-model/shows.ts';
import { useTestDatabase } from '../setup/postgres.ts';
import {
  insertSomeCity,
  insertSomeMovie,
  insertSomeScreen,
  insertSomeShow,
  insertSomeTheatre,
} from './catalogue-of-tests.ts';

const test = useTestDatabase();
const HOUR_MS = 3_600_000;
const START_MS = Date.UTC(2026, 10, 20, 13, 30);
const BEFORE_MS = START_MS - 24 * HOUR_MS;

describe('shows on a screen', () => {
  const at = (screenId: string, fromHour: number, toHour: number, overlapOverridden = false) =>
    insertSomeShow(test.db, {
      screenId,
      startsAtMs: START_MS + fromHour * HOUR_MS,
      endsAtMs: START_MS + toHour * HOUR_MS,
      overlapOverridden,
    });

  it('may follow one another without a gap, but not overlap by a millisecond', async () => {
    const screenId = await insertSomeScreen(test.db);
    await at(screenId, 0, 2);
    await at(screenId, 2, 4);
    await at(screenId, -2, 0);
    const aMillisecond = 1 / HOUR_MS;
    await expect(at(screenId, 4 - aMillisecond, 6)).rejects.toThrow(ShowOverlapError);
    await expect(at(screenId, -3, -2 + aMillisecond)).rejects.toThrow(ShowOverlapError);
    await expect(at(screenId, -9, 9)).rejects.toThrow(ShowOverlapError);
    await expect(at(screenId, 0.5, 1)).rejects.toThrow(ShowOverlapError);
    await at(screenId, 4, 6);
  });

  it('may overlap where staff overrides it, and one so overridden bars nobody', async () => {
    const screenId = await insertSomeScreen(test.db);
    await at(screenId, 0, 2, true);
    await at(screenId, 0, 2);
    await at(screenId, 1, 3, true);
    await expect(at(screenId, 1, 3)).rejects.toThrow(ShowOverlapError);
  });

  it('may run at the same time on different screens, and in the place of a cancelled one', async () => {
    const [a, b] = [await insertSomeScreen(test.db), await insertSomeScreen(test.db)];
    const show = await at(a, 0, 2);
    await at(b, 0, 2);
    await test.db.updateTable('shows').set({ cancelled_at: new Date() }).where('id', '=', show.id).execute();
    await at(a, 0, 2);
  });

  it('of which many are planned at once: one gets the time', async () => {
    const screenId = await insertSomeScreen(test.db);
    const movieId = (await insertSomeMovie(test.db)).id;
    const tries = Array.from({ length: 10 }, () => insertSomeShow(test.db, { screenId, movieId }));
    const results = await Promise.allSettled(tries);
    expect(results.filter((result) => result.status === 'fulfilled')).toHaveLength(1);
    for (const result of results) {
      if (result.status === 'rejected') expect(result.reason).toBeInstanceOf(ShowOverlapError);
    }
  });

  it('name a movie, a screen and a plan that exist, or nothing is written', async () => {
    for (const wanted of [{ movieId: 'mov_none' }, { screenId: 'scr_none' }, { seatingPlanId: 'pln_none' }]) {
      await expect(insertSomeShow(test.db, { ...wanted, id: 'shw_bad' })).rejects.toThrow(InvalidReferenceError);
    }
    expect(await findShow(test.db, 'shw_bad', BEFORE_MS)).toBeNull();
  });

  it('end after they start', async () => {
    await expect(insertSomeShow(test.db, { startsAtMs: START_MS, endsAtMs: START_MS })).rejects.toThrow();
  });
});

describe('a show', () => {
  it('is told with its venue, its prices and what is available', async () => {
    const city = await insertSomeCity(test.db, { timeZone: 'America/New_York' });
    const theatre = await insertSomeTheatre(test.db, { cityId: city.id });
    const { showId, ...show } = await insertSomeShow(test.db, { theatreId: theatre.id, seatCount: 6 });
    await projectSeatMap(test.db, {
      showId,
      fromVersion: 0,
      toVersion: 3,
      asOfMs: 1,
      change: {
        seats: [
          [0, 'h'],
          [1, 'b'],
        ],
      },
    });
    expect(await findShow(test.db, showId, BEFORE_MS)).toEqual({
      ...show,
      theatreId: theatre.id,
      theatreName: theatre.name,
      movieTitle: 'Avatar',
      cityId: city.id,
      timeZone: 'America/New_York',
      status: 'ON_SALE',
      availability: { available: 4, total: 6, asOfVersion: 3 },
      cancellationPolicy: null,
      version: 1,
      cancelled: null,
      moved: null,
    });
    expect(await findShow(test.db, 'shw_none', BEFORE_MS)).toBeNull();
  });

  it('has the status that its times give it; a border belongs to what begins there', async () => {
    const show = await insertSomeShow(test.db, { startsAtMs: START_MS, salesCloseAtMs: START_MS - HOUR_MS });
    const statusAt = async (nowMs: number) => (await findShow(test.db, show.id, nowMs))!.status;
    expect(await statusAt(show.salesOpenAtMs - 1)).toBe('SCHEDULED');
    expect(await statusAt(show.salesOpenAtMs)).toBe('ON_SALE');
    expect(await statusAt(show.salesCloseAtMs - 1)).toBe('ON_SALE');
    expect(await statusAt(show.salesCloseAtMs)).toBe('SALES_CLOSED');
    expect(await statusAt(show.endsAtMs - 1)).toBe('SALES_CLOSED');
    expect(await statusAt(show.endsAtMs)).toBe('ENDED');
    await test.db.updateTable('shows').set({ cancelled_at: new Date() }).where('id', '=', show.id).execute();
    expect(await statusAt(show.salesOpenAtMs)).toBe('CANCELLED');
  });
});

describe('the list of shows', () => {
  it('is by time, page by page, also where many start at once, without those that have ended', async () => {
    const theatre = await insertSomeTheatre(test.db);
    const offsets = [3, 0, 0, 0, 1, -48];
    const shows = await Promise.all(
      offsets.map((hours) =>
        insertSomeShow(test.db, { theatreId: theatre.id, startsAtMs: START_MS + hours * HOUR_MS }),
      ),
    );
    const listed: string[] = [];
    let cursor: string | undefined;
    do {
      const page = await listShows(test.db, { theatreId: theatre.id }, { limit: 2, cursor }, BEFORE_MS);
      listed.push(...page.items.map(({ id }) => id));
      cursor = page.nextCursor ?? undefined;
    } while (cursor !== undefined);
    const expected = shows
      .filter((show) => show.endsAtMs > BEFORE_MS)
      .sort((a, b) => a.startsAtMs - b.startsAtMs || (a.id < b.id ? -1 : 1));
    expect(listed).toEqual(expected.map(({ id }) => id));
  });

  it.each([
    ['Asia/Kolkata', Date.UTC(2026, 10, 19, 18, 30), Date.UTC(2026, 10, 20, 18, 30)],
    ['America/New_York', Date.UTC(2026, 10, 20, 5), Date.UTC(2026, 10, 21, 5)],
    ['Pacific/Kiritimati', Date.UTC(2026, 10, 19, 10), Date.UTC(2026, 10, 20, 10)],
    ['Pacific/Pago_Pago', Date.UTC(2026, 10, 20, 11), Date.UTC(2026, 10, 21, 11)],
  ])('of a date is that of the venue’s own day, in %s', async (timeZone, dayBeginsMs, nextDayBeginsMs) => {
    const city = await insertSomeCity(test.db, { timeZone });
    const theatre = await insertSomeTheatre(test.db, { cityId: city.id });
    const starts = [dayBeginsMs - 1, dayBeginsMs, nextDayBeginsMs - 1, nextDayBeginsMs];
    for (const startsAtMs of starts) await insertSomeShow(test.db, { theatreId: theatre.id, startsAtMs });
    const filter = { cityId: city.id, date: '2026-11-20' };
    const { items } = await listShows(test.db, filter, { limit: 20 }, nextDayBeginsMs + 99 * HOUR_MS);
    expect(items.map(({ startsAtMs }) => startsAtMs)).toEqual(starts.slice(1, 3));
  });

  it('is filtered by movie', async () => {
    const show = await insertSomeShow(test.db);
    await insertSomeShow(test.db);
    const { items } = await listShows(test.db, { movieId: show.movieId }, { limit: 20 }, BEFORE_MS);
    expect(items.map(({ id }) => id)).toEqual([show.id]);
  });
});
