import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { sql } from 'kysely';
import { Webhook } from 'standardwebhooks';
import { isPublicAddress, lookupPublic } from '../../src/gateways/public-address.ts';
import { WebhookRefusedError, WebhookSender } from '../../src/gateways/partner-webhooks.ts';
import { PartnerEndpoints } from '../../src/outbox/partner-endpoints.ts';
import type { OutboxRelay } from '../../src/outbox/relay.ts';
import { listParked, tellQueuesChanged } from '../../src/read-model/outbox.ts';
import {
  deleteWebhookEndpoint,
  findWebhookEndpoint,
  insertWebhookEndpoint,
  queueOfEndpoint,
  type WebhookEndpoint,
} from '../../src/read-model/webhook-endpoints.ts';
import { someId } from '../read-model/bookings-of-tests.ts';
import { eventually } from '../setup/eventually.ts';
import { useTestDatabase } from '../setup/postgres.ts';
import { plainEvent, silent, startRelay, waiting, writeEvents } from './relays-of-tests.ts';

const test = useTestDatabase();
const secret = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;

interface Received {
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** A partner's server: notes what it gets, and answers as it is told to. */
class Partner {
  readonly received: Received[] = [];
  answer: (nth: number) => number | 'never' = () => 204;
  readonly #server: Server;

  constructor() {
    this.#server = createServer((req, res) => {
      let body = '';
      req.setEncoding('utf8').on('data', (chunk: string) => (body += chunk));
      req.on('end', () => {
        this.received.push({ headers: req.headers, body });
        const status = this.answer(this.received.length);
        if (status !== 'never') res.writeHead(status, { location: '/elsewhere' }).end('x'.repeat(100_000));
      });
    });
  }

  async listen(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/hooks`;
  }

  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }

  get ids(): unknown[] {
    return this.received.map(({ headers }) => headers['webhook-id']);
  }
}

let partners: Partner[] = [];
let relay: OutboxRelay | null = null;
let endpoints: PartnerEndpoints | null = null;
const disabled: string[] = [];

afterEach(async () => {
  await relay?.stop(500);
  await endpoints?.close();
  for (const partner of partners) partner.close();
  [partners, relay, endpoints] = [[], null, null];
  disabled.length = 0;
  await sql`truncate outbox, outbox_deliveries, outbox_parked, webhook_endpoints`.execute(test.db);
});

async function endpointOf(wanted: Partial<WebhookEndpoint> = {}) {
  const partner = new Partner();
  partners.push(partner);
  const endpoint: WebhookEndpoint = {
    id: someId('whe'),
    url: await partner.listen(),
    secret,
    description: null,
    eventTypes: null,
    enabled: true,
    failingSinceMs: null,
    disabledBecause: null,
    createdAtMs: Date.now(),
    ...wanted,
  };
  expect(await insertWebhookEndpoint(test.db, endpoint)).toBe(true);
  return { partner, endpoint };
}

async function start({ pausesMs = [10, 20, 40], disableAfterMs = 3_600_000 } = {}): Promise<void> {
  const started = startRelay(test.url, [], {}, () => void endpoints?.refresh());
  relay = started;
  endpoints = new PartnerEndpoints({
    db: test.db,
    relay: started,
    mayBePrivate: true,
    disableAfterMs,
    pausesMs,
    onDisabled: ({ id }) => disabled.push(id),
    log: silent,
  });
  await endpoints.refresh();
}

describe("a partner's endpoint", () => {
  it('gets an event of the catalogue, signed as Standard Webhooks has it', async () => {
    const { partner } = await endpointOf();
    await start();
    const [id] = await writeEvents(test.db, [{ bookingId: 'bkg_1' }]);
    await eventually(() => expect(partner.received).toHaveLength(1));
    const { headers, body } = partner.received[0]!;
    const message = new Webhook(secret).verify(body, headers as Record<string, string>);
    expect(message).toEqual({
      type: 'booking.confirmed',
      timestamp: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/) as unknown,
      data: { version: 1, bookingId: 'bkg_1', showId: 'shw_1' },
    });
    expect(headers['webhook-id']).toBe(`evt_${id}`);
    const other = new Webhook(`whsec_${Buffer.alloc(32, 8).toString('base64')}`);
    expect(() => other.verify(body, headers as Record<string, string>)).toThrow();
  });

  it('is asked again under the same id until it accepts, and then gets the next of that booking', async () => {
    const { partner } = await endpointOf();
    partner.answer = (nth) => [500, 302, 200, 200][nth - 1]!;
    await start();
    const [first, second] = await writeEvents(test.db, [{ bookingId: 'bkg_1' }, { bookingId: 'bkg_1' }]);
    const expected = [first, first, first, second].map((id) => `evt_${id}`);
    await eventually(() => expect(partner.ids).toEqual(expected));
    const stamps = partner.received.map(({ headers }) => Number(headers['webhook-timestamp']));
    expect(stamps).toEqual(stamps.toSorted((a, b) => a - b));
  });

  it('that never accepts has the event parked, with what it answered', async () => {
    const { partner, endpoint } = await endpointOf();
    partner.answer = () => 503;
    await start();
    await writeEvents(test.db, [{ bookingId: 'bkg_1' }]);
    await eventually(async () => {
      const { items } = await listParked(test.db, { queue: queueOfEndpoint(endpoint.id) }, { limit: 10 });
      expect(items).toEqual([expect.objectContaining({ tries: 4, lastError: 'the endpoint answered 503' })]);
    });
    expect(partner.received).toHaveLength(4);
    expect((await findWebhookEndpoint(test.db, endpoint.id))!.failingSinceMs).not.toBeNull();
  });

  it('that hangs delays no other one', async () => {
    const [slow, quick] = [await endpointOf(), await endpointOf()];
    slow.partner.answer = () => 'never';
    await start();
    const bookings = Array.from({ length: 100 }, (_, index) => ({ bookingId: `bkg_${index}` }));
    await writeEvents(test.db, bookings);
    await eventually(() => expect(quick.partner.received).toHaveLength(100), 5_000);
    expect(slow.partner.received.length).toBeLessThanOrEqual(8);
  });

  it('gets the types that it asked for, from when it was made to when it is deleted', async () => {
    await writeEvents(test.db, [{ bookingId: 'bkg_0' }]);
    await start();
    await eventually(async () => {
      const row = await test.db.selectFrom('outbox').select('relayed_at').executeTakeFirstOrThrow();
      expect(row.relayed_at).not.toBeNull();
    });
    const { partner, endpoint } = await endpointOf({ eventTypes: ['booking.expired'] });
    await tellQueuesChanged(test.db);
    await writeEvents(test.db, [
      { bookingId: 'bkg_1' },
      { bookingId: 'bkg_2', event: plainEvent('bkg_2', 'booking.expired') },
    ]);
    await eventually(() => expect(partner.received).toHaveLength(1));
    expect(partner.received[0]!.body).toContain('bkg_2');
    await deleteWebhookEndpoint(test.db, endpoint.id);
    await tellQueuesChanged(test.db);
    await writeEvents(test.db, [{ bookingId: 'bkg_3', event: plainEvent('bkg_3', 'booking.expired') }]);
    await eventually(async () => {
      const rows = await test.db.selectFrom('outbox').select('id').where('relayed_at', 'is', null).execute();
      expect(rows).toEqual([]);
    });
    expect(await waiting(test.db)).toEqual([]);
    expect(partner.received).toHaveLength(1);
  });

  it('that has refused everything for too long is disabled, and told of', async () => {
    const { partner, endpoint } = await endpointOf();
    partner.answer = () => 500;
    await start({ disableAfterMs: 50, pausesMs: [100, 100, 100] });
    await writeEvents(test.db, [{ bookingId: 'bkg_1' }]);
    await eventually(() => expect(disabled).toEqual([endpoint.id]));
    const now = await findWebhookEndpoint(test.db, endpoint.id);
    expect(now).toMatchObject({ enabled: false, disabledBecause: expect.stringContaining('answered 500') as unknown });
  });

  it('that answers 410 is disabled at once', async () => {
    const { partner, endpoint } = await endpointOf();
    partner.answer = () => 410;
    await start();
    await writeEvents(test.db, [{ bookingId: 'bkg_1' }]);
    await eventually(() => expect(disabled).toEqual([endpoint.id]));
    expect(partner.received).toHaveLength(1);
  });

  it('that accepts again is not failing any more', async () => {
    const { partner, endpoint } = await endpointOf();
    partner.answer = (nth) => (nth === 1 ? 500 : 200);
    await start();
    await writeEvents(test.db, [{ bookingId: 'bkg_1' }]);
    await eventually(() => expect(partner.received).toHaveLength(2));
    await eventually(async () => expect((await findWebhookEndpoint(test.db, endpoint.id))!.failingSinceMs).toBeNull());
  });
});

describe('what a partner names as its address', () => {
  it.each([
    ['93.184.216.34', true],
    ['2606:2800:220:1:248:1893:25c8:1946', true],
    ['127.0.0.1', false],
    ['10.1.2.3', false],
    ['172.31.255.255', false],
    ['192.168.0.1', false],
    ['169.254.169.254', false],
    ['100.64.0.1', false],
    ['0.0.0.0', false],
    ['255.255.255.255', false],
    ['::1', false],
    ['::', false],
    ['fe80::1', false],
    ['fd00::1', false],
    ['::ffff:127.0.0.1', false],
    ['64:ff9b::7f00:1', false],
    ['2002:7f00:1::', false],
    ['not an address', false],
  ])('%s is public: %s', (address, expected) => {
    expect(isPublicAddress(address)).toBe(expected);
  });

  it('a name that leads to this machine is refused by the connection itself', async () => {
    const answer = new Promise<unknown>((resolve) => lookupPublic('localhost', { all: true }, resolve));
    expect(await answer).toMatchObject({ name: 'AddressRefusedError' });
  });

  it('is not connected to when it is not public, however it is written', async () => {
    const partner = new Partner();
    partners.push(partner);
    const { port } = new URL(await partner.listen());
    for (const host of ['127.0.0.1', 'localhost', '2130706433', '0x7f.1', '[::ffff:127.0.0.1]', '127.0.0.1.']) {
      const sender = new WebhookSender({ url: `http://${host}:${port}/`, secret }, { mayBePrivate: false });
      await expect(sender.send({ id: 'evt_1', body: '{}' })).rejects.toThrow(WebhookRefusedError);
      await sender.close();
    }
    expect(partner.received).toEqual([]);
  });
});
