import fc from 'fast-check';
import { refusedOrphans } from '../../src/domain/orphan-rule.ts';
import { seatGeometry } from '../../src/domain/seat-geometry.ts';
import { anyLayout, drawn } from './layouts.ts';
import { houseOf, naiveRefusedOrphans } from './naive-rules.ts';

/**
 * A case drawn as a house: `.` available, `#` taken, `P` picked, a space is an aisle, one string a row. Answers the
 * refused orphans as indices (aisles don't count).
 */
function refused(...rows: string[]): readonly number[] {
  const seats = [...rows.join('').replaceAll(' ', '')];
  const geometry = seatGeometry(drawn(rows.map((row) => row.replaceAll(/\S/g, 'A'))));
  const taken = seats.map((seat) => (seat === '#' ? 1 : 0));
  const pick = seats.flatMap((seat, index) => (seat === 'P' ? [index] : []));
  return refusedOrphans(geometry, taken, pick);
}

describe('the orphan rule', () => {
  test('a pick that encloses one available seat between taken ones is refused, naming that seat', () => {
    expect(refused('#.P...')).toEqual([1]);
    expect(refused('...P.#')).toEqual([4]);
    expect(refused('#.PP.#....')).toEqual([1, 4]);
  });

  test('a seat left between two picked ones is an orphan, named once', () => {
    expect(refused('.P.P...')).toEqual([2]);
  });

  test('the end of a row never counts as taken', () => {
    expect(refused('.P....')).toEqual([]);
    expect(refused('....P.')).toEqual([]);
  });

  test('an aisle never counts as taken', () => {
    expect(refused('... .P...')).toEqual([]);
    expect(refused('###. .P...')).toEqual([]);
    expect(refused('.P. #....')).toEqual([]);
  });

  test('two seats left side by side are no orphans', () => {
    expect(refused('#..P...')).toEqual([]);
  });

  test('a seat that was enclosed before is nobody’s fault', () => {
    expect(refused('#.#P...')).toEqual([]);
  });

  test('a pick next to taken seats leaves no orphan', () => {
    expect(refused('#PP..#')).toEqual([]);
  });

  test('filling a gap leaves none', () => {
    expect(refused('#P#...')).toEqual([]);
    expect(refused('.#PP#.')).toEqual([]);
  });

  test('an orphan is allowed where every choice of that size in the row leaves one', () => {
    expect(refused('#P.#')).toEqual([]);
    expect(refused('#.P#')).toEqual([]);
    expect(refused('#PP.#')).toEqual([]);
    expect(refused('#P.P#')).toEqual([]);
  });

  test('a clean choice in another run of the same row is a choice', () => {
    expect(refused('#P.# ...')).toEqual([2]);
    expect(refused('#P.# #.#')).toEqual([2]);
    expect(refused('#P.# #..#')).toEqual([]);
  });

  test('a clean choice in another row is none', () => {
    expect(refused('#P.#', '....')).toEqual([]);
  });

  test('the pick itself, elsewhere in its gap, is a choice', () => {
    expect(refused('#.P..#')).toEqual([1]);
    expect(refused('#P...#')).toEqual([]);
  });

  test('rows are judged each by itself, with what is picked in it', () => {
    expect(refused('#.P...', '.PP...')).toEqual([1]);
    expect(refused('#.P...', '#.P...')).toEqual([1, 7]);
    expect(refused('#P.#', '#.P...')).toEqual([5]);
  });

  test('where the row has no choice of that size side by side, orphans are allowed', () => {
    expect(refused('P.P P.P')).toEqual([]);
    expect(refused('P.P P.P .')).toEqual([]);
    expect(refused('P.P P.P ....')).toEqual([1, 4]);
  });

  test('agrees with its definition, tried out in full', () => {
    const anyCase = anyLayout.chain((layout) =>
      fc.record({
        layout: fc.constant(layout),
        seats: fc.array(fc.constantFrom('.', '.', '.', '#', 'P'), {
          minLength: layout.seatCount,
          maxLength: layout.seatCount,
        }),
      }),
    );
    fc.assert(
      fc.property(anyCase, ({ layout, seats }) => {
        const taken = seats.map((seat) => (seat === '#' ? 1 : 0));
        const pick = seats.flatMap((seat, index) => (seat === 'P' ? [index] : []));
        const expected = naiveRefusedOrphans(houseOf(layout), (seat) => taken[seat] === 1, pick);
        expect(refusedOrphans(seatGeometry(layout), taken, pick)).toEqual(expected);
      }),
      { numRuns: 3_000 },
    );
  });
});
