import { type Kysely, sql } from 'kysely';

/**
 * A booking that another one is exchanged for knows which: what a provider tells of its payment is that one's business.
 * Who was given a booking may claim the account that it came with, once.
 */
export async function up(db: Kysely<never>): Promise<void> {
  await sql`alter table bookings add column exchange_of text`.execute(db);
  await sql`
    create table account_claims (
      user_id text primary key references users,
      claimed_at timestamptz not null default now()
    )`.execute(db);
}
