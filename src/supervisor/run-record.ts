import { identityOf } from '../../scripts/process-lock.js';
import type { Logger } from '../platform/logger.ts';
import { writeRunState, type RunState } from './run-state.ts';
import type { RunningPart } from './supervisor.ts';

/** Keeps the state file of this start up to date. */
export class RunRecord {
  readonly #dataFolder: string;
  readonly #log: Logger;
  #state: RunState;

  constructor(dataFolder: string, ports: RunState['ports'], log: Logger) {
    this.#dataFolder = dataFolder;
    this.#log = log;
    this.#state = { status: 'starting', addresses: null, services: null, ports, parts: [] };
  }

  update(change: Partial<Omit<RunState, 'parts'>>): void {
    this.#state = { ...this.#state, ...change };
    this.#write();
  }

  parts(running: readonly RunningPart[]): void {
    const parts = running.map(({ pid, ...part }) => ({ ...identityOf(pid), ...part }));
    this.#state = { ...this.#state, parts };
    this.#write();
  }

  /** A disk that is full by now must not take down what still runs. */
  #write(): void {
    try {
      writeRunState(this.#dataFolder, this.#state);
    } catch (error) {
      this.#log.warn({ err: error }, 'the state of the system could not be written to the data folder');
    }
  }
}
