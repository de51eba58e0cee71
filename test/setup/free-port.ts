import { once } from 'node:events';
import { createServer } from 'node:net';

/**
 * Below those that systems give to connections and to who asks for any port (Linux from 32768 on, macOS from 49152): one of
 * those may be somebody's by the time it is listened on.
 */
const FIRST = 10_000;
const PORTS_PER_WORKER = 2_750;
const WORKERS_APART = 8;

/** Of jest's workers each has ports of its own, up to so many workers. */
const own = FIRST + (Number(process.env.JEST_WORKER_ID ?? 0) % WORKERS_APART) * PORTS_PER_WORKER;
let tried = Math.floor(Math.random() * PORTS_PER_WORKER);

/** A TCP port on loopback that nobody listens on, and that nobody is given by chance. */
export async function freePort(): Promise<number> {
  for (let tries = 0; tries < PORTS_PER_WORKER; tries++) {
    tried = (tried + 1) % PORTS_PER_WORKER;
    const port = own + tried;
    if (await isFree(port)) return port;
  }
  throw new Error(`no port from ${own} on is free`);
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer();
  try {
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
  } catch {
    return false;
  }
  server.close();
  await once(server, 'close');
  return true;
}
