import { spawn } from 'node:child_process';

export interface CommandLimits {
  readonly env: NodeJS.ProcessEnv;
  readonly timeoutMs: number;
  readonly cwd?: string;
  readonly signal?: AbortSignal;
}

export interface CommandOutcome {
  /** Standard output and error, interleaved as they came; only the last `outputMaxBytes` of them. */
  readonly output: string;
  /** Why it counts as failed, in a few words; null when it exited with 0. */
  readonly failure: string | null;
}

/** Enough for a compiler's last errors; a command that floods its output must not grow this process. */
const outputMaxBytes = 16 * 1024;

/**
 * Runs a command to its end and never rejects: a command that cannot be started, exits otherwise than with 0, runs
 * over its time or is aborted has a `failure`. It is stopped together with all that it started.
 */
export function runCommand(
  command: string,
  args: readonly string[],
  { env, timeoutMs, cwd, signal }: CommandLimits,
): Promise<CommandOutcome> {
  return new Promise((resolve) => {
    // A process group of its own: `go install` runs compilers that outlive it when only it is killed.
    const child = spawn(command, args, { env, cwd, detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    let stopped: string | null = null;

    const collect = (chunk: string) => (output = (output + chunk).slice(-outputMaxBytes));
    child.stdout.setEncoding('utf8').on('data', collect);
    child.stderr.setEncoding('utf8').on('data', collect);

    const stop = (reason: string) => {
      stopped = reason;
      killGroup(child.pid);
    };
    const timer = setTimeout(() => stop(`did not end within ${timeoutMs / 1000} s`), timeoutMs);
    const onAbort = () => stop('was interrupted');
    if (signal?.aborted) onAbort();
    signal?.addEventListener('abort', onAbort, { once: true });

    const settle = (failure: string | null) => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', onAbort);
      resolve({ output, failure: stopped ?? failure });
    };
    child.once('error', (error) => settle(error.message));
    child.once('close', (code, killedBy) =>
      settle(code === 0 ? null : `ended with ${killedBy ?? `exit code ${code}`}`),
    );
  });
}

function killGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch (error) {
    // It has ended between the decision and the kill.
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
