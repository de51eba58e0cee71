import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { GeneratorMessage } from './generator.ts';
import type { Job, OutcomeOf } from './jobs.ts';

export interface UnderLoad<J extends Job, Reading> {
  readonly outcome: OutcomeOf<J>;
  /** Read when what is measured began, and when it ended. */
  readonly before: Reading;
  readonly after: Reading;
  /** What the generator's own process has used in between, ms. */
  readonly generatorCpuMs: number;
  readonly generatorBytes: number;
}

const generator = fileURLToPath(new URL('generator.ts', import.meta.url));

/**
 * Has one job done by a generator in a process of its own: neither delays the other's clock.
 * @throws Error what the generator could not do
 */
export async function underLoad<J extends Job, Reading>(job: J, read: () => Reading): Promise<UnderLoad<J, Reading>> {
  const child = fork(generator, { serialization: 'advanced', execArgv: ['--no-warnings'] });
  let before: Reading | undefined;
  let after: Reading | undefined;
  try {
    const done = await new Promise<Extract<GeneratorMessage, { event: 'done' }>>((resolve, reject) => {
      child.once('error', reject);
      child.once('exit', (code, signal) => reject(new Error(`the load generator ended (${signal ?? code})`)));
      child.on('message', (message: GeneratorMessage) => {
        if (message.event === 'measuring') before = read();
        else if (message.event === 'measured') after = read();
        else if (message.event === 'done') resolve(message);
        else reject(new Error(message.reason));
      });
      child.send(job);
    });
    if (before === undefined || after === undefined) throw new Error('the load generator has measured nothing');
    const { outcome, cpuMs, residentBytes } = done;
    const ofJob = outcome as OutcomeOf<J>;
    return { outcome: ofJob, before, after, generatorCpuMs: cpuMs, generatorBytes: residentBytes };
  } finally {
    end(child);
  }
}

function end(child: ChildProcess): void {
  child.removeAllListeners();
  // Its end is nobody's business any more, its errors included.
  child.on('error', () => {});
  if (child.exitCode === null) child.kill('SIGKILL');
}
