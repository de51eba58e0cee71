/** Several calls of Stripe's make one of ours: what the first ones took, the next has not. */
export class Deadline {
  readonly totalMs: number;
  readonly #untilMs: number;

  constructor(totalMs: number) {
    this.totalMs = totalMs;
    this.#untilMs = Date.now() + totalMs;
  }

  /** For the next call; the client takes whole milliseconds, and 0 for its own default. */
  get leftMs(): number {
    return Math.max(1, Math.floor(this.#untilMs - Date.now()));
  }
}
