import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { identityOf, isRunning, takeLock } from '../../scripts/process-lock.js';

const lockModule = fileURLToPath(new URL('../../scripts/process-lock.js', import.meta.url));

describe('the lock of a folder', () => {
  let folder: string;
  let lock: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'seatkeeper-lock-'));
    lock = join(folder, 'lock');
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it('is held by one, and tells the others by whom', () => {
    const first = takeLock(lock);
    expect(first.taken).toBe(true);
    expect(takeLock(lock)).toMatchObject({ taken: false, holder: identityOf(process.pid) });
    if (first.taken) first.release();
    expect(readdirSync(folder)).toEqual([]);
    expect(takeLock(lock).taken).toBe(true);
  });

  it('of a process that was killed is taken over', async () => {
    const script = `import(${JSON.stringify(lockModule)}).then(({ takeLock }) => {
      takeLock(${JSON.stringify(lock)}); process.kill(process.pid, 'SIGKILL'); })`;
    await once(spawn(process.execPath, ['-e', script]), 'exit');
    expect(readdirSync(folder)).toEqual(['lock']);
    expect(takeLock(lock).taken).toBe(true);
    expect(readdirSync(folder)).toEqual(['lock']);
  });

  it('of a process whose number another one has by now is taken over', () => {
    writeFileSync(lock, JSON.stringify({ ...identityOf(process.ppid), startedAt: 'at another time', token: 'dead' }));
    expect(isRunning(identityOf(process.ppid))).toBe(true);
    expect(takeLock(lock).taken).toBe(true);
  });

  it('that nobody can read is taken over', () => {
    writeFileSync(lock, 'half a li');
    expect(takeLock(lock).taken).toBe(true);
  });

  it('let go too late does not free the one who holds it now', () => {
    const first = takeLock(lock);
    rmSync(lock);
    expect(takeLock(lock).taken).toBe(true);
    if (first.taken) first.release();
    expect(takeLock(lock).taken).toBe(false);
  });

  it('left by a dead process goes to exactly one of many who want it at once', async () => {
    const go = join(folder, 'go');
    const contender = `const { existsSync } = require('fs');
      import(${JSON.stringify(lockModule)}).then(({ takeLock }) => {
        while (!existsSync(${JSON.stringify(go)}));
        console.log(takeLock(${JSON.stringify(lock)}).taken);
        process.stdin.resume();
      })`;
    writeFileSync(lock, JSON.stringify({ pid: 999_999_999, startedAt: 'long ago', token: 'dead' }));
    const contenders = Array.from({ length: 6 }, () => spawn(process.execPath, ['-e', contender]));
    const answers = contenders.map(async ({ stdout }) => String((await once(stdout, 'data'))[0]).trim());
    writeFileSync(go, '');
    expect((await Promise.all(answers)).toSorted()).toEqual(['false', 'false', 'false', 'false', 'false', 'true']);
    const holder = JSON.parse(readFileSync(lock, 'utf8')) as { pid: number };
    expect(contenders.map(({ pid }) => pid)).toContain(holder.pid);
    for (const { stdin } of contenders) stdin.end();
  });
});
