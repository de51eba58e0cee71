import type { IncomingMessage } from 'node:http';
import { ApiError } from './api-error.ts';

/**
 * A change is made of what its author has seen: the entity tag of that is in `If-Match`.
 * @throws ApiError IF_MATCH_REQUIRED, VERSION_MISMATCH
 */
export function refuseOtherVersions(
  { 'if-match': header }: IncomingMessage['headers'],
  tag: string,
  what: string,
): void {
  if (header === undefined || header.trim() === '') {
    throw new ApiError('IF_MATCH_REQUIRED', `Send the ETag of the ${what}, as you have read it, in If-Match.`);
  }
  const tags = header.split(',').map((each) => each.trim());
  if (!tags.includes('*') && !tags.includes(tag)) throw versionMismatch(tag, what);
}

export const versionMismatch = (tag: string, what: string): ApiError =>
  new ApiError('VERSION_MISMATCH', `Somebody has changed the ${what} meanwhile: read it again.`, {}, { ETag: tag });
