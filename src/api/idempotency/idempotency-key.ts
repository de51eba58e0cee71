import type { IncomingHttpHeaders } from 'node:http';
import { ApiError } from '../http/api-error.ts';
import { validationFailed } from '../http/problem.ts';

/** 8–255 visible ASCII characters: a UUID fits, and so does what a client derives from ids of its own. */
export const idempotencyKeyPattern = /^[\x21-\x7e]{8,255}$/;

/** @throws ApiError IDEMPOTENCY_KEY_REQUIRED, VALIDATION_FAILED */
export function idempotencyKeyOf(headers: IncomingHttpHeaders, required: boolean): string | null {
  const key = headers['idempotency-key'];
  if (key === undefined && !required) return null;
  if (key === undefined || (key === '' && required)) {
    throw new ApiError('IDEMPOTENCY_KEY_REQUIRED', 'Send an Idempotency-Key of 8 to 255 visible ASCII characters.');
  }
  // An empty one is a client's mistake: taken for none, its repeats would be done again.
  if (typeof key !== 'string' || !idempotencyKeyPattern.test(key)) {
    throw validationFailed([{ path: 'Idempotency-Key', message: 'must be 8 to 255 visible ASCII characters' }]);
  }
  return key;
}
