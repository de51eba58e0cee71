import { sql } from 'kysely';
import { createDatabase, type ReadModel } from '../../src/read-model/database.ts';
import { migrateToLatest } from '../../src/read-model/migrate.ts';
import { createTestDatabase } from '../setup/postgres.ts';

const log = { warn: () => undefined, info: () => undefined };

describe('migrations', () => {
  it('bring an empty database up to date, however many processes start at once, and then change nothing', async () => {
    const { url, drop } = await createTestDatabase({ empty: true });
    const start = () => migrateToLatest(url, log);
    await Promise.all([start(), start(), start(), start()]);
    const db = createDatabase(url, { poolMax: 1, log });
    const before = await schemaOf(db);
    expect(before.length).toBeGreaterThan(50);
    await start();
    expect(await schemaOf(db)).toEqual(before);
    await db.destroy();
    await drop();
  });
});

async function schemaOf(db: ReadModel): Promise<unknown[]> {
  const { rows } = await sql`
    select table_name, column_name, data_type from information_schema.columns
    where table_schema = 'public' order by 1, 2`.execute(db);
  return rows;
}
