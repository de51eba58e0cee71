import type { IncomingMessage, ServerResponse } from 'node:http';
import { pinoHttp, type HttpLogger } from 'pino-http';
import { errorCodes, type ErrorCode } from '../../contracts/error-codes.ts';
import type { Logger } from '../../platform/logger.ts';
import { type ApiError, TooBusyError } from './api-error.ts';
import type { RefusalTally } from './refusal-tally.ts';
import { assignRequestId, pathOf } from './request-ids.ts';

/** Longest path that is logged: clients choose it. */
const LOGGED_PATH_MAX = 200;

/**
 * One line per request: method, path, status, milliseconds, request id. No query, headers, bodies or tokens. A success
 * is a debug line (metrics count it), a refusal an info line, a failure of ours an error with its cause. Refusals in an
 * overload are told as one line a second.
 */
export function requestLog(logger: Logger): HttpLogger {
  return pinoHttp({
    logger,
    quietReqLogger: true,
    quietResLogger: true,
    serializers: { req: () => undefined, res: () => undefined },
    genReqId: assignRequestId,
    customAttributeKeys: { reqId: 'requestId', responseTime: 'ms' },
    customLogLevel: (_req, res) => levelOf(res),
    customSuccessMessage: () => 'request',
    customErrorMessage: () => 'request failed',
    customSuccessObject: (req, res, logged: Logged) => describe(req, res, logged),
    customErrorObject: (req, res, error, logged: Logged) => ({ ...describe(req, res, logged), cause: causeOf(error) }),
  });
}

/** A sale's daily bread, not news: a hot show refuses a thousand a second, and the metrics count them. */
const everyday: ReadonlySet<ErrorCode> = new Set(['SEAT_UNAVAILABLE', 'SOLD_OUT', 'NO_ADJACENT_SEATS']);

const levelOf = (res: ServerResponse) => levelFor(res.statusCode, refusals.get(res));

function levelFor(status: number, refusal: ApiError | undefined): 'debug' | 'info' | 'error' {
  if (refusal instanceof TooBusyError) return 'debug';
  if (status >= 500) return 'error';
  return status < 400 || (refusal && everyday.has(refusal.code)) ? 'debug' : 'info';
}

interface Logged {
  readonly ms: number;
}

const refusals = new WeakMap<ServerResponse, ApiError>();

interface DirectRequest {
  readonly requestId: string;
  readonly method: string;
  readonly path: string;
  readonly status: number;
  readonly ms: number;
}

/** The same line, of a request that was answered without Express. */
export function logDirectRequest(
  logger: Logger,
  request: DirectRequest,
  failure: { readonly refusal: ApiError; readonly cause: unknown } | null,
  tally: Pick<RefusalTally, 'note'>,
): void {
  const code = failure?.refusal.code;
  const level = levelFor(request.status, failure?.refusal);
  if (failure?.refusal instanceof TooBusyError) tally.note();
  if (!logger.isLevelEnabled(level)) return;
  if (level !== 'error') logger[level]({ ...request, code }, 'request');
  else logger.error({ ...request, code, cause: causeOf(asError(failure?.cause)) }, 'request failed');
}

/** Says in the request's log line what it was answered and, for a failure of ours, why: clients don't learn that. */
export function noteProblem(
  res: ServerResponse,
  refusal: ApiError,
  error: unknown,
  tally: Pick<RefusalTally, 'note'>,
): void {
  refusals.set(res, refusal);
  if (refusal instanceof TooBusyError) tally.note();
  else if (errorCodes[refusal.code][0] >= 500) res.err = asError(error);
}

const describe = (req: IncomingMessage, res: ServerResponse, logged: Logged): object => ({
  method: req.method,
  path: pathOf(req).slice(0, LOGGED_PATH_MAX),
  status: res.statusCode,
  code: refusals.get(res)?.code,
  ms: logged.ms,
});

const asError = (error: unknown): Error => (error instanceof Error ? error : new Error(String(error)));

/** Fields of drivers' errors are left out: they quote rows. */
const causeOf = (error: Error): object => ({ type: error.name, message: error.message, stack: error.stack });
