import { sql } from 'kysely';
import { createDatabase, type ReadModel } from '../../src/read-model/database.ts';
import { useTestDatabase } from '../setup/postgres.ts';

const test = useTestDatabase();
/** More often than it takes to be prepared. */
const OFTEN = 10;

let db: ReadModel;
beforeAll(async () => {
  db = createDatabase(test.url, { poolMax: 1, log: { warn: () => undefined, info: () => undefined } });
  for (const table of ['plain', 'in_transaction']) {
    await sql`create table ${sql.table(table)} as select 1 as id`.execute(test.db);
  }
});
afterAll(() => db.destroy());

const rowOf = (table: string, connection = db) =>
  sql<object>`select * from ${sql.table(table)} where id = ${1}`.execute(connection).then(({ rows }) => rows[0]);

async function often(work: () => Promise<unknown>): Promise<void> {
  for (let times = 0; times < OFTEN; times++) await work();
}

const preparedStatements = async (part: string): Promise<number> => {
  const { rows } = await sql<{ statement: string }>`select statement from pg_prepared_statements`.execute(db);
  return rows.filter(({ statement }) => statement.includes(part)).length;
};

describe('a frequent statement', () => {
  it('is prepared once, and gives what it gave', async () => {
    await often(async () => expect(await rowOf('plain')).toEqual({ id: 1 }));
    expect(await preparedStatements('"plain"')).toBe(1);
  });

  it('gives the new columns after a migration', async () => {
    await often(() => rowOf('plain'));
    await sql`alter table plain add column name text default 'new'`.execute(test.db);
    expect(await rowOf('plain')).toEqual({ id: 1, name: 'new' });
  });

  it('fails once in a transaction after a migration, and says why; the next one goes well', async () => {
    await often(() => rowOf('in_transaction'));
    await sql`alter table in_transaction add column name text default 'new'`.execute(test.db);
    const inTransaction = () => db.transaction().execute((trx) => rowOf('in_transaction', trx as ReadModel));
    await expect(inTransaction()).rejects.toMatchObject({ code: '0A000' });
    expect(await inTransaction()).toEqual({ id: 1, name: 'new' });
  });

  it('may be several in one, as long as it has no values', async () => {
    await often(() => sql`select 1; select 2`.execute(db));
  });
});
