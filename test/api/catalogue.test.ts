import type { ShowBody } from '../../src/contracts/http/catalogue.ts';
import type { Show } from '../../src/read-model/shows.ts';
import { openShow, rowsOfSeats } from '../setup/shows.ts';
import { useTestSystem } from '../setup/system.ts';
import { ApiClient, eventually, newGuest } from './http-client.ts';

const system = useTestSystem({ apis: 1 });
const anyone = (): ApiClient => new ApiClient(system.apiUrls[0]!);

interface Page {
  readonly items: readonly { readonly id: string }[];
  readonly nextCursor: string | null;
}

let shows: Show[];

beforeAll(async () => {
  shows = [];
  for (const startsInHours of [30, 10, 20])
    shows.push(await openShow(system, { startsInMs: startsInHours * 3_600_000 }));
}, 120_000);

async function everyPage(path: string): Promise<string[]> {
  const ids: string[] = [];
  for (let cursor: string | null = ''; cursor !== null;) {
    const separator = path.includes('?') ? '&' : '?';
    const page: Page = (await anyone().get<Page>(`${path}${separator}limit=2${cursor && `&cursor=${cursor}`}`)).body;
    ids.push(...page.items.map(({ id }) => id));
    cursor = page.nextCursor;
  }
  return ids;
}

describe('the catalogue', () => {
  test('lists shows by their start, page by page, without a token', async () => {
    const page = await anyone().get<Page>('/shows');
    expect(page.status).toBe(200);
    const byStart = [...shows].sort((a, b) => a.startsAtMs - b.startsAtMs).map(({ id }) => id);
    expect(await everyPage('/shows')).toEqual(byStart);
  });

  test('finds shows by movie, theatre, city and date at the venue', async () => {
    const [show] = shows as [Show];
    const date = new Intl.DateTimeFormat('sv-SE', { timeZone: show.timeZone, dateStyle: 'short' }).format(
      show.startsAtMs,
    );
    for (const filter of [`movie=${show.movieId}`, `theatre=${show.theatreId}`, `city=${show.cityId}`]) {
      expect(await everyPage(`/shows?${filter}`)).toEqual([show.id]);
      expect(await everyPage(`/shows?${filter}&date=${date}`)).toEqual([show.id]);
      expect(await everyPage(`/shows?${filter}&date=2001-01-01`)).toEqual([]);
    }
    expect(await everyPage('/shows?city=cit_unknown')).toEqual([]);
  });

  test('tells a show with its prices and how many seats are left', async () => {
    const show = await openShow(system);
    const path = `/shows/${show.id}`;
    const { body } = await anyone().get<ShowBody>(path);
    expect(body).toMatchObject({
      status: 'ON_SALE',
      timeZone: 'Asia/Kolkata',
      categories: [{ price: { amount: 25_000, currency: 'INR' } }],
      availability: { available: 50, total: 50, asOfVersion: 0 },
    });
    await (await newGuest(system.apiUrls[0]!)).held(show.id, ['A1', 'A2']);
    const after = await eventually(
      async () => (await anyone().get<ShowBody>(path)).body.availability,
      ({ asOfVersion }) => asOfVersion > 0,
    );
    expect(after).toEqual({ available: 48, total: 50, asOfVersion: 1 });
  });

  test('lists and tells cities, theatres and movies', async () => {
    const [show] = shows as [Show];
    const cities = await anyone().get<Page>('/cities?limit=100');
    expect(cities.body.items.map(({ id }) => id)).toContain(show.cityId);

    const theatres = await anyone().get<Page>(`/theatres?city=${show.cityId}`);
    expect(theatres.body.items.map(({ id }) => id)).toEqual([show.theatreId]);
    const near = await anyone().get<{ items: { distanceKm: number }[] }>('/theatres?near=19.07,72.88&radiusKm=1');
    expect(near.body.items[0]?.distanceKm).toBeCloseTo(0, 3);
    expect((await anyone().get<Page>('/theatres?near=0,0&radiusKm=100')).body.items).toEqual([]);
    const theatre = await anyone().get<{ screens: unknown[] }>(`/theatres/${show.theatreId}`);
    expect(theatre.body.screens).toHaveLength(1);

    const movies = await anyone().get<Page>(`/movies?city=${show.cityId}&language=en&format=2D&genre=Drama`);
    expect(movies.body.items.map(({ id }) => id)).toEqual([show.movieId]);
    expect((await anyone().get<Page>(`/movies?city=${show.cityId}&language=ta`)).body.items).toEqual([]);
    const movie = await anyone().get<{ title: string }>(`/movies/${show.movieId}`);
    expect(movie.body.title).toBe('A Film');
    expect(await everyPage('/movies')).toHaveLength(new Set(await everyPage('/movies')).size);
  });
});

describe('a quote', () => {
  const quote = (body: unknown) =>
    anyone().post<{ lines: { amount: { amount: number } }[]; total: { amount: number }; code: string }>(
      '/quotes',
      body,
    );

  test('sums its lines to the total, and holds nothing', async () => {
    const show = await openShow(system);
    const { status, body } = await quote({ showId: show.id, seatIds: ['A1', 'A2', 'A3'] });
    expect(status).toBe(200);
    expect(body.total).toEqual({ amount: 75_000, currency: 'INR' });
    expect(body.lines.reduce((sum, line) => sum + line.amount.amount, 0)).toBe(75_000);
    const map = await anyone().get<{ version: number }>(`/shows/${show.id}/seats`);
    expect(map.body.version).toBe(0);
  });

  test('of the best seats costs what the show would give', async () => {
    const show = await openShow(system, { plan: rowsOfSeats(1, 4) });
    const best = { showId: show.id, bestAvailable: { count: 2 } };
    expect((await quote(best)).body.total.amount).toBe(50_000);
    await (await newGuest(system.apiUrls[0]!)).held(show.id, ['A1', 'A2', 'A3']);
    const refused = await eventually(
      () => quote(best),
      ({ status }) => status !== 200,
    );
    expect([refused.status, refused.body.code]).toEqual([422, 'NO_ADJACENT_SEATS']);
  });

  test('is given in a category with as long a name as a plan may have', async () => {
    const plan = rowsOfSeats(1, 4);
    const id = 'c'.repeat(120);
    const named = plan.sections.map((section) => ({
      ...section,
      rows: section.rows.map((row) => ({ ...row, seats: row.seats.map((seat) => ({ ...seat, category: id })) })),
    }));
    const show = await openShow(system, { plan: { ...plan, sections: named, categories: [{ id, name: id }] } });
    expect((await quote({ showId: show.id, bestAvailable: { count: 1, category: id } })).status).toBe(200);
  });

  test('is refused as a booking would be', async () => {
    const [show] = shows as [Show];
    for (const [body, status, code] of [
      [{ showId: 'shw_none', seatIds: ['A1'] }, 404, 'NOT_FOUND'],
      [{ showId: show.id, seatIds: ['Z1'] }, 400, 'UNKNOWN_SEAT'],
      [{ showId: show.id, seatIds: ['A1', 'A1'] }, 422, 'DUPLICATE_SEAT'],
      [{ showId: show.id, bestAvailable: { count: 11 } }, 422, 'TOO_MANY_SEATS'],
      [{ showId: show.id, seatIds: ['A1'], couponCode: 'X' }, 400, 'VALIDATION_FAILED'],
    ] as const) {
      const answer = await quote(body);
      expect([answer.status, answer.body.code]).toEqual([status, code]);
    }
  });
});
