import { Client } from 'pg';
import type { PostgresAddress } from './postgres-address.ts';
import { temporalDatabases } from './server-config.ts';

/** What the server calls its table of workflows; once it is light a view, under which the rows lie. */
const table = 'executions_visibility';
const rowsTable = 'executions_visibility_rows';

/** Begins the comment that is ours. */
const ours = 'Made by Seatkeeper: ';

const CONNECT_TIMEOUT_MS = 10_000;
/** A backup that reads the table holds us up, and we the server's writes behind us: no longer than this. */
const LOCK_TIMEOUT_MS = 10_000;

/** Kept ready for search attributes that nobody may have defined. */
const spareColumn = /^(temporal)?(bool|datetime|double|int|text|keyword|keywordlist|lowcardinalitykeyword)\d\d$/;

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
  'by_build_ids',
  'by_batcher_user',
  'by_temporal_pause_info',
  'by_temporal_workflow_versioning_behavior',
  'by_temporal_external_payload_size_bytes',
  'by_temporal_external_payload_count',
]);

/**
 * Makes what each start, change and end of a workflow writes to Temporal's table of workflows light
 * (docs/decisions/0010). It has a column for each search attribute that there is or could be, all of them computed from
 * one that holds them together: Postgres read some sixty expressions for each row it wrote. The table becomes a view that
 * computes them when they are read, over a table with the others. Indexes of ours have the rows that have the attribute;
 * those that no search of ours needs are dropped. Repeated, it changes nothing.
 *
 * `columnsInUse` as the server calls them: `Keyword07`. It gives them to search attributes in any order. A search by an
 * attribute that is added later reads all rows of its namespace. `tool`: the version of that which brings the schema up to
 * date.
 */
export const lightenVisibility = (
  postgres: PostgresAddress,
  columnsInUse: readonly string[],
  tool: string,
): Promise<void> =>
  inOneTransaction(postgres, async (database) => {
    if (!(await isView(database))) await makeView(database, columnsInUse, tool);
  });

/**
 * Has a tool bring the schema up to date, while the server is not there. Where the view was made after another version of it had
 * run, it finds a table, to which it may add columns and indexes, and which is made light again then. What was computed stays
 * out of it, so that no row is written anew for that. Interrupted, the next run goes on.
 * @throws Error from Postgres, or of a change of a column that the table has no more
 */
export async function onVisibilityTable(
  postgres: PostgresAddress,
  tool: string,
  update: () => Promise<void>,
): Promise<void> {
  await inOneTransaction(postgres, async (database) => {
    if (!(await isView(database))) return;
    const note = await noteOf(database);
    if (note === null) throw new Error(`the view ${table} has lost its comment, which tells what its table was`);
    if (note.tool === tool) return;
    await database.query(`drop view ${table}`);
    await database.query(`alter table ${rowsTable} rename to ${table}`);
    await takeNote(database, 'table', note);
  });
  await update();
  await inOneTransaction(postgres, async (database) => {
    if (!(await isView(database)) && (await noteOf(database)) !== null) await makeView(database, [], tool);
  });
}

/** Kept as a comment on the view, and on the table while there is none. */
interface Note {
  /** The version of the tool that had brought the schema up to date. */
  readonly tool: string;
  readonly computed: readonly ComputedColumn[];
}

interface Column {
  readonly name: string;
  readonly type: string;
  /** Null: the server writes it. */
  readonly expression: string | null;
}

interface ComputedColumn extends Column {
  readonly expression: string;
}

const isComputed = (column: Column): column is ComputedColumn => column.expression !== null;
const valueOf = ({ expression, type }: ComputedColumn): string => `((${expression})::${type})`;

async function inOneTransaction(
  { host, port, user, password, sslMode }: PostgresAddress,
  change: (database: Client) => Promise<void>,
): Promise<void> {
  const url = new URL(`postgresql://${user}@${host}:${port}/${temporalDatabases.visibility}`);
  url.password = password;
  if (sslMode !== null) url.searchParams.set('sslmode', sslMode);
  const database = new Client({ connectionString: url.href, connectionTimeoutMillis: CONNECT_TIMEOUT_MS });
  // Whoever waits for a statement hears of it.
  database.on('error', () => undefined);
  await database.connect();
  try {
    await database.query('begin');
    await database.query(`set local lock_timeout = '${LOCK_TIMEOUT_MS}ms'`);
    // One process at a time.
    await database.query(`select pg_advisory_xact_lock(hashtext('${table}'))`);
    await change(database);
    await database.query('commit');
  } finally {
    await database.end();
  }
}

async function isView(database: Client): Promise<boolean> {
  const { rows } = await database.query(`select from pg_class where oid = to_regclass('${table}') and relkind = 'v'`);
  return rows.length > 0;
}

/** Null: none of ours. */
async function noteOf(database: Client): Promise<Note | null> {
  const { rows } = await database.query<{ comment: string | null }>(
    `select obj_description(to_regclass('${table}'), 'pg_class') as comment`,
  );
  const { comment } = rows[0]!;
  return comment?.startsWith(ours) ? (JSON.parse(comment.slice(ours.length)) as Note) : null;
}

const takeNote = (database: Client, kind: 'view' | 'table', note: Note) =>
  database.query(`comment on ${kind} ${table} is ${database.escapeLiteral(ours + JSON.stringify(note))}`);

async function makeView(database: Client, columnsInUse: readonly string[], tool: string): Promise<void> {
  const before = await noteOf(database);
  await database.query(`comment on table ${table} is null`);
  await database.query(`alter table ${table} rename to ${rowsTable}`);
  const columns = await columnsOf(database);
  const newlyComputed = columns.filter(isComputed);
  const indexes = await neededIndexes(database, columnsInUse);
  // With their indexes.
  const leaving = newlyComputed.map(({ name }) => `drop column ${name}`);
  if (leaving.length > 0) await database.query(`alter table ${rowsTable} ${leaving.join(', ')}`);
  const isNew = new Set(newlyComputed.map(({ name }) => name));
  const computed = [...(before?.computed ?? []).filter(({ name }) => !isNew.has(name)), ...newlyComputed];
  const shown = [
    ...columns.filter((column) => !isComputed(column)).map(({ name }) => name),
    ...computed.map((column) => `${valueOf(column)} as ${column.name}`),
  ];
  await database.query(`create view ${table} as select ${shown.join(', ')} from ${rowsTable}`);
  await takeNote(database, 'view', { tool, computed });
  for (const { definition, column } of indexes) {
    const searched = newlyComputed.find(({ name }) => name === column);
    if (!searched) continue;
    await database.query(partialIndex(definition, searched));
    // An index of some rows tells the planner nothing of the others.
    const statistics = `${column}_of_workflows`;
    await database.query(`drop statistics if exists ${statistics}`);
    await database.query(`create statistics ${statistics} on ${valueOf(searched)} from ${rowsTable}`);
  }
}

async function columnsOf(database: Client): Promise<Column[]> {
  const { rows } = await database.query<Column>(
    `select attname as name, format_type(atttypid, atttypmod) as type,
      case when attgenerated <> '' then pg_get_expr(adbin, adrelid) end as expression
    from pg_attribute left join pg_attrdef on adrelid = attrelid and adnum = attnum
    where attrelid = '${rowsTable}'::regclass and attnum > 0 and not attisdropped
    order by attnum`,
  );
  return rows;
}

interface Index {
  readonly name: string;
  readonly definition: string;
  /** What it is by, within a namespace: a column, or an expression. */
  readonly column: string;
}

/** Drops the others. One by an expression is of an attribute that was computed before: it stays. */
async function neededIndexes(database: Client, columnsInUse: readonly string[]): Promise<Index[]> {
  const { rows: indexes } = await database.query<Index>(
    `select relname as name, pg_get_indexdef(indexrelid) as definition, pg_get_indexdef(indexrelid, 2, true) as column
    from pg_index join pg_class on pg_class.oid = indexrelid
    where indrelid = '${rowsTable}'::regclass and not indisprimary`,
  );
  const inUse = new Set(columnsInUse.map((column) => column.toLowerCase()));
  const isNeeded = ({ name, column }: Index): boolean =>
    !neverSearched.has(name) && (!spareColumn.test(column) || inUse.has(column));
  const unneeded = indexes.filter((index) => !isNeeded(index)).map(({ name }) => name);
  if (unneeded.length > 0) await database.query(`drop index ${unneeded.join(', ')}`);
  return indexes.filter(isNeeded);
}

/** The same index by what the view shows in the column's place, of the rows that have it. */
const partialIndex = (definition: string, column: ComputedColumn): string =>
  `${definition.replace(`(namespace_id, ${column.name}`, `(namespace_id, ${valueOf(column)}`)}
  where ${valueOf(column)} is not null`;
