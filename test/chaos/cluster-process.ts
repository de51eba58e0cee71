import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import type { ProcessSpec } from '../../src/platform/process-spec.ts';
import type { OwnProcessSpec } from '../../src/supervisor/supervised-part.ts';
import { spawnTethered, type TetheredProcess } from '../../src/supervisor/tether.ts';

export type ClusterProcessSpec = ProcessSpec | OwnProcessSpec;

/** What a supervisor waits before it starts a part again. */
const RESTART_AFTER_MS = 200;
const READY_TIMEOUT_MS = 60_000;
const LOOK_EVERY_MS = 10;
const LINES_KEPT = 10_000;
/** What must never be said: the last line of defence has held, a payment was taken twice, an answer was a defect of ours. */
const ALARM = /"alert":"(second_line_fired|charged_twice)"|"code":"INTERNAL"/;

/** One process of the cluster: kept running, as a supervisor would, until it is told to stay down. */
export class ClusterProcess {
  readonly name: string;
  readonly #spec: () => ClusterProcessSpec;
  #running: TetheredProcess | null = null;
  /** The process that answers, if one does. */
  #answering: TetheredProcess | null = null;
  /** Killed, though the system may not have told us yet. */
  #doomed: TetheredProcess | null = null;
  #life: Promise<void> = Promise.resolve();
  #wanted = false;
  #downUntilMs = 0;
  readonly #pidsSoFar: number[] = [];
  /** Stopped, and not told to go on: what they were started by may be dead by then, and nobody's but ours to find. */
  #standing: readonly number[] = [];
  readonly #lines: string[] = [];
  /** What nobody is to say, in all its lives. */
  readonly alarms: string[] = [];

  /** `spec` is asked at each start: what differs from one to the next is in it. */
  constructor(name: string, spec: () => ClusterProcessSpec) {
    this.name = name;
    this.#spec = spec;
  }

  /** Resolves when it answers; from then on it is started again whenever it ends. */
  async start(): Promise<void> {
    this.#wanted = true;
    this.#life = this.#keepUp();
    await this.isReady();
  }

  /** Resolves when it answers, now or after the start that is under way. */
  async isReady(): Promise<void> {
    const untilMs = Date.now() + READY_TIMEOUT_MS;
    while (this.#answering === null) {
      if (Date.now() > untilMs) {
        throw new Error(`${this.name} did not get ready:\n${this.#lines.slice(-20).join('\n')}`);
      }
      await delay(LOOK_EVERY_MS);
    }
  }

  get pid(): number | undefined {
    return this.#running?.child.pid;
  }

  /** Of it and of all that it has started; none while it is down. */
  pids(): readonly number[] {
    return this.pid === undefined ? [] : [this.pid, ...descendants(this.pid)];
  }

  /** How often it was started so far. */
  get starts(): number {
    return this.#pidsSoFar.length;
  }

  hasBeen(pid: number): boolean {
    return this.#pidsSoFar.includes(pid);
  }

  /** What it said last, oldest first. */
  get lines(): readonly string[] {
    return this.#lines;
  }

  /** `kill -9` of the process itself; it is started again after `downForMs`. */
  kill(downForMs = RESTART_AFTER_MS): void {
    this.#doom(downForMs, this.pid === undefined ? [] : [this.pid]);
  }

  /** `kill -9` of the process with all that it has started. */
  killAll(downForMs = RESTART_AFTER_MS): void {
    this.#doom(downForMs, this.pids());
  }

  /** SIGSTOP of it and of all that it has started. */
  stand(): void {
    this.#standing = [...this.#standing, ...this.pids()];
    this.#signal(this.#standing, 'SIGSTOP');
  }

  goOn(): void {
    this.#signal([...this.#standing, ...this.pids()], 'SIGCONT');
    this.#standing = [];
  }

  /** Asks it to end, as a deployment does, and starts it again. */
  async restart(): Promise<void> {
    const running = this.#running;
    if (running === null) return this.isReady();
    const { stopSignal, stopTimeoutMs } = this.#spec();
    this.#answering = null;
    this.#doomed = running;
    this.#signal([running.child.pid!], stopSignal);
    const killer = setTimeout(() => this.#signal([running.child.pid!], 'SIGKILL'), stopTimeoutMs);
    while (this.#running === running) await delay(LOOK_EVERY_MS);
    clearTimeout(killer);
    await this.isReady();
  }

  /** For good. */
  async stop(): Promise<void> {
    this.#wanted = false;
    this.goOn();
    const running = this.#running;
    if (running !== null) {
      const { stopSignal, stopTimeoutMs } = this.#spec();
      running.child.kill(stopSignal);
      const killer = setTimeout(() => this.killAll(), stopTimeoutMs);
      await this.#life;
      clearTimeout(killer);
    }
    await this.#life;
  }

  async #keepUp(): Promise<void> {
    while (this.#wanted) {
      await this.#live();
      await delay(Math.max(RESTART_AFTER_MS, this.#downUntilMs - Date.now()));
    }
  }

  async #live(): Promise<void> {
    const spec = this.#spec();
    const running = spawnTethered(spec);
    const { child } = running;
    const ended = new AbortController();
    const exit = once(child, 'exit').catch(() => undefined);
    this.#running = running;
    if (child.pid !== undefined) this.#pidsSoFar.push(child.pid);
    for (const stream of [child.stdout!, child.stderr!]) {
      createInterface(stream).on('line', (line) => this.#hear(line, spec, running));
    }
    if (spec.ready !== 'its log line') {
      spec.ready(ended.signal).then(
        () => this.#answers(running),
        () => undefined,
      );
    }
    await exit;
    ended.abort();
    running.untether();
    this.#running = null;
    this.#answering = null;
  }

  #answers(running: TetheredProcess): void {
    if (this.#running === running && this.#doomed !== running) this.#answering = running;
  }

  #doom(downForMs: number, pids: readonly number[]): void {
    this.#downUntilMs = Date.now() + downForMs;
    this.#doomed = this.#running;
    this.#answering = null;
    this.#signal(pids, 'SIGKILL');
  }

  #hear(line: string, spec: ClusterProcessSpec, running: TetheredProcess): void {
    this.#lines.push(line);
    if (ALARM.test(line)) this.alarms.push(line);
    if (this.#lines.length > LINES_KEPT) this.#lines.shift();
    if (spec.ready === 'its log line' && line.includes('"msg":"ready"')) this.#answers(running);
  }

  #signal(pids: readonly number[], signal: NodeJS.Signals): void {
    for (const pid of pids) {
      try {
        process.kill(pid, signal);
      } catch (error) {
        // It has ended between the decision and the signal.
        if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
      }
    }
  }
}

/** All that a process has started, and what those have: PostgreSQL's have sessions of their own. */
function descendants(of: number | undefined): number[] {
  if (of === undefined) return [];
  const parents = new Map<number, number>();
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    try {
      const stat = readFileSync(`/proc/${name}/stat`, 'latin1');
      parents.set(Number(name), Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]));
    } catch {
      // It has ended meanwhile.
    }
  }
  const found: number[] = [];
  for (let wave = [of]; wave.length > 0;) {
    wave = [...parents].filter(([, parent]) => wave.includes(parent)).map(([pid]) => pid);
    found.push(...wave);
  }
  return found;
}
