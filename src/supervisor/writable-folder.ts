import { accessSync, constants, mkdirSync } from 'node:fs';

/** Whether a folder is there, or can be made, and may be written by this process. */
export function isWritableFolder(path: string): boolean {
  try {
    mkdirSync(path, { recursive: true, mode: 0o755 });
    accessSync(path, constants.W_OK | constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
