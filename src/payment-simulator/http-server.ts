import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';

/** A charge is some 300 bytes; whatever is far larger is none. */
const BODY_BYTES_MAX = 16 * 1024;
/** Connections at once, each with one request in flight: bounds everything that waits inside. */
const CONNECTIONS_MAX = 2_000;
/** A client that dawdles over its request is let go. */
const REQUEST_TIMEOUT_MS = 10_000;
/** Longer than a client keeps an idle connection, so that it is the client who closes it. */
const KEEP_ALIVE_MS = 65_000;

export interface HttpRequest {
  readonly message: IncomingMessage;
  readonly response: ServerResponse;
  readonly url: URL;
  /** Parts of the path that the route's pattern names. */
  readonly params: readonly string[];
}

export interface Route {
  readonly method: 'GET' | 'POST';
  readonly path: RegExp;
  handle(request: HttpRequest): void | Promise<void>;
}

/** An answer that says no: status, a code for programs, a sentence for people. */
export class Refusal extends Error {
  override readonly name = 'Refusal';
  readonly status: number;
  readonly code: string;
  readonly headers: Readonly<Record<string, string>>;
  constructor(status: number, code: string, message: string, headers: Readonly<Record<string, string>> = {}) {
    super(message);
    this.status = status;
    this.code = code;
    this.headers = headers;
  }
}

/** Listens on `host:port` (0 = any free port) and answers by the first route that matches. */
export async function listen(
  routes: readonly Route[],
  host: string,
  port: number,
  onError: (error: unknown) => void,
): Promise<Server> {
  const server = createServer((message, response) => {
    dispatch(routes, message, response).catch((error: unknown) => {
      if (!(error instanceof Refusal)) onError(error);
      sendRefusal(response, error);
    });
  });
  server.maxConnections = CONNECTIONS_MAX;
  server.requestTimeout = REQUEST_TIMEOUT_MS;
  server.keepAliveTimeout = KEEP_ALIVE_MS;
  server.listen(port, host);
  await once(server, 'listening');
  return server;
}

async function dispatch(routes: readonly Route[], message: IncomingMessage, response: ServerResponse): Promise<void> {
  const url = requestUrl(message);
  const matching = routes.filter((route) => route.path.test(url.pathname));
  if (matching.length === 0) throw new Refusal(404, 'not_found', 'There is nothing here');
  const route = matching.find((each) => each.method === message.method);
  if (route === undefined) {
    const allow = matching.map((each) => each.method).join(', ');
    throw new Refusal(405, 'method_not_allowed', `Allowed here: ${allow}`, { allow });
  }
  const params = route.path.exec(url.pathname)!.slice(1);
  await route.handle({ message, response, url, params });
}

function requestUrl(message: IncomingMessage): URL {
  const url = URL.parse(message.url ?? '/', 'http://simulator');
  if (url === null) throw new Refusal(400, 'invalid_request', 'The address is not valid');
  return url;
}

/**
 * The raw body.
 * @throws Refusal 413 past the limit.
 */
export async function readBody(message: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of message as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > BODY_BYTES_MAX) throw new Refusal(413, 'body_too_large', `At most ${BODY_BYTES_MAX} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** @throws Refusal 415 for another content type, 400 for what is no JSON. */
export async function readJson(message: IncomingMessage): Promise<unknown> {
  const type = message.headers['content-type'] ?? '';
  if (!/^application\/json\s*(;|$)/i.test(type)) {
    throw new Refusal(415, 'unsupported_media_type', 'The body must be application/json');
  }
  const body = await readBody(message);
  try {
    return JSON.parse(body) as unknown;
  } catch {
    throw new Refusal(400, 'malformed_json', 'The body is not valid JSON');
  }
}

/** Answers once; a caller that has hung up gets nothing. */
export function send(response: ServerResponse, status: number, type: string, body: string): void {
  if (response.headersSent || response.destroyed) return;
  response.writeHead(status, { 'content-type': type, 'content-length': Buffer.byteLength(body) }).end(body);
}

export const sendJson = (response: ServerResponse, status: number, body: unknown): void =>
  send(response, status, 'application/json; charset=utf-8', JSON.stringify(body));

function sendRefusal(response: ServerResponse, error: unknown): void {
  const refusal = error instanceof Refusal ? error : new Refusal(500, 'internal_error', 'An unexpected error');
  if (response.headersSent) {
    response.destroy();
    return;
  }
  for (const [name, value] of Object.entries(refusal.headers)) response.setHeader(name, value);
  // What is left of a body that was not read would be taken for the next request.
  if (!response.req.complete) response.setHeader('connection', 'close');
  sendJson(response, refusal.status, { error: { code: refusal.code, message: refusal.message } });
}
