import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

const READY_TIMEOUT_MS = 60_000;
const LINES_KEPT = 200;

/** A part of the system as a real process of a test, which may be killed, stopped for a while, and started again. */
export class TestProcess {
  readonly name: string;
  readonly #args: readonly string[];
  readonly #env: Readonly<Record<string, string>>;
  #child: ChildProcess | undefined;
  #lines: string[] = [];

  constructor(name: string, args: readonly string[], env: Readonly<Record<string, string>>) {
    this.name = name;
    this.#args = args;
    this.#env = env;
  }

  /** Starts it and resolves with its `"msg":"ready"` line. */
  async start(env: Readonly<Record<string, string>> = {}): Promise<Record<string, unknown>> {
    const child = spawn(process.execPath, this.#args, {
      env: {
        PATH: process.env.PATH,
        HOME: process.env.HOME,
        NODE_ENV: 'test',
        LOG_LEVEL: 'info',
        ...this.#env,
        ...env,
      },
      // The channel's end tells the part that the test is gone.
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    });
    this.#child = child;
    createInterface(child.stderr!).on('line', (line) => this.#keep(line));
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(this.#failure('did not get ready')), READY_TIMEOUT_MS);
      child.once('exit', () => {
        clearTimeout(timer);
        reject(this.#failure('exited'));
      });
      createInterface(child.stdout!).on('line', (line) => {
        this.#keep(line);
        const event = parsed(line);
        if (event?.msg !== 'ready') return;
        clearTimeout(timer);
        resolve(event);
      });
    });
  }

  /** Of the process as it was last started. */
  get pid(): number | undefined {
    return this.#child?.pid;
  }

  /** Resolves when the process has ended, by whatever it is that ends it. */
  async exited(): Promise<void> {
    const child = this.#child;
    if (child && child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  }

  async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    this.#child?.kill(signal);
    await this.exited();
  }

  signal(signal: 'SIGSTOP' | 'SIGCONT'): void {
    this.#child?.kill(signal);
  }

  /** Its last log lines, newest last. */
  get log(): readonly string[] {
    return this.#lines;
  }

  #keep(line: string): void {
    this.#lines.push(line);
    if (this.#lines.length > LINES_KEPT) this.#lines.shift();
  }

  #failure(what: string): Error {
    return new Error(`${this.name} ${what}:\n${this.#lines.slice(-30).join('\n')}`);
  }
}

function parsed(line: string): Record<string, unknown> | undefined {
  try {
    return JSON.parse(line) as Record<string, unknown>;
  } catch {
    return undefined;
  }
}
