import { createServer, type AddressInfo, type Server } from 'node:net';
import { StartupError } from './startup-error.ts';

/** A port that nobody else gets until the part it is for is about to listen on it. */
export interface ReservedPort {
  readonly port: number;
  release(): Promise<void>;
}

export interface PortWish {
  /** Setting's name, under which a person chose the port and under which it is remembered. */
  readonly name: string;
  /** What the setting says; null or 0 when the port may be any. */
  readonly told: number | null;
  /** What a person would expect. */
  readonly friendly: number;
}

/** Ports next to the friendly one that are tried before any free one: an address that looks familiar. */
const neighboursTried = 10;

/**
 * Finds a free port and holds it: the one told, else the one of the last start, the friendly one, one near it, any.
 * @throws StartupError when the port told is taken or not allowed
 */
export async function reservePort(wish: PortWish, remembered: number | undefined): Promise<ReservedPort> {
  if (wish.told !== null && wish.told !== 0) {
    const attempt = await hold(wish.told);
    if ('failure' in attempt) throw toldPortError(wish.name, wish.told, attempt.failure);
    return attempt;
  }
  const near = Array.from({ length: neighboursTried }, (_, step) => wish.friendly + step);
  for (const port of [...(remembered === undefined ? [] : [remembered]), ...near, 0]) {
    const attempt = await hold(port);
    if (!('failure' in attempt)) return attempt;
  }
  throw new StartupError(`No free port was found for ${wish.name}.`);
}

function toldPortError(name: string, port: number, { code }: NodeJS.ErrnoException): StartupError {
  if (code === 'EACCES') {
    return new StartupError(`${name}=${port} may not be used by this user: choose a port above 1023.`);
  }
  return new StartupError(
    `${name}=${port} is taken by another program: stop that one, choose another port, or leave ${name} out.`,
  );
}

/** A program that listens on the loopback address alone does not on every system keep one from listening on all. */
async function hold(port: number): Promise<ReservedPort | Failed> {
  if (port !== 0) {
    const loopback = await listen(port, '127.0.0.1');
    if ('failure' in loopback) return loopback;
    await close(loopback.server);
  }
  const all = await listen(port, undefined);
  if ('failure' in all) return all;
  const { port: taken } = all.server.address() as AddressInfo;
  return { port: taken, release: () => close(all.server) };
}

interface Failed {
  readonly failure: NodeJS.ErrnoException;
}

function listen(port: number, host: string | undefined): Promise<{ readonly server: Server } | Failed> {
  return new Promise((resolve) => {
    const server = createServer((socket) => socket.destroy());
    server.once('error', (failure) => resolve({ failure }));
    server.listen({ port, host }, () => resolve({ server }));
  });
}

const close = (server: Server): Promise<void> => new Promise((resolve) => server.close(() => resolve()));
