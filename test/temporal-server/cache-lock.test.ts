import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { access, mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { withCacheLock } from '../../temporal/server/cache-lock.ts';
import { recordingLog } from './log-lines.ts';

let root: string;
let lockFile: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'seatkeeper-lock-'));
  lockFile = join(root, 'tool.lock');
});
afterEach(() => rm(root, { recursive: true, force: true }));

const purpose = 'building a tool';

async function pidOfTheDead(): Promise<number> {
  const child = spawn(process.execPath, ['--version'], { stdio: 'ignore' });
  await once(child, 'exit');
  return child.pid!;
}

test('work under one lock never overlaps, and the lock is gone afterwards', async () => {
  const { log } = recordingLog();
  let inside = 0;
  let most = 0;
  const work = async () => {
    most = Math.max(most, ++inside);
    await access(lockFile);
    inside--;
  };
  await Promise.all([1, 2, 3].map(() => withCacheLock(lockFile, { log, purpose }, work)));
  expect(most).toBe(1);
  expect(await readdir(root)).toEqual([]);
});

test('work that fails gives the lock back', async () => {
  const { log } = recordingLog();
  const failing = withCacheLock(lockFile, { log, purpose }, () => Promise.reject(new Error('no')));
  await expect(failing).rejects.toThrow('no');
  expect(await readdir(root)).toEqual([]);
});

test('the lock of a process that died is taken over at once', async () => {
  const { log, messages } = recordingLog();
  await writeFile(lockFile, JSON.stringify({ token: 'old', pid: await pidOfTheDead(), host: hostname() }));
  expect(await withCacheLock(lockFile, { log, purpose }, () => Promise.resolve('done'))).toBe('done');
  expect(messages).toEqual(['took over the lock of a process that died']);
  expect(await readdir(root)).toEqual([]);
});

test('the lock of a process on another host is taken over when it was not renewed for a minute', async () => {
  const { log, messages } = recordingLog();
  await writeFile(lockFile, JSON.stringify({ token: 'old', pid: process.pid, host: 'another-host' }));
  const longAgo = new Date(Date.now() - 61_000);
  await utimes(lockFile, longAgo, longAgo);
  await withCacheLock(lockFile, { log, purpose }, () => Promise.resolve());
  expect(messages).toEqual(['took over the lock of a process that died']);
});

test('the lock of a living process is waited for', async () => {
  const { log, line } = recordingLog();
  await writeFile(lockFile, JSON.stringify({ token: 'other', pid: process.pid, host: hostname() }));
  const done = withCacheLock(lockFile, { log, purpose }, () => Promise.resolve('done'));
  await line('another process is building a tool: waiting for it');
  await rm(lockFile);
  expect(await done).toBe('done');
});

test('waiting can be interrupted', async () => {
  const { log, line } = recordingLog();
  await writeFile(lockFile, JSON.stringify({ token: 'other', pid: process.pid, host: hostname() }));
  const interrupt = new AbortController();
  const done = withCacheLock(lockFile, { log, purpose, signal: interrupt.signal }, () => Promise.resolve('done'));
  await line('waiting for it');
  interrupt.abort();
  await expect(done).rejects.toThrow();
});

test('of two that take over the same dead lock, only one gets it at a time', async () => {
  const { log } = recordingLog();
  await writeFile(lockFile, JSON.stringify({ token: 'old', pid: await pidOfTheDead(), host: hostname() }));
  let inside = 0;
  let most = 0;
  const work = async () => {
    most = Math.max(most, ++inside);
    await access(lockFile);
    inside--;
  };
  await Promise.all([1, 2, 3, 4].map(() => withCacheLock(lockFile, { log, purpose }, work)));
  expect(most).toBe(1);
});
