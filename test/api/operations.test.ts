import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { openApiDocument } from '../../src/api/operations/openapi.ts';
import { everyEndpoint } from '../../src/contracts/http/endpoints.ts';
import { freePort } from '../setup/free-port.ts';
import { TestProcess } from '../setup/process.ts';
import { openShow } from '../setup/shows.ts';
import { useTestSystem } from '../setup/system.ts';
import { ApiClient, eventually, newGuest, newKey, staff } from './http-client.ts';
import { linkTo, type SeverableLink } from './severable-link.ts';

const system = useTestSystem({ apis: 1, settings: { METRICS_PORT: '0', RATE_LIMIT: 'on' } });
const url = (): string => system.apiUrls[0]!;

describe('health', () => {
  test('is live and ready', async () => {
    expect(await (await fetch(`${url()}/health/live`)).json()).toEqual({ status: 'live' });
    const ready = await fetch(`${url()}/health/ready`);
    expect([ready.status, await ready.json()]).toEqual([200, { status: 'ready', missing: [] }]);
  });
});

describe('the OpenAPI document', () => {
  test('is served as it is committed; `npm run openapi` writes it anew', async () => {
    const committed = JSON.parse(
      await readFile(join(import.meta.dirname, '../../src/contracts/openapi.json'), 'utf8'),
    ) as unknown;
    expect(JSON.parse(JSON.stringify(openApiDocument()))).toEqual(committed);
    const served = await fetch(`${url()}/api/v1/openapi.json`);
    expect(await served.json()).toEqual(committed);
  });

  test('has every call, with what it takes and refuses', () => {
    const { paths } = openApiDocument();
    for (const { path, method, answers } of everyEndpoint) {
      const operation = paths?.[`/api/v1${path}`]?.[method];
      expect(Object.keys(operation?.responses ?? {})).toEqual(expect.arrayContaining(Object.keys(answers)));
    }
  });

  test('is shown by a page that keeps to the content security policy', async () => {
    const root = await fetch(url(), { redirect: 'manual' });
    expect([root.status, root.headers.get('location')]).toEqual([302, '/docs']);
    const page = await fetch(`${url()}/docs`);
    const html = await page.text();
    expect(page.headers.get('content-security-policy')).toContain("script-src 'self'");
    expect(html).not.toMatch(/<script>|on\w+="|style="/);
    const files = [...html.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, path]) => path!);
    expect(files.length).toBeGreaterThan(3);
    for (const file of files) expect((await fetch(url() + file)).status).toBe(200);
  });
});

describe('paths beside the contract', () => {
  test.each(['/', '/docs', '/api/v1/openapi.json', '/health/live', '/health/ready'])(
    '%s has GET alone',
    async (path) => {
      const answer = await fetch(url() + path, { method: 'POST' });
      expect([answer.status, answer.headers.get('allow')]).toEqual([405, 'GET, HEAD, OPTIONS']);
    },
  );
});

describe('metrics', () => {
  test('count requests by route, method and status on a port of their own', async () => {
    await new ApiClient(url()).get('/shows/shw_none');
    const metricsUrl = system.apis[0]!.log.map((line) => /"metrics":"([^"]+)"/.exec(line)?.[1]).find(Boolean)!;
    const text = await eventually(
      async () => (await fetch(metricsUrl)).text(),
      (body) => body.includes('route="/shows/{id}"'),
    );
    expect(text).toContain(
      'seatkeeper_http_request_duration_seconds_count{route="/shows/{id}",method="get",status="404"} 1',
    );
    expect((await fetch(`${url()}/metrics`)).status).toBe(404);
  });
});

describe('rate limits', () => {
  test('refuse a caller who asks too often with 429 and say when to come back; others go on', async () => {
    const [greedy, other] = [await newGuest(url()), await newGuest(url())];
    const hold = (buyer: ApiClient) => buyer.hold('shw_none', ['A1']);
    const answers = await Promise.all(Array.from({ length: 130 }, () => hold(greedy)));
    const refused = answers.filter(({ status }) => status === 429);
    expect(refused).toHaveLength(10);
    expect(refused[0]!.body.code).toBe('RATE_LIMITED');
    expect(Number(refused[0]!.headers.get('retry-after'))).toBeGreaterThan(0);
    expect((await hold(other)).status).toBe(404);
  });

  test('of quotes are narrower for those whose answer is kept, which anyone may have', async () => {
    const show = await openShow(system);
    const anyone = new ApiClient(url());
    const quote = (key?: string) =>
      anyone.post('/quotes', { showId: show.id, seatIds: ['A1'] }, key === undefined ? {} : { key });
    const kept = await Promise.all(Array.from({ length: 70 }, () => quote(newKey())));
    const statuses = Map.groupBy(kept, ({ status }) => status);
    expect([statuses.get(200)?.length, statuses.get(429)?.length]).toEqual([60, 10]);
    expect((await quote()).status).toBe(200);
  });
});

describe('a part that is gone', () => {
  const links: SeverableLink[] = [];
  let api: TestProcess;
  let apart: string;

  beforeAll(async () => {
    const postgres = new URL(system.env.DATABASE_URL!);
    const [temporalHost, temporalPort] = system.env.TEMPORAL_ADDRESS!.split(':') as [string, string];
    links.push(
      await linkTo(postgres.hostname, Number(postgres.port)),
      await linkTo(temporalHost, Number(temporalPort)),
    );
    postgres.port = String(links[0]!.port);
    const port = await freePort();
    api = new TestProcess('api-apart', ['src/main/api.ts'], {
      ...system.env,
      PORT: String(port),
      DATABASE_URL: postgres.href,
      TEMPORAL_ADDRESS: `127.0.0.1:${links[1]!.port}`,
      RATE_LIMIT: 'off',
    });
    await api.start();
    apart = `http://127.0.0.1:${port}`;
  }, 60_000);

  afterAll(async () => {
    await api.kill();
    await Promise.all(links.map((link) => link.close()));
  });

  const readiness = async () => {
    const answer = await fetch(`${apart}/health/ready`);
    const { missing } = (await answer.json()) as { missing: string[] };
    return { status: answer.status, missing };
  };

  test('Postgres: 503 with Retry-After, named by the readiness; back, all goes on', async () => {
    const client = new ApiClient(apart);
    expect((await client.get('/cities')).status).toBe(200);
    links[0]!.sever();
    const cut = await client.get('/cities');
    expect([cut.status, cut.body.code]).toEqual([503, 'UNAVAILABLE']);
    expect(Number(cut.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(await readiness()).toMatchObject({ status: 503, missing: ['postgres'] });
    expect((await fetch(`${apart}/health/live`)).status).toBe(200);
    links[0]!.restore();
    await eventually(readiness, ({ status }) => status === 200);
    expect((await client.get('/cities')).status).toBe(200);
  }, 30_000);

  test('Postgres: a payment may have been made before, and is not said to be none', async () => {
    const show = await openShow(system);
    const buyer = await newGuest(url());
    const { id } = await buyer.held(show.id, ['A1']);
    const key = newKey();
    links[0]!.sever();
    const cut = await buyer.at(apart).pay(id, 'tok_ok', key);
    links[0]!.restore();
    expect([cut.status, cut.body.code]).toEqual([504, 'TIMEOUT']);
    const paid = await buyer.pay(id, 'tok_ok', key);
    expect([paid.status, paid.body.status]).toEqual([200, 'CONFIRMED']);
  }, 30_000);

  test('Temporal: a payment that was never sent was not made, and the same key may try again', async () => {
    const show = await openShow(system);
    const buyer = await newGuest(url());
    const { id } = await buyer.held(show.id, ['A1']);
    const key = newKey();
    links[1]!.sever();
    expect(await readiness()).toMatchObject({ status: 503, missing: ['temporal'] });
    const cut = await buyer.at(apart).pay(id, 'tok_ok', key);
    links[1]!.restore();
    expect([cut.status, cut.body.code]).toEqual([503, 'UNAVAILABLE']);
    expect((await buyer.payment(id)).attempts).toMatchObject([{ status: 'FAILED', failureReason: 'UNAVAILABLE' }]);
    const paid = await buyer.pay(id, 'tok_ok', key);
    expect([paid.status, paid.body.status]).toEqual([200, 'CONFIRMED']);
  }, 30_000);

  test('Temporal: nothing is held, the same key may try again; named by the readiness', async () => {
    const show = await openShow(system);
    const buyer = (await newGuest(url())).at(apart);
    const key = newKey();
    links[1]!.sever();
    expect(await readiness()).toMatchObject({ status: 503, missing: ['temporal'] });
    const cut = await buyer.hold(show.id, ['A1'], key);
    expect([503, 504]).toContain(cut.status);
    expect(JSON.stringify(cut.body)).not.toMatch(/grpc|temporal|workflow/i);
    links[1]!.restore();
    await eventually(readiness, ({ status }) => status === 200);
    expect((await buyer.hold(show.id, ['A1'], key)).status).toBe(201);
  }, 60_000);

  test('Temporal: a show is made all the same, and on sale when Temporal is back', async () => {
    const { screenId, movieId, seatingPlanId, categories } = await openShow(system);
    const admin = await staff(apart);
    const at = (hours: number): string => new Date(Date.now() + hours * 3_600_000).toISOString();
    const times = { startsAt: at(24), endsAt: at(26) };
    links[1]!.sever();
    const show = { screenId, movieId, seatingPlanId, categories, ...times, language: 'en', format: '2D' };
    const made = await admin.post<{ id: string }>('/admin/shows', show);
    links[1]!.restore();
    expect(made.status).toBe(201);
    await eventually(readiness, ({ status }) => status === 200);
    const held = await (await newGuest(apart)).hold(made.body.id, ['A1']);
    expect(held.status).toBe(201);
  }, 60_000);
});

test('two processes share a port', async () => {
  const port = await freePort();
  const env = { ...system.env, PORT: String(port) };
  const both = [
    new TestProcess('api-one', ['src/main/api.ts'], env),
    new TestProcess('api-two', ['src/main/api.ts'], env),
  ];
  const ready = await Promise.all(both.map((api) => api.start()));
  expect(ready.map(({ url: shared }) => shared)).toEqual(Array(2).fill(`http://127.0.0.1:${port}`));
  await both[0]!.kill();
  expect((await fetch(`http://127.0.0.1:${port}/health/live`)).status).toBe(200);
  await both[1]!.kill();
}, 60_000);

describe('a process that is asked to stop', () => {
  test('answers what is under way, then ends by itself', async () => {
    const port = await freePort();
    const api = new TestProcess('api-ending', ['src/main/api.ts'], { ...system.env, PORT: String(port) });
    await api.start();
    const show = await openShow(system);
    const buyer = (await newGuest(url())).at(`http://127.0.0.1:${port}`);
    const booking = await buyer.held(show.id, ['A1']);
    const paying = buyer.pay(booking.id, 'tok_slow');
    await eventually(
      () => buyer.at(url()).payment(booking.id),
      ({ attempts }) => attempts.length === 1,
    );
    const stoppedAtMs = Date.now();
    await api.kill('SIGTERM');
    expect([200, 202]).toContain((await paying).status);
    expect(Date.now() - stoppedAtMs).toBeLessThan(8_000);
  }, 60_000);
});
