import { createHash } from 'node:crypto';
import type { GuestRequest, SessionBody, UserBody } from '../../contracts/http/accounts.ts';
import { endpoints } from '../../contracts/http/endpoints.ts';
import { isoTime } from '../../contracts/http/primitives.ts';
import { type Language, preferredLanguage } from '../../domain/language.ts';
import { newId } from '../../platform/ids.ts';
import type { ReadModel } from '../../read-model/database.ts';
import type { TicketCodes } from '../../tickets/ticket-codes.ts';
import { claimAccount } from '../../read-model/transfers.ts';
import { changeUser, findUser, insertGuest, type User } from '../../read-model/users.ts';
import { ok } from '../http/answer.ts';
import { ApiError } from '../http/api-error.ts';
import { notFound } from '../http/problem.ts';
import { route, type Route } from '../http/route.ts';
import type { AnswerMemory } from '../idempotency/answer-memory.ts';
import { ACCESS_TOKEN_TTL_SECONDS, derivedRefreshToken, REFRESH_TOKEN_TTL_SECONDS, signAccessToken } from './tokens.ts';

export interface AccountRoutesDeps {
  readonly db: ReadModel;
  readonly memory: AnswerMemory;
  readonly jwtSecret: string;
  readonly codes: TicketCodes;
  readonly nowMs: () => number;
}

export const accountRoutes = ({ db, memory, jwtSecret, codes, nowMs }: AccountRoutesDeps): readonly Route[] => [
  route(endpoints.createGuest, async (call) => {
    // What is kept is the user alone: tokens are made of it anew, the same each time, and never stored.
    const answer = await memory.onceInTransaction(call, async (trx) => {
      const user = newGuest(call.body, preferredLanguage(call.headers['accept-language']), nowMs());
      const createdAtMs = Date.parse(user.createdAt);
      const hash = hashOf(refreshTokenOf(jwtSecret, user));
      const expiresAtMs = createdAtMs + REFRESH_TOKEN_TTL_SECONDS * 1_000;
      const refreshToken = { hash, family: user.id, expiresAtMs };
      const { id, email, phone, locale: language } = user;
      await insertGuest(trx, { id, email, phone, language, createdAtMs, refreshToken });
      return { status: 201, headers: { 'Cache-Control': 'no-store' }, body: user };
    });
    if (answer.status !== 201) return answer;
    const user = answer.body as UserBody;
    const login = { sinceMs: Date.parse(user.createdAt), refreshToken: refreshTokenOf(jwtSecret, user) };
    return { ...answer, body: await sessionOf(jwtSecret, user, login) };
  }),

  route(endpoints.claimAccount, async (call) => {
    const invitation = codes.readInvitation(call.body.token);
    const answer = await memory.onceInTransaction(call, async (trx) => {
      const claimedAtMs = nowMs();
      if (!invitation || invitation.expiresAtMs <= claimedAtMs) throw unclaimable();
      const user = await findUser(trx, invitation.userId);
      const hash = hashOf(derivedRefreshToken(jwtSecret, invitation.userId, 'claim', String(claimedAtMs)));
      const expiresAtMs = claimedAtMs + REFRESH_TOKEN_TTL_SECONDS * 1_000;
      const refreshToken = { hash, family: newId('usr'), expiresAtMs };
      if (!user || !(await claimAccount(trx, user.id, refreshToken))) throw unclaimable();
      return { ...ok({ user: userBody(user), claimedAtMs }), headers: { 'Cache-Control': 'no-store' } };
    });
    if (answer.status !== 200) return answer;
    const { user, claimedAtMs } = answer.body as { user: UserBody; claimedAtMs: number };
    const refreshToken = derivedRefreshToken(jwtSecret, user.id, 'claim', String(claimedAtMs));
    return { ...answer, body: await sessionOf(jwtSecret, user, { sinceMs: claimedAtMs, refreshToken }) };
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

const hashOf = (refreshToken: string): string => createHash('sha256').update(refreshToken).digest('base64url');

const unclaimable = (): ApiError =>
  new ApiError('UNAUTHENTICATED', 'This token opens no account: it is not one of ours, too old, or was used.');

interface Login {
  readonly sinceMs: number;
  readonly refreshToken: string;
}

async function sessionOf(jwtSecret: string, user: UserBody, { sinceMs, refreshToken }: Login): Promise<SessionBody> {
  const issuedAt = Math.floor(sinceMs / 1_000);
  const caller = { userId: user.id, role: user.role };
  return {
    accessToken: await signAccessToken(jwtSecret, caller, issuedAt),
    refreshToken,
    expiresIn: ACCESS_TOKEN_TTL_SECONDS,
    user,
  };
}
