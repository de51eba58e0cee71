import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from '../platform/logger.ts';
import type { ProcessSpec } from '../platform/process-spec.ts';
import type { Output } from './output.ts';
import { passLinesOn, tellingLine } from './part-lines.ts';
import { StartupError } from './startup-error.ts';
import { spawnTethered, type TetheredProcess } from './tether.ts';

/** Quick at first: a part that was killed is missed at once. */
const restartFirstMs = 200;
/** Seldom enough that a part that cannot start costs nothing, often enough that people need not wait once it can. */
const restartMaxMs = 5_000;
/** Up this long, the next end of a part has nothing to do with the last one. */
const stableAfterMs = 30_000;
/** A part that never was ready and ends this often will not be by trying: the person is told why. */
const firstStartAttemptsMax = 3;
/** Postgres may replay minutes of its log after a crash; nothing else takes a tenth of this. */
const readyTimeoutMs = 300_000;

/** How long to wait before the n-th start in a row (1 = the first restart). */
export const restartDelayMs = (attempt: number): number => Math.min(restartFirstMs * 2 ** (attempt - 1), restartMaxMs);

/** What was said last is read to its end, but not for longer: a grandchild may hold the pipe open. */
const lastWordsMs = 100;

/** A process of our own tells by a log line `"msg":"ready"` that it answers; that line is not passed on. */
export interface OwnProcessSpec extends Omit<ProcessSpec, 'ready'> {
  readonly ready: 'its log line';
}

export type PartSpec = ProcessSpec | OwnProcessSpec;

const isOwn = (spec: PartSpec): spec is OwnProcessSpec => spec.ready === 'its log line';

interface Life {
  readonly upMs: number;
  readonly end: string;
  readonly lastWords: readonly string[];
  /** Why no further try will help. */
  readonly hopeless: StartupError | null;
}

/** One part of the system: kept running until it is stopped. */
export class SupervisedPart {
  readonly spec: PartSpec;
  readonly #output: Output;
  readonly #log: Logger;
  readonly #onChange: () => void;
  readonly #stopping = new AbortController();
  #running: TetheredProcess | null = null;
  #ended: Promise<void> = Promise.resolve();
  #everReady = false;

  /** `onChange` is called whenever `pid` has changed. */
  constructor(spec: PartSpec, output: Output, log: Logger, onChange: () => void) {
    this.spec = spec;
    this.#output = output;
    this.#log = log;
    this.#onChange = onChange;
  }

  get pid(): number | null {
    return this.#running?.child.pid ?? null;
  }

  /**
   * Resolves when the part answers for the first time; from then on it is started again whenever it ends.
   * @throws StartupError when it ends too often before it ever answered, or is stopped before
   */
  start(): Promise<void> {
    return new Promise((resolve, reject) => {
      const stopped = () => reject(new StartupError(`${this.spec.name} was stopped before it was ready.`));
      this.#ended = this.#keepRunning(resolve).then(stopped, reject);
    });
  }

  /** Asks the part to end, and kills it when it has not done so within its `stopTimeoutMs`. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    const child = this.#running?.child;
    if (child !== undefined) {
      child.kill(this.spec.stopSignal);
      const patience = setTimeout(() => {
        this.#log.warn({ process: this.spec.name }, `${this.spec.name} did not stop in time and is killed`);
        this.kill();
      }, this.spec.stopTimeoutMs);
      await this.#ended;
      clearTimeout(patience);
    }
    await this.#ended;
  }

  /** Kills the part with all that it has started. */
  kill(): void {
    this.#stopping.abort();
    const pid = this.pid;
    if (pid !== null) signalGroup(pid, 'SIGKILL');
  }

  async #keepRunning(onFirstReady: () => void): Promise<void> {
    for (let attempt = 1; !this.#stopping.signal.aborted; attempt += 1) {
      const life = await this.#live(onFirstReady);
      if (this.#stopping.signal.aborted) return;
      if (!this.#everReady && life.hopeless !== null) throw life.hopeless;
      if (!this.#everReady && attempt >= firstStartAttemptsMax) throw this.#neverStarted(attempt, life);
      if (life.upMs >= stableAfterMs) attempt = 1;
      const restartInMs = restartDelayMs(attempt);
      this.#log.warn(
        { process: this.spec.name, upMs: life.upMs, restartInMs },
        `${this.spec.name} ended with ${life.end}: starting it again in ${restartInMs} ms`,
      );
      await delay(restartInMs, undefined, { signal: this.#stopping.signal }).catch(() => {});
    }
  }

  #neverStarted(attempts: number, life: Life): StartupError {
    const words = tellingLine(life.lastWords);
    return new StartupError(
      `${this.spec.name} ended ${attempts} times with ${life.end} before it was ready; it last said: ${words}`,
    );
  }

  /** One process of the part, from its start to its end. */
  async #live(onReady: () => void): Promise<Life> {
    const startedAt = Date.now();
    const running = this.#spawn();
    if ('failure' in running) return { upMs: 0, end: running.failure, lastWords: [], hopeless: null };
    const { child } = running;
    this.#running = running;
    this.#onChange();
    const said = Promise.withResolvers<void>();
    const lastWords = passLinesOn([child.stdout!, child.stderr!], {
      output: this.#output,
      log: this.#output.logger(this.spec.name),
      isStopping: () => this.#stopping.signal.aborted,
      onReadyLine: said.resolve,
    });

    const ended = new AbortController();
    const ready = this.#awaitReady(said.promise, ended.signal).then((outcome) => {
      if (outcome !== 'ready') return outcome;
      this.#everReady = true;
      this.#log.info(
        { process: this.spec.name, pid: child.pid, elapsedMs: Date.now() - startedAt },
        `${this.spec.name} is ready`,
      );
      onReady();
      return outcome;
    });

    const end = await endOf(running);
    ended.abort();
    const outcome = await ready;
    this.#running = null;
    this.#onChange();
    return { upMs: Date.now() - startedAt, end, lastWords, hopeless: outcome instanceof StartupError ? outcome : null };
  }

  /** Some failures (no such user, say) are thrown at once, others come as an event: both are an end of the part. */
  #spawn(): TetheredProcess | { readonly failure: string } {
    try {
      return spawnTethered(this.spec);
    } catch (error) {
      return { failure: (error as Error).message };
    }
  }

  /** `ended` when the process ended first, or was ended because it will not answer any more. */
  async #awaitReady(said: Promise<void>, ended: AbortSignal): Promise<'ready' | 'ended' | StartupError> {
    const tooLate = AbortSignal.timeout(readyTimeoutMs);
    try {
      const signal = AbortSignal.any([ended, tooLate]);
      await (isOwn(this.spec) ? Promise.race([said, aborted(signal)]) : this.spec.ready(signal));
      return ended.aborted ? 'ended' : 'ready';
    } catch (error) {
      if (ended.aborted) return 'ended';
      const reason = tooLate.aborted ? `no answer within ${readyTimeoutMs / 1000} s` : (error as Error).message;
      this.#log.warn({ process: this.spec.name, reason }, `${this.spec.name} does not become ready and is killed`);
      if (this.pid !== null) signalGroup(this.pid, 'SIGKILL');
      return error instanceof StartupError ? error : 'ended';
    }
  }
}

const aborted = (signal: AbortSignal): Promise<never> =>
  once(signal, 'abort').then(() => {
    throw signal.reason;
  });

/** Resolves with the way it ended. */
async function endOf({ child, untether }: TetheredProcess): Promise<string> {
  const closed = once(child, 'close').catch(() => {});
  try {
    const [code, signal] = (await once(child, 'exit')) as [number | null, NodeJS.Signals | null];
    return signal === null ? `exit code ${code}` : `signal ${signal}`;
  } catch (error) {
    return (error as Error).message;
  } finally {
    untether();
    await Promise.race([closed, delay(lastWordsMs)]);
  }
}

function signalGroup(leader: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-leader, signal);
  } catch (error) {
    // It has ended between the decision and the signal.
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
