import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface ScriptedProvider {
  readonly url: string;
  /** Requests that have reached it. */
  readonly requests: readonly string[];
  /** How later requests are answered. */
  answer: RequestListener;
  close(): Promise<void>;
}

/** An HTTP server that answers as told: for the nonsense that a well-behaved provider never says. */
export async function startScriptedProvider(): Promise<ScriptedProvider> {
  const requests: string[] = [];
  const server = createServer((request, response) => {
    requests.push(`${request.method} ${request.url}`);
    provider.answer(request, response);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const provider: ScriptedProvider = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    answer: (_request, response) => response.writeHead(500).end(),
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
  return provider;
}

/** Answers every request with this status and body. */
export const always =
  (status: number, body: unknown): RequestListener =>
  (_request, response) =>
    response
      .writeHead(status, { 'content-type': 'application/json' })
      .end(typeof body === 'string' ? body : JSON.stringify(body));
