import { performance } from 'node:perf_hooks';
import { setTimeout as delay } from 'node:timers/promises';

/**
 * Whoever had to wait for a processor rests for so many times as long: where others need the machine, this process asks for a
 * small part of what the priority leaves it; where nobody does, it waits for nothing and rests for nothing.
 */
const TIMES_THE_WAIT = 20;
/** So a message every second goes out whatever happens, 3,600 an hour. */
const REST_MAX_MS = 1_000;
/** What is not rested of a long wait is rested before the next turns; not more, for the machine may be idle by then. */
const OWED_MAX_MS = 10_000;

export interface Usage {
  readonly nowMs: number;
  /** In which the event loop was not idle, whether or not it had a processor. */
  readonly activeMs: number;
  /** In which the process had one. */
  readonly cpuMs: number;
}

function usageOfProcess(): Usage {
  const { user, system } = process.cpuUsage();
  const activeMs = performance.eventLoopUtilization().active;
  return { nowMs: performance.now(), activeMs, cpuMs: (user + system) / 1_000 };
}

const asleep = (ms: number, signal: AbortSignal): Promise<void> => delay(ms, undefined, { signal });

/** Turns for work that may wait while the machine is busy with something else: one begins after the other, and after a rest. */
export class StandBack {
  readonly #usage: () => Usage;
  readonly #sleep: typeof asleep;
  #before: Usage;
  #owedMs = 0;
  #line: Promise<void> = Promise.resolve();

  constructor(usage: () => Usage = usageOfProcess, sleep: typeof asleep = asleep) {
    this.#usage = usage;
    this.#sleep = sleep;
    this.#before = usage();
  }

  /** Resolves when the work may begin. @throws AbortError */
  turn(signal: AbortSignal): Promise<void> {
    const turn = this.#line.then(() => this.#rest(signal));
    this.#line = turn.catch(() => undefined);
    return turn;
  }

  async #rest(signal: AbortSignal): Promise<void> {
    const before = this.#before;
    const now = this.#usage();
    this.#before = now;
    const activeMs = now.activeMs - before.activeMs;
    const waitedMs = Math.max(activeMs - (now.cpuMs - before.cpuMs), 0);
    const restedMs = now.nowMs - before.nowMs - activeMs;
    this.#owedMs = Math.min(Math.max(this.#owedMs - restedMs, 0) + TIMES_THE_WAIT * waitedMs, OWED_MAX_MS);
    if (this.#owedMs >= 1) await this.#sleep(Math.min(this.#owedMs, REST_MAX_MS), signal);
    else signal.throwIfAborted();
  }
}
