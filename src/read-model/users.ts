import { sql } from 'kysely';
import type { ReadModel } from './database.ts';

export interface NewGuest {
  readonly id: string;
  readonly email: string | null;
  readonly phone: string | null;
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
      insert into users (id, role, email, phone, created_at)
      values (${guest.id}, 'guest', ${guest.email}, ${guest.phone}, ${new Date(guest.createdAtMs)})
      returning id
    )
    insert into refresh_tokens (hash, user_id, family, expires_at)
    select ${hash}, id, ${family}, ${new Date(expiresAtMs)} from guest`.execute(db);
}
