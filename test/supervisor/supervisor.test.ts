import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { setTimeout as delay } from 'node:timers/promises';
import { identityOf, isRunning } from '../../scripts/process-lock.js';
import type { OwnProcessSpec } from '../../src/supervisor/supervised-part.ts';
import { restartDelayMs } from '../../src/supervisor/supervised-part.ts';
import { Supervisor } from '../../src/supervisor/supervisor.ts';
import { CollectedOutput } from './collected-output.ts';

const readyLine = `console.log('{"level":30,"msg":"ready"}')`;

/** A part of our own that runs a line of JavaScript. */
const part = (name: string, script: string, stopTimeoutMs = 5_000): OwnProcessSpec => ({
  name,
  command: process.execPath,
  args: ['-e', script],
  ready: 'its log line',
  stopSignal: 'SIGTERM',
  stopTimeoutMs,
});

/** Ready at once, and there until it is asked to stop. */
const steady = (name: string) => part(name, `${readyLine}; setInterval(() => {}, 1000)`);

describe('the supervisor', () => {
  let collected: CollectedOutput;
  let supervisor: Supervisor;

  beforeEach(() => {
    collected = new CollectedOutput();
    supervisor = new Supervisor(collected.output, collected.output.logger('supervisor'), () => {});
  });
  afterEach(async () => {
    supervisor.kill();
    await supervisor.stop();
  });

  it('starts a part again when it was killed, with a line that says which, how and when', async () => {
    await supervisor.start(steady('one'));
    const { pid } = supervisor.running[0]!;
    const endedAt = Date.now();
    process.kill(pid, 'SIGKILL');
    const told = await collected.line(({ msg }) => String(msg).includes('starting it again'));
    expect(told).toMatchObject({
      level: 40,
      process: 'one',
      restartInMs: 200,
      msg: 'one ended with signal SIGKILL: starting it again in 200 ms',
    });
    await collected.line((line) => line.msg === 'one is ready' && line.pid !== pid);
    expect(Date.now() - endedAt).toBeGreaterThanOrEqual(200);
    expect(supervisor.running).toHaveLength(1);
  });

  it('waits longer each time, within bounds', () => {
    expect([1, 2, 3, 4, 5, 6, 60].map(restartDelayMs)).toEqual([200, 400, 800, 1600, 3200, 5000, 5000]);
  });

  it('goes on trying with a part that was ready once', async () => {
    await supervisor.start(part('failing', `${readyLine}; setTimeout(() => process.exit(3), 50)`));
    for (const restartInMs of [200, 400, 800]) {
      const line = await collected.line((candidate) => candidate.restartInMs === restartInMs);
      expect(line.msg).toContain('failing ended with exit code 3');
    }
  });

  it('gives up a part that never gets ready, and says its last words', async () => {
    const start = supervisor.start(part('broken', `console.error('warming up'); throw new Error('no such table')`));
    await expect(start).rejects.toThrow(
      /^broken ended 3 times with exit code 1 before it was ready; it last said: .*Error: no such table$/,
    );
  });

  it('names a program that does not exist', async () => {
    const start = supervisor.start({ ...steady('absent'), command: '/nowhere/program' });
    await expect(start).rejects.toThrow(/absent ended 3 times with exit code 127 .*\/nowhere\/program: not found/);
  });

  it('stops the parts in reverse order of their start, those of one group together', async () => {
    const log = (name: string) =>
      part(
        name,
        `process.on('SIGTERM', () => setTimeout(() => {
           console.log('{"level":30,"msg":"${name} stops"}'); process.exit();
         }, ${name === 'last' ? 300 : 0})); setInterval(() => {}, 1000); ${readyLine}`,
      );
    await supervisor.start(log('first'));
    await supervisor.start(log('second'), log('third'));
    await supervisor.start(log('last'));
    await supervisor.stop();
    const stops = collected.lines.map(({ msg }) => String(msg)).filter((msg) => msg.endsWith(' stops'));
    expect([stops[0], stops.slice(1, 3).toSorted(), stops[3]]).toEqual([
      'last stops',
      ['second stops', 'third stops'],
      'first stops',
    ]);
    expect(collected.lines.some(({ msg }) => String(msg).includes('starting it again'))).toBe(false);
  });

  it('kills a part that does not stop in its time, with what it has started', async () => {
    const child = `require('child_process').spawn('sleep', ['1000'], { stdio: 'ignore' })`;
    const stubborn = `const { pid } = ${child}; process.on('SIGTERM', () => {}); setInterval(() => {}, 1000);
      console.log(JSON.stringify({ level: 30, msg: 'child', childPid: pid })); ${readyLine}`;
    await supervisor.start(part('stubborn', stubborn, 300));
    const { childPid } = await collected.line(({ msg }) => msg === 'child');
    const child_ = identityOf(Number(childPid));
    expect(isRunning(child_)).toBe(true);
    await supervisor.stop();
    expect(supervisor.running).toEqual([]);
    while (isRunning(child_)) await delay(20);
  });

  it('stops while a part waits for its next start', async () => {
    await supervisor.start(part('failing', `${readyLine}; setTimeout(() => process.exit(3), 50)`));
    await collected.line(({ restartInMs }) => restartInMs === 800);
    await supervisor.stop();
    expect(supervisor.running).toEqual([]);
    await expect(supervisor.start(steady('late'))).rejects.toThrow('being stopped');
  });

  it('passes on what parts say: our lines as they are, others as JSON, by how bad they look', async () => {
    const own = '{"level":30,"time":"t","part":"speaker","msg":"own words","n":1}';
    const script = `console.log('${own}'); console.log('{"level":20,"msg":"a detail"}'); console.log('plain');
      console.error('ERROR: it burns'); console.log('{"level":"warn","msg":"from Go","port":7}'); ${readyLine};
      setInterval(() => {}, 1000)`;
    await supervisor.start(part('speaker', script));
    await collected.line(({ msg }) => msg === 'ERROR: it burns');
    const said = collected.lines.filter((line) => line.part === 'speaker' || line.msg === 'a detail');
    expect(said).toContainEqual(JSON.parse(own));
    expect(said).toContainEqual({ level: 20, msg: 'a detail' });
    expect(said).toContainEqual(expect.objectContaining({ level: 20, msg: 'plain' }));
    expect(said).toContainEqual(expect.objectContaining({ level: 40, msg: 'ERROR: it burns' }));
    expect(said).toContainEqual(expect.objectContaining({ level: 40, msg: 'from Go', details: { port: 7 } }));
    expect(collected.lines.filter(({ msg }) => msg === 'ready')).toEqual([]);
  });

  it('leaves out what is below the log level, and still hears that a part is ready', async () => {
    const quiet = new CollectedOutput('error');
    const another = new Supervisor(quiet.output, quiet.output.logger('supervisor'), () => {});
    try {
      await another.start(part('speaker', `console.log('{"level":30,"msg":"news"}'); ${steady('').args[1]}`));
      expect(quiet.lines).toEqual([]);
    } finally {
      await another.stop();
    }
  });

  it('takes its parts with it when it is killed', async () => {
    const script = fileURLToPath(new URL('supervisor-to-kill.ts', import.meta.url));
    const killed = spawn(process.execPath, [script], { stdio: ['ignore', 'pipe', 'inherit'] });
    const [chunk] = (await once(killed.stdout, 'data')) as [Buffer];
    const parts = (JSON.parse(chunk.toString()) as number[]).map(identityOf);
    expect(parts.map(isRunning)).toEqual([true, true]);
    killed.kill('SIGKILL');
    while (parts.some(isRunning)) await delay(20);
  });
});
