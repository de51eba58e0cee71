import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

/** A way to another server through which a process can be cut off from it, and let back. */
export interface SeverableLink {
  readonly port: number;
  /** How often somebody has tried to get through since it was severed. */
  readonly tries: number;
  /** Ends every connection and takes no new ones. */
  sever(): void;
  restore(): void;
  close(): Promise<void>;
}

export async function linkTo(host: string, port: number): Promise<SeverableLink> {
  const sockets = new Set<Socket>();
  let severed = false;
  let tries = 0;
  const server = createServer((near) => {
    if (severed) {
      tries += 1;
      near.destroy();
      return;
    }
    const far = connect(port, host);
    for (const [one, other] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(one);
      one.pipe(other);
      one.on('error', () => other.destroy());
      one.on('close', () => {
        sockets.delete(one);
        other.destroy();
      });
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    get tries() {
      return tries;
    },
    sever: () => {
      severed = true;
      tries = 0;
      for (const socket of sockets) socket.destroy();
    },
    restore: () => {
      severed = false;
    },
    close: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}
