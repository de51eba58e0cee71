import { type Kysely, sql } from 'kysely';

/**
 * In what language people are written to, what they do not want to hear of, and who was told what; who was admitted with
 * which ticket.
 */
export async function up(db: Kysely<never>): Promise<void> {
  await sql`
    alter table users
      add column locale text not null default 'en',
      add column push_token text,
      add column opt_outs text[] not null default '{}'`.execute(db);
  await sql`alter table bookings add column ticket_version integer not null default 1`.execute(db);
  await sql`
    create table ticket_admissions (
      booking_id text primary key,
      first_admitted_at timestamptz not null default now(),
      first_admitted_by text not null,
      scans integer not null default 1
    )`.execute(db);
  // One row for each message that went out, or that nobody is to get; what is not in it goes out when its event comes again.
  await sql`
    create table notifications_sent (
      event_id bigint not null,
      channel text not null,
      user_id text not null,
      outcome text not null check (outcome in ('SENT', 'SKIPPED')),
      reason text,
      sent_at timestamptz not null default now(),
      primary key (event_id, channel, user_id)
    )`.execute(db);
  await sql`
    create table booking_reminders (
      booking_id text not null,
      starts_at timestamptz not null,
      reminded_at timestamptz not null default now(),
      primary key (booking_id, starts_at)
    )`.execute(db);
  // Shows all of whose bookings are reminded of that start: their seats are not looked at again.
  await sql`
    create table show_reminders (
      show_id text not null,
      starts_at timestamptz not null,
      primary key (show_id, starts_at)
    )`.execute(db);
}
