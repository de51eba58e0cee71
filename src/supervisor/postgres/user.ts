import { execFileSync } from 'node:child_process';
import { statSync } from 'node:fs';
import { dirname } from 'node:path';

/** A user as whom a process may run. */
export interface UnixUser {
  readonly uid: number;
  readonly gid: number;
}

/** On every Unix there is one who owns nothing. */
const nobody: UnixUser = { uid: 65_534, gid: 65_534 };

/**
 * As whom Postgres runs: null means as this process. It refuses root, so for root it is the owner of the cluster that
 * is already there, else the system's `postgres`, else `nobody`.
 */
export function postgresUser(clusterFolder: string | null): UnixUser | null {
  if (process.getuid?.() !== 0) return null;
  const owner = clusterFolder === null ? null : ownerOf(clusterFolder);
  if (owner !== null && owner.uid !== 0) return owner;
  return lookUp('postgres') ?? lookUp('nobody') ?? nobody;
}

/** Whether a user may pass all folders above `path`. */
export function canReach(path: string, user: UnixUser): boolean {
  const parent = dirname(path);
  return (parent === path || canReach(parent, user)) && (parent === path || maySearch(parent, user));
}

function maySearch(folder: string, { uid, gid }: UnixUser): boolean {
  const { mode, uid: owner, gid: group } = statSync(folder);
  if (uid === owner) return (mode & 0o100) !== 0;
  return gid === group ? (mode & 0o010) !== 0 : (mode & 0o001) !== 0;
}

function ownerOf(folder: string): UnixUser | null {
  const info = statSync(folder, { throwIfNoEntry: false });
  return info === undefined ? null : { uid: info.uid, gid: info.gid };
}

function lookUp(name: string): UnixUser | null {
  try {
    const id = (which: string) => Number(execFileSync('id', [which, name], { encoding: 'utf8', stdio: 'pipe' }));
    return { uid: id('-u'), gid: id('-g') };
  } catch {
    return null;
  }
}
