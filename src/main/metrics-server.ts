import { createServer } from 'node:http';
import type { Registry } from 'prom-client';
import { listen } from './listening.ts';

export interface MetricsServer {
  readonly url: string;
  close(): void;
}

/**
 * On a port of its own, which nobody outside needs to reach. A process opens it last: whoever gets an answer here knows
 * that this very process is ready, which on a port that several share nobody could tell.
 */
export async function startMetricsServer(
  registry: Registry,
  address: { readonly host: string; readonly port: number },
): Promise<MetricsServer> {
  const server = createServer((req, res) => {
    if (req.url !== '/metrics') {
      res.writeHead(404).end();
      return;
    }
    registry.metrics().then(
      (text) => res.writeHead(200, { 'Content-Type': registry.contentType }).end(text),
      (error: unknown) => res.writeHead(500).end(String(error)),
    );
  });
  const url = `${await listen(server, address)}/metrics`;
  return {
    url,
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}
