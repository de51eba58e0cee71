import { randomUUID } from 'node:crypto';
import { chmodSync, readFileSync, rmSync, statfsSync, statSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { makeFolder } from '../../scripts/make-folder.js';
import { takeLock } from '../../scripts/process-lock.js';
import type { Logger } from '../platform/logger.ts';
import { readRunState, type RunState } from './run-state.ts';
import { StartupError } from './startup-error.ts';
import { writeFileWhole } from './whole-file.ts';

/** A new Postgres cluster is 40 MB and its log 80 MB before the first row; Temporal's file and room to work beside it. */
const freeBytesMin = 256 * 1024 * 1024;
/** An earlier start that is stopping needs as long as its slowest parts one after another. */
const stoppingPatienceMs = 60_000;
const stoppingPollMs = 200;

/** The folder with all that outlives a start, locked for this process. */
export interface DataFolder {
  readonly path: string;
  /** Random, of this folder alone: names what has to be kept elsewhere. */
  readonly id: string;
  readonly lastRun: RunState;
  unlock(): void;
}

/** The system already runs on this data folder. */
export class AlreadyRunningError extends Error {
  override readonly name = 'AlreadyRunningError';
  readonly pid: number;
  readonly state: RunState;
  constructor(folder: string, pid: number, state: RunState) {
    super(`The system already runs on ${folder}, as process ${pid}.`);
    this.pid = pid;
    this.state = state;
  }
}

/** `DATA_DIR`, as seen from where npm was called; by default `.data` in the project. */
export const dataFolderPath = (env: NodeJS.ProcessEnv, projectFolder: string): string =>
  env.DATA_DIR ? resolve(env.INIT_CWD ?? '.', env.DATA_DIR) : join(projectFolder, '.data');

/**
 * Opens the data folder, makes it if need be, and locks it. Waits for a start that is just stopping.
 * @throws AlreadyRunningError, StartupError
 */
export async function openDataFolder(env: NodeJS.ProcessEnv, projectFolder: string, log: Logger): Promise<DataFolder> {
  const path = dataFolderPath(env, projectFolder);
  explained(path, () => makeFolder(path, 0o711));
  const release = await lock(path, log);
  try {
    explained(path, () => prove(path));
    const id = explained(path, () => folderId(path));
    return { path, id, lastRun: readRunState(path), unlock: release };
  } catch (error) {
    release();
    throw error;
  }
}

async function lock(path: string, log: Logger): Promise<() => void> {
  const givenUpAt = Date.now() + stoppingPatienceMs;
  for (let told = false; ; told = true) {
    const attempt = explained(path, () => takeLock(join(path, 'lock')));
    if (attempt.taken) return () => attempt.release();
    const state = readRunState(path);
    if (state.status !== 'stopping' || Date.now() > givenUpAt) {
      throw new AlreadyRunningError(path, attempt.holder.pid, state);
    }
    if (!told) log.info({ pid: attempt.holder.pid }, 'an earlier start is stopping: waiting for it');
    await delay(stoppingPollMs);
  }
}

/** Writable and with room enough, shown by doing: mode bits do not know of read-only mounts, quotas and full disks. */
function prove(path: string): void {
  const probe = join(path, `probe-${randomUUID()}`);
  try {
    writeFileSync(probe, Buffer.alloc(64 * 1024), { flush: true });
  } finally {
    rmSync(probe, { force: true });
  }
  const { bavail, bsize } = statfsSync(path);
  if (bavail * bsize >= freeBytesMin) return;
  const free = Math.floor((bavail * bsize) / 1024 / 1024);
  throw new StartupError(
    `Only ${free} MB are free for the data folder ${path}, and ${freeBytesMin / 1024 / 1024} MB are needed: ` +
      `make room, or set DATA_DIR to a folder elsewhere.`,
  );
}

/** Others may pass through the folder (Postgres runs as another user when root starts it) but not list it. */
function folderId(path: string): string {
  const { mode, uid } = statSync(path);
  if ((mode & 0o111) !== 0o111 && uid === process.getuid?.()) chmodSync(path, mode | 0o111);
  const file = join(path, 'folder-id');
  try {
    return readFileSync(file, 'utf8').trim();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    const id = randomUUID();
    writeFileWhole(file, `${id}\n`, 0o644);
    return id;
  }
}

/** What the file system refuses, as a sentence about the folder. */
function explained<Result>(path: string, act: () => Result): Result {
  try {
    return act();
  } catch (error) {
    const reason = reasons[(error as NodeJS.ErrnoException).code ?? ''];
    if (reason === undefined) throw error;
    throw new StartupError(`The data folder ${path} ${reason}: set DATA_DIR to a folder that can be used.`, {
      cause: error,
    });
  }
}

const reasons: Readonly<Record<string, string>> = {
  EROFS: 'is on a read-only file system',
  EACCES: 'may not be written by this user',
  EPERM: 'may not be written by this user',
  ENOSPC: 'is on a full disk',
  EDQUOT: 'has used up its quota',
  ENOENT: 'can not be made',
  ENOTDIR: 'is not a folder',
  EEXIST: 'is not a folder',
  ENAMETOOLONG: 'has too long a name',
};
