import { defaultCancellationPolicy } from '../../src/domain/cancellation-policy.ts';
import {
  findCity,
  findScreen,
  findTheatre,
  insertScreen,
  isEmpty,
  listCities,
  listTheatres,
  listTheatresNear,
} from '../../src/read-model/catalogue.ts';
import type { Page, PageRequest } from '../../src/read-model/cursors.ts';
import { InvalidCursorError, InvalidReferenceError } from '../../src/read-model/errors.ts';
import { findMovie, listMovies } from '../../src/read-model/movies.ts';
import { findSeatingPlan } from '../../src/read-model/seating-plans.ts';
import { useTestDatabase } from '../setup/postgres.ts';
import { someId } from './bookings-of-tests.ts';
import {
  insertSomeCity,
  insertSomeMovie,
  insertSomePlan,
  insertSomeShow,
  insertSomeTheatre,
  someLayout,
  somePlan,
} from './catalogue-of-tests.ts';

const test = useTestDatabase();

/** Every item of a list, two a page. */
async function allOf<Item>(list: (page: PageRequest) => Promise<Page<Item>>): Promise<Item[]> {
  const items: Item[] = [];
  let cursor: string | undefined;
  do {
    const page = await list({ limit: 2, cursor });
    expect(page.items.length).toBeLessThanOrEqual(2);
    // A cursor promises that something follows, also where a list ends with a full page.
    if (cursor !== undefined) expect(page.items).not.toEqual([]);
    items.push(...page.items);
    cursor = page.nextCursor ?? undefined;
  } while (cursor !== undefined);
  return items;
}

describe('the catalogue', () => {
  it('is empty until something is in it', async () => {
    expect(await isEmpty(test.db)).toBe(true);
    await insertSomeCity(test.db);
    expect(await isEmpty(test.db)).toBe(false);
  });

  it('lists cities by name, also those that share one, and finds them by id', async () => {
    const names = ['Pune', 'Delhi', 'Pune', 'Agra', 'Zürich'];
    const cities = await Promise.all(names.map((name) => insertSomeCity(test.db, { name, country: 'XX' })));
    const listed = await allOf((page) => listCities(test.db, page));
    const ours = listed.filter((city) => city.country === 'XX');
    expect(ours.map(({ name }) => name)).toEqual(['Agra', 'Delhi', 'Pune', 'Pune', 'Zürich']);
    expect(new Set(ours.map(({ id }) => id)).size).toBe(5);
    expect(await findCity(test.db, cities[4]!.id)).toEqual(cities[4]);
    expect(await findCity(test.db, 'cit_none')).toBeNull();
  });

  it('lists the theatres of a city, and shows one with its screens', async () => {
    const city = await insertSomeCity(test.db);
    const theatres = await Promise.all(
      ['Regal', 'Eros', 'Liberty'].map((name) => insertSomeTheatre(test.db, { cityId: city.id, name })),
    );
    await insertSomeTheatre(test.db);
    const listed = await allOf((page) => listTheatres(test.db, { cityId: city.id }, page));
    expect(listed.map(({ name }) => name)).toEqual(['Eros', 'Liberty', 'Regal']);
    const theatre = theatres[0]!;
    expect(listed).toContainEqual(theatre);
    const screens = ['1', '2'].map((name) => ({ id: someId('scr'), theatreId: theatre.id, name }));
    for (const screen of screens) await insertScreen(test.db, screen);
    expect(await findTheatre(test.db, theatre.id)).toEqual({
      ...theatre,
      cancellationPolicy: defaultCancellationPolicy,
      screens,
    });
    expect(await findScreen(test.db, screens[1]!.id)).toEqual(screens[1]);
    expect(await findTheatre(test.db, 'thr_none')).toBeNull();
  });

  it('refuses a theatre in a city that is not there, and a second screen of the same name', async () => {
    await expect(insertSomeTheatre(test.db, { cityId: 'cit_none' })).rejects.toThrow(InvalidReferenceError);
    const theatre = await insertSomeTheatre(test.db);
    await insertScreen(test.db, { id: someId('scr'), theatreId: theatre.id, name: '1' });
    const again = insertScreen(test.db, { id: someId('scr'), theatreId: theatre.id, name: '1' });
    await expect(again).rejects.toThrow(InvalidReferenceError);
  });

  it('finds theatres near a point, nearest first, at true distances, across the date line too', async () => {
    const { id: cityId } = await insertSomeCity(test.db);
    const at = (name: string, lat: number, lng: number) =>
      insertSomeTheatre(test.db, { cityId, name, location: { lat, lng } });
    await at('one degree north', 1, 179.9);
    await at('here', 0, 179.9);
    await at('over the line', 0, -179.9);
    await at('far', 0, 170);
    const near = (radiusKm: number) =>
      allOf((page) => listTheatresNear(test.db, { cityId, point: { lat: 0, lng: 179.9 }, radiusKm }, page));
    const found = await near(112);
    expect(found.map(({ name }) => name)).toEqual(['here', 'over the line', 'one degree north']);
    expect(found[0]!.distanceKm).toBe(0);
    expect(found[1]!.distanceKm).toBeCloseTo(22.24, 1);
    expect(found[2]!.distanceKm).toBeCloseTo(111.19, 1);
    expect((await near(111.1)).map(({ name }) => name)).toEqual(['here', 'over the line']);
  });

  it('gives a seating plan back as it was kept', async () => {
    const id = await insertSomePlan(test.db, 5);
    expect(await findSeatingPlan(test.db, id)).toEqual({ id, plan: somePlan(5), layout: someLayout(5) });
    expect(await findSeatingPlan(test.db, 'pln_none')).toBeNull();
  });
});

describe('movies', () => {
  it('are listed by title with all that is known of them', async () => {
    const genre = someId('genre');
    const movies = await Promise.all(
      ['Sholay', 'Avatar', 'Lagaan'].map((title) => insertSomeMovie(test.db, { title, genres: [genre, 'Drama'] })),
    );
    const bare = await insertSomeMovie(test.db, {
      title: 'Unknown',
      genres: [genre],
      durationMinutes: null,
      certificate: null,
      director: null,
      releasedOn: null,
    });
    const listed = await allOf((page) => listMovies(test.db, { genre }, page));
    expect(listed).toEqual([movies[1], movies[2], movies[0], bare]);
    expect(await findMovie(test.db, bare.id)).toEqual(bare);
    expect(await findMovie(test.db, 'mov_none')).toBeNull();
  });

  it('are found by part of a title and with spelling mistakes, the most similar first', async () => {
    const genre = someId('genre');
    const titles = ['The Lord of the Rings', 'Lord of War', 'Ringu', 'Titanic'];
    for (const title of titles) await insertSomeMovie(test.db, { title, genres: [genre] });
    const search = async (q: string) =>
      (await allOf((page) => listMovies(test.db, { genre, q }, page))).map(({ title }) => title);
    expect((await search('lord of the rings'))[0]).toBe('The Lord of the Rings');
    expect(await search('titnic')).toEqual(['Titanic']);
    expect(await search('lord')).toEqual(expect.arrayContaining(['Lord of War', 'The Lord of the Rings']));
    expect(await search('qqqq')).toEqual([]);
    expect(await search("'; drop table movies; --%_\\")).toEqual([]);
  });

  it('are filtered by one show that has city, date, language and format together', async () => {
    const city = await insertSomeCity(test.db);
    const theatre = await insertSomeTheatre(test.db, { cityId: city.id });
    const [wanted, other] = [await insertSomeMovie(test.db), await insertSomeMovie(test.db)];
    const startsAtMs = Date.UTC(2026, 10, 20, 12);
    await insertSomeShow(test.db, {
      movieId: wanted.id,
      theatreId: theatre.id,
      startsAtMs,
      language: 'hi',
      format: '3D',
    });
    await insertSomeShow(test.db, {
      movieId: other.id,
      theatreId: theatre.id,
      startsAtMs,
      language: 'hi',
      format: '2D',
    });
    await insertSomeShow(test.db, { movieId: other.id, startsAtMs, language: 'hi', format: '3D' });
    const filter = { cityId: city.id, date: '2026-11-20', language: 'hi', format: '3D' };
    expect(await allOf((page) => listMovies(test.db, filter, page))).toEqual([wanted]);
    expect(await allOf((page) => listMovies(test.db, { ...filter, date: '2026-11-21' }, page))).toEqual([]);
    expect(await allOf((page) => listMovies(test.db, { cityId: city.id }, page))).toHaveLength(2);
  });

  it('refuse the cursor of another list', async () => {
    for (const name of ['A', 'B']) await insertSomeCity(test.db, { name });
    const { nextCursor } = await listCities(test.db, { limit: 1 });
    const page = listMovies(test.db, {}, { limit: 1, cursor: nextCursor! });
    await expect(page).rejects.toThrow(InvalidCursorError);
  });
});
