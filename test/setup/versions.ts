import { cp, mkdtemp, readFile, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { TestProcess } from './process.ts';
import type { TestSystem } from './system.ts';

/** A build of the workers that stands beside the others. It gets tasks once it is made current (`makeCurrent`). */
export interface Build {
  readonly buildId: string;
  /** Names of patches that it does not begin with. */
  readonly heldBack?: readonly string[];
  /** Folder of its code, as `changedCode` makes it; absent: the code that is tested. */
  readonly code?: string;
}

/** A worker of a build, as a process of the test's own, not yet started. */
export function workerOfBuild(
  { env }: Pick<TestSystem, 'env'>,
  { buildId, heldBack = [], code = project }: Build,
): TestProcess {
  return new TestProcess(`worker of ${buildId}`, [join(code, 'src/main/worker.ts')], {
    ...env,
    WORKER_BUILD_ID: buildId,
    WORKER_PATCHES_HELD_BACK: heldBack.join(','),
  });
}

const project = resolve(import.meta.dirname, '../..');
/** All that a worker runs. */
const codeOfWorker = ['src', 'workflows', 'activities', 'temporal', 'scripts', 'package.json', 'package-lock.json'];

export interface ChangedCode {
  /** Goes before each of these texts, by file; each stands there once. */
  readonly before: Readonly<Record<string, readonly string[]>>;
  readonly inserted: string;
  /** An import that this needs. */
  readonly imported: string;
}

/**
 * The code of another version of the workers: the present one with something inserted, in a folder of its own. Delete it in
 * the end.
 * @throws Error a text is not there, or more than once
 */
export async function changedCode({ before, inserted, imported }: ChangedCode): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'seatkeeper-version-'));
  for (const part of codeOfWorker) await cp(join(project, part), join(folder, part), { recursive: true });
  await symlink(join(project, 'node_modules'), join(folder, 'node_modules'));
  for (const [file, texts] of Object.entries(before)) {
    const path = join(folder, file);
    let code = await readFile(path, 'utf8');
    for (const text of texts) {
      if (code.split(text).length !== 2) throw new Error(`${file} does not have this text once: ${text}`);
      code = code.replace(text, () => `${inserted}\n${text}`);
    }
    await writeFile(path, `${imported}\n${code}`);
  }
  return folder;
}
