import {
  createServer,
  STATUS_CODES,
  type IncomingMessage,
  type RequestListener,
  type Server,
  type ServerResponse,
} from 'node:http';
import type { Socket } from 'node:net';
import { randomUUID } from 'node:crypto';
import { type Answer, sendAnswer } from './answer.ts';
import { problemAnswer, validationFailed } from './problem.ts';

export interface HttpTimes {
  /** A client that has not sent its headers by then is not one of ours. */
  readonly headersMs: number;
  /** For the whole request: 256 KiB over a bad mobile line, a plan over a good one. */
  readonly requestMs: number;
  /** Longer than the minute for which proxies keep an idle connection, so that they close it, not we. */
  readonly keepAliveMs: number;
  /** With a request under way neither side gets a byte through for so long: most of all a client that does not read. */
  readonly standstillMs: number;
  /** How often it is looked for requests that are over their time: by Node only twice a minute. */
  readonly lookMs: number;
}

const times: HttpTimes = {
  headersMs: 10_000,
  requestMs: 30_000,
  keepAliveMs: 65_000,
  standstillMs: 60_000,
  lookMs: 1_000,
};
/** For what is refused: as long as an answer takes on a bad line. */
const LINGER_MS = 1_000;
const HEADERS_MAX_BYTES = 16 * 1_024;
const HEADERS_MAX_COUNT = 100;

/** The server with its limits; what is not even HTTP is answered as a problem too. */
export function createHttpServer(
  listener: RequestListener,
  { headersMs, requestMs, keepAliveMs, standstillMs, lookMs }: HttpTimes = times,
): Server {
  /** On each connection, the answer to the request that began last. */
  const latest = new WeakMap<Socket, ServerResponse>();
  const server = createServer(
    {
      maxHeaderSize: HEADERS_MAX_BYTES,
      headersTimeout: headersMs,
      requestTimeout: requestMs,
      keepAliveTimeout: keepAliveMs,
      connectionsCheckingInterval: lookMs,
      // Asked for below: Node would answer without a body.
      requireHostHeader: false,
      // What announces no body has ended when it is handed on, and emits no `end`: a sixteenth of what it costs to answer a read.
      optimizeEmptyRequests: true,
    },
    (request, response) => {
      latest.set(request.socket, response);
      if (isReadable(request)) listener(request, response);
      else sendAnswer(response, refusal());
    },
  );
  server.timeout = standstillMs;
  // One more than is allowed: Node leaves out those past it, and the last are what our own proxy says of the client.
  server.maxHeadersCount = HEADERS_MAX_COUNT + 1;
  server.on('clientError', (_error, socket) => {
    const response = latest.get(socket as Socket);
    // Nothing goes out before the answers to what was asked before.
    if (response?.req.complete && !response.writableFinished) response.once('finish', () => refuse(socket as Socket));
    // Its body did not come to an end: a second answer to one request would be taken for that to another.
    else if (response?.headersSent && !response.req.complete) socket.destroy();
    else refuse(socket as Socket);
  });
  server.on('checkExpectation', (_request, response) => sendAnswer(response, refusal()));
  server.on('connect', (_request, socket) => refuse(socket as Socket));
  return server;
}

const isReadable = ({ headers, httpVersion, rawHeaders }: IncomingMessage): boolean =>
  (headers.host !== undefined || httpVersion !== '1.1') && rawHeaders.length / 2 <= HEADERS_MAX_COUNT;

function refusal(): Answer {
  const requestId = randomUUID();
  const fault = validationFailed([{ path: '', message: 'is not an HTTP request that this server reads' }]);
  const answer = problemAnswer(fault, '', requestId);
  return { ...answer, headers: { ...answer.headers, 'X-Request-Id': requestId, Connection: 'close' } };
}

/** For what has no request that could be answered. */
function refuse(socket: Socket): void {
  if (!socket.writable) {
    socket.destroy();
    return;
  }
  // What the client still sends is read, or it might not get to hear why it was refused; but it need not ever end.
  setTimeout(() => socket.destroy(), LINGER_MS).unref();
  const { status, headers = {}, body } = refusal();
  const json = JSON.stringify(body);
  socket.end(
    [
      `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
      ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
      `Content-Length: ${Buffer.byteLength(json)}`,
      '',
      json,
    ].join('\r\n'),
  );
}
