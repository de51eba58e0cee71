import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rename, rm, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runCommand } from './server/run-command.ts';

const projectRoot = resolve(fileURLToPath(new URL('.', import.meta.url)), '..');
/** All that a bundle is made of: workflow code, the rules and contracts it imports, how it is made, the SDK's version. */
const sources = ['workflows', 'src/domain', 'src/contracts', 'temporal/build-bundle.ts', 'package-lock.json'];

const BUNDLE_PREFIX = 'workflows-';
/** Some MiB each. Enough for going back and forth between a few versions of the sources. */
const BUNDLES_KEPT = 5;

const buildScript = fileURLToPath(new URL('build-bundle.ts', import.meta.url));
/** Four seconds on two free cores. */
const BUILD_TIMEOUT_MS = 120_000;

/**
 * The workflow bundle of the present sources: built once (some seconds), then taken from `cacheDir`, which several
 * processes may use at once. A bundle is named by the digest of what it is made of.
 */
export async function workflowBundle(cacheDir: string): Promise<{ readonly code: string }> {
  const path = join(cacheDir, `${BUNDLE_PREFIX}${await sourcesDigest()}.js`);
  if (!existsSync(path)) {
    await build(path);
    await removeOldBundles(cacheDir);
  }
  return { code: await readFile(path, 'utf8') };
}

/** In a process of its own: webpack and its compiler would stay in the memory of the worker, 80 MB of it. */
async function build(path: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  const unfinished = `${path}.${process.pid}`;
  const { output, failure } = await runCommand(process.execPath, ['--no-warnings', buildScript, unfinished], {
    env: process.env,
    timeoutMs: BUILD_TIMEOUT_MS,
  });
  if (failure !== null) throw new Error(`the workflows could not be bundled: ${failure}\n${output}`);
  await rename(unfinished, path);
}

/** Best effort: several processes tidy up at once, and what one misses the next one finds. */
async function removeOldBundles(cacheDir: string): Promise<void> {
  const files = (await readdir(cacheDir)).filter((name) => name.startsWith(BUNDLE_PREFIX));
  const aged = await Promise.all(
    files.map(async (name) => ({ name, atMs: (await stat(join(cacheDir, name)).catch(() => null))?.mtimeMs ?? 0 })),
  );
  const old = aged.toSorted((one, other) => other.atMs - one.atMs).slice(BUNDLES_KEPT);
  await Promise.all(old.map(({ name }) => rm(join(cacheDir, name), { force: true })));
}

async function sourcesDigest(): Promise<string> {
  const hash = createHash('sha256');
  for (const source of sources) {
    for (const file of await filesOf(join(projectRoot, source))) hash.update(file).update(await readFile(file));
  }
  return hash.digest('hex').slice(0, 16);
}

async function filesOf(path: string): Promise<string[]> {
  if (/\.(json|ts)$/.test(path)) return [path];
  const entries = await readdir(path, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
}
