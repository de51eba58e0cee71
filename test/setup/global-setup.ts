import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startTestPostgres, TEST_POSTGRES_URL, type TestPostgres } from './postgres.ts';
import { startTestTemporal, TEST_TEMPORAL_ADDRESS, type TestTemporal } from './temporal.ts';

/** Between setup and teardown, which jest calls in the same process. */
export const running: { postgres?: TestPostgres; temporal?: TestTemporal; bundles?: string } = {};

/** Workflow bundles of one run: building one takes seconds, and every worker process needs it. */
export const TEST_BUNDLES_DIR = 'SEATKEEPER_TEST_BUNDLES_DIR';

/** Starts what test files share. A server named in the environment is used as it is. */
export default async function globalSetup(): Promise<void> {
  await Promise.all([postgres(), temporal(), bundles()]);
}

async function bundles(): Promise<void> {
  running.bundles = await mkdtemp(join(tmpdir(), 'seatkeeper-bundles-'));
  process.env[TEST_BUNDLES_DIR] = running.bundles;
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
