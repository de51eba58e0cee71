import { existsSync, readFileSync } from 'node:fs';
import { parsePretixPlan, toPretixPlan, type PretixPlan } from '../../src/domain/pretix-plan.ts';
import { seatLayout } from '../../src/domain/seat-layout.ts';
import { seatsOf } from '../../src/domain/seating-plan.ts';
import { neighboursOf, pair, planOf, runsOf } from './drawn-halls.ts';

/** Plans of real halls, which lie beside a checkout of this project or do not: they are not ours to ship. */
const folder = new URL('../../../shared/data/seating-plans/', import.meta.url);
const plansAreThere = existsSync(folder);
const readPlan = (name: string): PretixPlan =>
  JSON.parse(readFileSync(new URL(`${name}.json`, folder), 'utf8')) as PretixPlan;

const lengthsOf = (json: PretixPlan): Record<number, number> =>
  Object.fromEntries(
    [...Map.groupBy(runsOf(planOf(json)), (run) => run.length)].map(([length, runs]) => [length, runs.length]),
  );

/** The second of each pair of seats with one label gets a number of its own. */
function relabelled(plan: PretixPlan): PretixPlan {
  const seats = plan.zones.flatMap((zone) => zone.rows.flatMap((row) => row.seats));
  for (const seat of seats) if (seat.seat_guid.endsWith('#2')) seat.seat_number += 'b';
  return plan;
}

(plansAreThere ? describe : describe.skip)('seating plans of real halls', () => {
  it('hall 10: nine rows without an aisle', () => {
    expect(lengthsOf(readPlan('cinema-hall10-110'))).toEqual({ 10: 4, 14: 5 });
  });

  it('VIP hall: only pairs are neighbours, with an aisle between all of them', () => {
    const plan = planOf(readPlan('cinema-vip-40'));
    expect(seatLayout(plan).runLengths).toEqual(new Array(20).fill(2));
    expect(neighboursOf(plan)).toContain(pair('E-1', 'E-2'));
    expect(neighboursOf(plan)).not.toContain(pair('E-2', 'E-3'));
    // Pairs of one row are one row all the same.
    expect(new Set(seatLayout(plan).runRows).size).toBe(5);
  });

  it('multiplex: couple sofas stand side by side without an aisle, and categories part nobody', () => {
    const plan = planOf(readPlan('cinema-multiplex-156'));
    const layout = seatLayout(plan);
    expect(layout.runLengths).toHaveLength(13);
    expect(layout.categories).toEqual(['vip', 'couple', 'standard']);
    const couples = seatsOf(plan).filter(({ category }) => category === 'couple');
    const sofas = couples.slice(1).filter((seat, i) => neighboursOf(plan).has(pair(seat.id, couples[i]!.id)));
    expect(couples.length).toBeGreaterThan(0);
    expect(sofas).toHaveLength(couples.length - 1);
  });

  it('theatre: numbers turn at the end of each row, places do not', () => {
    const plan = planOf(readPlan('theatre-balcony-serpentine'));
    const byNumber = new Map(seatsOf(plan).map((seat) => [seat.number, seat]));
    const sideBySide = (a: number, b: number) =>
      neighboursOf(plan).has(pair(byNumber.get(String(a))!.id, byNumber.get(String(b))!.id));
    for (let number = 1; number < 21; number++)
      expect([number, sideBySide(number, number + 1)]).toEqual([number, true]);
    expect(sideBySide(21, 22)).toBe(false);
    expect(sideBySide(1, 42)).toBe(false);
    expect(sideBySide(41, 42)).toBe(true);
  });

  it('theatre: a side box is not next to the row whose name it has', () => {
    const plan = planOf(readPlan('theatre-balcony-serpentine'));
    const boxes = runsOf(plan).filter((run) => run.some((id) => boxIds(plan).has(id)));
    expect(boxes).toHaveLength(14);
    for (const run of boxes) expect(run.every((id) => boxIds(plan).has(id))).toBe(true);
  });

  it('theatre: the four wheelchair places are accessible', () => {
    const plan = planOf(readPlan('theatre-balcony-serpentine'));
    const numbers = seatLayout(plan).accessibleSeats.map((index) => Number(seatsOf(plan)[index]!.number));
    expect(numbers.toSorted((a, b) => a - b)).toEqual([2, 42, 43, 84]);
  });

  it('auditorium: refused with both places of each of the ten labels that it gives twice', () => {
    const source = readPlan('auditorium-1011');
    const parsed = parsePretixPlan(source);
    if (parsed.ok) throw new Error('accepted');
    const places = source.zones.flatMap((zone, z) =>
      zone.rows.flatMap((row, r) =>
        row.seats.flatMap(({ seat_number }, s) =>
          row.seats.filter((other) => other.seat_number === seat_number).length > 1
            ? [`zones.${z}.rows.${r}.seats.${s}.seat_number`]
            : [],
        ),
      ),
    );
    expect(places).toHaveLength(20);
    expect(parsed.errors.map(({ path }) => path).toSorted()).toEqual(places.toSorted());
  });

  it('auditorium: with labels put right, its blocks are parted by the wide aisles', () => {
    const plan = planOf(relabelled(readPlan('auditorium-1011')));
    const blocks = Map.groupBy(
      runsOf(plan),
      (run) =>
        seatsOf(plan)
          .find(({ id }) => id === run[0])!
          .label.split('-')[0],
    );
    expect(blocks.get('A')).toHaveLength(3);
    expect(blocks.get('T')).toHaveLength(4);
    expect(new Set(seatLayout(plan).runRows).size).toBe(27);
  });

  it('auditorium: the stage at the bottom is found by the names of the rows', () => {
    const plan = planOf(relabelled(readPlan('auditorium-1011')));
    const { seatRanks } = seatLayout(plan);
    const rankOfRow = (name: string) =>
      Math.min(
        ...seatsOf(plan)
          .filter(({ label }) => label.startsWith(`${name}-`))
          .map(({ index }) => seatRanks[index]!),
      );
    expect(rankOfRow('H')).toBeLessThan(rankOfRow('Z'));
    expect(rankOfRow('A')).toBeLessThan(rankOfRow('Z'));
  });

  it('stadium: 5,048 seats in slanted and bent rows, each row one run', () => {
    const plan = planOf(readPlan('stadium-part-5k'));
    const layout = seatLayout(plan);
    expect(layout.seatCount).toBe(5_048);
    expect(layout.runLengths).toHaveLength(432);
    expect([Math.min(...layout.runLengths), Math.max(...layout.runLengths)]).toEqual([5, 15]);
    expect(new Set(layout.runRows).size).toBe(432);
  });

  it.each([
    'cinema-hall10-110',
    'cinema-multiplex-156',
    'cinema-vip-40',
    'stadium-part-5k',
    'theatre-balcony-serpentine',
  ])('%s: exported and imported again it is the same', (name) => {
    const plan = planOf(readPlan(name));
    expect(planOf(toPretixPlan(plan))).toEqual(plan);
  });
});

/** Seats to the right of the main block of their row: beyond x = 720 of the drawing. */
const boxIds = (plan: ReturnType<typeof planOf>): Set<string> =>
  new Set(
    plan.sections[0]!.rows.flatMap((row) => row.seats)
      .filter(({ x }) => x > 720)
      .map(({ id }) => id),
  );
