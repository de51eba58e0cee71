/** Of the seat map's letters the one of a free seat. */
const FREE = /a+/g;

/**
 * Up to `count` free seats anywhere in the hall, for a group that no longer finds them side by side. Only whole stretches
 * of free seats, so that no single one is left between two taken.
 * @param statuses one letter a seat, in index order
 * @returns indices; none when less than two can be had so
 */
export function scatteredSeats(statuses: string, count: number, random: () => number): readonly number[] {
  const stretches = [...statuses.matchAll(FREE)].map(({ index, 0: { length } }) => ({ index, length, at: random() }));
  const chosen: number[] = [];
  for (const { index, length } of stretches.toSorted((a, b) => a.at - b.at)) {
    if (chosen.length + length > count) continue;
    for (let seat = index; seat < index + length; seat++) chosen.push(seat);
  }
  return chosen.length < 2 ? [] : chosen;
}
