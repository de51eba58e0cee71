import type { ServerResponse } from 'node:http';

/**
 * What a call answers. `body` is sent as JSON; `bytes` as they are, with their content type in `headers`; `stream` writes
 * until either side ends the connection, which is also how the client knows the body's end.
 */
export interface Answer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
  readonly bytes?: Buffer;
  readonly stream?: (res: ServerResponse) => void;
}

export const ok = (body: unknown): Answer => ({ status: 200, body });

export function sendAnswer(res: ServerResponse, { status, headers, body, bytes, stream }: Answer): void {
  res.statusCode = status;
  const content = bytes ?? (body === undefined ? null : Buffer.from(JSON.stringify(body)));
  if (content) {
    res.setHeader('Content-Type', 'application/json; charset=utf-8');
    res.setHeader('Content-Length', content.length);
  }
  if (headers) for (const [name, value] of Object.entries(headers)) res.setHeader(name, value);
  if (stream) sendStream(res, stream);
  else if (content) res.end(content);
  else res.end();
}

function sendStream(res: ServerResponse, stream: (res: ServerResponse) => void): void {
  // It may have nothing to say for as long as its heartbeat lasts; who does not read is dropped by what waits for it.
  res.setTimeout(0);
  // No frames around each piece: what is written to many goes out to each as the very same bytes.
  res.shouldKeepAlive = false;
  res.removeHeader('Transfer-Encoding');
  res.flushHeaders();
  stream(res);
  if (res.req.method === 'HEAD') res.end();
}
