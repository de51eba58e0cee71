import type { Response } from 'express';

/** What a call answers. `body` is sent as JSON; `bytes` as they are, with their content type in `headers`. */
export interface Answer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
  readonly bytes?: Buffer;
}

export const ok = (body: unknown): Answer => ({ status: 200, body });

export function sendAnswer(res: Response, { status, headers, body, bytes }: Answer): void {
  res.statusCode = status;
  const content = bytes ?? (body === undefined ? null : Buffer.from(JSON.stringify(body)));
  if (content) {
    res.setHeader('Content-Type', 'application/json; charset=utf-8');
    res.setHeader('Content-Length', content.length);
  }
  if (headers) for (const [name, value] of Object.entries(headers)) res.setHeader(name, value);
  if (content) res.end(content);
  else res.end();
}
