import { tooBusy } from '../http/api-error.ts';
import { CountsByShow } from './counts-by-show.ts';
import { EndingPace } from './ending-pace.ts';

interface Waiting {
  readonly go: () => void;
  readonly refuse: (error: Error) => void;
}

export interface TurnLimits {
  /** Under way at once. */
  readonly inFlightMax: number;
  readonly waitingMax: number;
  /** Who has waited so long is refused, ms; without it nobody is. */
  readonly waitMaxMs?: number;
  /** From one end to the next while all places are taken, ms: for as long as it has not been measured. */
  readonly assumedPaceMs: number;
}

/**
 * Work of one kind, so much at once, in turn among the shows: the first that waits of each show, then the second of
 * each. What a quiet show waits depends on how many shows there are, not on how long another one's queue is. When as many
 * wait as may, the longest queue loses its newest: no show can keep another one out, and one that is alone may fill it all.
 */
export class FairTurns {
  readonly #limits: TurnLimits;
  /** Queues that are not empty; the show whose turn it is stands first. */
  readonly #queues = new Map<string, Waiting[]>();
  readonly #waiting = new CountsByShow();
  readonly #underWay = new CountsByShow();
  readonly #pace: EndingPace;
  #inFlight = 0;

  constructor(limits: TurnLimits, nowMs: () => number) {
    this.#limits = limits;
    this.#pace = new EndingPace(limits.assumedPaceMs, nowMs);
  }

  /** Those that wait, by show. */
  get waiting(): CountsByShow {
    return this.#waiting;
  }

  /** Those that wait and those that have begun, by show. */
  get underWay(): CountsByShow {
    return this.#underWay;
  }

  /** What one waits that comes when so many stand before it, ms, as far as the latest ends tell. */
  waitMs(ahead: number): number {
    const freePlaces = this.#limits.inFlightMax - this.#inFlight;
    return ahead < freePlaces ? 0 : this.#pace.forEndsMs(ahead - freePlaces + 1);
  }

  /** @throws TooBusyError if `work` was not begun; otherwise what `work` does */
  async run<Result>(showId: string, work: () => Promise<Result>): Promise<Result> {
    this.#underWay.add(showId, 1);
    try {
      if (this.#inFlight < this.#limits.inFlightMax) this.#begin();
      else await this.#turnOf(showId);
      try {
        return await work();
      } finally {
        this.#passOn();
      }
    } finally {
      this.#underWay.add(showId, -1);
    }
  }

  #begin(): void {
    this.#inFlight += 1;
    if (this.#inFlight === this.#limits.inFlightMax) this.#pace.allPlacesTaken();
  }

  /** Resolves when one that has ended has passed its place on to this one. */
  #turnOf(showId: string): Promise<void> {
    const queue = this.#queues.get(showId) ?? [];
    if (this.#waiting.total >= this.#limits.waitingMax && !this.#makesRoomFor(queue)) {
      return Promise.reject(this.#busy());
    }
    return new Promise((go, refuse) => {
      this.#queues.set(showId, queue);
      const waiting = { go, refuse };
      queue.push(this.#limits.waitMaxMs === undefined ? waiting : this.#withinTime(showId, queue, waiting));
      this.#waiting.add(showId, 1);
    });
  }

  #withinTime(showId: string, queue: Waiting[], { go, refuse }: Waiting): Waiting {
    const timer = setTimeout(() => {
      queue.splice(queue.indexOf(waiting), 1);
      if (queue.length === 0) this.#queues.delete(showId);
      this.#waiting.add(showId, -1);
      refuse(this.#busy());
    }, this.#limits.waitMaxMs).unref();
    const waiting: Waiting = {
      go: () => {
        clearTimeout(timer);
        go();
      },
      refuse: (error) => {
        clearTimeout(timer);
        refuse(error);
      },
    };
    return waiting;
  }

  #passOn(): void {
    const [next] = this.#queues;
    this.#pace.ended(next !== undefined);
    if (!next) {
      this.#inFlight -= 1;
      return;
    }
    const [showId, queue] = next;
    const { go } = queue.shift()!;
    this.#waiting.add(showId, -1);
    this.#queues.delete(showId);
    if (queue.length > 0) this.#queues.set(showId, queue);
    go();
  }

  /** Only where the newcomer's queue stays the shorter one: two long queues don't push each other out. */
  #makesRoomFor(queue: readonly Waiting[]): boolean {
    const [showId, longest] = [...this.#queues].reduce((one, other) => (other[1].length > one[1].length ? other : one));
    if (longest.length <= queue.length + 1) return false;
    longest.pop()!.refuse(this.#busy());
    this.#waiting.add(showId, -1);
    return true;
  }

  readonly #busy = () => tooBusy(this.waitMs(this.#waiting.total));
}
