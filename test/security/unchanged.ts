import { sql } from 'kysely';
import type { ReadModel } from '../../src/read-model/database.ts';

/** Not what a client does. */
const ofNoConcern = new Set(['kysely_migration', 'kysely_migration_lock']);

/** A digest of all rows of all tables: the same before and after means that nothing was changed. */
export async function digestOfAllRows(db: ReadModel): Promise<Record<string, string>> {
  const { rows: tables } = await sql<{ name: string }>`
    select table_name as name from information_schema.tables
    where table_schema = current_schema() and table_type = 'BASE TABLE' order by 1`.execute(db);
  const digests: Record<string, string> = {};
  for (const { name } of tables) {
    if (ofNoConcern.has(name)) continue;
    const { rows } = await sql<{ digest: string }>`
      select count(*) || ' ' || coalesce(md5(string_agg(line, ',' order by line)), '') as digest
      from (select md5(row_to_json(t)::text) as line from ${sql.table(name)} t) lines`.execute(db);
    digests[name] = rows[0]!.digest;
  }
  return digests;
}
