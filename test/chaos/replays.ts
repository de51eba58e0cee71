import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';

export interface Replays {
  readonly replayed: number;
  /** What went wrong, by workflow. */
  readonly failures: Readonly<Record<string, string>>;
}

export interface ReplayOptions {
  /** Folder of the code to replay on. */
  readonly root: string;
  /** Where its workers keep their bundles of workflow code. */
  readonly bundlesDir: string;
  readonly address: string;
  readonly namespace: string;
}

const script = join(import.meta.dirname, 'replay-process.ts');
const REPLAYED_WITHIN_MS = 5 * 60_000;
const OUTPUT_BYTES_MAX = 10 * 1024 * 1024;

/**
 * Replays all that the workflows of these shows have done, as a worker would that has never seen them: shows, bookings, their
 * changes and late payments. What no worker can replay stands still once the one that has it in memory is gone.
 */
export async function replayAll(
  { root, bundlesDir, address, namespace }: ReplayOptions,
  shows: readonly string[],
): Promise<Replays> {
  const args = ['--no-warnings', script, root, address, namespace, ...shows];
  const { stdout } = await promisify(execFile)(process.execPath, args, {
    env: { ...process.env, BUNDLES_DIR: bundlesDir },
    timeout: REPLAYED_WITHIN_MS,
    maxBuffer: OUTPUT_BYTES_MAX,
  });
  return JSON.parse(stdout.slice(stdout.lastIndexOf('\n') + 1)) as Replays;
}
