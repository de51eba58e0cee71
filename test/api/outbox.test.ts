import { execFile } from 'node:child_process';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { sql } from 'kysely';
import { Webhook } from 'standardwebhooks';
import { useTestSystem } from '../setup/system.ts';
import { type ApiClient, newGuest, newKey, staff } from './http-client.ts';

const system = useTestSystem({ apis: 1, settings: { WEBHOOK_PRIVATE_TARGETS: 'allowed' } });
let admin: ApiClient;

beforeAll(async () => {
  admin = await staff(system.apiUrls[0]!);
}, 120_000);

interface Endpoint {
  readonly id: string;
  readonly secret?: string;
  readonly enabled: boolean;
  readonly eventTypes: readonly string[] | null;
}

const newEndpoint = (body: object, key?: string) =>
  admin.post<Endpoint>(
    '/admin/webhook-endpoints',
    { url: 'https://partner.example/hooks', ...body },
    key ? { key } : {},
  );

async function park(lastError: string): Promise<string> {
  const { rows } = await sql<{ id: number }>`
    with event as (
      insert into outbox (booking_id, type, payload) values ('bkg_1', 'booking.confirmed', '{"version":1}') returning id
    )
    insert into outbox_parked (booking_id, queue, event_id, lane, tries, last_error, first_failed_at, parked_at)
    select 'bkg_1', 'notifications', id, 1, 20, ${lastError}, now(), now() from event
    returning id`.execute(system.db);
  return `prk_${rows[0]!.id}`;
}

describe("partners' endpoints", () => {
  it('are made with a secret that is shown once, listed, disabled, enabled and deleted', async () => {
    const key = newKey();
    const made = await newEndpoint({ eventTypes: ['booking.confirmed'], description: 'a partner' }, key);
    expect(made).toMatchObject({ status: 201, body: { enabled: true, eventTypes: ['booking.confirmed'] } });
    expect(made.body.secret).toMatch(/^whsec_[\w+/]{43}=$/);
    expect((await newEndpoint({ eventTypes: ['booking.confirmed'], description: 'a partner' }, key)).body).toEqual(
      made.body,
    );
    const { id } = made.body;
    const kept = await system.db.selectFrom('idempotency_answers').select('body').where('key', '=', key).execute();
    expect(kept).toMatchObject([{ body: { id } }]);
    expect(JSON.stringify(kept)).not.toContain('whsec_');
    const listed = await admin.get<{ items: Endpoint[] }>('/admin/webhook-endpoints');
    expect(listed.body.items.filter((each) => each.id === id)).toHaveLength(1);
    expect(JSON.stringify(listed.body)).not.toContain('whsec_');
    const change = (enabled: boolean) => admin.send<Endpoint>('PATCH', `/admin/webhook-endpoints/${id}`, { enabled });
    expect((await change(false)).body.enabled).toBe(false);
    expect((await change(true)).body.enabled).toBe(true);
    expect((await admin.send('DELETE', `/admin/webhook-endpoints/${id}`)).status).toBe(204);
    expect((await admin.send('DELETE', `/admin/webhook-endpoints/${id}`)).status).toBe(404);
    expect((await change(true)).status).toBe(404);
    const repeated = await newEndpoint({ eventTypes: ['booking.confirmed'], description: 'a partner' }, key);
    expect(repeated.status).toBe(404);
  });

  it.each([
    [{ url: 'ftp://partner.example/' }],
    [{ url: 'partner.example' }],
    [{ url: 'https://user:word@partner.example/' }],
    [{ eventTypes: ['booking.eaten'] }],
    [{ eventTypes: [] }],
    [{ more: true }],
  ])('%j is refused', async (body) => {
    expect(await newEndpoint(body)).toMatchObject({ status: 400, body: { code: 'VALIDATION_FAILED' } });
  });

  it('are tested by a message that is signed, and tell what they answered', async () => {
    const received: { headers: IncomingMessage['headers']; body: string }[] = [];
    const server = createServer((req, res) => {
      let body = '';
      req.setEncoding('utf8').on('data', (chunk: string) => (body += chunk));
      req.on('end', () => {
        received.push({ headers: req.headers, body });
        res.writeHead(received.length === 1 ? 200 : 500).end();
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const { body: endpoint } = await newEndpoint({ url: `http://127.0.0.1:${port}/` });
    const key = newKey();
    const test = (options = {}) => admin.post(`/admin/webhook-endpoints/${endpoint.id}/test`, undefined, options);
    const accepted = { status: 200, body: { accepted: true, status: 200, error: null } };
    expect(await test({ key })).toMatchObject(accepted);
    expect(await test({ key })).toMatchObject(accepted);
    expect(received).toHaveLength(1);
    expect(await test()).toMatchObject({ body: { accepted: false, status: 500, error: 'the endpoint answered 500' } });
    const { headers, body } = received[0]!;
    const message = new Webhook(endpoint.secret!).verify(body, headers as Record<string, string>);
    expect(message).toMatchObject({ type: 'webhook.test' });
    server.close();
    server.closeAllConnections();
    expect(await test()).toMatchObject({ body: { accepted: false, status: null } });
    expect((await admin.post('/admin/webhook-endpoints/whe_none/test')).status).toBe(404);
  });

  it('are for administrators alone', async () => {
    const guest = await newGuest(system.apiUrls[0]!);
    for (const path of ['/admin/webhook-endpoints', '/admin/outbox/parked']) {
      expect((await guest.get(path)).status).toBe(403);
    }
  });
});

describe('events that were given up', () => {
  it('are listed, and sent again once', async () => {
    const id = await park('no such template');
    const { body } = await admin.get<{ items: { id: string }[] }>('/admin/outbox/parked?queue=notifications');
    expect(body.items.find((each) => each.id === id)).toMatchObject({
      tries: 20,
      lastError: 'no such template',
      event: { type: 'booking.confirmed' },
    });
    const resend = () => admin.post(`/admin/outbox/parked/${id}/resend`);
    expect(await resend()).toMatchObject({ status: 200, body: { id, resent: true } });
    expect((await resend()).status).toBe(404);
    for (const unknown of ['prk_0', 'prk_x', 'prk_99999999999999999999']) {
      expect((await admin.post(`/admin/outbox/parked/${unknown}/resend`)).status).toBe(404);
    }
    const waiting = await system.db.selectFrom('outbox_deliveries').select('tries').execute();
    expect(waiting).toEqual([{ tries: 0 }]);
  });

  it('are shown and sent again by the command, too', async () => {
    const id = await park('a template\nwith two lines');
    const outbox = (...args: string[]) =>
      new Promise<{ code: number | null; out: string }>((resolve) => {
        const env = { PATH: process.env.PATH, DATABASE_URL: system.env.DATABASE_URL };
        const child = execFile(process.execPath, ['src/cli/outbox.ts', ...args], { env }, (_error, out, err) =>
          resolve({ code: child.exitCode, out: out + err }),
        );
      });
    expect((await outbox('list')).out).toMatch(new RegExp(`notifications: .* 1 given up[^]*${id} .* a template\n`));
    expect((await outbox('show', id)).out).toContain('with two lines');
    expect(await outbox('resend')).toMatchObject({ code: 2 });
    expect(await outbox('resend', '--id', id)).toMatchObject({ code: 0 });
    expect(await outbox('resend', '--id', id)).toMatchObject({ code: 1 });
    await park('once more');
    expect((await outbox('resend', '--all', '--queue', 'notifications')).out).toContain('1 put back');
    expect(await outbox('show', id)).toMatchObject({ code: 1 });
  });
});
