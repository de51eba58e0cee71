import type { ErrorCode } from '../../contracts/error-codes.ts';

/** A refusal with its code of the REST contract. `fields` stand in the problem besides the general ones. */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  readonly code: ErrorCode;
  readonly fields: Readonly<Record<string, unknown>>;
  readonly headers: Readonly<Record<string, string>>;

  constructor(
    code: ErrorCode,
    detail: string,
    fields: Readonly<Record<string, unknown>> = {},
    headers: Readonly<Record<string, string>> = {},
  ) {
    // A refusal is an answer, not an accident: nobody reads its stack, and collecting one is dear under a storm.
    const { stackTraceLimit } = Error;
    Error.stackTraceLimit = 0;
    super(detail);
    Error.stackTraceLimit = stackTraceLimit;
    this.code = code;
    this.fields = fields;
    this.headers = headers;
  }
}

/** More comes than can be answered in time: the same request may come again. */
export class TooBusyError extends ApiError {}

export const tooBusy = (retryAfterMs: number): TooBusyError =>
  new TooBusyError(
    'UNAVAILABLE',
    'Too much is going on just now: try again a little later.',
    {},
    retryAfter(retryAfterMs),
  );

/** Seconds for `Retry-After`, at least one. */
export const retryAfter = (ms: number): Record<string, string> => ({
  'Retry-After': String(Math.max(1, Math.ceil(ms / 1_000))),
});
