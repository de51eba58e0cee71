import { createHash } from 'node:crypto';
import { access, mkdir, mkdtemp, readFile, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Logger } from '../../src/platform/logger.ts';
import { withCacheLock } from '../../temporal/server/cache-lock.ts';
import { defaultCacheDir } from '../../temporal/server/obtain.ts';
import { runCommand } from '../../temporal/server/run-command.ts';

/** Schemathesis and all that it needs, each with its digests. */
const requirements = join(import.meta.dirname, 'requirements.txt');
/** Newest first; the pinned Schemathesis runs on 3.11 and later. */
const pythons = ['python3.14', 'python3.13', 'python3.12', 'python3.11', 'python3', 'python'];
const PYTHON_MIN = [3, 11] as const;
const ASK_TIMEOUT_MS = 15_000;
/** Some 20 MB to fetch; ten seconds on a good line. */
const INSTALL_TIMEOUT_MS = 10 * 60_000;

export const PYTHON_MISSING =
  'Schemathesis needs Python 3.11 or newer with its modules venv and pip (Debian, Ubuntu: apt install python3-venv)';

/** The Python whose `-m schemathesis.cli` it is; otherwise why it can't be had. */
export type Schemathesis = { readonly python: string } | { readonly reason: string };

/**
 * Named by `SCHEMATHESIS_PYTHON`, in the user's cache, or installed there into an environment of its own: whole or not at
 * all, and once, however many ask.
 */
export async function obtainSchemathesis(log: Logger): Promise<Schemathesis> {
  const named = process.env.SCHEMATHESIS_PYTHON;
  if (named) return { python: named };
  const found = await findPython();
  if (found === null) return { reason: PYTHON_MISSING };
  const digest = createHash('sha256')
    .update(await readFile(requirements))
    .digest('hex')
    .slice(0, 12);
  const name = `schemathesis-${digest}-python${found.version}-${process.platform}-${process.arch}`;
  const folder = join(defaultCacheDir(process.env), name);
  const python = join(folder, 'bin', 'python');
  if (await isThere(python)) return { python };
  await mkdir(dirname(folder), { recursive: true });
  const reason = await withCacheLock(`${folder}.lock`, { log, purpose: `installing ${name}` }, async () => {
    if (await isThere(python)) return null;
    return install(found.file, folder);
  });
  return reason === null ? { python } : { reason };
}

async function findPython(): Promise<{ readonly file: string; readonly version: string } | null> {
  for (const file of pythons) {
    const ask = 'import sys, venv; print("%d.%d" % sys.version_info[:2])';
    const { output, failure } = await runCommand(file, ['-c', ask], { env: process.env, timeoutMs: ASK_TIMEOUT_MS });
    const [, version = '', major, minor] = /^((\d+)\.(\d+))\s*$/.exec(output) ?? [];
    if (failure !== null || Number(major) !== PYTHON_MIN[0] || Number(minor) < PYTHON_MIN[1]) continue;
    return { file, version };
  }
  return null;
}

/** @returns null when it is there, otherwise why not. */
async function install(python: string, folder: string): Promise<string | null> {
  const building = await mkdtemp(`${folder}.building-`);
  const run = (file: string, args: string[]) =>
    runCommand(file, args, { env: process.env, timeoutMs: INSTALL_TIMEOUT_MS });
  try {
    const made = await run(python, ['-m', 'venv', building]);
    if (made.failure !== null) return `${PYTHON_MISSING}: ${lastLine(made.output)}`;
    const pip = ['-m', 'pip', 'install', '--quiet', '--require-hashes', '--only-binary=:all:', '-r', requirements];
    const installed = await run(join(building, 'bin', 'python'), pip);
    if (installed.failure !== null) return `pip install ${installed.failure}: ${lastLine(installed.output)}`;
    // What is started is the environment's Python, which knows its place; the scripts beside it would not.
    await rm(folder, { recursive: true, force: true });
    await rename(building, folder);
    return null;
  } finally {
    await rm(building, { recursive: true, force: true });
  }
}

const lastLine = (text: string): string => text.trim().split('\n').at(-1) ?? '';

const isThere = (file: string): Promise<boolean> =>
  access(file).then(
    () => true,
    () => false,
  );
