import { sql } from 'kysely';
import { createDatabase, ping } from '../../src/read-model/database.ts';
import { useTestDatabase } from '../setup/postgres.ts';

const test = useTestDatabase();

describe('the pool', () => {
  it('survives the loss of all its connections, says so, and connects again', async () => {
    const warnings: string[] = [];
    const warned = Promise.withResolvers<void>();
    const warn = (_details: object, message: string): void => {
      warnings.push(message);
      if (warnings.length === 3) warned.resolve();
    };
    const db = createDatabase(test.url, { poolMax: 3, log: { warn, info: () => undefined } });
    await Promise.all([ping(db), ping(db), ping(db)]);
    await sql`
      select pg_terminate_backend(pid) from pg_stat_activity
      where datname = current_database() and pid <> pg_backend_pid()`.execute(test.db);
    await warned.promise;
    expect(new Set(warnings)).toEqual(new Set(['a connection to Postgres was lost']));
    await ping(db);
    await db.destroy();
  });

  it('survives the loss of a connection in the midst of a transaction, which then fails', async () => {
    const lost = Promise.withResolvers<void>();
    const log = { warn: () => lost.resolve(), info: () => undefined };
    const db = createDatabase(test.url, { poolMax: 1, log });
    const transaction = db.transaction().execute(async (trx) => {
      const { rows } = await sql<{ pid: number }>`select pg_backend_pid() as pid`.execute(trx);
      await sql`select pg_terminate_backend(${rows[0]!.pid})`.execute(test.db);
      await lost.promise;
      await ping(trx);
    });
    await expect(transaction).rejects.toThrow();
    await ping(db);
    await db.destroy();
  });

  it('takes no connection again on which Postgres has not answered: what is written next is there for all', async () => {
    const db = createDatabase(test.url, { poolMax: 1, log: { warn: () => undefined, info: () => undefined } });
    const { rows } = await sql<{ pid: number }>`select pg_backend_pid() as pid`.execute(db);
    const { pid } = rows[0]!;
    process.kill(pid, 'SIGSTOP');
    try {
      await expect(db.transaction().execute(ping)).rejects.toThrow('Query read timeout');
    } finally {
      process.kill(pid, 'SIGCONT');
    }
    await sql`create table written (id int)`.execute(db);
    const { rows: found } = await sql`select from pg_class where relname = 'written'`.execute(test.db);
    expect(found).toHaveLength(1);
    await db.destroy();
  }, 20_000);

  it('cancels a statement that takes too long, and lets nobody wait long for a lock', async () => {
    const { rows } = await sql<{ name: string; setting: string }>`
      select name, setting from pg_settings where name in
        ('statement_timeout', 'lock_timeout', 'idle_in_transaction_session_timeout') order by name`.execute(test.db);
    expect(rows.map(({ setting }) => Number(setting))).toEqual([5_000, 2_000, 5_000]);
  });

  it('says that Postgres is away', async () => {
    const db = createDatabase('postgres://postgres@127.0.0.1:1/none', {
      poolMax: 1,
      log: { warn: () => undefined, info: () => undefined },
    });
    await expect(ping(db)).rejects.toMatchObject({ code: 'ECONNREFUSED' });
    await db.destroy();
  });
});
