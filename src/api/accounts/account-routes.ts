import { createHash } from 'node:crypto';
import type { SessionBody, UserBody } from '../../contracts/http/accounts.ts';
import { endpoints } from '../../contracts/http/endpoints.ts';
import { isoTime } from '../../contracts/http/primitives.ts';
import { newId } from '../../platform/ids.ts';
import { insertGuest } from '../../read-model/users.ts';
import { route, type Route } from '../http/route.ts';
import type { AnswerMemory } from '../idempotency/answer-memory.ts';
import { ACCESS_TOKEN_TTL_SECONDS, derivedRefreshToken, REFRESH_TOKEN_TTL_SECONDS, signAccessToken } from './tokens.ts';

export const accountRoutes = (memory: AnswerMemory, jwtSecret: string, nowMs: () => number): readonly Route[] => [
  route(endpoints.createGuest, async (call) => {
    // What is kept is the user alone: tokens are made of it anew, the same each time, and never stored.
    const answer = await memory.onceInTransaction(call, async (trx) => {
      const user = newGuest(call.body, nowMs());
      const createdAtMs = Date.parse(user.createdAt);
      const hash = createHash('sha256').update(refreshTokenOf(jwtSecret, user)).digest('base64url');
      const expiresAtMs = createdAtMs + REFRESH_TOKEN_TTL_SECONDS * 1_000;
      const refreshToken = { hash, family: user.id, expiresAtMs };
      await insertGuest(trx, { id: user.id, email: user.email, phone: user.phone, createdAtMs, refreshToken });
      return { status: 201, headers: { 'Cache-Control': 'no-store' }, body: user };
    });
    if (answer.status !== 201) return answer;
    return { ...answer, body: await sessionOf(jwtSecret, answer.body as UserBody) };
  }),
];

/** Always someone new, whoever has that address already. */
const newGuest = (contact: { readonly email: string } | { readonly phone: string }, nowMs: number): UserBody => ({
  id: newId('usr'),
  role: 'guest',
  email: 'email' in contact ? contact.email : null,
  phone: 'phone' in contact ? contact.phone : null,
  createdAt: isoTime(nowMs),
});

const refreshTokenOf = (jwtSecret: string, user: UserBody): string =>
  derivedRefreshToken(jwtSecret, user.id, user.createdAt);

async function sessionOf(jwtSecret: string, user: UserBody): Promise<SessionBody> {
  const issuedAt = Math.floor(Date.parse(user.createdAt) / 1_000);
  const caller = { userId: user.id, role: user.role };
  return {
    accessToken: await signAccessToken(jwtSecret, caller, issuedAt),
    refreshToken: refreshTokenOf(jwtSecret, user),
    expiresIn: ACCESS_TOKEN_TTL_SECONDS,
    user,
  };
}
