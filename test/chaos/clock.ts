/** The harness's monotonic clock, counted from a run's start, and the wall clock mapped to it once. */
export class RunClock {
  readonly #startNs = process.hrtime.bigint();
  readonly #startWallMs = Date.now();

  /** Nanoseconds since the run's start. */
  now(): number {
    return Number(process.hrtime.bigint() - this.#startNs);
  }

  nowMs(): number {
    return this.now() / 1e6;
  }

  /** Of a time that a body names. */
  at(iso: string): number {
    return (Date.parse(iso) - this.#startWallMs) * 1e6;
  }
}
