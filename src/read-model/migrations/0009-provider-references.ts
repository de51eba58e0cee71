import { type Kysely, sql } from 'kysely';

/** Never changed and never deleted: what it says of an attempt is what its charge goes by (docs/decisions/0016). */
export async function up(db: Kysely<never>): Promise<void> {
  await sql`
    create table provider_references (
      key text not null,
      provider text not null,
      reference text not null,
      created_at timestamptz not null default now(),
      primary key (key, provider)
    )`.execute(db);
}
