/** Ends that the pace is an average of: a second of them or so, among which batches that end together even out. */
const ENDS_AVERAGED = 64;

/**
 * How fast work ends while all places for it are taken. With places free it says nothing: then as much ends as comes.
 */
export class EndingPace {
  readonly #nowMs: () => number;
  #paceMs: number;
  /** The last end, or when the last place was taken; null while there are places. */
  #sinceMs: number | null = null;

  /** @param assumedPaceMs from one end to the next, until it has been measured */
  constructor(assumedPaceMs: number, nowMs: () => number) {
    this.#paceMs = assumedPaceMs;
    this.#nowMs = nowMs;
  }

  allPlacesTaken(): void {
    this.#sinceMs = this.#nowMs();
  }

  /** @param isPassedOn whether somebody has waited for the place */
  ended(isPassedOn: boolean): void {
    const nowMs = this.#nowMs();
    if (this.#sinceMs !== null) this.#paceMs += (nowMs - this.#sinceMs - this.#paceMs) / ENDS_AVERAGED;
    this.#sinceMs = isPassedOn ? nowMs : null;
  }

  /** Until so many have ended, ms: at the pace of late, and no sooner than after what has been a standstill until now. */
  forEndsMs(ends: number): number {
    const standstillMs = this.#sinceMs === null ? 0 : this.#nowMs() - this.#sinceMs;
    return ends * this.#paceMs + standstillMs;
  }
}
