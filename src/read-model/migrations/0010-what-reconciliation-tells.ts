import { type Kysely, sql } from 'kysely';

/** Databases that were made by one version of the code between have these already, from migrations that were edited there. */
export async function up(db: Kysely<never>): Promise<void> {
  await sql`alter table refunds add column if not exists nothing_captured boolean not null default false`.execute(db);
  await sql`alter table reconciliation_findings add column if not exists called_at timestamptz`.execute(db);
  await sql`create index if not exists reconciliation_findings_ended on reconciliation_findings (ended_at)
    where ended_at is not null`.execute(db);
}
