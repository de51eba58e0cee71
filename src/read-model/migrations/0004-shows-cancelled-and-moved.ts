import { type Kysely, sql } from 'kysely';

/**
 * What staff changes of a show that is on sale. `show_changes` is the record of each change, kept until its effects are
 * done and after; `show_change_bookings` has the bookings that were told of it, each once, and is the list of work where
 * their money goes back.
 */
export async function up(db: Kysely<never>): Promise<void> {
  await sql`
    alter table shows
      add column version integer not null default 1 check (version > 0),
      add column cancel_reason text,
      add column moved_at timestamptz,
      add column full_refund_until timestamptz`.execute(db);
  await sql`
    create table show_changes (
      show_id text not null references shows,
      show_version integer not null,
      kind text not null check (kind in ('cancelled', 'moved', 'sale_changed')),
      requested_by text not null,
      from_starts_at timestamptz not null,
      to_starts_at timestamptz not null,
      full_refund_until timestamptz,
      created_at timestamptz not null,
      done_at timestamptz,
      primary key (show_id, show_version)
    )`.execute(db);
  await sql`create index show_changes_under_way on show_changes (created_at) where done_at is null`.execute(db);
  await sql`
    create table show_change_bookings (
      show_id text not null,
      show_version integer not null,
      booking_id text not null,
      primary key (show_id, show_version, booking_id)
    )`.execute(db);
}
