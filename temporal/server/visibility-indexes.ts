import { Client } from 'pg';
import type { PostgresAddress } from './postgres-address.ts';
import { temporalDatabases } from './server-config.ts';

/**
 * Of columns kept ready for search attributes that nobody has defined. Every start, change and end of a workflow writes
 * every index, and these are most of them (docs/decisions/0010).
 */
const ofSpareColumn =
  /^by_(temporal_)?(bool|datetime|double|int|text|keyword|keyword_list|low_cardinality_keyword)_\d\d$/;

/**
 * Of what the server knows of a workflow and our operators never search by. Such a search still works, it only reads all
 * rows of its namespace.
 */
const neverSearched: ReadonlySet<string> = new Set([
  'by_history_length',
  'by_history_size_bytes',
  'by_execution_duration',
  'by_state_transition_count',
  'by_parent_workflow_id',
  'by_parent_run_id',
  'by_root_workflow_id',
  'by_root_run_id',
  'by_binary_checksums',
  'by_batcher_user',
  'by_temporal_external_payload_size_bytes',
  'by_temporal_external_payload_count',
]);

/**
 * Drops the indexes that no search of ours needs. Repeated, it changes nothing.
 * `columnsInUse` as the server calls them: `Keyword07`. It gives them to search attributes in any order. A search by an
 * attribute that is added later reads all rows of its namespace.
 */
export async function dropUnneededIndexes(
  { host, port, user, password, sslMode }: PostgresAddress,
  columnsInUse: readonly string[],
): Promise<void> {
  const inUse = new Set(columnsInUse.map((column) => `by_${column.toLowerCase().replace(/(?=\d\d$)/, '_')}`));
  const isNeeded = (index: string) => !neverSearched.has(index) && (!ofSpareColumn.test(index) || inUse.has(index));
  const url = new URL(`postgresql://${user}@${host}:${port}/${temporalDatabases.visibility}`);
  url.password = password;
  if (sslMode !== null) url.searchParams.set('sslmode', sslMode);
  const database = new Client({ connectionString: url.href });
  await database.connect();
  try {
    const { rows } = await database.query<{ indexname: string }>(
      `select indexname from pg_indexes where tablename = 'executions_visibility'`,
    );
    const unneeded = rows.map(({ indexname }) => indexname).filter((index) => !isNeeded(index));
    if (unneeded.length > 0) await database.query(`drop index if exists ${unneeded.join(', ')}`);
  } finally {
    await database.end();
  }
}
