import { Presets, SingleBar } from 'cli-progress';
import type { VisitEnd } from './buyer.ts';

/** Where the output is no terminal, a line this often. */
const LINE_EVERY_MS = 5_000;

/** How the hall fills, on the terminal. */
export class Display {
  readonly #bar: SingleBar;
  readonly #visits: Readonly<Record<VisitEnd, number>>;

  constructor(seats: number, visits: Readonly<Record<VisitEnd, number>>) {
    this.#visits = visits;
    this.#bar = new SingleBar(
      {
        format:
          '{bar} {value}/{total} seats booked · {held} held · {duration_formatted}\n' +
          `  visits: ${Object.keys(visits)
            .map((end) => `${end} {${end}}`)
            .join(' · ')}`,
        noTTYOutput: true,
        notTTYSchedule: LINE_EVERY_MS,
      },
      Presets.shades_classic,
    );
    this.#bar.start(seats, 0, { held: 0, ...visits });
  }

  update(booked: number, held: number): void {
    this.#bar.update(booked, { held, ...this.#visits });
  }

  stop(): void {
    this.#bar.stop();
  }
}
