import type { Logger } from '../platform/logger.ts';
import type { Output } from './output.ts';
import { SupervisedPart, type PartSpec } from './supervised-part.ts';
import { StartupError } from './startup-error.ts';

/** A part's process as it runs now. */
export interface RunningPart {
  readonly name: string;
  readonly pid: number;
  readonly stopSignal: NodeJS.Signals;
  readonly stopTimeoutMs: number;
}

/**
 * Keeps the parts of the system running: starts them in the order of the calls, starts those that die again, stops all
 * in reverse order.
 */
export class Supervisor {
  readonly #output: Output;
  readonly #log: Logger;
  readonly #onChange: () => void;
  readonly #groups: SupervisedPart[][] = [];
  #stopping = false;

  /** `onChange` is called whenever `running` has changed. */
  constructor(output: Output, log: Logger, onChange: () => void) {
    this.#output = output;
    this.#log = log;
    this.#onChange = onChange;
  }

  /** The processes of this moment, in order of starting. */
  get running(): readonly RunningPart[] {
    return this.#groups.flat().flatMap(({ spec, pid }) => {
      const { name, stopSignal, stopTimeoutMs } = spec;
      return pid === null ? [] : [{ name, pid, stopSignal, stopTimeoutMs }];
    });
  }

  /**
   * Starts parts that do not need each other; resolves when all of them answer.
   * @throws StartupError when one of them does not start, or the supervisor is stopping
   */
  async start(...specs: readonly PartSpec[]): Promise<void> {
    if (this.#stopping) throw new StartupError('The system is being stopped.');
    const group = specs.map((spec) => new SupervisedPart(spec, this.#output, this.#log, this.#onChange));
    this.#groups.push(group);
    await Promise.all(group.map((part) => part.start()));
  }

  /** Stops the parts in reverse order of their start, those that were started together at the same time. */
  async stop(): Promise<void> {
    this.#stopping = true;
    for (const group of this.#groups.toReversed()) {
      await Promise.all(group.map((part) => part.stop()));
    }
  }

  /** Kills all parts at once. */
  kill(): void {
    this.#stopping = true;
    for (const part of this.#groups.flat()) part.kill();
  }
}
