import pg from 'pg';
import type { Logger } from '../platform/logger.ts';
import type { DataFolder } from '../supervisor/data-folder.ts';
import type { PortBook } from '../supervisor/port-book.ts';
import { prepareEmbeddedPostgres } from '../supervisor/postgres/embedded-postgres.ts';
import { step } from '../supervisor/progress.ts';
import { StartupError } from '../supervisor/startup-error.ts';
import type { Supervisor } from '../supervisor/supervisor.ts';

const connectTimeoutMs = 10_000;
export const databasePortSetting = 'POSTGRES_PORT';

export interface DatabaseOptions {
  readonly env: NodeJS.ProcessEnv;
  readonly folder: DataFolder;
  readonly ports: PortBook;
  readonly password: string;
  readonly supervisor: Supervisor;
  readonly log: Logger;
}

/** The database: the one that `DATABASE_URL` names, or one of our own. */
export interface DatabasePart {
  readonly url: string;
  /** Resolves when it answers. */
  start(): Promise<void>;
}

/** @throws StartupError */
export async function prepareDatabase(options: DatabaseOptions): Promise<DatabasePart> {
  const { env, folder, ports, password, supervisor, log } = options;
  const url = env.DATABASE_URL;
  if (url !== undefined) return { url, start: () => prove(url) };

  const port = await ports.reserve(databasePortSetting, 5432);
  const postgres = await step(log, 'PostgreSQL: preparing its data', () =>
    prepareEmbeddedPostgres({ dataFolder: folder, port, password, log }),
  );
  return {
    url: postgres.databaseUrl,
    start: async () => {
      await ports.release(databasePortSetting);
      await supervisor.start(postgres.process);
      await postgres.afterStart();
    },
  };
}

async function prove(url: string): Promise<void> {
  try {
    const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: connectTimeoutMs });
    await client.connect();
    await client.end();
  } catch (error) {
    const { message, code } = error as NodeJS.ErrnoException;
    throw new StartupError(
      `The database that DATABASE_URL names can't be used (${message || code}): start it, put the setting right, or ` +
        `leave it out.`,
      { cause: error },
    );
  }
}
