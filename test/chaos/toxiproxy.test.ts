import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { createLogger } from '../../src/platform/logger.ts';
import { freePort } from '../setup/free-port.ts';
import { ClusterProcess } from './cluster-process.ts';
import { obtainToxiproxy, Proxy, toxiproxyProcess } from './toxiproxy.ts';

const BUILD_MS = 240_000;
/** More than what systems on the way keep for somebody who does not read. */
const FLOOD = Array.from({ length: 1_024 }, () => Buffer.alloc(64 * 1_024));

/** Until no more of what was written gets away. */
async function untilStill(socket: Socket): Promise<void> {
  for (let before = -1; before !== socket.writableLength;) {
    before = socket.writableLength;
    await delay(500);
  }
}

let upstream: Server;
let toxiproxy: ClusterProcess;
let proxy: Proxy;

beforeAll(async () => {
  upstream = createServer((socket) => {
    socket.on('error', () => undefined);
    for (const drop of FLOOD) socket.write(drop);
  }).listen(0, '127.0.0.1');
  await once(upstream, 'listening');
  const binary = await obtainToxiproxy(process.env, createLogger('chaos'));
  const [control, listen] = [await freePort(), await freePort()];
  toxiproxy = new ClusterProcess('toxiproxy', () => toxiproxyProcess(binary, control));
  await toxiproxy.start();
  const { port } = upstream.address() as AddressInfo;
  proxy = await Proxy.open(`http://127.0.0.1:${control}`, 'way', `127.0.0.1:${listen}`, `127.0.0.1:${port}`);
}, BUILD_MS);

afterAll(async () => {
  await toxiproxy?.stop();
  upstream?.close();
});

test('a way that was slow is whole again, though somebody on it does not read', async () => {
  const port = Number(proxy.address.split(':')[1]);
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
