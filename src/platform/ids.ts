import { hash, randomBytes } from 'node:crypto';

export type IdPrefix =
  'whe' | 'msg' | 'usr' | 'cit' | 'thr' | 'scr' | 'pln' | 'mov' | 'shw' | 'bkg' | 'pay' | 'ref' | 'rec' | 'chg';

/** 128 random bits behind a prefix: `shw_` and 22 characters of base64url. */
export const newId = (prefix: IdPrefix): string => `${prefix}_${randomBytes(16).toString('base64url')}`;

/** The same parts give the same id: 128 bits of SHA-256 over the parts, each with its length before it. */
export function derivedId(prefix: IdPrefix, ...parts: readonly string[]): string {
  return `${prefix}_${digest(parts).subarray(0, 16).toString('base64url')}`;
}

/** 96-bit digest of a request's body, to tell a repeated request from another one under the same key. */
export const fingerprintOf = (body: unknown): string =>
  digest([canonicalJson(body)])
    .subarray(0, 12)
    .toString('base64url');

/** In one call: an object to hash with is made and collected at the price of three such digests. */
function digest(parts: readonly string[]): Buffer {
  let all = '';
  for (const part of parts) all += `${Buffer.byteLength(part)}:${part}`;
  return hash('sha256', all, 'buffer');
}

/** JSON with the keys of every object sorted: bodies that mean the same have the same fingerprint. */
function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) =>
    inner !== null && typeof inner === 'object' && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  );
}
