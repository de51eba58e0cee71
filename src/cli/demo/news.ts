/** More different sentences than a storm should have; past it the rest is only counted. */
const SENTENCES_MAX = 20;

/** What went wrong while the demo ran. */
export class News {
  readonly #times = new Map<string, number>();
  readonly #overcome = new Map<string, { times: number; longestMs: number }>();
  readonly #failures: string[] = [];
  #unnamed = 0;

  /** Something that the demo goes on after. */
  happened(sentence: string): void {
    const times = this.#times.get(sentence);
    if (times === undefined && this.#times.size >= SENTENCES_MAX) this.#unnamed += 1;
    else this.#times.set(sentence, (times ?? 0) + 1);
  }

  /** `what` had no answer at first, and one after `afterMs`. Ids are left out: a thousand bookings are one line. */
  readonly overcome = (what: string, afterMs: number): void => {
    const kind = what.replace(/bkg_[\w-]+/g, '…');
    const { times, longestMs } = this.#overcome.get(kind) ?? { times: 0, longestMs: 0 };
    this.#overcome.set(kind, { times: times + 1, longestMs: Math.max(longestMs, afterMs) });
  };

  /** Something that makes the demo fail. */
  failed(sentence: string): void {
    this.#failures.push(sentence);
  }

  get hasFailures(): boolean {
    return this.#failures.length > 0;
  }

  /** One line each; none when all went well. */
  lines(): readonly string[] {
    return [
      ...[...this.#times].map(([sentence, times]) => (times === 1 ? sentence : `${sentence} (${times} times)`)),
      ...(this.#unnamed === 0 ? [] : [`and ${this.#unnamed} more`]),
      ...[...this.#overcome].map(
        ([what, { times, longestMs }]) =>
          `${what}: no answer at first, asked again until there was one (${times}×, at most ${seconds(longestMs)} s)`,
      ),
      ...this.#failures.map((sentence) => `FAILED: ${sentence}`),
    ];
  }
}

const seconds = (ms: number): string => (ms / 1_000).toFixed(1);
