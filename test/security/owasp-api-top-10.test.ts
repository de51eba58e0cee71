import { createHmac } from 'node:crypto';
import { SignJWT } from 'jose';
import { signAccessToken, signStaffToken } from '../../src/api/accounts/tokens.ts';
import { rateLimits } from '../../src/api/http/rate-limits.ts';
import type { SessionBody } from '../../src/contracts/http/accounts.ts';
import type { Endpoint } from '../../src/contracts/http/endpoint.ts';
import { endpoints, everyEndpoint } from '../../src/contracts/http/endpoints.ts';
import type { Problem } from '../../src/contracts/http/problems.ts';
import { ApiClient, newGuest, newKey, staff } from '../api/http-client.ts';
import { deliverWebhook, paymentSucceeded } from '../api/signed-webhook.ts';
import { openShow, statusesOf } from '../setup/shows.ts';
import { testSecrets, useTestSystem } from '../setup/system.ts';
import { accessMatrix, type Access, type Caller, callers, roleOf } from './access-matrix.ts';
import { expectDocumentedRefusal } from './documented.ts';
import { type SampleRequest, sampleRequests, type SampleRequests } from './requests.ts';

/** The OWASP API Security Top 10 of 2023, each risk as what this API promises about it. */
const system = useTestSystem({
  apis: 1,
  settings: { RATE_LIMIT: 'on', TRUSTED_PROXIES: '1', HOLD_TTL_SECONDS: '300' },
});
const url = (): string => system.apiUrls[0]!;
const base = (): string => `${url()}/api/v1`;

type Operation = keyof typeof endpoints;
const operations = Object.keys(endpoints) as Operation[];

let owner: ApiClient;
let requests: SampleRequests;
let tokens: Readonly<Record<Caller, string | null>>;

beforeAll(async () => {
  owner = await newGuest(url());
  const other = await newGuest(url());
  requests = await sampleRequests(system, owner);
  const tokenOf = (caller: Exclude<Caller, 'anonymous'>, userId: string) =>
    signAccessToken(testSecrets.JWT_SECRET, { userId, role: roleOf[caller] }, Math.floor(Date.now() / 1_000));
  tokens = {
    anonymous: null,
    owner: await tokenOf('owner', owner.userId!),
    otherUser: await tokenOf('otherUser', other.userId!),
    theatre_owner: await signStaffToken(testSecrets.JWT_SECRET, 'theatre_owner', 600),
    support: await signStaffToken(testSecrets.JWT_SECRET, 'support', 600),
    admin: await signStaffToken(testSecrets.JWT_SECRET, 'admin', 600),
  };
}, 120_000);

interface Answer {
  readonly status: number;
  readonly contentType: string | null;
  readonly headers: Headers;
  readonly body: unknown;
}

/** Sends it with that token; a stream is left when it has begun. */
async function send(endpoint: Endpoint, { path, body, headers }: SampleRequest, token: string | null): Promise<Answer> {
  const gone = new AbortController();
  const response = await fetch(base() + path, {
    method: endpoint.method.toUpperCase(),
    headers: {
      ...(body !== undefined && { 'Content-Type': 'application/json' }),
      ...(token !== null && { Authorization: `Bearer ${token}` }),
      ...headers,
    },
    ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    signal: gone.signal,
  });
  const contentType = response.headers.get('content-type');
  const text = contentType === 'text/event-stream' ? '' : await response.text();
  gone.abort();
  const answer = contentType?.includes('json') ? (JSON.parse(text) as unknown) : text;
  return { status: response.status, contentType, headers: response.headers, body: answer };
}

const accessOf = ({ status }: Answer): Access => (status === 401 || status === 403 || status === 404 ? status : 'in');

/** Strangers first: what the owner does may be the end of the object. */
async function accessOfAll(operation: Operation, who: readonly Caller[]): Promise<Record<string, Access>> {
  const seen: Record<string, Access> = {};
  for (const caller of who) {
    const answer = await send(endpoints[operation], await requests[operation](), tokens[caller]);
    expect([operation, caller, answer.status < 500]).toEqual([operation, caller, true]);
    seen[caller] = accessOf(answer);
    if (seen[caller] !== 'in') expectDocumentedRefusal(endpoints[operation], answer);
  }
  return seen;
}

const isAboutOwn = (operation: Operation): boolean =>
  accessMatrix[operation].otherUser === 404 && accessMatrix[operation].owner === 'in';

describe('API1: broken object level authorization', () => {
  test.each(operations.filter(isAboutOwn))('%s: nobody but its owner finds a booking', async (operation) => {
    const before = await owner.get('/bookings?limit=100');
    const strangers = callers.filter((caller) => caller !== 'owner');
    const expected = Object.fromEntries(strangers.map((caller) => [caller, accessMatrix[operation][caller]]));
    expect(await accessOfAll(operation, strangers)).toEqual(expected);
    expect((await owner.get('/bookings?limit=100')).body).toEqual(before.body);
    expect(await accessOfAll(operation, ['owner'])).toEqual({ owner: 'in' });
  });

  test('a list of bookings has the caller’s own and nobody else’s', async () => {
    const ids = (body: unknown) => (body as { items: { id: string }[] }).items.map(({ id }) => id);
    const own = ids((await owner.get('/bookings?limit=100')).body);
    expect(own.length).toBeGreaterThan(3);
    for (const caller of ['otherUser', 'admin'] as const) {
      const { body } = await send(endpoints.listBookings, { path: '/bookings?limit=100' }, tokens[caller]);
      expect(ids(body).filter((id) => own.includes(id))).toEqual([]);
    }
  });

  test.each(operations.filter((operation) => endpoints[operation].idempotencyKey !== 'none'))(
    '%s: one user’s Idempotency-Key never shows another its answer',
    async (operation) => {
      const request = await requests[operation]();
      const keyed = { ...request, headers: { ...request.headers, 'Idempotency-Key': newKey() } };
      const [first, second] = accessMatrix[operation].otherUser === 403 ? staffWho(operation) : buyers;
      const replayed = async (who: Caller, from: string) => {
        const headers = { ...keyed.headers, 'X-Forwarded-For': from };
        return (await send(endpoints[operation], { ...keyed, headers }, tokens[who])).headers.get(
          'idempotent-replayed',
        );
      };
      const seen = [await replayed(first, HERE), await replayed(second, THERE), await replayed(first, HERE)];
      expect(seen).toEqual([null, null, 'true']);
    },
  );
  /** Callers of what anyone may call are told apart by their address alone. */
  const [HERE, THERE] = ['192.0.2.1', '192.0.2.2'];
  const buyers = ['owner', 'otherUser'] as const;
  const staffWho = (operation: Operation): readonly [Caller, Caller] =>
    accessMatrix[operation].theatre_owner === 'in' ? ['admin', 'theatre_owner'] : ['admin', 'support'];
});

describe('API2: broken authentication', () => {
  const secret = new TextEncoder().encode(testSecrets.JWT_SECRET);
  const claimed = (said: object, head: object = {}) =>
    new SignJWT({ role: 'admin', ...said })
      .setProtectedHeader({ alg: 'HS256', typ: 'JWT', ...head })
      .setSubject('usr_admin')
      .setIssuer('seatkeeper')
      .setAudience('seatkeeper-api')
      .setIssuedAt();
  const within = (token: SignJWT): SignJWT => token.setExpirationTime('10 min');
  const good = () => within(claimed({}));
  const ownKey = { kty: 'oct', k: Buffer.alloc(32).toString('base64url') };
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  const claims = { role: 'admin', sub: 'usr_admin', iss: 'seatkeeper', aud: 'seatkeeper-api', exp: 4_000_000_000 };
  const macOf = (alg: string, said: string) => createHmac(alg, testSecrets.JWT_SECRET).update(said).digest('base64url');

  const forged: readonly [string, () => string | Promise<string>][] = [
    ['of no algorithm', () => `${part({ alg: 'none' })}.${part(claims)}.`],
    ['of no algorithm, with a signature', () => `${part({ alg: 'None' })}.${part(claims)}.AAAA`],
    ['by another secret', () => good().sign(new TextEncoder().encode('o'.repeat(32)))],
    [
      'by an empty secret',
      () => `${part({ alg: 'HS256' })}.${part(claims)}.${createHmac('sha256', '').update('x').digest('base64url')}`,
    ],
    [
      'by another algorithm of the same secret',
      () => `${part({ alg: 'HS512' })}.${part(claims)}.${macOf('sha512', `${part({ alg: 'HS512' })}.${part(claims)}`)}`,
    ],
    [
      'with a key of its own',
      () => within(claimed({}, { kid: '../../dev/null', jwk: ownKey })).sign(new Uint8Array(32)),
    ],
    ['that has expired', () => claimed({}).setExpirationTime('-1 s').sign(secret)],
    ['without an end', () => claimed({}).sign(secret)],
    ['not valid yet', () => good().setNotBefore('1 h').sign(secret)],
    ['of another issuer', () => good().setIssuer('somebody').sign(secret)],
    ['for another audience', () => good().setAudience('another-api').sign(secret)],
    ['of a role that there is not', () => within(claimed({ role: 'root' })).sign(secret)],
    ['of several roles', () => within(claimed({ role: ['guest', 'admin'] })).sign(secret)],
    ['of nobody', () => good().setSubject('').sign(secret)],
    ['longer than any of ours', async () => `${await good().sign(secret)}${'A'.repeat(3_000)}`],
  ];

  test.each(forged)('a token %s is none', async (_what, forge) => {
    const answer = await send(endpoints.listWebhookEndpoints, { path: '/admin/webhook-endpoints' }, await forge());
    expect([answer.status, (answer.body as Problem).code]).toEqual([401, 'UNAUTHENTICATED']);
    expect(answer.headers.get('www-authenticate')).toBe('Bearer');
  });

  test('the token that these are made from is one', async () => {
    const token = await good().sign(secret);
    expect((await send(endpoints.listWebhookEndpoints, { path: '/admin/webhook-endpoints' }, token)).status).toBe(200);
  });

  test('a token counts in the Authorization header alone, and a refresh token is not one', async () => {
    const token = tokens.admin!;
    const nowhereElse: readonly SampleRequest[] = [
      { path: `/admin/outbox/parked?access_token=${token}` },
      { path: '/admin/outbox/parked', headers: { Cookie: `access_token=${token}; Authorization=Bearer ${token}` } },
      { path: '/admin/outbox/parked', headers: { 'X-Authorization': `Bearer ${token}` } },
      { path: '/admin/outbox/parked', headers: { Authorization: `Basic ${token}` } },
      { path: '/admin/outbox/parked', headers: { Authorization: `Bearer  ${token}` } },
    ];
    for (const request of nowhereElse) {
      expect((await send(endpoints.listParkedDeliveries, request, null)).status).toBe(401);
    }
    const { body } = await new ApiClient(url()).post<SessionBody>('/auth/guest', { email: 'asha@example.org' });
    expect((await send(endpoints.getMe, { path: '/users/me' }, body.refreshToken)).status).toBe(401);
  });

  test('an invitation opens one session, and no altered one opens any', async () => {
    const { path, body } = await requests.claimAccount();
    const { token } = body as { token: string };
    const altered = [...token].map(
      (letter, at) => token.slice(0, at) + (letter === 'A' ? 'B' : 'A') + token.slice(at + 1),
    );
    for (const each of altered.filter((_, at) => at % 5 === 0)) {
      expect((await send(endpoints.claimAccount, { path, body: { token: each } }, null)).status).toBe(401);
    }
    const answers = await Promise.all([1, 2, 3].map(() => send(endpoints.claimAccount, { path, body }, null)));
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 401, 401]);
  });
});

describe('API3: broken object property level authorization', () => {
  const takesFields = operations.filter((operation) => {
    const { body } = endpoints[operation] as Endpoint;
    return body !== undefined && body !== 'raw';
  });
  /** What a client would like to set. */
  const coveted = { role: 'admin', userId: 'usr_1', status: 'CONFIRMED', price: 1, version: 7, expiresAt: null };

  test.each(takesFields)('%s takes no field that is not its own', async (operation) => {
    const { path, body, headers } = await requests[operation]();
    const caller = callers.findLast(
      (each) => accessMatrix[operation][each] === 'in' || accessMatrix[operation][each] === 404,
    )!;
    for (const [field, value] of Object.entries(coveted)) {
      const request = { path, body: { ...(body as object), [field]: value }, headers };
      const answer = await send(endpoints[operation], request, tokens[caller]);
      expectDocumentedRefusal(endpoints[operation], answer);
      const { code, errors } = answer.body as Problem;
      expect(code).toBe(operation === 'importSeatingPlan' ? 'PLAN_INVALID' : 'VALIDATION_FAILED');
      expect(JSON.stringify(errors)).toContain(field);
    }
  });

  test.each(['listBookings', 'getBooking', 'getPayment', 'quoteCancellation'] as const)(
    '%s has the fields that are declared, and of whose the booking is nothing',
    async (operation) => {
      // The client takes no success with other fields than its endpoint declares.
      const { status, body } = await owner.get((await requests[operation]()).path);
      expect(status).toBe(200);
      for (const telling of [owner.userId!, 'userId', 'asha@example.org']) {
        expect(JSON.stringify(body)).not.toContain(telling);
      }
    },
  );

  test('a partner’s secret is told to whoever makes its endpoint, and in no list', async () => {
    const admin = await staff(url());
    const made = await admin.post('/admin/webhook-endpoints', { url: 'https://localhost:9/' });
    expect(JSON.stringify(made.body)).toContain('whsec_');
    expect(JSON.stringify((await admin.get('/admin/webhook-endpoints')).body)).not.toContain('whsec_');
  });
});

describe('API4: unrestricted resource consumption', () => {
  test.each(Object.entries(rateLimits).filter(([name]) => name in endpoints))(
    'who calls %s more often than its limit is told when to come again',
    async (operation, { requests: most, by }) => {
      const endpoint: Endpoint = endpoints[operation as Operation];
      const userId = `usr_${newKey()}`;
      const token = await signAccessToken(
        testSecrets.JWT_SECRET,
        { userId, role: 'guest' },
        Math.floor(Date.now() / 1_000),
      );
      const path = endpoint.path.replace('{id}', 'bkg_none');
      // An address that none of the other tests comes from.
      const headers = { 'X-Forwarded-For': '192.0.2.7' };
      const ask = () => send(endpoint, { path, headers }, by === 'user' ? token : null);
      const answers: Answer[] = [];
      while (answers.length <= most) answers.push(...(await Promise.all(Array.from({ length: 31 }, ask))));
      const refused = answers.find(({ status }) => status === 429);
      expect((refused?.body as Problem | undefined)?.code).toBe('RATE_LIMITED');
      expect(Number(refused?.headers.get('retry-after'))).toBeGreaterThanOrEqual(1);
      expect(answers.filter(({ status }) => status !== 429).length).toBeLessThanOrEqual(most);
    },
  );

  const hasLimit = (operation: Operation): boolean => {
    const { query } = endpoints[operation] as Endpoint;
    return query !== undefined && 'limit' in query.shape;
  };
  test.each(operations.filter(hasLimit))('%s can’t be asked for more than a hundred at once', async (operation) => {
    const { path } = await requests[operation]();
    const over = { path: `${path.split('?')[0]}?limit=101` };
    const answer = await send(endpoints[operation], over, tokens[isAboutOwn(operation) ? 'owner' : 'admin']);
    expect([answer.status, (answer.body as Problem).code]).toEqual([400, 'VALIDATION_FAILED']);
  });

  test('a body larger than its call takes is refused', async () => {
    for (const operation of ['createQuote', 'receiveWebhook', 'createGuest'] as const) {
      const { path, headers } = await requests[operation]();
      const answer = await send(endpoints[operation], { path, headers, body: `"${'x'.repeat(256 * 1_024)}"` }, null);
      expect([operation, answer.status]).toEqual([operation, 413]);
      expectDocumentedRefusal(endpoints[operation], answer);
    }
  });
});

describe('API5: broken function level authorization', () => {
  test('the matrix has every operation, and says of each what the contract says', () => {
    expect(Object.keys(accessMatrix).sort()).toEqual([...operations].sort());
    for (const operation of operations) {
      const { access } = endpoints[operation] as Endpoint;
      const mayCall = (caller: Caller): boolean =>
        access === 'anyone' || (caller !== 'anonymous' && access.includes(roleOf[caller]));
      for (const caller of callers) {
        const entry = accessMatrix[operation][caller];
        expect([operation, caller, entry === 401 || entry === 403]).toEqual([operation, caller, !mayCall(caller)]);
      }
    }
  });

  const matrixOrder = (Object.keys(accessMatrix) as Operation[]).filter((operation) => !isAboutOwn(operation));
  test.each(matrixOrder)('%s', async (operation) => {
    expect(await accessOfAll(operation, callers)).toEqual(accessMatrix[operation]);
  });

  test('a role is what the token says, whatever else is said', async () => {
    const claims = {
      'X-Role': 'admin',
      'X-User-Id': 'usr_admin',
      'X-Forwarded-User': 'admin',
      'X-Original-URL': '/health/live',
    };
    const request = { path: '/admin/outbox/parked?role=admin', headers: claims };
    expect((await send(endpoints.listParkedDeliveries, request, tokens.owner)).status).toBe(403);
    const overridden = await send(
      endpoints.listBookings,
      { path: '/bookings', headers: { 'X-HTTP-Method-Override': 'DELETE' } },
      tokens.owner,
    );
    expect(overridden.status).toBe(200);
  });
});

describe('API6: unrestricted access to sensitive business flows', () => {
  test('one buyer takes no more of a show than the house allows, however the holds are cut', async () => {
    const show = await openShow(system, { seatsPerBuyerMax: 4 });
    const hoarder = await newGuest(url());
    const seats = ['A1', 'A2', 'B1', 'B2', 'C1', 'C2', 'D1', 'D2'];
    const answers = await Promise.all(seats.map((seat) => hoarder.hold(show.id, [seat])));
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(4);
    const refused = answers.filter(({ status }) => status !== 201);
    expect(new Set(refused.map(({ status, body }) => `${status} ${body.code}`))).toEqual(
      new Set(['422 TOO_MANY_SEATS']),
    );
    expect((await statusesOf(system, show.id)).replaceAll('a', '')).toBe('hhhh');
  });

  test('a hold is no place to try out cards: five, and no more', async () => {
    const show = await openShow(system);
    const thief = await newGuest(url());
    const { id } = await thief.held(show.id, ['A1']);
    const codes: (string | undefined)[] = [];
    for (let card = 0; card < 7; card++) codes.push((await thief.pay(id, 'tok_declined')).body.code);
    expect(codes.slice(0, 5)).toEqual(Array.from({ length: 5 }, () => 'PAYMENT_DECLINED'));
    expect(codes.slice(5)).not.toContain('PAYMENT_DECLINED');
    const { attempts } = await thief.payment(id);
    expect(attempts.filter(({ status }) => status === 'DECLINED')).toHaveLength(5);
  });

  test('a hold can be extended twice, and not for ever', async () => {
    const show = await openShow(system);
    const sitter = await newGuest(url());
    const { id } = await sitter.held(show.id, ['A1']);
    const answers = [];
    for (let n = 0; n < 4; n++) answers.push(await sitter.post(`/bookings/${id}/extend`, {}));
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 409, 409]);
  });
});

describe('API7: server side request forgery', () => {
  const admin = () => staff(url());
  test.each([
    'http://example.org/',
    'https://127.0.0.1/',
    'https://127.1/',
    'https://2130706433/',
    'https://0x7f000001/',
    'https://0177.0.0.1/',
    'https://[::1]/',
    'https://[::ffff:127.0.0.1]/',
    'https://[::ffff:a9fe:a9fe]/',
    'https://169.254.169.254/latest/meta-data/',
    'https://10.0.0.1/',
    'https://0.0.0.0/',
    'https://user:password@example.org/',
    'file:///etc/passwd',
    'gopher://127.0.0.1:5432/_x',
    'ftp://example.org/',
    'javascript:alert(1)',
  ])('a partner’s endpoint is not %s', async (target) => {
    const answer = await (await admin()).post('/admin/webhook-endpoints', { url: target });
    expect([answer.status, answer.body.code]).toEqual([400, 'VALIDATION_FAILED']);
    expect(answer.body.errors?.map(({ path }) => path)).toEqual(['url']);
  });

  test('a name that leads into our own network is not called, and what is there is not told', async () => {
    const { port } = new URL(system.simulatorUrl);
    const { body } = await (
      await admin()
    ).post<{ id: string }>('/admin/webhook-endpoints', {
      url: `https://localhost:${port}/ledger`,
    });
    const test = await (
      await admin()
    ).post<{ accepted: boolean; status: number | null; error: string }>(`/admin/webhook-endpoints/${body.id}/test`);
    expect(test.body).toMatchObject({ accepted: false, status: null });
    expect(test.body.error).toContain('not public');
  });
});

describe('API8: security misconfiguration', () => {
  test('every answer says what browsers need to hear, and nothing of what runs here', async () => {
    for (const path of ['/api/v1/cities', '/api/v1/nothing', '/health/live', '/docs/', '/api/v1/openapi.json', '/']) {
      const { headers } = await fetch(url() + path);
      expect([path, headers.get('x-content-type-options')]).toEqual([path, 'nosniff']);
      expect(headers.get('content-security-policy')).toContain("default-src 'self'");
      expect(headers.get('x-frame-options')).toBe('SAMEORIGIN');
      expect(headers.get('referrer-policy')).toBe('no-referrer');
      for (const telling of ['x-powered-by', 'server', 'via', 'access-control-allow-origin']) {
        expect([path, telling, headers.get(telling)]).toEqual([path, telling, null]);
      }
    }
  });

  test('another origin is allowed nothing', async () => {
    const headers = { Origin: 'https://evil.example', 'Access-Control-Request-Method': 'POST' };
    for (const [method, path] of [
      ['OPTIONS', '/bookings'],
      ['GET', '/cities'],
      ['GET', (await requests.getSeatMap()).path],
    ] as const) {
      const answer = await fetch(base() + path, { method, headers });
      const said = [...answer.headers.keys()].filter((name) => name.startsWith('access-control-'));
      expect([method, path, said]).toEqual([method, path, []]);
    }
  });

  test('what opens a door is kept by no cache', async () => {
    for (const operation of ['createGuest', 'claimAccount', 'getTicket'] as const) {
      const answer = await send(endpoints[operation], await requests[operation](), tokens.owner);
      expect([operation, answer.headers.get('cache-control')]).toEqual([
        operation,
        expect.stringContaining('no-store'),
      ]);
    }
  });

  test.each(['TRACE', 'PUT', 'PROPFIND', 'DEBUG'])('%s is a method of no call', async (method) => {
    const { request } = await import('node:http');
    const status = await new Promise((resolve, reject) => {
      const asked = request(`${base()}/bookings`, { method }, (answer) => resolve(answer.resume().statusCode));
      asked.on('error', reject).end();
    });
    expect([400, 405]).toContain(status);
  });
});

describe('API9: improper inventory management', () => {
  test('every path answers the methods that are documented, and no others', async () => {
    const document = (await (await fetch(`${base()}/openapi.json`)).json()) as { paths: Record<string, object> };
    for (const [path, item] of Object.entries(document.paths)) {
      if (!path.startsWith('/api/')) continue;
      const documented = Object.keys(item).map((method) => method.toUpperCase());
      const answer = await fetch(url() + path.replace(/\{\w+\}/g, 'x'), { method: 'OPTIONS' });
      const allowed = answer.headers
        .get('allow')!
        .split(', ')
        .filter((each) => each !== 'OPTIONS' && each !== 'HEAD');
      expect([path, allowed.sort()]).toEqual([path, documented.sort()]);
      for (const method of ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'].filter((each) => !documented.includes(each))) {
        const { status } = await fetch(url() + path.replace(/\{\w+\}/g, 'x'), { method });
        expect([method, path, status]).toEqual([method, path, 405]);
      }
    }
    expect(Object.keys(document.paths).filter((path) => path.startsWith('/api/')).length).toBe(
      new Set(everyEndpoint.map(({ path }) => path)).size,
    );
  });

  test.each([
    ...['/api/v0/cities', '/api/v2/cities', '/api/cities', '/cities', '/admin', '/metrics', '/debug', '/ledger'],
    ...[
      '/.env',
      '/.git/config',
      '/package.json',
      '/api/v1/../../package.json',
      '/api/v1/internal',
      '/health',
      '/server-status',
    ],
    ...['/api/v1/Cities', '/api/v1//cities', '/api/v1/admin', '/docs/../src/main/api.ts'],
  ])('there is no %s', async (path) => {
    expect((await fetch(url() + path, { redirect: 'manual' })).status).toBe(404);
  });
});

describe('API10: unsafe consumption of APIs', () => {
  test('what a provider signs is believed as far as our own records agree', async () => {
    const show = await openShow(system);
    const buyer = await newGuest(url());
    const { id, price } = await buyer.held(show.id, ['A1']);
    await buyer.pay(id, 'tok_redirect');
    const { attempts } = await buyer.payment(id);
    const told = [
      paymentSucceeded(id, attempts[0]!.id, { ...price.total, amount: 1 }),
      paymentSucceeded(id, attempts[0]!.id, { ...price.total, currency: 'EUR' }),
      paymentSucceeded(id, 'pay_of_nobody', price.total),
      paymentSucceeded('bkg_of_nobody', attempts[0]!.id, price.total),
    ];
    for (const event of told) expect((await deliverWebhook(url(), event)).status).toBe(200);
    expect((await buyer.booking(id)).status).toBe('PAYMENT_PENDING');
  });

  test.each<[string, (event: ReturnType<typeof paymentSucceeded>) => unknown]>([
    ['an amount below zero', (event) => ({ ...event, amount: { amount: -1, currency: 'INR' } })],
    ['half a minor unit', (event) => ({ ...event, amount: { amount: 0.5, currency: 'INR' } })],
    ['an amount that is text', (event) => ({ ...event, amount: '25000' })],
    ['an id that is an object', (event) => ({ ...event, bookingId: { $ne: null } })],
    ['an id without end', (event) => ({ ...event, attemptId: 'x'.repeat(10_000) })],
    ['an id with a NUL', (event) => ({ ...event, attemptId: 'pay_\0' })],
    ['a type that there is not', (event) => ({ ...event, type: 'payment.forgiven' })],
    ['a list', (event) => [event]],
  ])('a signed notice with %s is not read', async (_what, spoil) => {
    const event = paymentSucceeded('bkg_1', 'pay_1', { amount: 1, currency: 'INR' });
    const answer = await deliverWebhook(url(), spoil(event));
    expect([answer.status, answer.body.code, answer.body.reason]).toEqual([400, 'SIGNATURE_INVALID', 'body_invalid']);
  });
});
