import { sql } from 'kysely';
import { createDatabase, type ReadModel } from '../../src/read-model/database.ts';
import { migrateToLatest } from '../../src/read-model/migrate.ts';
import { createTestDatabase } from '../setup/postgres.ts';

const log = { warn: () => undefined, info: () => undefined };

describe('migrations', () => {
  it('bring an empty database up to date, however many processes start at once, and then change nothing', async () => {
    const { url, drop } = await createTestDatabase({ empty: true });
    const processes = Array.from({ length: 4 }, () => createDatabase(url, { poolMax: 2, log }));
    await Promise.all(processes.map(migrateToLatest));
    const before = await schemaOf(processes[0]!);
    expect(before.length).toBeGreaterThan(50);
    await migrateToLatest(processes[0]!);
    expect(await schemaOf(processes[0]!)).toEqual(before);
    await Promise.all(processes.map((db) => db.destroy()));
    await drop();
  });
});

async function schemaOf(db: ReadModel): Promise<unknown[]> {
  const { rows } = await sql`
    select table_name, column_name, data_type from information_schema.columns
    where table_schema = 'public' order by 1, 2`.execute(db);
  return rows;
}
