import { type Kysely, sql } from 'kysely';

/**
 * The sweep takes the attempt first that it has looked at longest ago: hundreds that stay open for days must not keep it
 * from the newer ones. The index serves that order, in the place of the one by age.
 */
export async function up(db: Kysely<never>): Promise<void> {
  await sql`alter table payments add column swept_at timestamptz`.execute(db);
  await sql`drop index payments_without_outcome`.execute(db);
  await sql`create index payments_without_outcome on payments ((coalesce(swept_at, created_at)))
    where status in ('PENDING', 'UNKNOWN')`.execute(db);
}
