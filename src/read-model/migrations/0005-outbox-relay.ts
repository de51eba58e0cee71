import { type Kysely, sql } from 'kysely';

/**
 * Events are handed out in two steps: the relay marks an event in the outbox and makes a delivery of it for each of its
 * consumers, and a delivery is deleted when its consumer has accepted it (docs/decisions/0017).
 */
export async function up(db: Kysely<never>): Promise<void> {
  // What was written before there was a relay is old news: nobody wants a mail about it. Without the default, new rows
  // are to be relayed.
  await sql`alter table outbox add column relayed_at timestamptz default now()`.execute(db);
  await sql`alter table outbox alter column relayed_at drop default`.execute(db);
  await sql`create index outbox_to_relay on outbox (id) where relayed_at is null`.execute(db);
  await deliveries(db);
  await webhookEndpoints(db);
}

async function deliveries(db: Kysely<never>): Promise<void> {
  // Rows come and go by the thousand: what is dead is cleared away before it is looked through.
  await sql`
    create table outbox_deliveries (
      booking_id text not null,
      queue text not null,
      event_id bigint not null,
      lane smallint not null,
      due_at timestamptz not null,
      tries integer not null default 0,
      first_failed_at timestamptz,
      last_error text,
      primary key (booking_id, queue, event_id)
    ) with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000)`.execute(db);
  await sql`create index outbox_deliveries_due on outbox_deliveries (queue, due_at, event_id)`.execute(db);
  await sql`
    create table outbox_parked (
      id bigint generated always as identity primary key,
      booking_id text not null,
      queue text not null,
      event_id bigint not null,
      lane smallint not null,
      tries integer not null,
      last_error text not null,
      first_failed_at timestamptz not null,
      parked_at timestamptz not null,
      unique (booking_id, queue, event_id)
    )`.execute(db);
}

async function webhookEndpoints(db: Kysely<never>): Promise<void> {
  await sql`
    create table webhook_endpoints (
      id text primary key,
      url text not null,
      secret text not null,
      description text,
      event_types text[],
      enabled boolean not null,
      failing_since timestamptz,
      disabled_because text,
      created_at timestamptz not null
    )`.execute(db);
}
