import { once } from 'node:events';
import { createServer, request as httpRequest } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createDirectEntrance } from '../../src/api/http/direct-entrance.ts';
import type { Gate } from '../../src/api/http/route.ts';
import { endpoints } from '../../src/contracts/http/endpoints.ts';
import { createLogger } from '../../src/platform/logger.ts';
import { eventually } from '../setup/eventually.ts';
import { openShow } from '../setup/shows.ts';
import { useTestSystem } from '../setup/system.ts';
import { ApiClient, newGuest, newKey } from './http-client.ts';

const system = useTestSystem({ apis: 1 });
const url = (): string => system.apiUrls[0]!;

/** The second is JSON too, but not as plain as the direct entrance wants it: the route behind answers. */
const DIRECTLY = 'application/json';
const THROUGH_EXPRESS = 'application/json; charset="utf-8"';
const REQUEST_ID = 'the-same-request';

let buyer: ApiClient;
let show: { readonly id: string };
beforeAll(async () => {
  [buyer, show] = [await newGuest(url()), await openShow(system)];
  await buyer.hold(show.id, ['A1'], 'the-key-of-a1');
});

/** What a client sees, without the time of day. */
async function answerTo(caller: ApiClient, type: string, key: string | undefined, body: string | Buffer) {
  const headers = { 'Content-Type': type, 'X-Request-Id': REQUEST_ID };
  const answer = await caller.post('/bookings', body, { headers, ...(key !== undefined && { key }) });
  const { date: _date, ...seen } = Object.fromEntries(answer.headers);
  return { status: answer.status, headers: seen, body: answer.body };
}

const holdOf = (...seatIds: string[]): string => JSON.stringify({ showId: show.id, seatIds });

describe('a booking is answered directly as the route behind would', () => {
  test.each<[string, number, () => { key?: string; body: string | Buffer; caller?: ApiClient }]>([
    ['repeated', 201, () => ({ key: 'the-key-of-a1', body: holdOf('A1') })],
    ['repeated with another body', 422, () => ({ key: 'the-key-of-a1', body: holdOf('A2') })],
    ['of a seat that is taken', 409, () => ({ key: newKey(), body: holdOf('A1') })],
    ['of an unknown seat', 400, () => ({ key: newKey(), body: holdOf('Z1') })],
    ['with an unknown field', 400, () => ({ key: newKey(), body: '{"colour":"red"}' })],
    ['that is broken JSON', 400, () => ({ key: newKey(), body: '{"showId":' })],
    ['that is not UTF-8', 400, () => ({ key: newKey(), body: Buffer.from([0x22, 0xff, 0x22]) })],
    ['after a byte order mark', 201, () => ({ key: 'the-key-of-a1', body: `\ufeff${holdOf('A1')}` })],
    ['without a key', 400, () => ({ body: holdOf('A2') })],
    ['without a token', 401, () => ({ key: newKey(), body: holdOf('A2'), caller: new ApiClient(url()) })],
  ])('%s', async (_what, status, request) => {
    const { key, body, caller = buyer } = request();
    const direct = await answerTo(caller, DIRECTLY, key, body);
    expect(direct.status).toBe(status);
    expect(direct.headers['x-request-id']).toBe(REQUEST_ID);
    expect(direct).toEqual(await answerTo(caller, THROUGH_EXPRESS, key, body));
  });
});

test('a request that is given up while its caller is looked at comes to an end', async () => {
  const [looking, mayGoOn] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const gate: Gate = {
    authenticate: async () => {
      looking.resolve();
      await mayGoOn.promise;
      return { userId: 'usr_1', role: 'guest' };
    },
    admit: () => Promise.resolve(),
  };
  const statuses: number[] = [];
  const entrance = createDirectEntrance(
    { endpoint: endpoints.createBooking, handler: () => ({ status: 201, body: {} }) },
    gate,
    {
      logger: createLogger('test'),
      metrics: { request: (_path, _method, status) => statuses.push(status) },
      tally: { note: () => undefined },
    },
  );
  const lost = Promise.withResolvers<void>();
  const server = createServer((req, res) => {
    req.once('close', lost.resolve);
    expect(entrance(req, res)).toBe(true);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const client = httpRequest({
    ...{ port: (server.address() as AddressInfo).port, method: 'POST', path: '/api/v1/bookings' },
    headers: { 'Content-Type': 'application/json', 'Content-Length': 100, 'Idempotency-Key': newKey() },
  });
  client.on('error', () => undefined);
  client.write('{');
  await looking.promise;
  client.destroy();
  await lost.promise;
  mayGoOn.resolve();
  await eventually(() => Promise.resolve(expect(statuses).toEqual([400])));
  server.close();
});
