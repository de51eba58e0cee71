import { access, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { identityOf } from '../../scripts/process-lock.js';
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

test('the lock of a living process is waited for', async () => {
  const { log, line } = recordingLog();
  await writeFile(lockFile, JSON.stringify({ ...identityOf(process.pid), token: 'other' }));
  const done = withCacheLock(lockFile, { log, purpose }, () => Promise.resolve('done'));
  await line('another process is building a tool: waiting for it');
  await rm(lockFile);
  expect(await done).toBe('done');
});

test('waiting can be interrupted', async () => {
  const { log, line } = recordingLog();
  await writeFile(lockFile, JSON.stringify({ ...identityOf(process.pid), token: 'other' }));
  const interrupt = new AbortController();
  const done = withCacheLock(lockFile, { log, purpose, signal: interrupt.signal }, () => Promise.resolve('done'));
  await line('waiting for it');
  interrupt.abort();
  await expect(done).rejects.toThrow();
});
