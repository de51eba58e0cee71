export interface WatcherLimits {
  /** Streams open at once in this process. */
  readonly total: number;
  /** Of one caller; 0 = no limit. */
  readonly perCaller: number;
}

/** One watcher more would be too many. */
export class TooManyWatchersError extends Error {
  override readonly name = 'TooManyWatchersError';
  readonly of: 'caller' | 'process';

  constructor(of: 'caller' | 'process') {
    super(`too many watchers of this ${of}`);
    this.of = of;
  }
}

/** Counts who watches. */
export class WatcherPlaces {
  readonly #limits: WatcherLimits;
  readonly #byCaller = new Map<string, number>();
  #taken = 0;

  constructor(limits: WatcherLimits) {
    this.#limits = limits;
  }

  get taken(): number {
    return this.#taken;
  }

  /**
   * Takes a place. The function that is returned gives it back, once, however often it is called.
   * @throws TooManyWatchersError
   */
  take(caller: string): () => void {
    const ofCaller = this.#byCaller.get(caller) ?? 0;
    if (this.#limits.perCaller > 0 && ofCaller >= this.#limits.perCaller) throw new TooManyWatchersError('caller');
    if (this.#taken >= this.#limits.total) throw new TooManyWatchersError('process');
    this.#byCaller.set(caller, ofCaller + 1);
    this.#taken += 1;
    let isMine = true;
    return () => {
      if (isMine) this.#giveBack(caller);
      isMine = false;
    };
  }

  #giveBack(caller: string): void {
    const left = this.#byCaller.get(caller)! - 1;
    if (left === 0) this.#byCaller.delete(caller);
    else this.#byCaller.set(caller, left);
    this.#taken -= 1;
  }
}
