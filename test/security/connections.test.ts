import { once } from 'node:events';
import type { Server } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { createHttpServer, type HttpTimes } from '../../src/api/http/server.ts';
import { problemSchema } from '../../src/contracts/http/problems.ts';
import { ApiClient, newGuest, newKey } from '../api/http-client.ts';
import { eventually } from '../setup/eventually.ts';
import { openShow, statusesOf } from '../setup/shows.ts';
import { useTestSystem } from '../setup/system.ts';
import { digestOfAllRows } from './unchanged.ts';

/** One connection, byte by byte. */
class RawConnection {
  readonly socket: Socket;
  readonly closed: Promise<unknown>;
  heard = '';

  /** `mayLinger`: it goes on when the other side has ended; a well-meaning client does not. */
  constructor(port: number, { mayLinger = false } = {}) {
    this.socket = connect({ port, host: '127.0.0.1', allowHalfOpen: mayLinger });
    this.socket.on('data', (data) => (this.heard += data.toString('latin1')));
    this.socket.on('error', () => undefined);
    this.closed = new Promise((resolve) => this.socket.once('close', resolve));
  }

  get statuses(): readonly number[] {
    return [...this.heard.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map((match) => Number(match[1]));
  }

  /** How many answers have come. */
  get answers(): number {
    return this.statuses.length;
  }
}

describe('a client that is slow on purpose', () => {
  /**
   * Those of the API, ten times as fast; what stands still is cut off sooner. No faster: one thread does all of this, and where it pauses
   * for so long, who is honest is cut off as well.
   */
  const times: HttpTimes = { headersMs: 1_000, requestMs: 3_000, keepAliveMs: 6_500, standstillMs: 1_500, lookMs: 100 };
  const LARGE = Buffer.alloc(64 * 1024 * 1024, 'x');
  let server: Server;
  let port: number;
  beforeEach(async () => {
    server = createHttpServer((req, res) => {
      if (req.url === '/refused') {
        res.writeHead(401).end();
        return;
      }
      const answer = () => (req.url === '/large' ? res.end(LARGE) : res.end('here you are'));
      // Without a body there is no end to wait for.
      if (req.readableEnded) answer();
      else req.resume().once('end', answer);
    }, times);
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    port = (server.address() as AddressInfo).port;
  });
  afterEach(async () => {
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  });

  /** A connection that the server is known to have seen, before it may be cut off. */
  async function connected(options?: { readonly mayLinger: boolean }): Promise<RawConnection> {
    const seen = once(server, 'connection');
    const connection = new RawConnection(port, options);
    await seen;
    return connection;
  }

  /**
   * Sends a piece again and again, until the connection is closed; resolves with how long that took. No more often than keeps
   * the connection from standing still: all of this is done by the thread that serves.
   */
  async function trickle(connection: RawConnection, begin: string, piece: string): Promise<number> {
    const startedAt = performance.now();
    connection.socket.write(begin);
    const tick = setInterval(() => connection.socket.write(piece), 150);
    await connection.closed;
    clearInterval(tick);
    return performance.now() - startedAt;
  }

  async function answerTime(): Promise<number> {
    const startedAt = performance.now();
    expect(await (await fetch(`http://127.0.0.1:${port}/`)).text()).toBe('here you are');
    return performance.now() - startedAt;
  }

  test('with its headers is cut off, and two hundred of them keep nobody waiting', async () => {
    // It is not the time for the whole request that cuts them off.
    server.requestTimeout = 0;
    const slow = Array.from({ length: 200 }, () => new RawConnection(port, { mayLinger: true }));
    const cut = Promise.all(slow.map((each) => trickle(each, 'GET / HTTP/1.1\r\nHost: x\r\n', 'X-A: b\r\n')));
    for (let n = 0; n < 5; n++) expect(await answerTime()).toBeLessThan(1_000);
    for (const ms of await cut) expect(ms).toBeLessThan(times.headersMs + 2_000);
    expect(slow[0]!.heard).toMatch(/^HTTP\/1\.1 400 /);
  });

  test('with saying anything at all is cut off', async () => {
    const connection = await connected({ mayLinger: true });
    await eventually(async () => expect(await connectionsOf(server)).toBe(0), 5_000);
    connection.socket.destroy();
  });

  test('with its body is cut off, and keeps nobody waiting', async () => {
    const slow = Array.from({ length: 50 }, () => new RawConnection(port, { mayLinger: true }));
    const head = 'POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n';
    const cut = Promise.all(slow.map((each) => trickle(each, head, '.')));
    expect(await answerTime()).toBeLessThan(1_000);
    for (const ms of await cut) {
      expect(ms).toBeGreaterThan(times.requestMs / 2);
      expect(ms).toBeLessThan(times.requestMs + 2_000);
    }
  });

  test('with its body, though it has had its answer, is cut off without another one', async () => {
    const connection = new RawConnection(port, { mayLinger: true });
    const ms = await trickle(connection, 'POST /refused HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n', '.');
    expect(ms).toBeLessThan(times.requestMs + 2_000);
    expect(connection.heard).toMatch(/^HTTP\/1\.1 401 /);
    expect(connection.answers).toBe(1);
  });

  test('with reading is cut off, though it has sent all that it should', async () => {
    const connection = await connected();
    connection.socket.pause();
    connection.socket.write('GET /large HTTP/1.1\r\nHost: x\r\n\r\n');
    await eventually(async () => expect(await connectionsOf(server)).toBe(0), 10_000);
    connection.socket.destroy();
  });

  test('that has asked everything and waits for an answer is not', async () => {
    const slow = createHttpServer((_req, res) => void delay(1_200).then(() => res.end('late')), times);
    slow.listen(0, '127.0.0.1');
    await once(slow, 'listening');
    const answer = await fetch(`http://127.0.0.1:${(slow.address() as AddressInfo).port}/`);
    expect(await answer.text()).toBe('late');
    slow.closeAllConnections();
    slow.close();
  });
});

const connectionsOf = (server: Server): Promise<number> =>
  new Promise((resolve, reject) => server.getConnections((error, count) => (error ? reject(error) : resolve(count))));

describe('on the wire', () => {
  const system = useTestSystem({ apis: 1, settings: { HOLD_TTL_SECONDS: '600' } });
  const port = (): number => Number(new URL(system.apiUrls[0]!).port);
  let buyer: ApiClient;
  let token: string;
  let show: { readonly id: string };
  beforeAll(async () => {
    buyer = await newGuest(system.apiUrls[0]!);
    const { body } = await new ApiClient(system.apiUrls[0]!).post<{ accessToken: string }>('/auth/guest', {
      email: 'a@example.org',
    });
    token = body.accessToken;
    show = await openShow(system);
    await buyer.held(show.id, ['E1']);
    await mapShows(1);
  }, 60_000);

  /** The map of seats is projected a moment after its change. */
  const mapShows = (held: number) =>
    eventually(async () => {
      const { body } = await buyer.get<{ statuses: string }>(`/shows/${show.id}/seats`);
      expect(body.statuses.replace(/[^h]/g, '')).toHaveLength(held);
    });

  /** All that is said back until the connection is closed. */
  async function said(bytes: string | Buffer): Promise<RawConnection> {
    const connection = new RawConnection(port());
    connection.socket.write(bytes);
    await Promise.race([connection.closed, delay(5_000)]);
    connection.socket.destroy();
    return connection;
  }

  async function changesNothing(act: () => Promise<unknown>): Promise<void> {
    const [rows, seats] = [await digestOfAllRows(system.db), await statusesOf(system, show.id)];
    await act();
    expect(await digestOfAllRows(system.db)).toEqual(rows);
    expect(await statusesOf(system, show.id)).toBe(seats);
    expect((await fetch(`${system.apiUrls[0]}/health/live`)).status).toBe(200);
  }

  const booking = () => JSON.stringify({ showId: show.id, seatIds: ['A1'] });
  const heads = {
    'at the direct entrance': () =>
      `POST /api/v1/bookings HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${token}\r\nIdempotency-Key: ${newKey()}\r\nContent-Type: application/json\r\n`,
    'at Express': () => `POST /api/v1/quotes HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n`,
  };
  const hidden = 'DELETE /api/v1/hidden HTTP/1.1\r\nHost: x\r\n\r\n';
  const chunkedBody = () => `${booking().length.toString(16)}\r\n${booking()}\r\n0\r\n\r\n`;

  /** What two servers in a row may read as different requests. */
  const ambiguous: Readonly<Record<string, () => string>> = {
    'both a length and chunks': () =>
      `Content-Length: ${booking().length}\r\nTransfer-Encoding: chunked\r\n\r\n${chunkedBody()}`,
    'chunks and then a length': () => `Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n${chunkedBody()}`,
    'two lengths': () => `Content-Length: ${booking().length}\r\nContent-Length: 0\r\n\r\n${booking()}`,
    'two lengths in one': () => `Content-Length: ${booking().length}, ${booking().length}\r\n\r\n${booking()}`,
    'a length with a sign': () => `Content-Length: +${booking().length}\r\n\r\n${booking()}`,
    'a length in another base': () => `Content-Length: 0x20\r\n\r\n${booking()}`,
    'a length below zero': () => `Content-Length: -1\r\n\r\n${booking()}`,
    'a length beyond all numbers': () => `Content-Length: 99999999999999999999999\r\n\r\n${booking()}`,
    'a coding that is not chunks': () => `Transfer-Encoding: identity\r\n\r\n${booking()}`,
    'chunks that are not the last coding': () => `Transfer-Encoding: chunked, gzip\r\n\r\n${chunkedBody()}`,
    'chunks twice': () => `Transfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n\r\n${chunkedBody()}`,
    'a space before the colon': () => `Transfer-Encoding : chunked\r\n\r\n${chunkedBody()}`,
    'a folded line': () => `X-A: b\r\n Transfer-Encoding: chunked\r\nContent-Length: 0\r\n\r\n`,
    'a tab for a letter': () => `Transfer-\tEncoding: chunked\r\n\r\n${chunkedBody()}`,
    'a bare line feed in a header': () => `X-A: b\nTransfer-Encoding: chunked\r\n\r\n${chunkedBody()}`,
    'a bare return in a header': () => `X-A: b\rTransfer-Encoding: chunked\r\n\r\n${chunkedBody()}`,
    'a NUL in a header': () => `X-A: b\0c\r\nContent-Length: 0\r\n\r\n`,
    'a chunk whose length is none': () => `Transfer-Encoding: chunked\r\n\r\nzz\r\n${booking()}\r\n0\r\n\r\n`,
    'a chunk longer than all numbers': () => `Transfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n${booking()}`,
    'a chunk without its end': () => `Transfer-Encoding: chunked\r\n\r\n2\r\n{}x\r\n0\r\n\r\n`,
  };

  describe.each(Object.entries(heads))('%s', (_where, head) => {
    test.each(Object.entries(ambiguous))(
      'a request with %s is refused, and what follows it is not read',
      async (_what, rest) => {
        await changesNothing(async () => {
          const { heard, answers } = await said(head() + rest() + hidden);
          expect(answers).toBe(1);
          expect(heard).toMatch(/^HTTP\/1\.1 4\d\d /);
          expect(heard).not.toContain('/hidden');
          expect(problemSchema.parse(JSON.parse(heard.slice(heard.indexOf('\r\n\r\n')))).status).toBe(400);
        });
      },
    );
  });

  test('a body that is longer than it says is the next request, and is none', async () => {
    await changesNothing(async () => {
      const body = '{"showId":"shw_none","seatIds":["A1"]}';
      const { statuses } = await said(
        `${heads['at the direct entrance']()}Content-Length: ${body.length}\r\n\r\n${body}GARBAGE\r\n\r\n`,
      );
      expect(statuses).toEqual([404, 400]);
    });
  });

  test('what is no request waits for the answers to those before it', async () => {
    const booked = `${heads['at the direct entrance']()}Content-Length: ${booking().length}\r\n\r\n${booking()}`;
    const odd = 'GET /api/v1/cities HTTP/1.1\r\n\r\n';
    for (const after of ['GARBAGE\r\n\r\n', odd, `${odd.trimEnd()}\r\nHost: x\r\nExpect: wonders\r\n\r\n`]) {
      const { statuses } = await said(booked.replace(/Idempotency-Key: \S+/, 'Idempotency-Key: the-key-of-a1') + after);
      expect(statuses).toEqual([201, 400]);
    }
    await mapShows(2);
  });

  test('requests in a row on one connection are answered in their order, each for itself', async () => {
    const ask = (path: string) => `GET /api/v1${path} HTTP/1.1\r\nHost: x\r\n\r\n`;
    const connection = new RawConnection(port());
    const paths = Array.from({ length: 50 }, (_, n) => (n % 2 === 0 ? `/shows/shw_${n}` : `/shows/shw_${n}/seats`));
    connection.socket.write(paths.map(ask).join(''));
    await eventually(() => expect(connection.answers).toBe(50));
    const instances = [...connection.heard.matchAll(/"instance":"\/api\/v1([^"]+)"/g)].map((match) => match[1]);
    expect(instances).toEqual(paths);
    connection.socket.destroy();
  });

  test('more headers than a hundred are refused: the last ones are what a proxy says of its client', async () => {
    const headers = (count: number) => Array.from({ length: count }, (_, n) => `X-${n}: y\r\n`).join('');
    const ask = (count: number) =>
      said(`GET /api/v1/cities HTTP/1.1\r\nConnection: close\r\nHost: x\r\n${headers(count)}\r\n`);
    expect((await ask(98)).heard).toMatch(/^HTTP\/1\.1 200 /);
    expect((await ask(99)).heard).toMatch(/^HTTP\/1\.1 400 /);
    expect((await ask(500)).heard).toMatch(/^HTTP\/1\.1 400 /);
  });

  test('a body that unpacks to more than its call takes is refused before it is unpacked', async () => {
    await changesNothing(async () => {
      const bomb = gzipSync(Buffer.alloc(200 * 1024 * 1024, ' '));
      expect(bomb.length).toBeLessThan(256 * 1024);
      const startedAt = performance.now();
      const headers = { 'Content-Encoding': 'gzip' };
      const answer = await buyer.post('/quotes', bomb, { headers });
      expect([answer.status, answer.body.code]).toEqual([413, 'BODY_TOO_LARGE']);
      expect(performance.now() - startedAt).toBeLessThan(1_000);
      const booked = await buyer.post('/bookings', bomb, { headers, key: newKey() });
      expect([booked.status, booked.body.code]).toEqual([413, 'BODY_TOO_LARGE']);
      const told = await buyer.post('/webhooks/payments/simulator', bomb, { headers });
      expect([told.status, told.body.code]).toEqual([415, 'UNSUPPORTED_MEDIA_TYPE']);
    });
  });

  test.each([
    ['to the byte', 256 * 1024, 400],
    ['by a byte', 256 * 1024 + 1, 413],
  ])('a booking at its limit of size %s is looked at or not, whoever looks', async (_what, size, status) => {
    const body = `{"showId":"${'x'.repeat(size - 13)}"}`;
    expect(body.length).toBe(size);
    for (const type of ['application/json', 'application/json; charset="utf-8"']) {
      const answer = await buyer.post('/bookings', body, { key: newKey(), headers: { 'Content-Type': type } });
      expect(answer.status).toBe(status);
    }
    const chunks = `${heads['at the direct entrance']()}Transfer-Encoding: chunked\r\n\r\n${size.toString(16)}\r\n${body}\r\n0\r\n\r\n`;
    expect((await said(chunks)).heard).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
  });

  test('a client that leaves in the middle of a body leaves nothing behind', async () => {
    await changesNothing(async () => {
      for (const head of Object.values(heads)) {
        const connections = Array.from({ length: 20 }, () => new RawConnection(port()));
        for (const { socket } of connections) socket.write(`${head()}Content-Length: 1000\r\n\r\n${booking()}`);
        await delay(50);
        for (const { socket } of connections) socket.resetAndDestroy();
      }
    });
  });
});
