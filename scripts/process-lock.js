import { execFileSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import process from 'node:process';
import { setTimeout as delay } from 'node:timers/promises';

/** How often a waiting process looks again: short against an installation or a build, and free. */
const pollMs = 500;

/**
 * A process, told apart from a later one with the same number by the moment it started.
 * @typedef {{ pid: number, startedAt: string }} ProcessIdentity
 */

/** @returns {ProcessIdentity} */
export function identityOf(pid) {
  return { pid, startedAt: startOf(pid) ?? '' };
}

/** Whether this very process still runs; one with the same number that started at another time is another one. */
export function isRunning({ pid, startedAt }) {
  const start = startOf(pid);
  return start !== null && start === startedAt;
}

/**
 * Takes the lock file `path` for this process, or tells who holds it. The lock of a process that has ended is taken
 * over.
 * @returns {{ taken: true, release: () => void } | { taken: false, holder: ProcessIdentity }}
 * @throws what the file system says when the file can't be written
 */
export function takeLock(path) {
  const token = randomUUID();
  const draft = `${path}.${token}`;
  // The file appears with its content or not at all: nobody reads a half-written lock.
  writeFileSync(draft, JSON.stringify({ ...identityOf(process.pid), token }), { mode: 0o644 });
  try {
    for (;;) {
      if (linked(draft, path)) return { taken: true, release: () => release(path, token) };
      const holder = read(path);
      if (holder === null) continue;
      if (isRunning(holder)) return { taken: false, holder };
      const heir = succeed(path, holder, draft);
      if (heir?.token === token) return { taken: true, release: () => release(path, token) };
      if (heir !== null) return { taken: false, holder: heir };
    }
  } finally {
    rmSync(draft, { force: true });
  }
}

/**
 * Takes the lock file `path` as soon as nobody holds it.
 * @param {{ whileHeld: (holder: ProcessIdentity) => void, signal?: AbortSignal }} options `whileHeld` is called at
 * every look in vain
 * @returns {Promise<() => void>} lets go of it
 */
export async function waitForLock(path, { whileHeld, signal }) {
  for (;;) {
    signal?.throwIfAborted();
    const attempt = takeLock(path);
    if (attempt.taken) return attempt.release;
    whileHeld(attempt.holder);
    await delay(pollMs, undefined, { signal });
  }
}

function release(path, token) {
  if (read(path)?.token === token) rmSync(path, { force: true });
}

function linked(from, to) {
  try {
    linkSync(from, to);
    return true;
  } catch (error) {
    if (error.code === 'EEXIST') return false;
    throw error;
  }
}

/** Null when there is no lock; one that is not ours to understand belongs to nobody who runs. */
function read(path) {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch (error) {
    if (error.code === 'ENOENT') return null;
    if (error instanceof SyntaxError) return { pid: 0, startedAt: '', token: '' };
    throw error;
  }
}

/**
 * Puts `draft` in the place of a dead holder's lock. Several may want to: one alone can link the file that names the heir of
 * that holder, and nobody else touches `path` until it has. An heir that died before it had has heirs of its own.
 * @returns who takes over; null if another one already has
 */
function succeed(path, dead, draft) {
  const wills = [];
  let last = dead;
  for (;;) {
    wills.push(`${path}.after-${last.token}`);
    if (linked(draft, wills.at(-1))) break;
    const heir = read(wills.at(-1));
    if (heir === null || isRunning(heir)) return heir;
    last = heir;
  }
  const heir = read(draft);
  // Slower than an heir that has taken over: its wills were gone, and this one is of nobody.
  const isInTime = read(path)?.token === dead.token;
  if (isInTime) renameSync(draft, path);
  for (const will of isInTime ? wills : wills.slice(-1)) rmSync(will, { force: true });
  return isInTime ? heir : null;
}

/** Null when there is no such process, or only its corpse. */
function startOf(pid) {
  if (!Number.isInteger(pid) || pid <= 0) return null;
  return process.platform === 'linux' ? linuxStartOf(pid) : posixStartOf(pid);
}

function linuxStartOf(pid) {
  let stat;
  try {
    stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
  } catch {
    return null;
  }
  // The second field, the command's name, is in parentheses and may hold anything. State is the 3rd, start the 22nd.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  if (fields[0] === 'Z' || fields[0] === 'X') return null;
  return `${bootId()}/${fields[19]}`;
}

const bootId = () => readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim();

function posixStartOf(pid) {
  try {
    const line = execFileSync('ps', ['-o', 'stat=,lstart=', '-p', String(pid)], { encoding: 'utf8' }).trim();
    return line === '' || line.startsWith('Z') ? null : line.replace(/^\S+\s+/, '');
  } catch {
    return null;
  }
}
