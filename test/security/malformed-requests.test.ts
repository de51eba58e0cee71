import { once } from 'node:events';
import { Agent, type IncomingMessage, request } from 'node:http';
import fc from 'fast-check';
import { signAccessToken } from '../../src/api/accounts/tokens.ts';
import type { Endpoint } from '../../src/contracts/http/endpoint.ts';
import { BASE_PATH, endpoints } from '../../src/contracts/http/endpoints.ts';
import type { Problem } from '../../src/contracts/http/problems.ts';
import { bookingWorkflowId } from '../../src/contracts/workflow-ids.ts';
import { TemporalActorRecords } from '../../temporal/actor-records.ts';
import { type ApiClient, newGuest, newKey, staff } from '../api/http-client.ts';
import { deliverWebhook, paymentSucceeded } from '../api/signed-webhook.ts';
import { eventually } from '../setup/eventually.ts';
import { openShow, statusesOf } from '../setup/shows.ts';
import { testSecrets, useTestSystem } from '../setup/system.ts';
import { expectDocumentedRefusal } from './documented.ts';
import { smallPlan } from './requests.ts';
import { digestOfAllRows } from './unchanged.ts';

const system = useTestSystem({ apis: 1, settings: { HOLD_TTL_SECONDS: '600' } });
const url = (): URL => new URL(system.apiUrls[0]!);
/** Of any answer to anything that comes in malformed. */
const WITHIN_MS = 2_000;
const runs = { numRuns: 60, seed: 20_261_120 };

let buyer: ApiClient;
let token: string;
let adminToken: string;
let show: { readonly id: string };
let bookingId: string;
let agent: Agent;

beforeAll(async () => {
  buyer = await newGuest(system.apiUrls[0]!);
  const issuedAt = Math.floor(Date.now() / 1_000);
  token = await signAccessToken(testSecrets.JWT_SECRET, { userId: buyer.userId!, role: 'guest' }, issuedAt);
  adminToken = await signAccessToken(testSecrets.JWT_SECRET, { userId: 'usr_admin', role: 'admin' }, issuedAt);
  show = await openShow(system);
  bookingId = (await buyer.held(show.id, ['E1'])).id;
  agent = new Agent({ keepAlive: true, maxSockets: 4 });
  await settled();
}, 60_000);
afterAll(() => agent.destroy());

/** The map of seats is projected a moment after its change. */
const settled = () =>
  eventually(async () =>
    expect((await buyer.get<{ statuses: string }>(`/shows/${show.id}/seats`)).body.statuses).toContain('h'),
  );

interface Sent {
  readonly method: string;
  /** Below the base path. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string | readonly string[]>>;
  readonly body?: Buffer | undefined;
}

interface Heard {
  readonly status: number;
  readonly contentType: string | null;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly body: unknown;
}

/** Sends bytes as they are, and takes no longer than is promised. */
async function ask({ method, path, headers, body }: Sent): Promise<Heard> {
  const startedAt = performance.now();
  const { hostname, port } = url();
  const sent = request({
    ...{ agent, hostname, port, method, path: `${BASE_PATH}${path}` },
    headers: { ...headers, ...(body && { 'Content-Length': String(body.length) }) } as Record<string, string>,
  });
  sent.end(body);
  const [answer] = (await once(sent, 'response')) as [IncomingMessage];
  const pieces: Buffer[] = [];
  for await (const piece of answer) pieces.push(piece as Buffer);
  expect(performance.now() - startedAt).toBeLessThan(WITHIN_MS);
  const contentType = answer.headers['content-type'] ?? null;
  const text = Buffer.concat(pieces).toString('utf8');
  const { date: _date, ...seen } = answer.headers;
  const json = contentType?.includes('json') ? (JSON.parse(text) as unknown) : text;
  return { status: answer.statusCode!, contentType, headers: seen, body: json };
}

/** Whatever is sent meanwhile changes no row and no seat, and the process lives on. */
async function changesNothing(act: () => Promise<unknown>): Promise<void> {
  const [rows, seats, pid] = [await digestOfAllRows(system.db), await statusesOf(system, show.id), system.apis[0]!.pid];
  await act();
  expect(await digestOfAllRows(system.db)).toEqual(rows);
  expect(await statusesOf(system, show.id)).toBe(seats);
  expect((await fetch(new URL('/health/live', url()))).status).toBe(200);
  expect(system.apis[0]!.pid).toBe(pid);
}

/** What HTTP allows in a header: no line's end, no NUL. */
const headerText = fc
  .oneof(
    fc.string({ maxLength: 300 }),
    fc
      .uint8Array({ maxLength: 300 })
      .map((bytes) => Buffer.from(bytes.filter((byte) => byte >= 0x20 && byte !== 0x7f)).toString('latin1')),
  )
  .map((text) => text.trim());
const json = { 'Content-Type': 'application/json' };
const bearer = (of: string) => ({ Authorization: `Bearer ${of}` });

describe('a header of any content', () => {
  const refusedWith = (endpoint: Endpoint, sent: (text: string) => Sent, isGood: (text: string) => boolean) =>
    changesNothing(() =>
      fc.assert(
        fc.asyncProperty(headerText, async (text) => {
          fc.pre(!isGood(text));
          expectDocumentedRefusal(endpoint, await ask(sent(text)));
        }),
        runs,
      ),
    );
  const never = () => false;
  const booking = (): Buffer => Buffer.from(JSON.stringify({ showId: show.id, seatIds: ['A1'] }));

  test('for Authorization is refused', () =>
    refusedWith(
      endpoints.createBooking,
      (text) => ({
        method: 'POST',
        path: '/bookings',
        headers: { ...json, 'Idempotency-Key': newKey(), Authorization: text },
        body: booking(),
      }),
      never,
    ));

  test('for Idempotency-Key is refused, unless it is one', () =>
    refusedWith(
      endpoints.createBooking,
      (text) => ({
        method: 'POST',
        path: '/bookings',
        headers: { ...json, ...bearer(token), 'Idempotency-Key': text },
        body: booking(),
      }),
      (text) => /^[\x21-\x7e]{8,255}$/.test(text),
    ));

  test('for If-Match changes nothing, unless it is the tag', () =>
    refusedWith(
      endpoints.changeShow,
      (text) => ({
        method: 'PATCH',
        path: `/admin/shows/${show.id}`,
        headers: { ...json, ...bearer(adminToken), 'If-Match': text },
        body: Buffer.from('{"salesCloseAt":"2039-01-01T00:00:00Z"}'),
      }),
      (text) => text.split(',').some((tag) => tag.trim() === '*'),
    ));

  test.each([
    ['the simulator', '/webhooks/payments/simulator', 'X-Signature'],
    ['its fallback', '/webhooks/payments/simulator-backup', 'X-Signature'],
  ])('for the signature of %s is refused', (_whose, path, name) =>
    refusedWith(
      endpoints.receiveWebhook,
      (text) => ({ method: 'POST', path, headers: { ...json, [name]: text }, body: Buffer.from('{"id":"evt_1"}') }),
      never,
    ),
  );

  test('for Content-Type is refused, unless it says JSON', () =>
    refusedWith(
      endpoints.createBooking,
      (text) => ({
        method: 'POST',
        path: '/bookings',
        headers: { ...bearer(token), 'Idempotency-Key': newKey(), 'Content-Type': text },
        body: booking(),
      }),
      (text) => /^application\/json/i.test(text),
    ));

  test('for Last-Event-ID, If-None-Match or X-Request-Id is an answer all the same', () =>
    changesNothing(() =>
      fc.assert(
        fc.asyncProperty(headerText, async (text) => {
          const map = await ask({
            method: 'GET',
            path: `/shows/${show.id}/seats`,
            headers: { 'If-None-Match': text, 'X-Request-Id': text, 'Accept-Encoding': text, Accept: text },
          });
          expect([200, 304]).toContain(map.status);
          const stream = new AbortController();
          const path = `${BASE_PATH}/shows/${show.id}/seats/stream`;
          const watched = await fetch(new URL(path, url()), {
            headers: ascii('Last-Event-ID', text),
            signal: stream.signal,
          });
          expect(watched.status).toBe(200);
          const first = (await watched.body!.getReader().read()) as { readonly value?: Uint8Array };
          expect(Buffer.from(first.value ?? []).toString()).toContain('retry:');
          stream.abort();
        }),
        { ...runs, numRuns: 30 },
      ),
    ));
  const ascii = (name: string, text: string): Record<string, string> =>
    /^[\x21-\x7e]+$/.test(text) ? { [name]: text } : {};
});

describe('a body of any content', () => {
  const bytes = fc.oneof(
    fc.uint8Array({ minLength: 1, maxLength: 400 }).map((each) => Buffer.from(each)),
    fc.json({ maxDepth: 4 }).map((text) => Buffer.from(text)),
    fc
      .constantFrom(
        '{"__proto__":{"showId":"x"}}',
        '[[[[[[',
        '\ufeff',
        '{"a":1}{"b":2}',
        '"\\ud800"',
        'NaN',
        "{'a':1}",
        '{"a":1,}',
      )
      .map((text) => Buffer.from(text)),
  );
  const callers: readonly [string, Endpoint, () => string, () => string | null][] = [
    ['a booking', endpoints.createBooking, () => '/bookings', () => token],
    ['a quote', endpoints.createQuote, () => '/quotes', () => null],
    ['a guest', endpoints.createGuest, () => '/auth/guest', () => null],
    ['an invitation', endpoints.claimAccount, () => '/auth/claim', () => null],
    ['a payment', endpoints.payBooking, () => `/bookings/${bookingId}/payment`, () => token],
    ['other seats', endpoints.changeSeats, () => `/bookings/${bookingId}`, () => token],
    ['an exchange', endpoints.exchangeBooking, () => `/bookings/${bookingId}/exchange`, () => token],
    ['a ticket at the door', endpoints.verifyTicket, () => '/tickets/verify', () => adminToken],
    ['a seating plan', endpoints.importSeatingPlan, () => '/admin/seating-plans', () => adminToken],
    ['a show', endpoints.createShow, () => '/admin/shows', () => adminToken],
    ['a partner', endpoints.createWebhookEndpoint, () => '/admin/webhook-endpoints', () => adminToken],
    ['a webhook', endpoints.receiveWebhook, () => '/webhooks/payments/simulator', () => null],
  ];

  test.each(callers)('for %s is refused, and changes nothing', async (_what, endpoint, path, as) => {
    await changesNothing(() =>
      fc.assert(
        fc.asyncProperty(bytes, async (body) => {
          const headers = { ...json, ...(as() !== null && bearer(as()!)), 'Idempotency-Key': newKey() };
          const { idempotencyKey } = endpoint;
          const { 'Idempotency-Key': _key, ...keyless } = headers;
          const sent = { method: endpoint.method.toUpperCase(), path: path(), body };
          // A refusal under a key is kept for its repeats: a row.
          expectDocumentedRefusal(
            endpoint,
            await ask({ ...sent, headers: idempotencyKey === 'required' ? headers : keyless }),
          );
        }),
        runs,
      ),
    );
  });

  test('a plan that would be more than it is, or is deeper or longer than any, is refused', async () => {
    const admin = await staff(system.apiUrls[0]!);
    for (const plan of [
      `{"__proto__":${JSON.stringify(smallPlan)}}`,
      JSON.stringify(smallPlan).replace('{', '{"__proto__":{"name":"x"},'),
      JSON.stringify(smallPlan).replace('{', '{"constructor":{"prototype":{"name":"x"}},'),
      `{"name":${'['.repeat(2_000_000)}${']'.repeat(2_000_000)}}`,
      `{"zones":[${'1,'.repeat(2_000_000)}1]}`,
    ]) {
      const took: number[] = [];
      // The best of three: the machine has other things to do, too.
      do {
        const startedAt = performance.now();
        const answer = await admin.post<Problem>('/admin/seating-plans', plan);
        took.push(performance.now() - startedAt);
        expect([plan.slice(0, 40), answer.status, answer.body.code]).toEqual([plan.slice(0, 40), 422, 'PLAN_INVALID']);
      } while (took.at(-1)! >= WITHIN_MS && took.length < 3);
      expect(Math.min(...took)).toBeLessThan(WITHIN_MS);
    }
  });
});

describe('a query of any content', () => {
  const lists = ['/cities', '/movies', '/shows', '/theatres'] as const;

  test('is answered or refused as documented', async () => {
    const names = fc.constantFrom(
      'limit',
      'cursor',
      'city',
      'date',
      'q',
      'near',
      'radiusKm',
      'movie',
      '__proto__',
      'constructor',
      'a[b]',
      'limit[]',
    );
    const value = fc.string({ maxLength: 60, unit: 'grapheme' });
    await changesNothing(() =>
      fc.assert(
        fc.asyncProperty(
          fc.constantFrom(...lists),
          fc.array(fc.tuple(names, value), { maxLength: 4 }),
          async (list, pairs) => {
            const query = pairs
              .map(([name, each]) => `${encodeURIComponent(name)}=${encodeURIComponent(each)}`)
              .join('&');
            const answer = await ask({ method: 'GET', path: `${list}?${query}`, headers: {} });
            const endpoint = { path: list, method: 'get' } as const;
            if (answer.status !== 200) expectDocumentedRefusal(endpoint, answer);
          },
        ),
        { ...runs, numRuns: 200 },
      ),
    );
  });

  test.each([
    '__proto__[limit]=1',
    '__proto__=1',
    'constructor[prototype][limit]=1',
    'limit[$gt]=1',
    'toString=1',
    'limit=1&limit=2',
    'limit=%FF',
    '%',
  ])('that would be more than it is, %s, is refused', async (query) => {
    const answer = await ask({ method: 'GET', path: `/shows?${query}`, headers: {} });
    if (query !== '%') expectDocumentedRefusal(endpoints.listShows, answer);
    expect([400, 404]).toContain(answer.status);
    expect((await buyer.get<{ items: unknown[] }>('/shows')).status).toBe(200);
  });
});

describe('an id that would be more than one', () => {
  const strange = [
    "shw_1' OR 1=1 --",
    'shw_1"; drop table bookings; --',
    'show/shw_1',
    'shw_1/cancellation',
    '../booking/bkg_1',
    '*',
    '%',
    '${jndi:ldap://x}',
    "' OR WorkflowId STARTS_WITH '",
    'shw_1\r\nX-Injected: 1',
    '__proto__',
    '\u202eshw_1',
  ];

  test.each(strange)('%j reaches no workflow: not in a body, a path or a query', async (id) => {
    await changesNothing(async () => {
      const running = await workflowIds();
      const key = { key: newKey() };
      const inBody = await buyer.post('/bookings', { showId: id, seatIds: ['A1'] }, key);
      expect([inBody.status, inBody.body.code]).toEqual([404, 'NOT_FOUND']);
      const part = encodeURIComponent(id);
      for (const path of [`/shows/${part}`, `/shows/${part}/seats`, `/bookings/${part}`, `/bookings/${part}/payment`]) {
        expect((await buyer.get(path)).status).toBe(404);
      }
      const inQuery = await buyer.get<{ items: unknown[] }>(`/shows?movie=${part}&city=${part}`);
      expect([inQuery.status, inQuery.body.items]).toEqual([200, []]);
      expect(await workflowIds()).toEqual(running);
    });
  });

  const workflowIds = async (): Promise<readonly string[]> => {
    const ids: string[] = [];
    for await (const { workflowId } of system.temporal.workflow.list()) ids.push(workflowId);
    // Schedules start others by themselves.
    return ids.filter((id) => /^(show|booking)\//.test(id)).sort();
  };

  test('in a webhook that a provider has signed starts nothing', async () => {
    const running = await workflowIds();
    for (const id of [...strange.slice(0, 9), `${bookingId}/change`, `${bookingId}/late/x`]) {
      const { status } = await deliverWebhook(
        system.apiUrls[0]!,
        paymentSucceeded(id, 'pay_1', { amount: 1, currency: 'INR' }),
      );
      expect(status).toBe(200);
    }
    expect(await workflowIds()).toEqual(running);
  });

  test('in a record asks visibility nothing else than it means', async () => {
    const records = new TemporalActorRecords(system.temporal);
    await eventually(async () => expect(await workflowIds()).toContain(bookingWorkflowId(bookingId)));
    for (const id of [
      `${bookingId}' OR WorkflowId != '`,
      `x' OR '1'='1`,
      `${bookingId}\\`,
      `x') OR (WorkflowId STARTS_WITH 'booking`,
      '',
    ]) {
      expect(await records.isAtWork(id)).toBe(false);
    }
    expect(await records.isAtWork(bookingId)).toBe(true);
  });
});

describe('the direct entrance', () => {
  /** JSON too, but not as plain as the direct entrance wants it. */
  const THROUGH_EXPRESS = 'application/json; charset="utf-8"';
  const good = () => ({ showId: show.id, seatIds: ['E1'] });

  test('answers whatever comes as the route behind does', async () => {
    const body = fc.oneof(
      fc.uint8Array({ minLength: 1, maxLength: 200 }).map((bytes) => () => Buffer.from(bytes)),
      fc.json({ maxDepth: 3 }).map((text) => () => Buffer.from(text)),
      fc
        .constantFrom('showId', 'seatIds', 'bestAvailable', '__proto__', 'x')
        .chain((name) =>
          fc
            .jsonValue()
            .map(
              (value) => () =>
                Buffer.from(`{${JSON.stringify(name)}:${JSON.stringify(value)},${JSON.stringify(good()).slice(1)}`),
            ),
        ),
      fc
        .array(fc.string({ maxLength: 4 }), { maxLength: 12 })
        .map((seatIds) => () => Buffer.from(JSON.stringify({ ...good(), seatIds }))),
      fc.nat(30).map((at) => () => Buffer.from(JSON.stringify(good()).slice(0, at + 1))),
      fc
        .constantFrom('\ufeff', '\ufeff\ufeff', ' ', '\0', '\u00a0')
        .map((before) => () => Buffer.from(before + JSON.stringify(good()))),
      fc.tuple(fc.nat(10), fc.uint8Array({ minLength: 1, maxLength: 3 })).map(
        ([at, bytes]) =>
          () =>
            withinShowId(at, Buffer.from(bytes.map((byte) => byte | 0x80))),
      ),
    );
    const header = (...values: readonly (string | undefined)[]) => fc.constantFrom(...values);
    const others = fc.record(
      {
        authorization: mostly('good'),
        key: mostly('a-key-that-fits'),
        'Content-Encoding': header('identity', 'gzip', 'br', ''),
        'X-Forwarded-For': header('192.0.2.7', 'unknown', '::1'),
        'X-Request-Id': header('a-request-id-of-mine', 'short'),
        Accept: header('application/pdf', 'text/html', '*/*'),
        'X-HTTP-Method-Override': header('GET'),
        Expect: header('100-continue'),
        Cookie: header('a=b'),
      },
      { requiredKeys: ['authorization', 'key'] },
    );
    const seen = new Map<number, number>();
    await changesNothing(() =>
      fc.assert(
        fc.asyncProperty(body, others, async (made, { authorization, key, ...rest }) => {
          const headers = {
            'X-Request-Id': 'one-request-id',
            ...rest,
            Authorization: authorization === 'good' ? `Bearer ${token}` : authorization,
            'Idempotency-Key': key,
          };
          const present = Object.fromEntries(
            Object.entries(headers).filter((each): each is [string, string] => each[1] !== undefined),
          );
          const send = (type: string) =>
            ask({ method: 'POST', path: '/bookings', headers: { ...present, 'Content-Type': type }, body: made() });
          const [direct, behind] = [await send('application/json'), await send(THROUGH_EXPRESS)];
          expect(unnumbered(direct)).toEqual(unnumbered(behind));
          seen.set(direct.status, (seen.get(direct.status) ?? 0) + 1);
        }),
        { ...runs, numRuns: 400 },
      ),
    );
    expect([...seen.keys()]).toEqual(expect.arrayContaining([400, 401, 409]));
  }, 60_000);

  const mostly = (text: string) =>
    fc.oneof({ weight: 4, arbitrary: fc.constant(text) }, headerText, fc.constant(undefined));

  /** JSON in every part but for these bytes in one of its texts, which are seldom UTF-8. */
  function withinShowId(at: number, bytes: Buffer): Buffer {
    const json = Buffer.from(JSON.stringify(good()));
    const place = '{"showId":"'.length + at;
    return Buffer.concat([json.subarray(0, place), bytes, json.subarray(place)]);
  }

  /** Where the request had no id that could be kept, each has one of its own. */
  const unnumbered = ({ body, headers, ...same }: Heard) => ({
    ...same,
    headers: { ...headers, 'x-request-id': '' },
    body: { ...(body as object), requestId: '' },
  });
});
