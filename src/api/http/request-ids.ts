import { randomUUID } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';

/** An id that a proxy or a client gave, if it may stand in a log line and a header as it is. */
const sane = /^[A-Za-z0-9._-]{8,64}$/;

const ids = new WeakMap<IncomingMessage, string>();

/** The client's own, if it is fit to be one. */
export function newRequestId(req: IncomingMessage): string {
  const given = req.headers['x-request-id'];
  return typeof given === 'string' && sane.test(given) ? given : randomUUID();
}

/** Gives the request its id and the response its `X-Request-Id`. */
export function assignRequestId(req: IncomingMessage, res: ServerResponse): string {
  const known = ids.get(req);
  if (known) return known;
  const id = newRequestId(req);
  ids.set(req, id);
  res.setHeader('X-Request-Id', id);
  return id;
}

export const requestIdOf = (req: IncomingMessage): string => ids.get(req) ?? '';

/** Path without the query. */
export function pathOf(req: { originalUrl?: string; url?: string }): string {
  const url = req.originalUrl ?? req.url ?? '/';
  const end = url.indexOf('?');
  return end < 0 ? url : url.slice(0, end);
}
