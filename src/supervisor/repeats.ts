/** As many alike are shown as they come: enough to see that it was not one alone. */
const shownAtOnce = 3;
/** Then they are counted for so long: while Postgres is away a part says the same at every request. */
const countedForMs = 10_000;
/** Kinds of lines at once; whatever comes past them is shown. */
const kindsMax = 500;
/** What tells two lines alike apart: numbers, ids, times. */
const particulars = /\b(?=[\w-]*\d)[\w-]{4,}\b|\d+/g;

type Level = 'warn' | 'error';

interface Kind {
  seen: number;
}

/** Keeps a part that says one thing over and over from hiding what else is said. */
export class Repeats {
  readonly #kinds = new Map<string, Kind>();
  readonly #tell: (text: string, count: number, level: Level) => void;

  /** `tell` is called when some have been left out: what they were like, and how many. */
  constructor(tell: (text: string, count: number, level: Level) => void) {
    this.#tell = tell;
  }

  /** Whether a line that says `text` is to be shown; one that is not, is counted. */
  isShown(level: Level, text: string): boolean {
    const name = `${level} ${text.replace(particulars, '#')}`;
    const kind = this.#kinds.get(name) ?? this.#begin(name, level, text);
    if (kind === null) return true;
    kind.seen += 1;
    return kind.seen <= shownAtOnce;
  }

  #begin(name: string, level: Level, text: string): Kind | null {
    if (this.#kinds.size >= kindsMax) return null;
    const kind = { seen: 0 };
    this.#kinds.set(name, kind);
    setTimeout(() => {
      this.#kinds.delete(name);
      if (kind.seen > shownAtOnce) this.#tell(text, kind.seen - shownAtOnce, level);
    }, countedForMs).unref();
    return kind;
  }
}
