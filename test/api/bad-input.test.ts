import { connect } from 'node:net';
import type { BookingBody } from '../../src/contracts/http/bookings.ts';
import { problemSchema, type Problem } from '../../src/contracts/http/problems.ts';
import { openShow, rowsOfSeats, statusesOf } from '../setup/shows.ts';
import { useTestSystem } from '../setup/system.ts';
import { ApiClient, newGuest, newKey, staff, type HttpAnswer } from './http-client.ts';

const system = useTestSystem({ apis: 1 });
const url = (): string => system.apiUrls[0]!;

let show: { readonly id: string };
let buyer: ApiClient;
let booking: BookingBody;
let mapBefore: string;
let bookingsBefore: number;

beforeAll(async () => {
  show = await openShow(system);
  buyer = await newGuest(url());
  booking = await buyer.held(show.id, ['E1']);
  mapBefore = await statusesOf(system, show.id);
  bookingsBefore = await bookingCount();
}, 120_000);

const bookingCount = async (): Promise<number> => {
  const { count } = await system.db
    .selectFrom('bookings')
    .select((eb) => eb.fn.countAll<number>().as('count'))
    .executeTakeFirstOrThrow();
  return Number(count);
};

/** Refused with this status and code, as a problem in every part, and with nothing changed. */
async function expectRefusal(answer: HttpAnswer<Problem>, status: number, code: string): Promise<void> {
  expect([answer.status, answer.body.code]).toEqual([status, code]);
  expect(answer.headers.get('content-type')).toBe('application/problem+json; charset=utf-8');
  const problem = problemSchema.parse(answer.body);
  expect(problem).toMatchObject({ status, type: `/problems/${code.toLowerCase().replaceAll('_', '-')}` });
  expect(problem.requestId).toBe(answer.headers.get('x-request-id'));
  expect(JSON.stringify(problem)).not.toMatch(/select |insert |node_modules|workflow|temporal|\.ts:/i);
  expect(await statusesOf(system, show.id)).toBe(mapBefore);
  expect(await bookingCount()).toBe(bookingsBefore);
  expect(await buyer.booking(booking.id)).toEqual(booking);
}

const book = (body: unknown, key: string | undefined = newKey()) =>
  buyer.post('/bookings', body, key === undefined ? {} : { key });

describe('a booking is refused', () => {
  test.each<[string, () => unknown, number, string]>([
    ['of an unknown seat', () => ({ showId: show.id, seatIds: ['A1', 'Z99'] }), 400, 'UNKNOWN_SEAT'],
    [
      'of a seat named after what objects inherit',
      () => ({ showId: show.id, seatIds: ['__proto__'] }),
      400,
      'UNKNOWN_SEAT',
    ],
    ['in an unknown show', () => ({ showId: 'shw_none', seatIds: ['A1'] }), 404, 'NOT_FOUND'],
    ['in a show whose id is nonsense', () => ({ showId: "'; drop table", seatIds: ['A1'] }), 404, 'NOT_FOUND'],
    ['in a show whose id has a NUL', () => ({ showId: 'shw_\0', seatIds: ['A1'] }), 400, 'VALIDATION_FAILED'],
    ['of a seat named twice', () => ({ showId: show.id, seatIds: ['A1', 'A1'] }), 422, 'DUPLICATE_SEAT'],
    ['of no seats', () => ({ showId: show.id, seatIds: [] }), 400, 'VALIDATION_FAILED'],
    ['of too many seats', () => ({ showId: show.id, seatIds: seats(11) }), 422, 'TOO_MANY_SEATS'],
    ['of a hundred thousand seats', () => ({ showId: show.id, seatIds: seats(20_000) }), 422, 'TOO_MANY_SEATS'],
    ['of a negative count', () => ({ showId: show.id, bestAvailable: { count: -1 } }), 400, 'VALIDATION_FAILED'],
    ['of a count of zero', () => ({ showId: show.id, bestAvailable: { count: 0 } }), 400, 'VALIDATION_FAILED'],
    ['of half a seat', () => ({ showId: show.id, bestAvailable: { count: 1.5 } }), 400, 'VALIDATION_FAILED'],
    ['of a huge count', () => ({ showId: show.id, bestAvailable: { count: 1e9 } }), 422, 'TOO_MANY_SEATS'],
    [
      'in an unknown category',
      () => ({ showId: show.id, bestAvailable: { count: 1, category: 'Gold' } }),
      400,
      'VALIDATION_FAILED',
    ],
    ['with an unknown field', () => ({ showId: show.id, seatIds: ['A1'], price: 1 }), 400, 'VALIDATION_FAILED'],
    [
      'with fields that are not there yet',
      () => ({ showId: show.id, seatIds: ['A1'], points: 5 }),
      400,
      'VALIDATION_FAILED',
    ],
    [
      'with seats and best available at once',
      () => ({ showId: show.id, seatIds: ['A1'], bestAvailable: { count: 1 } }),
      400,
      'VALIDATION_FAILED',
    ],
    ['with a wrong type', () => ({ showId: show.id, seatIds: 'A1' }), 400, 'VALIDATION_FAILED'],
    ['with a number for a seat', () => ({ showId: show.id, seatIds: [1] }), 400, 'VALIDATION_FAILED'],
    ['without a show', () => ({ seatIds: ['A1'] }), 400, 'VALIDATION_FAILED'],
    ['that is no object', () => [show.id], 400, 'VALIDATION_FAILED'],
    ['that is null', () => 'null', 400, 'VALIDATION_FAILED'],
    [
      'that pollutes prototypes',
      () => `{"showId":"${show.id}","seatIds":["A1"],"__proto__":{"x":1}}`,
      400,
      'VALIDATION_FAILED',
    ],
    ['that is broken JSON', () => '{"showId":', 400, 'MALFORMED_JSON'],
    ['that is not UTF-8', () => Buffer.from([0x22, 0xff, 0x22]), 400, 'MALFORMED_JSON'],
    ['over the limit', () => JSON.stringify({ showId: 'x'.repeat(300_000) }), 413, 'BODY_TOO_LARGE'],
  ])('%s', async (_what, body, status, code) => {
    await expectRefusal(await book(body()), status, code);
  });

  test('that names where it is wrong', async () => {
    const answer = await book({ showId: show.id, seatIds: ['A1', 7], colour: 'red' });
    expect(answer.body.errors?.map(({ path }) => path).sort()).toEqual(['colour', 'seatIds.1']);
    const unknown = await book({ showId: show.id, seatIds: ['A1', 'Z1', 'Z2'] });
    expect(unknown.body.seatIds).toEqual(['Z1', 'Z2']);
  });

  test('with seats of another show', async () => {
    const other = await openShow(system, { plan: rowsOfSeats(7, 4) });
    await expectRefusal(await book({ showId: show.id, seatIds: ['G1'] }), 400, 'UNKNOWN_SEAT');
    await expectRefusal(await book({ showId: other.id, seatIds: ['A10'] }), 400, 'UNKNOWN_SEAT');
  });

  test('with another content type, or none', async () => {
    const body = JSON.stringify({ showId: show.id, seatIds: ['A1'] });
    for (const type of ['text/plain', 'application/xml', 'application/x-www-form-urlencoded', 'multipart/form-data']) {
      const answer = await buyer.post('/bookings', body, { key: newKey(), headers: { 'Content-Type': type } });
      await expectRefusal(answer, 415, 'UNSUPPORTED_MEDIA_TYPE');
    }
    const latin = { 'Content-Type': 'application/json; charset=iso-8859-1' };
    await expectRefusal(
      await buyer.post('/bookings', body, { key: newKey(), headers: latin }),
      415,
      'UNSUPPORTED_MEDIA_TYPE',
    );
  });

  test('that does not unpack', async () => {
    const headers = { 'Content-Encoding': 'gzip' };
    await expectRefusal(await buyer.post('/bookings', 'not gzip', { key: newKey(), headers }), 400, 'MALFORMED_JSON');
    const odd = { 'Content-Encoding': 'rot13' };
    await expectRefusal(
      await buyer.post('/bookings', '{}', { key: newKey(), headers: odd }),
      415,
      'UNSUPPORTED_MEDIA_TYPE',
    );
  });

  test('that is nested without end', async () => {
    const deep = '['.repeat(100_000) + ']'.repeat(100_000);
    await expectRefusal(await book(deep), 400, 'VALIDATION_FAILED');
    const admin = await staff(url());
    const plan = `{"name":${deep}}`;
    await expectRefusal(await admin.post('/admin/seating-plans', plan, { key: newKey() }), 422, 'PLAN_INVALID');
  });

  test('without a body', async () => {
    await expectRefusal(await buyer.post('/bookings', undefined, { key: newKey() }), 400, 'VALIDATION_FAILED');
  });

  test('without an Idempotency-Key, or with one that is none', async () => {
    const body = { showId: show.id, seatIds: ['A1'] };
    await expectRefusal(await buyer.post('/bookings', body), 400, 'IDEMPOTENCY_KEY_REQUIRED');
    for (const key of ['short', 'with space in it', 'x'.repeat(256), 'umlaut-\u00fc-\u00fc']) {
      await expectRefusal(await buyer.post('/bookings', body, { key }), 400, 'VALIDATION_FAILED');
    }
  });

  test('without a token, or with one that is none', async () => {
    const body = { showId: show.id, seatIds: ['A1'] };
    const [header, payload] = 'eyJhbGciOiJub25lIn0.eyJzdWIiOiJ1c3JfMSIsInJvbGUiOiJhZG1pbiJ9'.split('.');
    const none = new ApiClient(url());
    for (const authorization of [undefined, 'Bearer', 'Bearer x', 'Basic dXNyOnB3', `Bearer ${header}.${payload}.`]) {
      const headers: Record<string, string> = authorization === undefined ? {} : { Authorization: authorization };
      const answer = await none.post('/bookings', body, { key: newKey(), headers });
      await expectRefusal(answer, 401, 'UNAUTHENTICATED');
      expect(answer.headers.get('www-authenticate')).toBe('Bearer');
    }
  });
});

const seats = (count: number): string[] => Array.from({ length: count }, (_, number) => `S${number}`);

describe('a payment is refused', () => {
  const pay = (body: unknown) => buyer.post(`/bookings/${booking.id}/payment`, body, { key: newKey() });

  test.each<[string, unknown]>([
    ['by an unknown method', { method: 'cheque', token: 'tok_ok' }],
    ['without a token', { method: 'card' }],
    ['with an empty token', { method: 'card', token: '' }],
    ['with a token that is too long', { method: 'card', token: 'x'.repeat(256) }],
    ['with an amount of its own', { method: 'card', token: 'tok_ok', amount: { amount: 1, currency: 'INR' } }],
  ])('%s', async (_what, body) => {
    await expectRefusal(await pay(body), 400, 'VALIDATION_FAILED');
    expect((await buyer.payment(booking.id)).attempts).toEqual([]);
  });

  test('without an Idempotency-Key', async () => {
    const answer = await buyer.post(`/bookings/${booking.id}/payment`, { method: 'card', token: 'tok_ok' });
    await expectRefusal(answer, 400, 'IDEMPOTENCY_KEY_REQUIRED');
  });
});

describe('an id that is none', () => {
  test.each([
    '/shows/shw_unknown',
    '/shows/shw_unknown/seats',
    '/shows/1',
    '/shows/shw_%00',
    '/shows/shw_%E0%A4%A',
    `/shows/shw_${'x'.repeat(100)}/seats`,
    '/shows/mov_abc',
    '/movies/mov_unknown',
    '/theatres/thr_unknown',
    '/seating-plans/pln_unknown',
    '/bookings/bkg_unknown',
    '/bookings/..%2f..%2fetc',
    '/nothing',
    '/bookings/bkg_unknown/nothing',
  ])('%s is not found', async (path) => {
    await expectRefusal(await buyer.get(path), 404, 'NOT_FOUND');
  });
});

describe('a list is refused', () => {
  test.each([
    '/shows?limit=0',
    '/shows?limit=101',
    '/shows?limit=ten',
    '/shows?limit=5&limit=6',
    '/shows?cursor=nonsense',
    '/shows?date=2026-02-30',
    '/shows?date=today',
    '/shows?page=2',
    '/shows?city=%00',
    '/cities?cursor=bm9uZQ',
    '/movies?q=%00',
    '/theatres?near=91,0',
    '/theatres?near=here',
    '/theatres?near=1,1&radiusKm=-1',
    '/bookings?status=SOLD',
  ])('%s', async (path) => {
    await expectRefusal(await buyer.get(path), 400, 'VALIDATION_FAILED');
  });
});

describe('text that cannot be kept, a NUL or half a character, is refused by its place', () => {
  const NUL = 'a\0b';

  async function expectRefusalOf(path: string, answer: HttpAnswer<Problem>): Promise<void> {
    await expectRefusal(answer, 400, 'VALIDATION_FAILED');
    expect(answer.body.errors?.map((error) => error.path)).toEqual([path]);
  }

  test.each([
    ['/movies', ['city', 'language', 'genre', 'format', 'q', 'cursor']],
    ['/shows', ['movie', 'theatre', 'city', 'cursor']],
    ['/theatres', ['city', 'cursor']],
    ['/cities', ['cursor']],
    ['/bookings', ['cursor']],
  ])('in the query of %s', async (path, filters) => {
    for (const filter of filters) {
      await expectRefusalOf(filter, await buyer.get(`${path}?${filter}=${encodeURIComponent(NUL)}`));
    }
  });

  test('in what a cursor holds', async () => {
    for (const [list, key] of [
      ['cities', [NUL, 'cit_1']],
      ['movies', [0, 'A Film', NUL]],
      ['shows', [0, NUL]],
      ['bookings', [0, '\ud800']],
    ] as const) {
      const cursor = Buffer.from(JSON.stringify([list, key])).toString('base64url');
      await expectRefusalOf('cursor', await buyer.get(`/${list}?cursor=${cursor}`));
    }
  });

  test.each([NUL, '\ud800'])('in the body of a call (%j)', async (bad) => {
    const bookingOf = (seats: object) => book({ showId: show.id, ...seats });
    await expectRefusalOf('seatIds.1', await bookingOf({ seatIds: ['A1', bad] }));
    await expectRefusalOf('bestAvailable.category', await bookingOf({ bestAvailable: { count: 1, category: bad } }));
    await expectRefusalOf('seatIds.0', await buyer.post('/quotes', { showId: show.id, seatIds: [bad] }));
    await expectRefusalOf('seatIds.0', await buyer.send('PATCH', `/bookings/${booking.id}`, { seatIds: [bad] }));
    const payment = { method: 'card', token: bad };
    await expectRefusalOf('token', await buyer.post(`/bookings/${booking.id}/payment`, payment, { key: newKey() }));
    const guest = { email: `${bad}@example.org` };
    await expectRefusalOf('email', await new ApiClient(url()).post('/auth/guest', guest));
  });

  test('in what staff makes', async () => {
    const admin = await staff(url());
    const at = { startsAt: '2040-01-01T10:00:00Z', endsAt: '2040-01-01T12:00:00Z' };
    const named = { movieId: 'mov_1', screenId: 'scr_1', seatingPlanId: 'pln_1', language: 'en', format: '2D' };
    const price = { id: 'standard', name: 'Standard', price: { amount: 1, currency: 'INR' } };
    const newShow = { ...named, ...at, categories: [price] };
    for (const [path, body, places] of [
      [`/admin/shows/${show.id}/blocks`, { seatIds: ['A1'], reason: 'broken' }, ['reason']],
      [`/admin/shows/${show.id}/unblocks`, { seatIds: ['A1'], reason: 'mended' }, ['reason']],
      ['/admin/theatres', { cityId: 'cit_1', name: 'Regal', address: 'Main Road' }, ['cityId', 'name', 'address']],
      ['/admin/screens', { theatreId: 'thr_1', name: 'Screen 1' }, ['theatreId', 'name']],
      ['/admin/movies', { title: 'Ran', certificate: 'A', director: 'K' }, ['title', 'certificate', 'director']],
      ['/admin/shows', newShow, Object.keys(named)],
    ] as const) {
      for (const place of places) await expectRefusalOf(place, await admin.post(path, { ...body, [place]: NUL }));
    }
    await expectRefusalOf('genres.0', await admin.post('/admin/movies', { title: 'Ran', genres: [NUL] }));
    const categories = [{ ...price, id: NUL }];
    await expectRefusalOf('categories.0.id', await admin.post('/admin/shows', { ...newShow, categories }));
  });

  test('in a seating plan', async () => {
    const plan = {
      name: NUL,
      categories: [{ name: 'Standard', color: NUL }],
      size: { width: 1, height: 1 },
      zones: [{ name: NUL, position: { x: 0, y: 0 }, rows: [] }],
    };
    const answer = await (await staff(url())).post('/admin/seating-plans', plan);
    await expectRefusal(answer, 422, 'PLAN_INVALID');
    expect(answer.body.errors?.map((error) => error.path)).toEqual(['name', 'zones.0.name', 'categories.0.color']);
  });

  test('and so is a date of the year 0', async () => {
    await expectRefusalOf('date', await buyer.get('/shows?date=0000-01-01'));
    const film = { title: 'Ran', releasedOn: '0000-01-01' };
    await expectRefusalOf('releasedOn', await (await staff(url())).post('/admin/movies', film));
  });
});

describe('a method that a path does not have', () => {
  test.each([
    ['DELETE', '/bookings', 'POST, GET, HEAD, OPTIONS'],
    ['PUT', '/bookings/bkg_1', 'GET, PATCH, DELETE, HEAD, OPTIONS'],
    ['GET', '/quotes', 'POST, OPTIONS'],
    ['POST', '/shows/shw_1/seats', 'GET, HEAD, OPTIONS'],
    ['PATCH', '/auth/guest', 'POST, OPTIONS'],
    ['GET', '/admin/shows', 'POST, OPTIONS'],
    ['GET', '/webhooks/payments/simulator', 'POST, OPTIONS'],
  ])('%s %s', async (method, path, allow) => {
    const answer = await buyer.send(method, path);
    await expectRefusal(answer, 405, 'METHOD_NOT_ALLOWED');
    expect(answer.headers.get('allow')).toBe(allow);
  });

  test('OPTIONS tells what is allowed', async () => {
    const answer = await buyer.send('OPTIONS', '/bookings');
    expect([answer.status, answer.headers.get('allow')]).toEqual([204, 'POST, GET, HEAD, OPTIONS']);
  });
});

describe('what only staff may do', () => {
  test('is forbidden to a buyer, and to support', async () => {
    const body = { seatIds: ['A1'], reason: 'broken' };
    await expectRefusal(await buyer.post(`/admin/shows/${show.id}/blocks`, body), 403, 'FORBIDDEN');
    const support = await staff(url(), 'support');
    await expectRefusal(await support.post(`/admin/shows/${show.id}/blocks`, body), 403, 'FORBIDDEN');
    await expectRefusal(await new ApiClient(url()).post(`/admin/movies`, {}), 401, 'UNAUTHENTICATED');
  });
});

describe('a file of the documentation', () => {
  test.each(['/docs/nothing.js', '/docs/%2e%2e/package.json', '/docs/..%2f..%2fpackage.json', '/docs/%00'])(
    '%s is not found',
    async (path) => {
      const answer = await fetch(url() + path);
      expect([answer.status, ((await answer.json()) as Problem).code]).toEqual([404, 'NOT_FOUND']);
    },
  );
});

describe('a request that is hardly one', () => {
  /** The first bytes of what the server says to these. */
  const raw = (bytes: string): Promise<string> =>
    new Promise((resolve, reject) => {
      const { hostname, port } = new URL(url());
      const socket = connect(Number(port), hostname, () => socket.write(bytes));
      let heard = '';
      socket.on('data', (data) => (heard += data.toString()));
      socket.on('close', () => resolve(heard));
      socket.on('error', reject);
    });

  test.each([
    ['of another protocol', 'GET / HTTQ/9\r\n\r\n'],
    ['without a host', 'GET /api/v1/cities HTTP/1.1\r\n\r\n'],
    ['that expects what nobody knows', 'GET /api/v1/cities HTTP/1.1\r\nHost: x\r\nExpect: wonders\r\n\r\n'],
    ['for a tunnel', 'CONNECT example.org:443 HTTP/1.1\r\nHost: example.org\r\n\r\n'],
  ])('%s is answered as a problem and the connection closed', async (_what, bytes) => {
    const heard = await raw(bytes);
    expect(heard).toMatch(/^HTTP\/1.1 400 /);
    expect(heard).toContain('application/problem+json');
    expect(heard).toContain('"code":"VALIDATION_FAILED"');
    expect(heard).toMatch(/X-Request-Id: [0-9a-f-]{36}/);
  });

  test('with headers without end is cut off', async () => {
    const heard = await raw(`GET /api/v1/cities HTTP/1.1\r\nHost: x\r\nX-Long: ${'x'.repeat(20_000)}\r\n\r\n`);
    expect(heard).toMatch(/^HTTP\/1.1 400 /);
  });
});

describe('a request id', () => {
  test('that is sane is kept; another one is replaced', async () => {
    const sane = await buyer.get('/cities', { headers: { 'X-Request-Id': 'trace-0123456789' } });
    expect(sane.headers.get('x-request-id')).toBe('trace-0123456789');
    for (const given of ['short', 'with space 12345', 'x'.repeat(100), '{"a":1}-------']) {
      const answer = await buyer.get('/cities', { headers: { 'X-Request-Id': given } });
      expect(answer.headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/);
    }
  });
});

describe('the log', () => {
  test('has every refusal with its code, and no token, key or body', () => {
    const lines = system.apis[0]!.log.join('\n');
    expect(lines).toContain('"code":"VALIDATION_FAILED"');
    expect(lines).not.toMatch(/Bearer|eyJ|tok_ok|asha@example/);
  });
});
