import { createHash } from 'node:crypto';
import type { GuestRequest, SessionBody, UserBody } from '../../contracts/http/accounts.ts';
import { endpoints } from '../../contracts/http/endpoints.ts';
import { isoTime } from '../../contracts/http/primitives.ts';
import { type Language, preferredLanguage } from '../../domain/language.ts';
import { newId } from '../../platform/ids.ts';
import type { ReadModel } from '../../read-model/database.ts';
import { changeUser, findUser, insertGuest, type User } from '../../read-model/users.ts';
import { ok } from '../http/answer.ts';
import { notFound } from '../http/problem.ts';
import { route, type Route } from '../http/route.ts';
import type { AnswerMemory } from '../idempotency/answer-memory.ts';
import { ACCESS_TOKEN_TTL_SECONDS, derivedRefreshToken, REFRESH_TOKEN_TTL_SECONDS, signAccessToken } from './tokens.ts';

export interface AccountRoutesDeps {
  readonly db: ReadModel;
  readonly memory: AnswerMemory;
  readonly jwtSecret: string;
  readonly nowMs: () => number;
}

export const accountRoutes = ({ db, memory, jwtSecret, nowMs }: AccountRoutesDeps): readonly Route[] => [
  route(endpoints.createGuest, async (call) => {
    // What is kept is the user alone: tokens are made of it anew, the same each time, and never stored.
    const answer = await memory.onceInTransaction(call, async (trx) => {
      const user = newGuest(call.body, preferredLanguage(call.headers['accept-language']), nowMs());
      const createdAtMs = Date.parse(user.createdAt);
      const hash = createHash('sha256').update(refreshTokenOf(jwtSecret, user)).digest('base64url');
      const expiresAtMs = createdAtMs + REFRESH_TOKEN_TTL_SECONDS * 1_000;
      const refreshToken = { hash, family: user.id, expiresAtMs };
      const { id, email, phone, locale: language } = user;
      await insertGuest(trx, { id, email, phone, language, createdAtMs, refreshToken });
      return { status: 201, headers: { 'Cache-Control': 'no-store' }, body: user };
    });
    if (answer.status !== 201) return answer;
    return { ...answer, body: await sessionOf(jwtSecret, answer.body as UserBody) };
  }),

  route(endpoints.getMe, async ({ caller }) => ok(userBody(await findUser(db, caller.userId)))),

  route(endpoints.changeMe, async ({ caller, body: { locale: language, ...change } }) =>
    ok(userBody(await changeUser(db, caller.userId, { ...change, ...(language && { language }) }))),
  ),
];

/** @throws ApiError NOT_FOUND for who has a token and no account: staff by a token of the operator's */
function userBody(user: User | null): UserBody {
  if (!user) throw notFound('account');
  const { language, optOuts, createdAtMs, ...same } = user;
  return { ...same, locale: language, optOuts: [...optOuts], createdAt: isoTime(createdAtMs) };
}

/** Always someone new, whoever has that address already. */
const newGuest = (contact: GuestRequest, browsersLanguage: Language, nowMs: number): UserBody => ({
  id: newId('usr'),
  role: 'guest',
  email: 'email' in contact ? contact.email : null,
  phone: 'phone' in contact ? contact.phone : null,
  locale: contact.locale ?? browsersLanguage,
  optOuts: [],
  pushToken: null,
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
