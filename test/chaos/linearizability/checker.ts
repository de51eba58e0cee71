import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Logger } from '../../../src/platform/logger.ts';
import { withCacheLock } from '../../../temporal/server/cache-lock.ts';
import { isExecutable } from '../../../temporal/server/go-install.ts';
import { defaultCacheDir } from '../../../temporal/server/obtain.ts';
import { runCommand } from '../../../temporal/server/run-command.ts';

/** Seconds; a slow line to the module's source may take several times that. */
const BUILD_TIMEOUT_MS = 10 * 60_000;
const NAME = 'linearizability';

export interface CheckerOptions {
  readonly env: NodeJS.ProcessEnv;
  readonly log: Logger;
  readonly signal?: AbortSignal;
}

/**
 * The checker, built from the Go module beside this file once for each state of its source, into the user's cache.
 * @returns path of the binary
 * @throws Error where Go is not there, or does not build it
 */
export async function obtainChecker({ env, log, signal }: CheckerOptions): Promise<string> {
  const folder = `${NAME}-${await digestOfSource()}-${process.platform}-${process.arch}`;
  const file = join(defaultCacheDir(env), folder, NAME);
  if (await isExecutable(file)) return file;
  await mkdir(dirname(file), { recursive: true });
  return withCacheLock(`${file}.lock`, { log, purpose: 'building the checker of histories', signal }, async () => {
    if (!(await isExecutable(file))) await build(file, { env, log, signal });
    return file;
  });
}

/** Renamed into place whole: a build that was killed leaves no half of a program. */
async function build(file: string, { env, signal }: CheckerOptions): Promise<void> {
  const unfinished = await mkdtemp(`${file}.building-`);
  try {
    const { GOOS: _os, GOARCH: _arch, ...own } = env;
    const limits = { env: own, cwd: import.meta.dirname, timeoutMs: BUILD_TIMEOUT_MS, signal };
    const run = await runCommand('go', ['build', '-o', join(unfinished, NAME), '.'], limits);
    if (run.failure !== null) {
      const what = 'the checker of histories was not built (Go 1.24 or newer does it: https://go.dev/dl)';
      throw new Error(`${what}: ${run.failure}\n${run.output}`);
    }
    await rename(join(unfinished, NAME), file);
  } finally {
    await rm(unfinished, { recursive: true, force: true });
  }
}

async function digestOfSource(): Promise<string> {
  const names = (await readdir(import.meta.dirname)).filter((name) => /\.go$|^go\.(mod|sum)$/.test(name));
  const digest = createHash('sha256');
  for (const name of names.filter((each) => !each.endsWith('_test.go')).sort()) {
    digest.update(name).update(await readFile(join(import.meta.dirname, name)));
  }
  return digest.digest('hex').slice(0, 12);
}
