import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { GeneratorMessage } from './generator.ts';
import type { Job, OutcomeOf } from './jobs.ts';
import type { AnsweredHold } from './seen-changes.ts';

export interface UnderLoad<J extends Job, Reading> {
  readonly outcome: OutcomeOf<J>;
  /** Read when what is measured began, and when it ended. */
  readonly before: Reading;
  readonly after: Reading;
  /** What the generator's own process has used in between, ms. */
  readonly generatorCpuMs: number;
  readonly generatorBytes: number;
}

/** A job that is being done. */
export interface RunningLoad<J extends Job, Reading> {
  /** Resolves when what is measured begins. */
  readonly measuring: Promise<void>;
  /** @throws Error what the generator could not do */
  readonly done: Promise<UnderLoad<J, Reading>>;
  /** Ends it, whether or not it is done. */
  stop(): void;
  /** Tells watchers what to look for in what they have seen, which ends their job. */
  lookFor(holds: readonly AnsweredHold[]): void;
}

const generator = fileURLToPath(new URL('generator.ts', import.meta.url));

/** Has one job done by a generator in a process of its own: neither delays the other's clock. */
export function startLoad<J extends Job, Reading>(job: J, read: () => Reading): RunningLoad<J, Reading> {
  const child = fork(generator, { serialization: 'advanced', execArgv: ['--no-warnings'] });
  const measuring = Promise.withResolvers<void>();
  let before: Reading | undefined;
  let after: Reading | undefined;
  const done = new Promise<UnderLoad<J, Reading>>((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code, signal) => reject(new Error(`the load generator ended (${signal ?? code})`)));
    child.on('message', (message: GeneratorMessage) => {
      switch (message.event) {
        case 'measuring':
          before = read();
          return measuring.resolve();
        case 'measured':
          after = read();
          return;
        case 'failed':
          return reject(new Error(message.reason));
        case 'done': {
          const { outcome, cpuMs: generatorCpuMs, residentBytes: generatorBytes } = message;
          return resolve({
            outcome,
            ...{ before: before!, after: after! },
            ...{ generatorCpuMs, generatorBytes },
          });
        }
      }
    });
    child.send(job);
  }).finally(() => end(child));
  done.catch(measuring.reject);
  measuring.promise.catch(() => {});
  return {
    measuring: measuring.promise,
    done,
    // Its `exit` rejects `done`, for whoever still waits for it.
    stop: () => void child.kill('SIGKILL'),
    lookFor: (holds) => void child.send(holds),
  };
}

export const underLoad = <J extends Job, Reading>(job: J, read: () => Reading): Promise<UnderLoad<J, Reading>> =>
  startLoad(job, read).done;

function end(child: ChildProcess): void {
  child.removeAllListeners();
  // Its end is nobody's business any more, its errors included.
  child.on('error', () => {});
  if (child.exitCode === null) child.kill('SIGKILL');
}
