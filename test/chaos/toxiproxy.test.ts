import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { createLogger } from '../../src/platform/logger.ts';
import { freePort } from '../setup/free-port.ts';
import { ClusterProcess } from './cluster-process.ts';
import { obtainToxiproxy, Proxy, toxiproxyProcess } from './toxiproxy.ts';

const BUILD_MS = 240_000;
const LATENCY_MS = 300;
/** Who has not been heard by then is not heard. */
const SILENCE_MS = 700;
/** More than what systems on the way keep for somebody who does not read. */
const FLOOD = Array.from({ length: 1_024 }, () => Buffer.alloc(64 * 1_024));

/** Until no more of what was written gets away. */
async function untilStill(socket: Socket): Promise<void> {
  for (let before = -1; before !== socket.writableLength;) {
    before = socket.writableLength;
    await delay(500);
  }
}

let toxiproxy: ClusterProcess;
let control: number;
const servers: Server[] = [];

beforeAll(async () => {
  const binary = await obtainToxiproxy(process.env, createLogger('chaos'));
  control = await freePort();
  toxiproxy = new ClusterProcess('toxiproxy', () => toxiproxyProcess(binary, control));
  await toxiproxy.start();
}, BUILD_MS);

afterAll(async () => {
  await toxiproxy?.stop();
  for (const server of servers) server.close();
});

/** A server that does this with each connection, and a way to it. */
async function wayTo(name: string, serve: (socket: Socket) => void) {
  const upstream = createServer((socket) => {
    socket.on('error', () => undefined);
    serve(socket);
  }).listen(0, '127.0.0.1');
  servers.push(upstream);
  await once(upstream, 'listening');
  const [port, { port: upstreamPort }] = [await freePort(), upstream.address() as AddressInfo];
  const proxy = await Proxy.open(`http://127.0.0.1:${control}`, name, `127.0.0.1:${port}`, `127.0.0.1:${upstreamPort}`);
  return { upstream, proxy, port };
}

/** A way to somebody who remembers what he has heard, and says it back. */
async function wayToAnEcho(name: string) {
  let heard = '';
  const { proxy, port } = await wayTo(name, (socket) => {
    socket.on('data', (said: Buffer) => {
      heard += said.toString();
      socket.write(said);
    });
  });
  const connected = async () => {
    const socket = connect(port, '127.0.0.1');
    socket.on('error', () => undefined);
    await once(socket, 'connect');
    return socket;
  };
  return { proxy, port, connected, heard: () => heard };
}

/** What comes back of a word, and after how long; null: nothing for as long as the tests wait. */
async function echoed(socket: Socket, word: string): Promise<{ readonly said: string; readonly ms: number } | null> {
  const askedAtMs = performance.now();
  socket.write(word);
  const answer = once(socket, 'data', { signal: AbortSignal.timeout(SILENCE_MS) }).catch(() => null);
  const [said] = ((await answer) ?? []) as Buffer[];
  return said === undefined ? null : { said: said.toString(), ms: performance.now() - askedAtMs };
}

describe('a way', () => {
  test('that is cut ends what is under way, and takes nothing new', async () => {
    const { proxy, port, connected } = await wayToAnEcho('cut');
    const socket = await connected();
    expect(await echoed(socket, 'before')).toMatchObject({ said: 'before' });
    const closed = once(socket, 'close');
    await proxy.trouble({ kind: 'cut' });
    await closed;
    await expect(once(connect(port, '127.0.0.1'), 'connect')).rejects.toThrow('ECONNREFUSED');
    await proxy.heal();
    expect(await echoed(await connected(), 'after')).toMatchObject({ said: 'after' });
  });

  test('that is slow says everything later', async () => {
    const { proxy, connected } = await wayToAnEcho('slow');
    const socket = await connected();
    expect((await echoed(socket, 'before'))!.ms).toBeLessThan(LATENCY_MS);
    await proxy.trouble({ kind: 'slow', latencyMs: LATENCY_MS, jitterMs: 0 });
    expect((await echoed(socket, 'slow'))!.ms).toBeGreaterThanOrEqual(LATENCY_MS - 1);
    await proxy.heal();
  });

  test('that is half open stands, and nothing comes through', async () => {
    const { proxy, connected, heard } = await wayToAnEcho('half-open');
    const socket = await connected();
    await proxy.trouble({ kind: 'half-open' });
    expect(await echoed(socket, 'lost')).toBeNull();
    expect(heard()).toBe('');
    expect(socket.readyState).toBe('open');
    await proxy.heal();
    expect(await echoed(await connected(), 'after')).toMatchObject({ said: 'after' });
  });

  test('whose answers are held lets the questions through', async () => {
    const { proxy, connected, heard } = await wayToAnEcho('answers-held');
    const socket = await connected();
    await proxy.trouble({ kind: 'answers held' });
    expect(await echoed(socket, 'heard')).toBeNull();
    expect(heard()).toBe('heard');
    expect(socket.readyState).toBe('open');
    await proxy.heal();
    expect(await echoed(await connected(), 'after')).toMatchObject({ said: 'after' });
  });
});

test('a way that was slow is whole again, though somebody on it does not read', async () => {
  const { upstream, proxy, port } = await wayTo('flooded', (socket) => {
    for (const drop of FLOOD) socket.write(drop);
  });
  await proxy.trouble({ kind: 'slow', latencyMs: 50, jitterMs: 0 });
  const stands = connect(port, '127.0.0.1').pause();
  stands.on('error', () => undefined);
  const [sent] = (await once(upstream, 'connection')) as [Socket];
  await untilStill(sent);
  await proxy.heal();
  const other = connect(port, '127.0.0.1');
  await once(other, 'data');
  for (const socket of [stands, other]) socket.destroy();
}, 30_000);
