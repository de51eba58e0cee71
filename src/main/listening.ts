import { once } from 'node:events';
import type { Server } from 'node:http';
import type { AddressInfo, ListenOptions } from 'node:net';

/** Where this machine reaches a part that listens on `host`. */
export function urlOf(host: string | undefined, port: number): string {
  const reachable = host === undefined || host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host;
  return `http://${reachable.includes(':') ? `[${reachable}]` : reachable}:${port}`;
}

/** Resolves with its address once it listens. */
export async function listen(server: Server, options: ListenOptions & { readonly host: string }): Promise<string> {
  server.listen(options);
  await once(server, 'listening');
  return urlOf(options.host, (server.address() as AddressInfo).port);
}
