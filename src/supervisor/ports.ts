import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { StartupError } from './startup-error.ts';

/** A port that nobody else gets until the part it is for listens on it. */
export interface ReservedPort {
  readonly port: number;
  /** Why it is not the friendly one, as half a sentence; null when it is, or when a person named it. */
  readonly why: string | null;
  /** Lets the part listen. Other starts still leave the port alone: it may take the part seconds, and again when it died. */
  release(): Promise<void>;
  /** Ends that too. So does the end of this process. */
  giveBack(): Promise<void>;
}

type HeldPort = Omit<ReservedPort, 'why'>;

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
    const attempt = await holdTold(wish.told);
    if ('failure' in attempt) throw toldPortError(wish.name, wish.told, attempt.failure);
    return { ...attempt, why: null };
  }
  const near = Array.from({ length: neighboursTried }, (_, step) => wish.friendly + step);
  for (const port of [...(remembered === undefined ? [] : [remembered]), ...near, 0]) {
    const attempt = port === 0 ? await holdTold(0) : await holdUnclaimed(port);
    if (!('failure' in attempt)) return { ...attempt, why: whyNotFriendly(attempt.port, wish, remembered) };
  }
  throw new StartupError(`No free port was found for ${wish.name}.`);
}

function whyNotFriendly(port: number, { name, friendly }: PortWish, remembered: number | undefined): string | null {
  if (port === friendly || friendly === 0) return null;
  if (port === remembered) return `as at the last start; ${name}=${friendly} asks for the usual one`;
  return `${friendly} is taken by another program`;
}

function toldPortError(name: string, port: number, { code }: NodeJS.ErrnoException): StartupError {
  if (code === 'EACCES') {
    return new StartupError(`${name}=${port} may not be used by this user: choose a port above 1023.`);
  }
  return new StartupError(
    `${name}=${port} is taken by another program: stop that one, choose another port, or leave ${name} out.`,
  );
}

/** A port that somebody has claimed is not even tried: he may be about to listen on it. */
async function holdUnclaimed(port: number): Promise<HeldPort | Failed> {
  const claimed = await claim(port);
  if ('failure' in claimed) return claimed;
  const listening = await listenOnAll(port);
  if (!('failure' in listening)) return reservedPort(listening.server, claimed.socket);
  claimed.socket.close();
  return listening;
}

/** Whoever asked for this very port gets it if it is free; a claim may be anybody's who speaks UDP. 0: any. */
async function holdTold(port: number): Promise<HeldPort | Failed> {
  const listening = await listenOnAll(port);
  if ('failure' in listening) return listening;
  const claimed = await claim((listening.server.address() as AddressInfo).port);
  return reservedPort(listening.server, 'failure' in claimed ? null : claimed.socket);
}

function reservedPort(server: Server, claimed: Socket | null): HeldPort {
  const { port } = server.address() as AddressInfo;
  const release = () => close(server);
  return {
    port,
    release,
    async giveBack() {
      await release();
      if (claimed) await new Promise<void>((resolve) => claimed.close(resolve));
    },
  };
}

/**
 * A claim is the UDP port of the same number, which no part uses. The kernel gives it to one process alone, whatever
 * folders and users the starts have, and takes it back when that process ends.
 */
async function claim(port: number): Promise<{ readonly socket: Socket } | Failed> {
  const socket = createSocket('udp4');
  try {
    socket.bind(port, '127.0.0.1').unref();
    await once(socket, 'listening');
    return { socket };
  } catch (failure) {
    socket.close();
    return { failure: failure as NodeJS.ErrnoException };
  }
}

/** A program that listens on the loopback address alone does not on every system keep one from listening on all. */
async function listenOnAll(port: number): Promise<{ readonly server: Server } | Failed> {
  if (port !== 0) {
    const loopback = await listen(port, '127.0.0.1');
    if ('failure' in loopback) return loopback;
    await close(loopback.server);
  }
  return listen(port, undefined);
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
