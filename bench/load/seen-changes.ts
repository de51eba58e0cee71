/** A hold that was granted: when its buyer had the answer, Unix ms with fractions. */
export interface AnsweredHold {
  readonly showId: string;
  /** Index of one of its seats. */
  readonly seat: number;
  readonly answeredAtMs: number;
}

/** Versions that one watcher was told, ascending, and when, Unix ms. */
export interface Deliveries {
  readonly versions: number[];
  readonly atMs: number[];
}

/** By seat: the version that first told of it being taken. */
export type FirstSeen = Map<number, number>;

/** A watcher has seen a seat taken with the first version it was told from that one on: versions leave nothing out. */
export function latenciesOf(
  { seat, answeredAtMs }: AnsweredHold,
  firstSeen: FirstSeen,
  watchers: readonly Deliveries[],
): { readonly latenciesMs: number[]; readonly unseen: number } {
  const version = firstSeen.get(seat) ?? Infinity;
  const latenciesMs = watchers.flatMap(({ versions, atMs }) => {
    const first = firstAtLeast(versions, version);
    return first === versions.length ? [] : [atMs[first]! - answeredAtMs];
  });
  return { latenciesMs, unseen: watchers.length - latenciesMs.length };
}

/** Position of the first of ascending numbers that is not below `least`; their count when all are. */
function firstAtLeast(ascending: readonly number[], least: number): number {
  let [low, high] = [0, ascending.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (ascending[middle]! < least) low = middle + 1;
    else high = middle;
  }
  return low;
}
