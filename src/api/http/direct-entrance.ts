import type { IncomingMessage, ServerResponse } from 'node:http';
import { BASE_PATH, BODY_LIMIT_BYTES } from '../../contracts/http/endpoints.ts';
import type { Logger } from '../../platform/logger.ts';
import type { Metrics } from '../operations/metrics.ts';
import type { Answer } from './answer.ts';
import { ApiError } from './api-error.ts';
import { problemAnswer, toApiError } from './problem.ts';
import type { RefusalTally } from './refusal-tally.ts';
import { newRequestId } from './request-ids.ts';
import { logDirectRequest } from './request-log.ts';
import { answering, type Gate, type Route } from './route.ts';
import { securityHeaderList } from './security-headers.ts';

/** JSON as nearly every client of ours sends it. */
const plainJson = /^application\/json(; ?charset=utf-8)?$/i;
/** Refuses what is not UTF-8, and leaves a byte order mark out, as the parser of Express does. */
const utf8 = new TextDecoder('utf-8', { fatal: true });

export interface DirectEntranceDeps {
  readonly logger: Logger;
  readonly metrics: Pick<Metrics, 'request'>;
  readonly tally: Pick<RefusalTally, 'note'>;
}

/**
 * Answers an endpoint that half the requests of a hot sale are for without Express: the same checks, the same handler and
 * the same answers, at half the CPU time (docs/decisions/0010). The endpoint has no parameters in its path, a JSON body of
 * the usual limit, a JSON answer, and counts callers by user: what a proxy says of their addresses is not looked at here.
 * False: the request is not as simple as that (a query, another kind of body, debug lines to be written), and the route
 * behind answers it.
 */
export function createDirectEntrance(
  route: Route,
  gate: Gate,
  { logger, metrics, tally }: DirectEntranceDeps,
): (req: IncomingMessage, res: ServerResponse) => boolean {
  const { path, method } = route.endpoint;
  const url = `${BASE_PATH}${path}`;
  const httpMethod = method.toUpperCase();
  const answerTo = answering(route, gate);
  const security = securityHeaderList();

  async function serve(req: IncomingMessage, res: ServerResponse): Promise<void> {
    const startedAt = performance.now();
    const requestId = newRequestId(req);
    let failure: { refusal: ApiError; cause: unknown } | null = null;
    const incoming = {
      params: {},
      query: {},
      ip: req.socket.remoteAddress ?? '',
      headers: req.headers,
      path: url,
      requestId,
      readBody: () => readJson(req),
    };
    const answer = await answerTo(incoming).catch((cause: unknown) => {
      failure = { refusal: toApiError(cause), cause };
      return problemAnswer(failure.refusal, url, requestId);
    });
    const ms = performance.now() - startedAt;
    send(res, requestId, security, answer);
    metrics.request(path, method, answer.status, ms / 1_000);
    logDirectRequest(logger, { requestId, method: httpMethod, path: url, status: answer.status, ms }, failure, tally);
  }

  return (req, res) => {
    if (req.url !== url || req.method !== httpMethod || !hasPlainBody(req)) return false;
    if (logger.isLevelEnabled('debug')) return false;
    serve(req, res).catch((error: unknown) => {
      logger.error({ err: error, path: url }, 'an answer could not be sent');
      res.destroy();
    });
    return true;
  };
}

function hasPlainBody({ headers }: IncomingMessage): boolean {
  const length = Number(headers['content-length']);
  if (!(length > 0 && length <= BODY_LIMIT_BYTES) || headers['transfer-encoding'] !== undefined) return false;
  const type = headers['content-type'];
  return type !== undefined && plainJson.test(type) && headers['content-encoding'] === undefined;
}

/** No longer than `content-length` says, which Node sees to. @throws ApiError MALFORMED_JSON */
function readJson(req: IncomingMessage): Promise<unknown> {
  return new Promise((resolve, reject) => {
    // While the caller was looked at: nothing more is told of a request that has ended so.
    if (req.destroyed) return reject(malformed());
    const pieces: Buffer[] = [];
    req.on('data', (piece: Buffer) => pieces.push(piece));
    req.on('aborted', () => reject(malformed()));
    req.on('error', reject);
    req.on('end', () => {
      try {
        resolve(JSON.parse(utf8.decode(pieces.length === 1 ? pieces[0] : Buffer.concat(pieces))) as unknown);
      } catch {
        reject(malformed());
      }
    });
  });
}

const malformed = (): ApiError => new ApiError('MALFORMED_JSON', 'The body is not JSON in UTF-8.');

function send(
  res: ServerResponse,
  requestId: string,
  security: readonly string[],
  { status, headers = {}, body }: Answer,
): void {
  const content = JSON.stringify(body);
  const type = headers['Content-Type'] ?? 'application/json; charset=utf-8';
  const all = [
    'X-Request-Id',
    requestId,
    ...security,
    'Content-Type',
    type,
    'Content-Length',
    String(Buffer.byteLength(content)),
  ];
  for (const name in headers) if (name !== 'Content-Type') all.push(name, headers[name]!);
  res.writeHead(status, all);
  // As a string it goes out together with the head.
  res.end(content);
}
