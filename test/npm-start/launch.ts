import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { identityOf, isRunning, type ProcessIdentity } from '../../scripts/process-lock.js';
import { readRunState } from '../../src/supervisor/run-state.ts';

const projectFolder = fileURLToPath(new URL('../..', import.meta.url));
const linesKept = 2_000;

export type Line = Readonly<Record<string, unknown>>;

/** An environment such as a person has it: without what jest and the tests' own servers put in. */
function personsEnvironment(): NodeJS.ProcessEnv {
  const ours = /^(NODE_ENV|JEST_|SEATKEEPER_|npm_|INIT_CWD|TEST_SUMMARY_FILE|NODE_OPTIONS)/;
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !ours.test(name)));
}

/** `npm start` as a person runs it: in a process group of its own, as a terminal makes one, with all it prints. */
export class Launch {
  readonly dataFolder: string;
  readonly #child: ChildProcess;
  readonly #lines: Line[] = [];
  readonly #text: string[] = [];
  readonly #waiting = new Set<(line: Line) => void>();
  readonly #ended: Promise<number>;

  /** `through` is put before the command: a program that runs it; `rest` after it. */
  constructor(
    dataFolder: string,
    env: Readonly<Record<string, string>> = {},
    through: readonly string[] = [],
    rest: readonly string[] = [],
  ) {
    this.dataFolder = dataFolder;
    const words = [...through, 'npm', 'start', '--silent', ...rest];
    this.#child = spawn(words[0]!, words.slice(1), {
      cwd: projectFolder,
      env: { ...personsEnvironment(), DATA_DIR: dataFolder, ...env },
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    createInterface(this.#child.stdout!).on('line', (line) => this.#take(line));
    createInterface(this.#child.stderr!).on('line', (line) => this.#keep(line));
    this.#ended = once(this.#child, 'close').then(([code]) => code as number);
  }

  /** The next line from now on that `matches`, or one that has come already, if `orEarlier`. */
  async line(matches: (line: Line) => boolean, timeoutMs: number, orEarlier = true): Promise<Line> {
    const earlier = orEarlier ? this.#lines.find(matches) : undefined;
    if (earlier !== undefined) return earlier;
    const found = Promise.withResolvers<Line>();
    const look = (line: Line) => matches(line) && found.resolve(line);
    const timer = setTimeout(() => found.reject(this.#failure(`no such line in ${timeoutMs} ms`)), timeoutMs);
    this.#waiting.add(look);
    try {
      const ended = this.#ended.then((code) => Promise.reject(this.#failure(`npm start ended with ${code}`)));
      return await Promise.race([found.promise, ended]);
    } finally {
      clearTimeout(timer);
      this.#waiting.delete(look);
    }
  }

  ready(timeoutMs: number): Promise<Line> {
    return this.line(({ msg }) => msg === 'ready', timeoutMs);
  }

  get lines(): readonly Line[] {
    return this.#lines;
  }

  /** Exit code, once it has ended and all its output is read. */
  ended(): Promise<number> {
    return this.#ended;
  }

  /** What Ctrl-C in a terminal does: every process of the group gets it. Resolves when all have ended. */
  async pressCtrlC(): Promise<void> {
    process.kill(-this.#child.pid!, 'SIGINT');
    await this.#ended;
  }

  /** Asks npm alone, as a service manager or a script does that has started it. */
  askNpmToStop(): void {
    this.#child.kill('SIGTERM');
  }

  /** The launcher and npm, killed the hard way; the parts are in groups of their own. */
  async killHard(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    process.kill(-this.#child.pid!, 'SIGKILL');
    await this.#ended;
  }

  /** The parts that run, by name. */
  parts(): ReadonlyMap<string, ProcessIdentity> {
    return new Map(readRunState(this.dataFolder).parts.map((part) => [part.name, part]));
  }

  /** Processes that the launcher and its parts are. */
  processes(): readonly ProcessIdentity[] {
    return [identityOf(this.#child.pid!), this.#launcher(), ...this.parts().values()].filter(isRunning);
  }

  /** Who holds the data folder. */
  #launcher(): ProcessIdentity {
    return JSON.parse(readFileSync(join(this.dataFolder, 'lock'), 'utf8')) as ProcessIdentity;
  }

  get output(): string {
    return this.#text.join('\n');
  }

  #take(text: string): void {
    this.#keep(text);
    if (!text.startsWith('{')) return;
    const line = JSON.parse(text) as Line;
    this.#lines.push(line);
    for (const look of this.#waiting) look(line);
  }

  #keep(text: string): void {
    this.#text.push(text);
    if (this.#text.length > linesKept) this.#text.shift();
  }

  #failure(what: string): Error {
    return new Error(`${what}; the last lines were:\n${this.#text.slice(-30).join('\n')}`);
  }
}
