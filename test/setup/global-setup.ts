import { startTestPostgres, TEST_POSTGRES_URL, type TestPostgres } from './postgres.ts';
import { startTestTemporal, TEST_TEMPORAL_ADDRESS, type TestTemporal } from './temporal.ts';

/** Between setup and teardown, which jest calls in the same process. */
export const running: { postgres?: TestPostgres; temporal?: TestTemporal } = {};

/** Starts what test files share. A server named in the environment is used as it is. */
export default async function globalSetup(): Promise<void> {
  await Promise.all([postgres(), temporal()]);
}

async function postgres(): Promise<void> {
  if (process.env[TEST_POSTGRES_URL] !== undefined) return;
  running.postgres = await startTestPostgres();
  process.env[TEST_POSTGRES_URL] = running.postgres.url;
}

async function temporal(): Promise<void> {
  if (process.env[TEST_TEMPORAL_ADDRESS] !== undefined) return;
  running.temporal = await startTestTemporal();
  process.env[TEST_TEMPORAL_ADDRESS] = running.temporal.address;
}
