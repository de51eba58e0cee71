import type { Booking } from '../domain/booking.ts';
import type { Language } from '../domain/language.ts';
import type { ReadModelTransaction } from './database.ts';
import type { NewGuest } from './users.ts';

export interface Receiver {
  readonly userId: string;
  readonly email: string;
  readonly language: Language;
}

/** The account of who is given a booking: a guest without a login, until it is claimed. */
export async function insertReceiver(
  trx: ReadModelTransaction,
  { userId: id, email, language: locale }: Receiver,
  nowMs: number,
): Promise<void> {
  await trx
    .insertInto('users')
    .values({ id, role: 'guest', email, phone: null, locale, created_at: new Date(nowMs) })
    .onConflict((conflict) => conflict.doNothing())
    .execute();
}

/** Of a booking that the transaction has locked. */
export async function setOwner(trx: ReadModelTransaction, { id, userId }: Pick<Booking, 'id' | 'userId'>) {
  await trx.updateTable('bookings').set({ user_id: userId }).where('id', '=', id).execute();
}

/** True for the first who claims the account, who gets the token; false for whoever comes later. */
export async function claimAccount(
  trx: ReadModelTransaction,
  userId: string,
  { hash, family, expiresAtMs }: NewGuest['refreshToken'],
): Promise<boolean> {
  const claim = await trx
    .insertInto('account_claims')
    .values({ user_id: userId })
    .onConflict((conflict) => conflict.doNothing())
    .returning('user_id')
    .executeTakeFirst();
  if (!claim) return false;
  await trx
    .insertInto('refresh_tokens')
    .values({ hash, user_id: userId, family, expires_at: new Date(expiresAtMs) })
    .execute();
  return true;
}
