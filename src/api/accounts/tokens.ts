import { createHmac, createSecretKey, type KeyObject } from 'node:crypto';
import { errors, jwtVerify, SignJWT } from 'jose';
import { z } from 'zod';
import { roles, type Role } from '../../contracts/http/accounts.ts';
import { LruMap } from '../../platform/lru-map.ts';
import { ApiError } from '../http/api-error.ts';

export interface Caller {
  readonly userId: string;
  readonly role: Role;
}

const ISSUER = 'seatkeeper';
const AUDIENCE = 'seatkeeper-api';
const ALGORITHM = 'HS256';
/** Checking a signature costs a tenth of a hold: remembered, up to about 5 MB of tokens. */
const VERIFIED_TOKENS_MAX = 10_000;
/** A token of ours is below 400 characters. */
const TOKEN_MAX = 2_000;

export const ACCESS_TOKEN_TTL_SECONDS = 60 * 60;
export const REFRESH_TOKEN_TTL_SECONDS = 30 * 24 * 60 * 60;

const claims = z.object({ sub: z.string().min(1), role: z.enum(roles), exp: z.number() });

const keyOf = (secret: string): KeyObject => createSecretKey(Buffer.from(secret));

/** Signs an access token. The same arguments give the same token. Times in seconds, `issuedAt` since the epoch. */
export function signAccessToken(
  secret: string,
  caller: Caller,
  issuedAt: number,
  ttlSeconds: number = ACCESS_TOKEN_TTL_SECONDS,
): Promise<string> {
  return new SignJWT({ role: caller.role })
    .setProtectedHeader({ alg: ALGORITHM, typ: 'JWT' })
    .setSubject(caller.userId)
    .setIssuer(ISSUER)
    .setAudience(AUDIENCE)
    .setIssuedAt(issuedAt)
    .setExpirationTime(issuedAt + ttlSeconds)
    .sign(keyOf(secret));
}

/** A token for whoever operates the system, without an account behind it. */
export function signStaffToken(
  secret: string,
  role: Extract<Role, 'admin' | 'theatre_owner' | 'support'>,
  ttlSeconds: number,
) {
  return signAccessToken(secret, { userId: `usr_${role}`, role }, Math.floor(Date.now() / 1_000), ttlSeconds);
}

/** An opaque token that only the holder of the secret can make; the same parts give the same token. */
export const derivedRefreshToken = (secret: string, ...parts: readonly string[]): string =>
  createHmac('sha256', secret)
    .update(JSON.stringify(['refresh', ...parts]))
    .digest('base64url');

/** Answers who calls, from the bearer token. Verified tokens are remembered until they expire. */
export class BearerTokens {
  readonly #key: KeyObject;
  readonly #nowMs: () => number;
  readonly #verified = new LruMap<string, Caller & { readonly expiresAtMs: number }>(VERIFIED_TOKENS_MAX);

  constructor(secret: string, nowMs: () => number) {
    this.#key = keyOf(secret);
    this.#nowMs = nowMs;
  }

  /** @throws ApiError UNAUTHENTICATED */
  async verify(authorization: string | undefined): Promise<Caller> {
    const token = bearerToken(authorization);
    // Those verified first are forgotten first: a use that moved its token would cost more than to verify it again some day.
    const known = this.#verified.peek(token);
    if (known && known.expiresAtMs > this.#nowMs()) return known;
    if (known) this.#verified.delete(token);
    return this.#remember(token, await this.#check(token));
  }

  async #check(token: string): Promise<z.infer<typeof claims>> {
    try {
      const options = {
        issuer: ISSUER,
        audience: AUDIENCE,
        algorithms: [ALGORITHM],
        currentDate: new Date(this.#nowMs()),
      };
      const { payload } = await jwtVerify(token, this.#key, options);
      return claims.parse(payload);
    } catch (error) {
      if (error instanceof errors.JWTExpired) throw unauthenticated('The access token has expired.');
      throw unauthenticated('The access token is not valid.');
    }
  }

  #remember(token: string, { sub, role, exp }: z.infer<typeof claims>): Caller {
    const verified = { userId: sub, role, expiresAtMs: exp * 1_000 };
    this.#verified.set(token, verified);
    return verified;
  }
}

function bearerToken(authorization: string | undefined): string {
  if (!authorization) throw unauthenticated('Send a bearer token in the Authorization header.');
  const [scheme, token, ...rest] = authorization.split(' ');
  if (scheme?.toLowerCase() !== 'bearer' || !token || rest.length > 0 || token.length > TOKEN_MAX) {
    throw unauthenticated('The Authorization header is not `Bearer <token>`.');
  }
  return token;
}

const unauthenticated = (detail: string): ApiError =>
  new ApiError('UNAUTHENTICATED', detail, {}, { 'WWW-Authenticate': 'Bearer' });
