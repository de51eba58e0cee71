import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
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

  it('that a dead heir was about to take over is taken over in its stead, and of a living one is its', () => {
    const write = (file: string, holder: object) => writeFileSync(file, JSON.stringify(holder));
    const dead = { pid: 999_999_999, startedAt: 'long ago' };
    write(lock, { ...dead, token: 'first' });
    write(`${lock}.after-first`, { ...dead, token: 'second' });
    write(`${lock}.after-second`, { ...identityOf(process.ppid), token: 'third' });
    expect(takeLock(lock)).toMatchObject({ taken: false, holder: identityOf(process.ppid) });
    rmSync(`${lock}.after-second`);
    expect(takeLock(lock).taken).toBe(true);
    expect(readdirSync(folder)).toEqual(['lock']);
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
    // Slow at every step, each at another one: between any two of them others get their turn.
    const contender = `const fs = require('fs');
      const { existsSync } = fs;
      const slow = () => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5 * Math.random());
      for (const step of ['linkSync', 'readFileSync', 'renameSync', 'rmSync']) {
        const take = fs[step];
        fs[step] = (...given) => (slow(), take(...given));
      }
      require('module').syncBuiltinESMExports();
      import(${JSON.stringify(lockModule)}).then(({ takeLock }) => {
        console.log('there');
        while (!existsSync(${JSON.stringify(go)})) slow();
        console.log(takeLock(${JSON.stringify(lock)}).taken);
        process.stdin.resume();
      })`;
    writeFileSync(lock, JSON.stringify({ pid: 999_999_999, startedAt: 'long ago', token: 'dead' }));
    const contenders = Array.from({ length: 6 }, () => spawn(process.execPath, ['-e', contender]));
    const lines = contenders.map(({ stdout }) => createInterface(stdout)[Symbol.asyncIterator]());
    const said = async () => (await Promise.all(lines.map((each) => each.next()))).map(({ value }) => String(value));
    expect(new Set(await said())).toEqual(new Set(['there']));
    writeFileSync(go, '');
    const answers = await said();
    for (const { stdin } of contenders) stdin.end();
    expect(answers.toSorted()).toEqual(['false', 'false', 'false', 'false', 'false', 'true']);
    const holder = JSON.parse(readFileSync(lock, 'utf8')) as { pid: number };
    expect(contenders.map(({ pid }) => pid)).toContain(holder.pid);
  });
});
