import { Writable } from 'node:stream';
import { createOutput, type Output } from '../../src/supervisor/output.ts';

export type Line = Readonly<Record<string, unknown>>;

/** An output whose lines a test can read, and wait for. */
export class CollectedOutput {
  readonly lines: Line[] = [];
  readonly output: Output;
  readonly #waiting = new Set<(line: Line) => void>();

  constructor(level = 'debug') {
    const stream = new Writable({
      write: (chunk: Buffer, _encoding, done) => {
        for (const text of chunk.toString().split('\n')) if (text !== '') this.#take(JSON.parse(text) as Line);
        done();
      },
    });
    this.output = createOutput(stream, level);
  }

  /** The first line that matches, of those that came or come; jest's own limit ends the wait. */
  line(matches: (line: Line) => boolean): Promise<Line> {
    const earlier = this.lines.find(matches);
    if (earlier !== undefined) return Promise.resolve(earlier);
    return new Promise((resolve) => {
      const look = (line: Line) => {
        if (!matches(line)) return;
        this.#waiting.delete(look);
        resolve(line);
      };
      this.#waiting.add(look);
    });
  }

  #take(line: Line): void {
    this.lines.push(line);
    for (const look of this.#waiting) look(line);
  }
}
