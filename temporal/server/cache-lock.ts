import { randomUUID } from 'node:crypto';
import { link, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from '../../src/platform/logger.ts';

/** How often a waiting process looks again: short against a build of minutes, and free. */
const pollMs = 500;
/** The holder renews its lock this often … */
const heartbeatMs = 5_000;
/**
 * … and is taken for dead after this long without, where its process cannot be looked up: it ran on another host, or
 * another process has its number by now. Twelve missed beats are no busy disk.
 */
const staleAfterMs = 60_000;
const progressMs = 10_000;

interface LockHolder {
  readonly token: string;
  readonly pid: number;
  readonly host: string;
}

interface LockOptions {
  readonly log: Logger;
  /** What the holder does, for the log of those who wait: `building temporal 1.5.1`. */
  readonly purpose: string;
  readonly signal?: AbortSignal;
}

/**
 * Runs `work` while no other process of this user runs one under the same lock file. The lock of a process that died
 * is taken over. It saves double work and guards nothing else: what is made under it is renamed into place whole.
 */
export async function withCacheLock<Result>(
  lockFile: string,
  options: LockOptions,
  work: () => Promise<Result>,
): Promise<Result> {
  const token = await acquire(lockFile, options);
  const heartbeat = setInterval(() => void utimes(lockFile, new Date(), new Date()).catch(() => {}), heartbeatMs);
  try {
    return await work();
  } finally {
    clearInterval(heartbeat);
    if ((await readHolder(lockFile))?.token === token) await rm(lockFile, { force: true });
  }
}

async function acquire(lockFile: string, { log, purpose, signal }: LockOptions): Promise<string> {
  const startedAt = Date.now();
  let toldAt = -Infinity;
  for (;;) {
    signal?.throwIfAborted();
    const token = await tryCreate(lockFile);
    if (token !== null) return token;

    const holder = await readHolder(lockFile);
    if (holder === null) continue;
    if (await isStale(lockFile, holder)) {
      await removeStale(lockFile, holder);
      log.info({ lockFile, deadPid: holder.pid }, 'took over the lock of a process that died');
      continue;
    }
    if (Date.now() - toldAt >= progressMs) {
      toldAt = Date.now();
      const waitedSeconds = Math.round((toldAt - startedAt) / 1000);
      log.info({ pid: holder.pid, waitedSeconds }, `another process is ${purpose}: waiting for it`);
    }
    await delay(pollMs, undefined, { signal });
  }
}

/** The file appears with its content or not at all: a reader never finds it half written. */
async function tryCreate(lockFile: string): Promise<string | null> {
  const token = randomUUID();
  const draft = `${lockFile}.${token}`;
  const holder: LockHolder = { token, pid: process.pid, host: hostname() };
  await writeFile(draft, JSON.stringify(holder));
  try {
    await link(draft, lockFile);
    return token;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return null;
    throw error;
  } finally {
    await rm(draft, { force: true });
  }
}

/** Null when there is no lock. A file that nobody wrote this way counts as a lock whose holder is unknown. */
async function readHolder(lockFile: string): Promise<LockHolder | null> {
  const text = await readFile(lockFile, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return null;
    throw error;
  });
  if (text === null) return null;
  try {
    return JSON.parse(text) as LockHolder;
  } catch {
    return { token: '', pid: 0, host: '' };
  }
}

async function isStale(lockFile: string, holder: LockHolder): Promise<boolean> {
  if (holder.host === hostname() && !isAlive(holder.pid)) return true;
  const info = await stat(lockFile).catch(() => null);
  return info !== null && Date.now() - info.mtimeMs > staleAfterMs;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** Two waiting processes may see the same dead holder: the slower one must not remove the quicker one's new lock. */
async function removeStale(lockFile: string, dead: LockHolder): Promise<void> {
  const aside = `${lockFile}.${randomUUID()}`;
  try {
    await rename(lockFile, aside);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
    throw error;
  }
  const removed = await readHolder(aside);
  if (removed !== null && removed.token !== dead.token) await link(aside, lockFile).catch(() => {});
  await rm(aside, { force: true });
}
