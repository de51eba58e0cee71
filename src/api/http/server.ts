import { createServer, STATUS_CODES, type RequestListener, type Server } from 'node:http';
import type { Socket } from 'node:net';
import { randomUUID } from 'node:crypto';
import { problemAnswer, validationFailed } from './problem.ts';

/** A client that has not sent its headers by then is not one of ours. */
const HEADERS_TIMEOUT_MS = 10_000;
/** For the whole request: 256 KiB over a bad mobile line, a plan over a good one. */
const REQUEST_TIMEOUT_MS = 30_000;
/** Longer than the minute for which proxies keep an idle connection, so that they close it, not we. */
const KEEP_ALIVE_TIMEOUT_MS = 65_000;
const HEADERS_MAX_BYTES = 16 * 1_024;
const HEADERS_MAX_COUNT = 100;

/** The server with its limits; what is not even HTTP is answered as a problem too. */
export function createHttpServer(listener: RequestListener): Server {
  const server = createServer(
    {
      maxHeaderSize: HEADERS_MAX_BYTES,
      headersTimeout: HEADERS_TIMEOUT_MS,
      requestTimeout: REQUEST_TIMEOUT_MS,
      keepAliveTimeout: KEEP_ALIVE_TIMEOUT_MS,
      // Asked for below: Node would answer without a body.
      requireHostHeader: false,
    },
    (request, response) => {
      if (request.headers.host === undefined && request.httpVersion === '1.1') refuse(request.socket);
      else listener(request, response);
    },
  );
  server.maxHeadersCount = HEADERS_MAX_COUNT;
  server.on('clientError', (_error, socket) => refuse(socket as Socket));
  server.on('checkExpectation', (request) => refuse(request.socket));
  server.on('connect', (_request, socket) => refuse(socket as Socket));
  return server;
}

function refuse(socket: Socket): void {
  if (!socket.writable) {
    socket.destroy();
    return;
  }
  const requestId = randomUUID();
  const { status, headers, body } = problemAnswer(
    validationFailed([{ path: '', message: 'is not an HTTP request that this server reads' }]),
    '',
    requestId,
  );
  const json = JSON.stringify(body);
  const lines = Object.entries({ ...headers, 'X-Request-Id': requestId, Connection: 'close' });
  socket.end(
    [
      `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
      ...lines.map(([name, value]) => `${name}: ${value}`),
      `Content-Length: ${Buffer.byteLength(json)}`,
      '',
      json,
    ].join('\r\n'),
  );
}
