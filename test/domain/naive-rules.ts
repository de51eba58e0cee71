import type { BestAvailablePick } from '../../src/domain/seat-commands.ts';
import type { SeatLayout } from '../../src/domain/seat-layout.ts';

/** The rules of neighbours as their definitions say them, by trying everything; the tests' second opinion. */
export interface House {
  /** Rows of runs of seats. */
  readonly rows: readonly (readonly (readonly number[])[])[];
  readonly categoryOf: readonly string[];
  readonly layout: SeatLayout;
}

export function houseOf(layout: SeatLayout): House {
  const rows = new Map<number, number[][]>();
  let next = 0;
  layout.runLengths.forEach((length, index) => {
    const run = Array.from({ length }, () => next++);
    const row = layout.runRows[index]!;
    rows.set(row, [...(rows.get(row) ?? []), run]);
  });
  const categoryOf = layout.seatCategories.flatMap(([category, length]) =>
    Array.from({ length }, () => layout.categories[category]!),
  );
  return { rows: [...rows.values()], categoryOf, layout };
}

type IsTaken = (seat: number) => boolean;
type Run = readonly number[];

const windowsOf = (run: Run, size: number): number[][] =>
  run.slice(0, Math.max(0, run.length - size + 1)).map((_, start) => run.slice(start, start + size));

/** Available seats of the run with both neighbours taken after the pick, and not before. */
function newOrphans(run: Run, isTaken: IsTaken, pick: readonly number[]): number[] {
  const isTakenAfter: IsTaken = (seat) => isTaken(seat) || pick.includes(seat);
  return run.filter((seat, place) => {
    const neighbours = [run[place - 1], run[place + 1]];
    const enclosedBy = (taken: IsTaken) => neighbours.every((each) => each !== undefined && taken(each));
    return !isTakenAfter(seat) && enclosedBy(isTakenAfter) && !enclosedBy(isTaken);
  });
}

export function naiveRefusedOrphans(house: House, isTaken: IsTaken, pick: readonly number[]): number[] {
  return house.rows.flatMap((row) => {
    const size = row.flat().filter((seat) => pick.includes(seat)).length;
    if (size === 0) return [];
    const choices = row
      .flatMap((run) => windowsOf(run, size).map((seats) => ({ run, seats })))
      .filter(({ seats }) => !seats.some(isTaken));
    const hasCleanChoice = choices.some(({ run, seats }) => newOrphans(run, isTaken, seats).length === 0);
    return hasCleanChoice ? row.flatMap((run) => newOrphans(run, isTaken, pick)) : [];
  });
}

export function naiveBestAvailable(
  house: House,
  isTaken: IsTaken,
  { count, category, accessible = false }: BestAvailablePick,
): number[] | 'SOLD_OUT' | 'NO_ADJACENT_SEATS' {
  const { accessibleSeats, companionSeats, seatRanks } = house.layout;
  const isAccessible = (seat: number) => accessibleSeats.includes(seat);
  const isCompanion = (seat: number) => companionSeats.includes(seat) && !isAccessible(seat);
  const all = house.rows.flat(2);
  const inCategory = all.filter((seat) => category === undefined || house.categoryOf[seat] === category);
  const left = inCategory.filter((seat) => !isTaken(seat) && (!accessible || isAccessible(seat)));
  if (left.length === 0) return 'SOLD_OUT';

  const candidates = house.rows
    .flat()
    .flatMap((run) => windowsOf(run, count).map((seats) => ({ run, seats })))
    .filter(({ seats }) => seats.every((seat) => inCategory.includes(seat) && !isTaken(seat)))
    .filter(({ seats }) => new Set(seats.map((seat) => house.categoryOf[seat])).size === 1)
    .filter(({ seats }) => !accessible || seats.every((seat) => isAccessible(seat) || isCompanion(seat)))
    .filter(({ seats }) => !accessible || seats.some(isAccessible))
    .filter(({ seats }) => naiveRefusedOrphans(house, isTaken, seats).length === 0)
    .map(({ run, seats }) => ({
      seats,
      order: [
        seats.filter((seat) => isCompanion(seat) || (!accessible && isAccessible(seat))).length,
        newOrphans(run, isTaken, seats).length > 0 ? 1 : 0,
        seats.reduce((sum, seat) => sum + seatRanks[seat]!, 0),
        seats[0]!,
      ],
    }));
  candidates.sort((a, b) => a.order.map((each, place) => each - b.order[place]!).find((sign) => sign !== 0) ?? 0);
  return candidates[0]?.seats ?? 'NO_ADJACENT_SEATS';
}
