import { createOutput } from '../../src/supervisor/output.ts';
import { Supervisor } from '../../src/supervisor/supervisor.ts';

/** Runs an obedient and a stubborn part and writes their pids; to be killed by a test. */
const output = createOutput(process.stdout, 'silent');
const supervisor = new Supervisor(output, output.logger('supervisor'), () => {});
const scripts = ['', `process.on('SIGTERM', () => {});`];
for (const [number, script] of scripts.entries()) {
  await supervisor.start({
    name: `part-${number}`,
    command: process.execPath,
    args: ['-e', `${script} console.log('{"level":30,"msg":"ready"}'); setInterval(() => {}, 1000)`],
    ready: 'its log line',
    stopSignal: 'SIGTERM',
    stopTimeoutMs: 1_000,
  });
}
process.stdout.write(`${JSON.stringify(supervisor.running.map(({ pid }) => pid))}\n`);
