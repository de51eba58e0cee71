import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import {
  chownSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { makeFolder } from '../../../scripts/make-folder.js';
import type { DataFolder } from '../data-folder.ts';
import { StartupError } from '../startup-error.ts';
import type { PostgresBinaries } from './binaries.ts';
import { openPlace } from './place.ts';
import { canReach, postgresUser, type UnixUser } from './user.ts';

export const superuser = 'seatkeeper';
const majorVersion = '18';
/** `initdb` takes a second or two; on a disk that is busy with other things a minute. */
const initdbTimeoutMs = 120_000;

export interface Cluster {
  readonly folder: string;
  /** As whom it runs; null as this process. */
  readonly user: UnixUser | null;
}

/**
 * Where the cluster is or will be: in the data folder, or in an open place where Postgres' user can't reach that. One
 * that exists stays where it is, whatever has become reachable since.
 */
export function locateCluster(dataFolder: DataFolder): Cluster {
  const inside = join(dataFolder.path, 'postgres');
  if (existsSync(inside)) return existingInside(inside);
  const user = postgresUser(null);
  if (user === null) return { folder: inside, user };
  const outside = join(openPlace(user), 'clusters', dataFolder.id, 'postgres');
  if (existsSync(outside)) return { folder: outside, user: postgresUser(outside) };
  return { folder: canReach(inside, user) ? inside : outside, user };
}

function existingInside(folder: string): Cluster {
  const user = postgresUser(folder);
  if (user !== null && !canReach(folder, user)) {
    throw new StartupError(
      `PostgreSQL's data in ${folder} belongs to user ${user.uid}, who can't reach it any more: ` +
        `open the folders above it (chmod o+x), or set DATA_DIR.`,
    );
  }
  return { folder, user };
}

/**
 * Makes the cluster if it is not there, whole or not at all. Text is UTF-8 and sorts by code point with Unicode's
 * letters, by Postgres' own tables: the same on every machine.
 * @throws StartupError
 */
export async function ensureCluster(cluster: Cluster, binaries: PostgresBinaries, password: string): Promise<void> {
  if (existsSync(cluster.folder)) return checkVersion(cluster.folder);
  const parent = dirname(cluster.folder);
  makeFolder(parent, 0o711);
  removeUnfinished(parent);
  const draft = join(parent, `${draftPrefix}${randomUUID()}`);
  const passwordFile = `${draft}.password`;
  try {
    mkdirSync(draft, { mode: 0o700 });
    writeFileSync(passwordFile, `${password}\n`, { mode: 0o600 });
    if (cluster.user !== null) for (const path of [draft, passwordFile]) give(path, cluster.user);
    await initdb(binaries.initdb, draft, passwordFile, cluster.user);
    renameSync(draft, cluster.folder);
  } finally {
    rmSync(passwordFile, { force: true });
    rmSync(draft, { recursive: true, force: true });
  }
}

const draftPrefix = 'postgres.new-';

/** Of a start that was killed meanwhile: the data folder is locked, so nobody else is at work on them. */
function removeUnfinished(parent: string): void {
  for (const name of readdirSync(parent)) {
    if (name.startsWith(draftPrefix)) rmSync(join(parent, name), { recursive: true, force: true });
  }
}

const give = (path: string, { uid, gid }: UnixUser): void => chownSync(path, uid, gid);

async function initdb(program: string, folder: string, passwordFile: string, user: UnixUser | null): Promise<void> {
  const args = [
    `--pgdata=${folder}`,
    `--username=${superuser}`,
    `--pwfile=${passwordFile}`,
    '--auth=scram-sha-256',
    '--encoding=UTF8',
    '--locale-provider=builtin',
    '--builtin-locale=C.UTF-8',
    '--no-locale',
    '--data-checksums',
  ];
  const options = { ...(user ?? {}), cwd: dirname(folder), env: postgresEnvironment, timeout: initdbTimeoutMs };
  try {
    await promisify(execFile)(program, args, options);
  } catch (error) {
    const { stderr = '', message } = error as { stderr?: string; message: string };
    const reason = stderr.split('\n').find((line) => /error|fatal|could not|no space/i.test(line)) ?? message;
    throw new StartupError(`PostgreSQL's data could not be set up in ${dirname(folder)}: ${reason.trim()}`, {
      cause: error,
    });
  }
}

/** No locale of the machine, no `PG*` variable of the person. */
export const postgresEnvironment = { PATH: process.env.PATH ?? '', LC_ALL: 'C', TZ: 'UTC' } as const;

function checkVersion(folder: string): void {
  const version = readVersion(folder);
  if (version === majorVersion) return;
  throw new StartupError(
    version === null
      ? `The folder ${folder} holds no PostgreSQL data, or none that this user may read: move it away, or set DATA_DIR.`
      : `The data in ${folder} are of PostgreSQL ${version}, and this is ${majorVersion}: move them over with pg_upgrade.`,
  );
}

function readVersion(folder: string): string | null {
  try {
    return readFileSync(join(folder, 'PG_VERSION'), 'utf8').trim();
  } catch {
    return null;
  }
}
