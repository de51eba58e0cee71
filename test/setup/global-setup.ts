import { startTestPostgres, TEST_POSTGRES_URL, type TestPostgres } from './postgres.ts';

/** Between setup and teardown, which jest calls in the same process. */
export const running: { postgres?: TestPostgres } = {};

/** Starts what test files share. A server named in the environment is used as it is: it has the template already. */
export default async function globalSetup(): Promise<void> {
  if (process.env[TEST_POSTGRES_URL] !== undefined) return;
  running.postgres = await startTestPostgres();
  process.env[TEST_POSTGRES_URL] = running.postgres.url;
}
