/** Tells the bench when what is measured begins and ends, and keeps what the generator itself has cost meanwhile. */
export class Stopwatch {
  readonly #tell: (event: 'measuring' | 'measured') => void;
  #startMs = NaN;
  #cpuAtStart = process.cpuUsage();
  #cpuMs = NaN;

  constructor(tell: (event: 'measuring' | 'measured') => void) {
    this.#tell = tell;
  }

  /** What is measured begins so long from now. */
  set(warmUpMs: number): void {
    this.#startMs = performance.now() + warmUpMs;
    if (warmUpMs === 0) this.#start();
    else setTimeout(() => this.#start(), warmUpMs);
  }

  /** Since the beginning of what is measured, ms; negative in the warm-up. */
  readonly nowMs = (): number => performance.now() - this.#startMs;

  /** The beginning, Unix ms with fractions. */
  get startedAtMs(): number {
    return performance.timeOrigin + this.#startMs;
  }

  /** Called again it changes nothing. */
  stop(): void {
    if (!Number.isNaN(this.#cpuMs)) return;
    const { user, system } = process.cpuUsage(this.#cpuAtStart);
    this.#cpuMs = (user + system) / 1_000;
    this.#tell('measured');
  }

  get cpuMs(): number {
    return this.#cpuMs;
  }

  #start(): void {
    this.#cpuAtStart = process.cpuUsage();
    this.#tell('measuring');
  }
}
