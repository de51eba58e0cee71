import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { TEST_BUNDLES_DIR } from './global-setup.ts';
import { printHistory } from './print-history.ts';
import type { Recorded } from './stories/story.ts';

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

/** Replays what a workflow has done so far: null, or what went wrong. */
export async function replayOf(
  address: string,
  { name, workflowId, runId, namespace }: Recorded,
): Promise<string | null> {
  const folder = await mkdtemp(join(tmpdir(), 'seatkeeper-replays-'));
  try {
    const file = join(folder, `${name}.json`);
    await writeFile(file, await printHistory(address, { workflowId, runId, namespace: namespace! }));
    return (await replayed([file]))[file]!;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
