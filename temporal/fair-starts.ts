import { WorkflowBusyError } from '../src/contracts/workflow-client.ts';

/**
 * Bookings being started at once by this process. A start is a few milliseconds of CPU: more at once make none of them
 * faster and all of them late (docs/decisions/0010).
 */
const STARTS_IN_FLIGHT_MAX = 16;
/** Bookings waiting to be started; at 300 a second a wait that ends within the ten seconds of a call. */
const STARTS_WAITING_MAX = 3_000;
const BUSY_RETRY_AFTER_MS = 1_000;

interface Waiting {
  readonly go: () => void;
  readonly refuse: (error: WorkflowBusyError) => void;
}

export interface StartLimits {
  readonly inFlightMax: number;
  readonly waitingMax: number;
}

/**
 * Starts of bookings, so many at once, in turn among the shows: the first that waits of each show, then the second of
 * each. What a quiet show waits depends on how many shows there are, not on how long another one's queue is. When as many
 * wait as may, the longest queue loses its newest: no show can keep another one out, and one that is alone may fill it all.
 */
export class FairStarts {
  readonly #limits: StartLimits;
  /** Queues that are not empty; the show whose turn it is stands first. */
  readonly #queues = new Map<string, Waiting[]>();
  #inFlight = 0;
  #waiting = 0;

  constructor(limits: StartLimits = { inFlightMax: STARTS_IN_FLIGHT_MAX, waitingMax: STARTS_WAITING_MAX }) {
    this.#limits = limits;
  }

  /** @throws WorkflowBusyError if `start` was not begun; otherwise what `start` does */
  async run<Result>(showId: string, start: () => Promise<Result>): Promise<Result> {
    if (this.#inFlight < this.#limits.inFlightMax) this.#inFlight += 1;
    else await this.#turnOf(showId);
    try {
      return await start();
    } finally {
      this.#passOn();
    }
  }

  /** Resolves when a start that has ended has passed its place on to this one. */
  #turnOf(showId: string): Promise<void> {
    const queue = this.#queues.get(showId) ?? [];
    if (this.#waiting >= this.#limits.waitingMax && !this.#makesRoomFor(queue)) return Promise.reject(busy());
    return new Promise((go, refuse) => {
      this.#queues.set(showId, queue);
      queue.push({ go, refuse });
      this.#waiting += 1;
    });
  }

  #passOn(): void {
    const [next] = this.#queues;
    if (!next) {
      this.#inFlight -= 1;
      return;
    }
    const [showId, queue] = next;
    const { go } = queue.shift()!;
    this.#waiting -= 1;
    this.#queues.delete(showId);
    if (queue.length > 0) this.#queues.set(showId, queue);
    go();
  }

  /** Only where the newcomer's queue stays the shorter one: two long queues don't push each other out. */
  #makesRoomFor(queue: readonly Waiting[]): boolean {
    const longest = [...this.#queues.values()].reduce((one, other) => (other.length > one.length ? other : one));
    if (longest.length <= queue.length + 1) return false;
    longest.pop()!.refuse(busy());
    this.#waiting -= 1;
    return true;
  }
}

const busy = (): WorkflowBusyError =>
  new WorkflowBusyError('too many bookings wait for their start', BUSY_RETRY_AFTER_MS);
