import { cp, mkdtemp, readFile, realpath, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative, resolve } from 'node:path';
import type { Edit, Mutant } from './mutants.ts';

export const treeRoot = resolve(import.meta.dirname, '..', '..', '..');

/** Made by running or installing, or of no use without the rest. */
const leftOut = new Set(['node_modules', '.data', '.git', 'dist', 'coverage']);

export interface MutatedCopy {
  /** The folder whose `src/main/*.ts` may be run in place of this tree's. */
  readonly root: string;
  remove(): Promise<void>;
}

/**
 * A copy of the tree with the mutant's mistake in it, in a folder for temporary files; its packages are this tree's.
 * @throws Error where the mutant does not fit the tree any more
 */
export async function mutatedCopy(mutant: Pick<Mutant, 'edits'>): Promise<MutatedCopy> {
  const root = await mkdtemp(join(tmpdir(), 'seatkeeper-mutant-'));
  const remove = () => rm(root, { recursive: true, force: true });
  try {
    await cp(treeRoot, root, { recursive: true, filter: (source) => !leftOut.has(relative(treeRoot, source)) });
    await symlink(await realpath(join(treeRoot, 'node_modules')), join(root, 'node_modules'));
    for (const edit of mutant.edits) {
      const file = join(root, edit.file);
      await writeFile(file, edited(await readFile(file, 'utf8'), edit));
    }
    return { root, remove };
  } catch (error) {
    await remove();
    throw error;
  }
}

/** @throws Error unless the text is there exactly once */
export function edited(source: string, { file, find, replace }: Edit): string {
  const [before, after, ...further] = source.split(find);
  if (after === undefined) throw new Error(`${file} has no such text any more: ${find}`);
  if (further.length > 0) throw new Error(`${file} has this text more than once: ${find}`);
  return `${before}${replace}${after}`;
}
