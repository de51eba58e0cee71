import { join } from 'node:path';
import { StartupError } from '../startup-error.ts';
import { isWritableFolder } from '../../../scripts/make-folder.js';
import { canReach, type UnixUser } from './user.ts';

/**
 * Where things go that Postgres' user must reach, when the data folder or the project lies in a home that is closed to
 * other users. Both survive a restart of the machine, unlike `/tmp`.
 */
const openPlaces = ['/var/lib', '/var/tmp'];

/** A folder for such things, made if need be; the same at every start. */
export function openPlace(user: UnixUser): string {
  for (const place of openPlaces) {
    const folder = join(place, 'seatkeeper');
    if (!canReach(folder, user) || !isWritableFolder(folder)) continue;
    return folder;
  }
  throw new StartupError(
    `PostgreSQL can't run as root, and another user can't reach the data folder: set DATA_DIR to a folder outside ` +
      `of closed homes, or start as an ordinary user.`,
  );
}
