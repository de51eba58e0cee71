import { type Selectable, sql } from 'kysely';
import type { Role } from '../contracts/http/accounts.ts';
import type { OptOut } from '../contracts/opt-outs.ts';
import type { Language } from '../domain/language.ts';
import type { ReadModel } from './database.ts';
import type { Tables } from './tables.ts';

export interface NewGuest {
  readonly id: string;
  readonly email: string | null;
  readonly phone: string | null;
  readonly language: Language;
  readonly createdAtMs: number;
  readonly refreshToken: {
    /** SHA-256 of the token, base64url. */
    readonly hash: string;
    /** All tokens that descend from one login. */
    readonly family: string;
    readonly expiresAtMs: number;
  };
}

/** A guest with the token that renews the login; one statement, so both or none. */
export async function insertGuest(db: ReadModel, guest: NewGuest): Promise<void> {
  const { hash, family, expiresAtMs } = guest.refreshToken;
  await sql`
    with guest as (
      insert into users (id, role, email, phone, locale, created_at)
      values (${guest.id}, 'guest', ${guest.email}, ${guest.phone}, ${guest.language}, ${new Date(guest.createdAtMs)})
      returning id
    )
    insert into refresh_tokens (hash, user_id, family, expires_at)
    select ${hash}, id, ${family}, ${new Date(expiresAtMs)} from guest`.execute(db);
}

export interface User {
  readonly id: string;
  readonly role: Role;
  readonly email: string | null;
  readonly phone: string | null;
  readonly language: Language;
  readonly optOuts: readonly OptOut[];
  readonly pushToken: string | null;
  readonly createdAtMs: number;
}

export async function findUser(db: ReadModel, id: string): Promise<User | null> {
  const row = await db.selectFrom('users').selectAll().where('id', '=', id).executeTakeFirst();
  return row === undefined ? null : toUser(row);
}

export type UserChange = Partial<Pick<User, 'language' | 'optOuts' | 'pushToken'>>;

/** What is not named stays; null for somebody who is not there. */
export async function changeUser(db: ReadModel, id: string, change: UserChange): Promise<User | null> {
  const { language, optOuts, pushToken } = change;
  const changed = {
    ...(language !== undefined && { locale: language }),
    ...(optOuts !== undefined && { opt_outs: [...optOuts] }),
    ...(pushToken !== undefined && { push_token: pushToken }),
  };
  if (Object.keys(changed).length === 0) return findUser(db, id);
  const row = await db.updateTable('users').set(changed).where('id', '=', id).returningAll().executeTakeFirst();
  return row === undefined ? null : toUser(row);
}

const toUser = (row: Selectable<Tables['users']>): User => ({
  id: row.id,
  role: row.role as Role,
  email: row.email,
  phone: row.phone,
  language: row.locale,
  optOuts: row.opt_outs,
  pushToken: row.push_token,
  createdAtMs: row.created_at.getTime(),
});
