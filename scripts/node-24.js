import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import process from 'node:process';
import { SetupError } from './setup-error.js';

const wanted = 24;
const majorOf = (version) => Number(/^v?(\d+)\./.exec(version)?.[1]);

/**
 * Path of a Node 24: the one that comes with the dependencies, else this very one (a platform for which the `node`
 * package has no binary, such as Alpine Linux, can bring its own).
 * @throws SetupError
 */
export function findNode(root) {
  const path = join(root, 'node_modules', '.bin', 'node');
  const answer = spawnSync(path, ['--version'], { encoding: 'utf8' });
  const version = answer.status === 0 ? answer.stdout.trim() : null;
  if (version !== null && majorOf(version) === wanted) return path;
  if (majorOf(process.version) === wanted) return process.execPath;
  const found = version === null ? `does not run (${answer.error?.code ?? answer.stderr.trim()})` : `is ${version}`;
  throw new SetupError(
    `Node ${wanted} is needed, but node_modules/.bin/node ${found} and this is Node ${process.version}: ` +
      `remove node_modules and try again, or install Node ${wanted}.`,
  );
}
