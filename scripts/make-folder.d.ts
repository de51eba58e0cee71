/**
 * Makes a folder and those above it, with `mode` (by default 755), where they are not there.
 * @throws what the file system says
 */
export function makeFolder(path: string, mode?: number): void;

/** Whether a folder is there, or can be made, and may be written by this process. */
export function isWritableFolder(path: string): boolean;
