import { mkdir, mkdtemp, readdir, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { runCommand } from './run-command.ts';

const childScript = fileURLToPath(new URL('sdk-download-main.ts', import.meta.url));
const pollMs = 250;
/** Without a byte for so long, there is no network worth waiting for; a refused or unknown host fails at once. */
const stalledAfterDefaultMs = 10_000;
/** 60 MB over a line of 2 Mbit/s. */
const downloadTimeoutMs = 5 * 60_000;
/** The SDK writes under this ending until the file is whole. */
const partialSuffix = '.downloading';

interface SdkDownloadOptions {
  readonly env: NodeJS.ProcessEnv;
  readonly signal?: AbortSignal;
  readonly stalledAfterMs?: number;
}

/**
 * The SDK's own download of the Temporal CLI, put at `destination` whole or not at all.
 * @returns null when it is there, otherwise why not.
 */
export async function downloadThroughSdk(
  destination: string,
  { env, signal, stalledAfterMs = stalledAfterDefaultMs }: SdkDownloadOptions,
): Promise<string | null> {
  const folder = dirname(destination);
  // Beside the destination's folder: on the same file system, so that renaming puts the file there whole.
  const downloadDir = await mkdtemp(`${folder}.downloading-`);
  const stop = new AbortController();
  const signals = signal ? [signal, stop.signal] : [stop.signal];
  const run = runCommand(process.execPath, ['--no-warnings', childScript, downloadDir], {
    env,
    timeoutMs: downloadTimeoutMs,
    signal: AbortSignal.any(signals),
  });
  try {
    const ended = run.then(({ output, failure }) => innermostCause(output) ?? failure ?? 'nothing was downloaded');
    const reason = await Promise.race([whenDownloaded(downloadDir, stalledAfterMs, stop.signal), ended]);
    const { whole } = await lookInto(downloadDir);
    if (whole === null) return reason;
    await mkdir(folder, { recursive: true });
    await rename(whole, destination);
    return null;
  } finally {
    stop.abort();
    await run;
    await rm(downloadDir, { recursive: true, force: true });
  }
}

/** @returns null when the file is there, otherwise why it is waited for no longer. */
async function whenDownloaded(
  downloadDir: string,
  stalledAfterMs: number,
  signal: AbortSignal,
): Promise<string | null> {
  let bytesSeen = 0;
  let grownAt = Date.now();
  for (;;) {
    const { whole, bytes } = await lookInto(downloadDir);
    if (whole !== null) return null;
    if (bytes !== bytesSeen) grownAt = Date.now();
    bytesSeen = bytes;
    if (Date.now() - grownAt > stalledAfterMs) return `no data for ${stalledAfterMs / 1000} s`;
    await delay(pollMs, undefined, { signal });
  }
}

async function lookInto(downloadDir: string): Promise<{ whole: string | null; bytes: number }> {
  let bytes = 0;
  for (const name of await readdir(downloadDir).catch(() => [])) {
    const file = join(downloadDir, name);
    if (!name.endsWith(partialSuffix)) return { whole: file, bytes };
    // It may be renamed between the two calls.
    bytes += await stat(file).then(
      ({ size }) => size,
      () => 0,
    );
  }
  return { whole: null, bytes };
}

/** The SDK's message is a chain, `what (where): what (where): cause`; its last link says why. */
const innermostCause = (output: string): string | null => output.trim().split('): ').at(-1) || null;
