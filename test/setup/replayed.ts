import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { TEST_BUNDLES_DIR } from './global-setup.ts';

const OUTPUT_BYTES_MAX = 10 * 1024 * 1024;

/** Replays the histories in these files on the present workflows: for each what went wrong, or null. */
export async function replayed(paths: readonly string[]): Promise<Record<string, string | null>> {
  const { stdout } = await promisify(execFile)(process.execPath, ['test/setup/replay-histories.ts', ...paths], {
    env: { ...process.env, BUNDLES_DIR: process.env[TEST_BUNDLES_DIR] },
    maxBuffer: OUTPUT_BYTES_MAX,
  });
  // The bundler says a word before.
  return JSON.parse(stdout.slice(stdout.lastIndexOf('\n') + 1)) as Record<string, string | null>;
}
