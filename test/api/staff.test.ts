import { readdirSync, readFileSync, existsSync } from 'node:fs';
import { join } from 'node:path';
import type { ShowBody } from '../../src/contracts/http/catalogue.ts';
import type { Problem } from '../../src/contracts/http/problems.ts';
import { newId } from '../../src/platform/ids.ts';
import { insertCity } from '../../src/read-model/catalogue.ts';
import { insertShow, type Show } from '../../src/read-model/shows.ts';
import { openShow, statusesOf } from '../setup/shows.ts';
import { useTestSystem } from '../setup/system.ts';
import { type ApiClient, newGuest, newKey, staff } from './http-client.ts';

const system = useTestSystem({ apis: 1 });
const url = (): string => system.apiUrls[0]!;
const HOUR_MS = 3_600_000;

let admin: ApiClient;
let cityId: string;

beforeAll(async () => {
  admin = await staff(url());
  cityId = newId('cit');
  const location = { lat: 48.2, lng: 16.37 };
  await insertCity(system.db, {
    id: cityId,
    name: 'Vienna',
    country: 'AT',
    timeZone: 'Europe/Vienna',
    location,
    population: 1,
  });
}, 120_000);

interface Named {
  readonly id: string;
}

async function made(path: string, body: unknown): Promise<string> {
  const answer = await admin.post<Named>(path, body);
  if (answer.status !== 201) throw new Error(`${path}: ${answer.status} ${JSON.stringify(answer.body)}`);
  return answer.body.id;
}

const plan = {
  name: 'Two rows',
  size: { width: 200, height: 100 },
  categories: [
    { name: 'Stalls', color: '#00f' },
    { name: 'Circle', color: '#0f0' },
  ],
  zones: ['Stalls', 'Circle'].map((category, zone) => ({
    name: category,
    position: { x: 0, y: zone * 50 },
    rows: [
      {
        row_number: 'A',
        position: { x: 0, y: 0 },
        seats: [1, 2, 3, 4].map((seat) => ({
          seat_guid: `${category}-A-${seat}`,
          seat_number: String(seat),
          position: { x: seat * 20, y: 10 },
          category,
        })),
      },
    ],
  })),
};

const inHours = (hours: number): string => new Date(Date.now() + hours * HOUR_MS).toISOString();

async function hall() {
  const theatreId = await made('/admin/theatres', { cityId, name: `Theatre ${newKey()}` });
  return {
    movieId: await made('/admin/movies', { title: 'A Film', genres: ['Drama'] }),
    screenId: await made('/admin/screens', { theatreId, name: 'Screen 1' }),
    seatingPlanId: await made('/admin/seating-plans', plan),
    startsAt: inHours(48),
    endsAt: inHours(50),
    language: 'de',
    format: '2D',
    categories: [
      { id: 'stalls', name: 'Stalls', price: { amount: 2_500, currency: 'EUR' } },
      { id: 'circle', name: 'Circle', price: { amount: 1_500, currency: 'EUR' } },
    ],
  };
}

describe('staff', () => {
  test('makes everything a sale needs, and a guest buys at once', async () => {
    const show = await admin.post<ShowBody>('/admin/shows', await hall());
    expect(show.status).toBe(201);
    expect(show.headers.get('location')).toBe(`/api/v1/shows/${show.body.id}`);
    expect(show.body).toMatchObject({ status: 'ON_SALE', timeZone: 'Europe/Vienna', availability: { total: 8 } });
    expect((await admin.get<ShowBody>(`/shows/${show.body.id}`)).body).toEqual(show.body);
    const buyer = await newGuest(url());
    const booking = await buyer.held(show.body.id, ['Stalls-A-1', 'Circle-A-1']);
    expect(booking.price).toMatchObject({
      lines: [{ amount: { amount: 2_500 } }, { amount: { amount: 1_500 } }],
      total: { amount: 4_000, currency: 'EUR' },
    });
    expect((await buyer.pay(booking.id, 'tok_ok')).status).toBe(200);
  });

  test('opens a show later: until then it is not on sale', async () => {
    const show = await admin.post<ShowBody>('/admin/shows', { ...(await hall()), salesOpenAt: inHours(1) });
    expect(show.body.status).toBe('SCHEDULED');
    const answer = await (await newGuest(url())).hold(show.body.id, ['Stalls-A-1']);
    expect([answer.status, answer.body.code]).toEqual([409, 'SALES_CLOSED']);
  });

  test('cannot put two shows on one screen at a time, unless it says so', async () => {
    const first = await hall();
    expect((await admin.post('/admin/shows', first)).status).toBe(201);
    const overlapping = { ...first, startsAt: inHours(49), endsAt: inHours(51) };
    const refused = await admin.post('/admin/shows', overlapping);
    expect([refused.status, refused.body.code]).toEqual([409, 'SHOW_OVERLAP']);
    expect((await admin.post('/admin/shows', { ...overlapping, allowOverlap: true })).status).toBe(201);
    const after = { ...first, startsAt: first.endsAt, endsAt: inHours(52) };
    expect((await admin.post('/admin/shows', after)).status).toBe(201);
  });

  test('is told what is wrong with a show', async () => {
    const good = await hall();
    const [stalls, circle] = good.categories as [(typeof good.categories)[0], (typeof good.categories)[0]];
    const wrong: readonly [object, number, string][] = [
      [{ movieId: 'mov_none' }, 404, 'NOT_FOUND'],
      [{ screenId: 'scr_none' }, 404, 'NOT_FOUND'],
      [{ seatingPlanId: 'pln_none' }, 404, 'NOT_FOUND'],
      [{ endsAt: good.startsAt }, 400, 'VALIDATION_FAILED'],
      [{ startsAt: 'tomorrow' }, 400, 'VALIDATION_FAILED'],
      [{ startsAt: '2026-11-20T13:30:00+05:30' }, 400, 'VALIDATION_FAILED'],
      [{ salesCloseAt: inHours(-1) }, 400, 'VALIDATION_FAILED'],
      [{ startsAt: inHours(-3), endsAt: inHours(-1) }, 400, 'VALIDATION_FAILED'],
      [{ endsAt: inHours(100) }, 400, 'VALIDATION_FAILED'],
      [{ startsAt: inHours(50_000), endsAt: inHours(50_001) }, 400, 'VALIDATION_FAILED'],
      [{ categories: [stalls] }, 400, 'VALIDATION_FAILED'],
      [{ categories: [stalls, circle, { ...circle, id: 'box' }] }, 400, 'VALIDATION_FAILED'],
      [{ categories: [stalls, circle, circle] }, 400, 'VALIDATION_FAILED'],
      [{ categories: [stalls, { ...circle, price: { amount: 1, currency: 'INR' } }] }, 400, 'VALIDATION_FAILED'],
      [{ categories: [stalls, { ...circle, price: { amount: -1, currency: 'EUR' } }] }, 400, 'VALIDATION_FAILED'],
      [{ categories: [stalls, { ...circle, price: { amount: 0, currency: 'EUR' } }] }, 400, 'VALIDATION_FAILED'],
    ];
    for (const [change, status, code] of wrong) {
      const answer = await admin.post('/admin/shows', { ...good, ...change });
      expect([change, answer.status, answer.body.code]).toEqual([change, status, code]);
    }
  });

  test('cannot make what hangs in the air, nor two screens of one name', async () => {
    const lost = await admin.post('/admin/theatres', { cityId: 'cit_none', name: 'Lost' });
    expect([lost.status, lost.body.code]).toEqual([404, 'NOT_FOUND']);
    const noTheatre = await admin.post('/admin/screens', { theatreId: 'thr_none', name: 'Lost' });
    expect([noTheatre.status, noTheatre.body.code]).toEqual([404, 'NOT_FOUND']);
    const theatreId = await made('/admin/theatres', { cityId, name: 'Burg' });
    await made('/admin/screens', { theatreId, name: 'Main' });
    const twice = await admin.post('/admin/screens', { theatreId, name: 'Main' });
    expect([twice.status, twice.body.code]).toEqual([400, 'VALIDATION_FAILED']);
  });

  test('finds a show that was never started on sale when the first buyer comes', async () => {
    const { theatreId: _theatre, ...template } = await openShow(system);
    const id = newId('shw');
    const show: Show = { ...template, theatreId: _theatre, id, overlapOverridden: true };
    await insertShow(system.db, show, Date.now());
    expect((await (await newGuest(url())).hold(id, ['A1'])).status).toBe(201);
  });
});

describe('a seating plan', () => {
  test('is imported as it is drawn', async () => {
    const answer = await admin.post<Named>('/admin/seating-plans', plan);
    expect(answer.status).toBe(201);
    expect((await admin.get(answer.headers.get('location')!.replace('/api/v1', ''))).body).toEqual(answer.body);
  });

  const folder = join(import.meta.dirname, '../../../shared/data/seating-plans');
  const drawn = existsSync(folder) ? readdirSync(folder).filter((name) => name.endsWith('.json')) : [];
  /** This one has ten labels twice, as its source has. */
  const spoiledAtItsSource = 'auditorium-1011.json';
  const send = (name: string) => admin.post('/admin/seating-plans', readFileSync(join(folder, name), 'utf8'));

  (drawn.length > 0 ? test : test.skip)('of a real hall is imported, unless its labels are not unique', async () => {
    for (const name of drawn) {
      const { status, body } = await send(name);
      expect([name, status]).toEqual([name, name === spoiledAtItsSource ? 422 : 201]);
      if (status === 422) expect(body.errors!.length).toBeGreaterThanOrEqual(10);
    }
  });

  test('with duplicate seats is refused with every place named, and nothing is imported', async () => {
    const count = async () =>
      Number(
        (
          await system.db
            .selectFrom('seating_plans')
            .select((eb) => eb.fn.countAll().as('n'))
            .executeTakeFirstOrThrow()
        ).n,
      );
    const before = await count();
    const spoiled = structuredClone(plan);
    spoiled.zones[1]!.rows[0]!.seats[0]!.seat_guid = 'Stalls-A-1';
    spoiled.zones[1]!.rows[0]!.seats[2]!.category = 'Box';
    const answer = await admin.post<Problem>('/admin/seating-plans', spoiled);
    expect([answer.status, answer.body.code]).toEqual([422, 'PLAN_INVALID']);
    expect(answer.body.errors!.length).toBeGreaterThan(0);
    const other = await admin.post<Problem>('/admin/seating-plans', { name: 'x' });
    expect([other.status, other.body.code]).toEqual([422, 'PLAN_INVALID']);
    expect(await count()).toBe(before);
  });
});

describe('blocked seats', () => {
  const block = (showId: string, seatIds: string[], call = 'blocks') =>
    admin.post(`/admin/shows/${showId}/${call}`, { seatIds, reason: 'broken' });

  test('cannot be held until they are unblocked; blocking twice is as once', async () => {
    const show = await openShow(system);
    const buyer = await newGuest(url());
    expect((await block(show.id, ['A1', 'A2'])).status).toBe(200);
    expect((await block(show.id, ['A1', 'A2'])).status).toBe(200);
    const refused = await buyer.hold(show.id, ['A1']);
    expect(refused.body).toMatchObject({ code: 'SEAT_UNAVAILABLE', conflicts: [{ seatId: 'A1', reason: 'blocked' }] });
    expect((await block(show.id, ['A1'], 'unblocks')).status).toBe(200);
    expect((await buyer.hold(show.id, ['A1'])).status).toBe(201);
    expect(await statusesOf(system, show.id)).toMatch(/^hxa+$/);
  });

  test('are blocked all or none, and never under a buyer', async () => {
    const show = await openShow(system);
    await (await newGuest(url())).held(show.id, ['A1']);
    const refused = await block(show.id, ['A1', 'A2']);
    expect([refused.status, refused.body.code]).toEqual([409, 'SEAT_UNAVAILABLE']);
    expect(await statusesOf(system, show.id)).toMatch(/^ha+$/);
    for (const [seatIds, code] of [
      [['Z1'], 'UNKNOWN_SEAT'],
      [['A2', 'A2'], 'DUPLICATE_SEAT'],
      [[], 'VALIDATION_FAILED'],
    ] as const) {
      expect((await block(show.id, [...seatIds])).body.code).toBe(code);
    }
    expect((await block('shw_none', ['A1'])).status).toBe(404);
  });
});
