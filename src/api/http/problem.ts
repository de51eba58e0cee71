import { type z } from 'zod';
import { errorCodes, type ErrorCode } from '../../contracts/error-codes.ts';
import { problemType } from '../../contracts/http/problems.ts';
import {
  OutcomeUnknownError,
  ShowNotRunningError,
  WorkflowBusyError,
  WorkflowUnavailableError,
} from '../../contracts/workflow-client.ts';
import { InvalidCursorError, ReadModelBusyError } from '../../read-model/errors.ts';
import type { Answer } from './answer.ts';
import { ApiError, retryAfter, tooBusy } from './api-error.ts';

/** A caller that repeats after this long finds the dependency back more often than not. */
const RETRY_AFTER_MS = 1_000;
/** Places named in one VALIDATION_FAILED: enough to mend a form, and a body of wrong entries can't blow it up. */
const VALIDATION_ERRORS_MAX = 20;

/** The one place where failures become answers: never a stack, SQL or Temporal text. */
export function toApiError(error: unknown): ApiError {
  if (error instanceof ApiError) return error;
  if (error instanceof ShowNotRunningError) return new ApiError('SALES_CLOSED', 'This show is not on sale.');
  if (error instanceof WorkflowBusyError) return tooBusy(error.retryAfterMs);
  if (error instanceof ReadModelBusyError) return tooBusy(RETRY_AFTER_MS);
  if (error instanceof OutcomeUnknownError) {
    return new ApiError('TIMEOUT', 'No answer in time. Repeat the request with the same Idempotency-Key.');
  }
  if (error instanceof WorkflowUnavailableError || isPostgresAway(error)) {
    return new ApiError('UNAVAILABLE', 'A part of the service does not answer just now.');
  }
  if (error instanceof InvalidCursorError)
    return validationFailed([{ path: 'cursor', message: 'was never given out' }]);
  if (isUnstorable(error)) return validationFailed([{ path: '', message: 'has a value that cannot be kept' }]);
  return fromHttpParser(error) ?? new ApiError('INTERNAL', 'Something went wrong on our side.');
}

/** The problem as an answer. `path` without the query, which may hold what nobody else should read. */
export function problemAnswer(error: ApiError, path: string, requestId: string): Answer {
  const [status, title] = errorCodes[error.code];
  const needsRetryAfter = (status === 429 || status === 503) && !error.headers['Retry-After'];
  return {
    status,
    headers: {
      ...error.headers,
      ...(needsRetryAfter && retryAfter(RETRY_AFTER_MS)),
      'Content-Type': 'application/problem+json; charset=utf-8',
      'Cache-Control': 'no-store',
    },
    body: {
      type: problemType(error.code),
      title,
      status,
      detail: error.message,
      instance: path,
      code: error.code,
      requestId,
      ...error.fields,
    },
  };
}

export interface FieldError {
  readonly path: string;
  readonly message: string;
}

export const validationFailed = (errors: readonly FieldError[]): ApiError =>
  new ApiError('VALIDATION_FAILED', 'The request is not valid: see `errors`.', {
    errors: errors.slice(0, VALIDATION_ERRORS_MAX),
  });

export const notFound = (what: string): ApiError => new ApiError('NOT_FOUND', `There is no such ${what}.`);

/** What is wrong, place by place: `seatIds.0`. Of alternatives, the one that comes closest speaks. */
export function fieldErrors(issues: readonly z.core.$ZodIssue[], within: readonly PropertyKey[] = []): FieldError[] {
  return issues.flatMap((issue): FieldError[] => {
    const path = [...within, ...issue.path];
    if (issue.code === 'invalid_union' && issue.errors.length > 0) {
      const closest = issue.errors.reduce((best, each) => (each.length < best.length ? each : best));
      return fieldErrors(closest, path);
    }
    if (issue.code === 'unrecognized_keys') {
      return issue.keys.map((key) => ({ path: [...path, key].join('.'), message: 'is not a field of this request' }));
    }
    return [{ path: path.join('.'), message: issue.message }];
  });
}

/** What Express, its body parser and its file server refuse before a handler sees the request. */
function fromHttpParser(error: unknown): ApiError | null {
  if (error instanceof URIError) return notFound('resource');
  const { type, status, code: cause } = error as { type?: unknown; status?: unknown; code?: unknown };
  const code = typeof type === 'string' ? parserCodes[type] : undefined;
  if (code) return new ApiError(code, parserDetails[code] ?? errorCodes[code][1]);
  // A body that does not unpack; a file name that points outside.
  if (typeof cause === 'string' && cause.startsWith('Z_')) return new ApiError('MALFORMED_JSON', malformed);
  return typeof status === 'number' && status >= 400 && status < 500 ? notFound('resource') : null;
}

const malformed = 'The body is not JSON in UTF-8.';

const parserCodes: Readonly<Record<string, ErrorCode>> = {
  'entity.parse.failed': 'MALFORMED_JSON',
  'entity.verify.failed': 'MALFORMED_JSON',
  'request.size.invalid': 'MALFORMED_JSON',
  'request.aborted': 'MALFORMED_JSON',
  'stream.encoding.set': 'INTERNAL',
  'entity.too.large': 'BODY_TOO_LARGE',
  'charset.unsupported': 'UNSUPPORTED_MEDIA_TYPE',
  'encoding.unsupported': 'UNSUPPORTED_MEDIA_TYPE',
};

const parserDetails: Partial<Record<ErrorCode, string>> = {
  MALFORMED_JSON: malformed,
  BODY_TOO_LARGE: 'The body is larger than this call takes.',
  UNSUPPORTED_MEDIA_TYPE: 'Send JSON in UTF-8, as application/json.',
};

/** SQLSTATE classes and socket errors that mean: not now. 08 connection, 53 resources, 57P shutdown, 57014 timed out. */
const postgresAway = /^(08|53|57P|57014|55P03|25P03)/;
const socketAway = new Set(['ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'ETIMEDOUT', 'ENOTFOUND', 'ENOENT', 'EHOSTUNREACH']);
/** The pool and the driver know no codes for these. */
const driverAway =
  /timeout exceeded when trying to connect|Connection terminated|Query read timeout|not queryable|Client was closed/;

/** SQLSTATE class 22: a date or a text that Postgres can't represent, and so nothing that was ever stored. */
const isUnstorable = (error: unknown): boolean => {
  const { code } = error as { code?: unknown };
  return error instanceof Error && typeof code === 'string' && /^22[0-9A-Z]{3}$/.test(code);
};

function isPostgresAway(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  if (error instanceof AggregateError) return error.errors.some(isPostgresAway);
  const { code } = error as { code?: unknown };
  if (typeof code === 'string' && (postgresAway.test(code) || socketAway.has(code))) return true;
  return driverAway.test(error.message);
}
