import { bundleWorkflowCode, type WorkflowBundleWithSourceMap } from '@temporalio/worker';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const projectRoot = resolve(fileURLToPath(new URL('.', import.meta.url)), '..');
/** All that a bundle is made of: workflow code, the rules and contracts it imports, and the SDK's version. */
const sources = ['workflows', 'src/domain', 'src/contracts', 'package-lock.json'];

const BUNDLE_PREFIX = 'workflows-';
/** Some MiB each. Enough for going back and forth between a few versions of the sources. */
const BUNDLES_KEPT = 5;

/**
 * The workflow bundle of the present sources: built once (some seconds), then taken from `cacheDir`, which several
 * processes may use at once. A bundle is named by the digest of what it is made of.
 */
export async function workflowBundle(cacheDir: string): Promise<WorkflowBundleWithSourceMap> {
  const path = join(cacheDir, `${BUNDLE_PREFIX}${await sourcesDigest()}.js`);
  if (existsSync(path)) return { code: await readFile(path, 'utf8'), sourceMap: '' };
  const bundle = await bundleWorkflowCode({ workflowsPath: join(projectRoot, 'workflows/index.ts') });
  await mkdir(cacheDir, { recursive: true });
  const unfinished = `${path}.${process.pid}`;
  await writeFile(unfinished, bundle.code);
  await rename(unfinished, path);
  await removeOldBundles(cacheDir);
  return bundle;
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
  if (path.endsWith('.json')) return [path];
  const entries = await readdir(path, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
}
