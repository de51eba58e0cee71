import { OutcomeUnknownError, WorkflowBusyError, WorkflowUnavailableError } from '../../contracts/workflow-client.ts';
import { LruMap } from '../../platform/lru-map.ts';
import { CountsByShow } from './counts-by-show.ts';

/** Shows remembered that did not answer; of one that is forgotten the next hold finds out anew. */
const STANDING_SHOWS_MAX = 1_000;

/** Holds that shows have been asked for and not answered yet. */
export class ShowsDeciding {
  readonly #nowMs: () => number;
  readonly #asked = new CountsByShow();
  /** The last answer of a show that owes one, or when it was first asked since. */
  readonly #owedSinceMs = new LruMap<string, number>(STANDING_SHOWS_MAX);

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  get asked(): CountsByShow {
    return this.#asked;
  }

  /** How long a show has answered nothing, although it is being asked, ms. */
  standstillMs(showId: string): number {
    const sinceMs = this.#owedSinceMs.peek(showId);
    return sinceMs === undefined || this.#asked.of(showId) === 0 ? 0 : this.#nowMs() - sinceMs;
  }

  async ask<Result>(showId: string, ask: () => Promise<Result>): Promise<Result> {
    if (this.#owedSinceMs.peek(showId) === undefined) this.#owedSinceMs.set(showId, this.#nowMs());
    this.#asked.add(showId, 1);
    let isAnswered = true;
    try {
      return await ask();
    } catch (error) {
      isAnswered = !saysNothing(error);
      throw error;
    } finally {
      this.#asked.add(showId, -1);
      if (isAnswered) this.#answered(showId);
    }
  }

  #answered(showId: string): void {
    if (this.#asked.of(showId) > 0) this.#owedSinceMs.set(showId, this.#nowMs());
    else this.#owedSinceMs.delete(showId);
  }
}

const saysNothing = (error: unknown): boolean =>
  error instanceof OutcomeUnknownError ||
  error instanceof WorkflowUnavailableError ||
  error instanceof WorkflowBusyError;
