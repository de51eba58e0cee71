import { type Kysely, sql } from 'kysely';

/**
 * Reports of reconciliation, and the ways into its windows. Bookings and payments are found by time through BRIN: their
 * rows stand in the order of their making, and an update of a column that only such an index covers stays as cheap as it
 * was.
 */
export async function up(db: Kysely<never>): Promise<void> {
  await sql`create index bookings_by_change on bookings using brin (changed_at) with (pages_per_range = 16)`.execute(
    db,
  );
  await sql`create index payments_by_making on payments using brin (created_at) with (pages_per_range = 16)`.execute(
    db,
  );
  await sql`create index refunds_by_change on refunds using brin (updated_at) with (pages_per_range = 16)`.execute(db);
  await sql`
    create table reconciliation_runs (
      id text primary key,
      from_at timestamptz not null,
      to_at timestamptz not null,
      mode text not null check (mode in ('dry_run', 'report', 'repair')),
      started_by text not null,
      status text not null check (status in ('RUNNING', 'COMPLETED', 'STOPPED')),
      phase text not null,
      done_until timestamptz,
      counts jsonb not null,
      stopped_because text,
      started_at timestamptz not null default now(),
      ended_at timestamptz
    )`.execute(db);
  await sql`create index reconciliation_runs_by_start on reconciliation_runs (started_at desc)`.execute(db);
  await sql`
    create table reconciliation_findings (
      kind text not null,
      subject text not null,
      state text not null check (state in ('OPEN', 'REPAIRED', 'RESOLVED')),
      booking_id text,
      show_id text,
      attempt_id text,
      refund_id text,
      seats integer[] not null,
      due jsonb,
      found jsonb,
      evidence jsonb not null,
      detail text not null,
      needs_person boolean not null,
      done text,
      first_run_id text not null,
      last_run_id text not null,
      runs integer not null,
      first_seen_at timestamptz not null,
      last_seen_at timestamptz not null,
      ended_at timestamptz,
      primary key (kind, subject)
    )`.execute(db);
  await sql`create index reconciliation_findings_open on reconciliation_findings (first_seen_at)
    where state = 'OPEN'`.execute(db);
  await sql`
    create table reconciliation_run_findings (
      run_id text not null,
      kind text not null,
      subject text not null,
      position integer generated always as identity,
      finding jsonb not null,
      done text,
      primary key (run_id, kind, subject)
    )`.execute(db);
}
