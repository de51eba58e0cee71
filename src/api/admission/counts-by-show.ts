/** How many of something there are, of each show and in all. */
export class CountsByShow {
  readonly #counts = new Map<string, number>();
  #total = 0;

  get total(): number {
    return this.#total;
  }

  of(showId: string): number {
    return this.#counts.get(showId) ?? 0;
  }

  add(showId: string, count: number): void {
    const sum = this.of(showId) + count;
    if (sum === 0) this.#counts.delete(showId);
    else this.#counts.set(showId, sum);
    this.#total += count;
  }

  [Symbol.iterator](): IterableIterator<[showId: string, count: number]> {
    return this.#counts[Symbol.iterator]();
  }
}

export interface Weighed {
  readonly counts: CountsByShow;
  /** How much one of them counts. */
  readonly weight: number;
}

export const totalOf = (lines: readonly Weighed[]): number =>
  lines.reduce((sum, { counts, weight }) => sum + weight * counts.total, 0);

/**
 * How many stand before the next one of a show where shows take turns: of each other show as many as its own line has
 * with it, at most.
 */
export function aheadInTurn(showId: string, lines: readonly Weighed[]): number {
  const byShow = new Map<string, number>();
  for (const { counts, weight } of lines) {
    for (const [each, count] of counts) byShow.set(each, (byShow.get(each) ?? 0) + weight * count);
  }
  const own = byShow.get(showId) ?? 0;
  let ahead = own;
  for (const [each, count] of byShow) if (each !== showId) ahead += Math.min(count, own + 1);
  return ahead;
}
