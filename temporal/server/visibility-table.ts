import { Client } from 'pg';
import type { PostgresAddress } from './postgres-address.ts';
import { temporalDatabases } from './server-config.ts';

/** Kept ready for search attributes that nobody may have defined, and most of the table. */
const spareColumn = /^(temporal)?(bool|datetime|double|int|text|keyword|keywordlist|lowcardinalitykeyword)\d\d$/;
/** What the server may tell of a workflow, and hardly ever does. */
const seldomFilled: ReadonlySet<string> = new Set([
  'binarychecksums',
  'batcheruser',
  'buildids',
  'temporalpauseinfo',
  'temporalreportedproblems',
  'temporalworkflowversioningbehavior',
  'temporalexternalpayloadsizebytes',
  'temporalexternalpayloadcount',
]);
/** Of those. */
const indexOfSpareColumn =
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

/** Virtual columns are there from this version on. */
const POSTGRES_WITH_VIRTUAL_COLUMNS = 18;

/**
 * Takes off Temporal's table of workflows what no search of ours needs: every start, change and end of a workflow writes
 * a row of it, with each stored column and each index (docs/decisions/0010). Repeated, it changes nothing.
 * `columnsInUse` as the server calls them: `Keyword07`. It gives them to search attributes in any order. A search by an
 * attribute that is added later reads all rows of its namespace.
 */
export async function lightenVisibility(
  { host, port, user, password, sslMode }: PostgresAddress,
  columnsInUse: readonly string[],
): Promise<void> {
  const url = new URL(`postgresql://${user}@${host}:${port}/${temporalDatabases.visibility}`);
  url.password = password;
  if (sslMode !== null) url.searchParams.set('sslmode', sslMode);
  const database = new Client({ connectionString: url.href });
  await database.connect();
  try {
    const inUse = columnsInUse.map((column) => column.toLowerCase());
    await makeSpareColumnsVirtual(database, new Set(inUse));
    await dropUnneededIndexes(database, inUse);
  } finally {
    await database.end();
  }
}

interface StoredColumn {
  readonly name: string;
  readonly type: string;
  readonly expression: string;
}

/** They are then made when they are read. Those made by a function of the schema's own have to stay as they are. */
async function makeSpareColumnsVirtual(database: Client, inUse: ReadonlySet<string>): Promise<void> {
  const { rows: versions } = await database.query<{ server_version_num: string }>('show server_version_num');
  if (Number(versions[0]!.server_version_num) < POSTGRES_WITH_VIRTUAL_COLUMNS * 10_000) return;
  const { rows: stored } = await database.query<StoredColumn>(
    `select attname as name, format_type(atttypid, atttypmod) as type, pg_get_expr(adbin, adrelid) as expression
    from pg_attribute join pg_attrdef on adrelid = attrelid and adnum = attnum
    where attrelid = 'executions_visibility'::regclass and attgenerated = 's' and not attisdropped`,
  );
  const changes = stored
    .filter(({ name }) => seldomFilled.has(name) || (spareColumn.test(name) && !inUse.has(name)))
    .filter(({ expression }) => !/convert_ts/.test(expression))
    .flatMap(({ name, type, expression }) => [
      `drop column ${name}`,
      `add column ${name} ${type} generated always as (${expression}) virtual`,
    ]);
  if (changes.length > 0) await database.query(`alter table executions_visibility ${changes.join(', ')}`);
}

async function dropUnneededIndexes(database: Client, columnsInUse: readonly string[]): Promise<void> {
  const inUse = new Set(columnsInUse.map((column) => `by_${column.replace(/(?=\d\d$)/, '_')}`));
  const isNeeded = (index: string) =>
    !neverSearched.has(index) && (!indexOfSpareColumn.test(index) || inUse.has(index));
  const { rows } = await database.query<{ indexname: string }>(
    `select indexname from pg_indexes where tablename = 'executions_visibility'`,
  );
  const unneeded = rows.map(({ indexname }) => indexname).filter((index) => !isNeeded(index));
  if (unneeded.length > 0) await database.query(`drop index if exists ${unneeded.join(', ')}`);
}
