import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { sql } from 'kysely';
import { createDatabase, type ReadModel } from '../../src/read-model/database.ts';
import { migrateToLatest } from '../../src/read-model/migrate.ts';
import { createTestDatabase } from '../setup/postgres.ts';

const log = { warn: () => undefined, info: () => undefined };

const folder = fileURLToPath(new URL('../../src/read-model/migrations/', import.meta.url));

/** Digests of those that have landed. A new one is added here; none of the others may ever be another. */
const landed: Readonly<Record<string, string>> = {
  '0001-first-schema.ts': '5e94ec677d9aed28',
  '0002-attempts-swept-in-turn.ts': 'd123f318a279a74f',
  '0003-changes.ts': '658104e8da339473',
  '0004-shows-cancelled-and-moved.ts': 'cdb23572b19b1153',
  '0005-outbox-relay.ts': 'fe9bb81920ab5896',
  '0006-notifications-and-tickets.ts': 'af1977cab2e2f8d7',
  '0007-reconciliation.ts': 'e2556e1aebd78865',
  '0008-exchanges.ts': '28103a2d797970be',
  '0009-provider-references.ts': '08c5553beafa902c',
  '0010-what-reconciliation-tells.ts': 'f4f78c7e7b200c3f',
};

describe('migrations', () => {
  it('that have landed are as they were: a database that has had them is not changed by an edit', async () => {
    const digests = (await readdir(folder)).toSorted().map(async (name) => {
      const text = await readFile(`${folder}${name}`);
      return [name, createHash('sha256').update(text).digest('hex').slice(0, 16)] as const;
    });
    expect(Object.fromEntries(await Promise.all(digests))).toEqual(landed);
  });

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
