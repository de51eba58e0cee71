import fc from 'fast-check';
import { AVAILABLE, BOOKED, Occupancy } from '../../src/domain/occupancy.ts';
import { refusedOrphans } from '../../src/domain/orphan-rule.ts';
import type { BestAvailablePick } from '../../src/domain/seat-commands.ts';
import { seatGeometry } from '../../src/domain/seat-geometry.ts';
import type { SeatLayout } from '../../src/domain/seat-layout.ts';
import { pickBestAvailable } from '../../src/domain/seat-picking.ts';
import { anyLayout, drawn } from './layouts.ts';
import { houseOf, naiveBestAvailable } from './naive-rules.ts';

function pickFrom(layout: SeatLayout, taken: readonly number[], pick: BestAvailablePick) {
  const geometry = seatGeometry(layout);
  const occupancy = Occupancy.empty(geometry);
  for (const seat of taken) occupancy.set(seat, BOOKED);
  return pickBestAvailable(geometry, occupancy, pick);
}

describe('best available', () => {
  test('takes the seats side by side with the lowest ranks', () => {
    expect(pickFrom(drawn(['AAAAAA'], [5, 4, 1, 0, 3, 5]), [], { count: 2 })).toEqual([2, 3]);
  });

  test('prefers, of equal ones, the lowest index', () => {
    expect(pickFrom(drawn(['AAA', 'AAA'], [1, 1, 1, 1, 1, 1]), [], { count: 3 })).toEqual([0, 1, 2]);
  });

  test('finds the lowest index of equal ones also where a later stretch has a better single seat', () => {
    expect(pickFrom(drawn(['AA', 'AA'], [2, 2, 0, 4]), [], { count: 2 })).toEqual([0, 1]);
  });

  test('never crosses an aisle, nor a category', () => {
    expect(pickFrom(drawn(['A A', 'AA'], [0, 0, 9, 9]), [], { count: 2 })).toEqual([2, 3]);
    expect(pickFrom(drawn(['AB', 'BB'], [0, 0, 9, 9]), [], { count: 2 })).toEqual([2, 3]);
  });

  test('stays in the category asked for', () => {
    expect(pickFrom(drawn(['AABB']), [], { count: 2, category: 'B' })).toEqual([2, 3]);
  });

  test('avoids an orphan for a worse place, in another row too', () => {
    expect(pickFrom(drawn(['AAAAA'], [9, 9, 0, 9, 9]), [0], { count: 1 })).toEqual([1]);
    expect(pickFrom(drawn(['AAAA', 'AA'], [0, 0, 0, 0, 9, 9]), [0, 3], { count: 1 })).toEqual([4]);
  });

  test('leaves an orphan where nothing else is left and the rule permits it', () => {
    expect(pickFrom(drawn(['AAAA']), [0, 3], { count: 1 })).toEqual([1]);
  });

  test('finds nothing rather than break the orphan rule', () => {
    // Both seats of B would strand the other, and the row has a clean choice in A.
    expect(pickFrom(drawn(['AAA ABBA']), [3, 6], { count: 1, category: 'B' })).toBe('NO_ADJACENT_SEATS');
  });

  test('keeps accessible and companion seats for last', () => {
    expect(pickFrom(drawn(['a1AA']), [], { count: 2 })).toEqual([2, 3]);
    expect(pickFrom(drawn(['a1AA']), [], { count: 3 })).toEqual([1, 2, 3]);
    expect(pickFrom(drawn(['a1AA']), [2, 3], { count: 2 })).toEqual([0, 1]);
  });

  test('does not give an accessible seat away to avoid an orphan', () => {
    expect(pickFrom(drawn(['AAAA', 'a']), [0, 3], { count: 1 })).toEqual([1]);
  });

  test('asked for accessible seats, fills up with companion seats only', () => {
    const layout = drawn(['AA1a1aAA']);
    expect(pickFrom(layout, [], { count: 1, accessible: true })).toEqual([3]);
    expect(pickFrom(layout, [], { count: 2, accessible: true })).toEqual([2, 3]);
    expect(pickFrom(layout, [], { count: 4, accessible: true })).toEqual([2, 3, 4, 5]);
    expect(pickFrom(layout, [], { count: 5, accessible: true })).toBe('NO_ADJACENT_SEATS');
  });

  test('asked for accessible seats, takes as many accessible ones as there are', () => {
    expect(pickFrom(drawn(['a1', 'aa'], [0, 0, 9, 9]), [], { count: 2, accessible: true })).toEqual([2, 3]);
  });

  test('companion seats alone are no accessible seats', () => {
    expect(pickFrom(drawn(['a11A']), [0], { count: 1, accessible: true })).toBe('SOLD_OUT');
  });

  test('sold out means that no such seat is left; no adjacent seats, that some are', () => {
    expect(pickFrom(drawn(['AABB']), [0, 1], { count: 1, category: 'A' })).toBe('SOLD_OUT');
    expect(pickFrom(drawn(['AABB']), [0, 1, 2, 3], { count: 1 })).toBe('SOLD_OUT');
    expect(pickFrom(drawn(['AABB']), [0, 1], { count: 1, category: 'C' })).toBe('SOLD_OUT');
    expect(pickFrom(drawn(['AABB']), [1, 2], { count: 2 })).toBe('NO_ADJACENT_SEATS');
    expect(pickFrom(drawn(['AABB']), [], { count: 3 })).toBe('NO_ADJACENT_SEATS');
  });

  const anyCase = anyLayout.chain((layout) =>
    fc.record({
      layout: fc.constant(layout),
      taken: fc.uniqueArray(fc.nat(layout.seatCount - 1)),
      pick: fc.record(
        { count: fc.integer({ min: 1, max: 5 }), category: fc.constantFrom('A', 'B', 'C'), accessible: fc.boolean() },
        { requiredKeys: ['count'] },
      ),
    }),
  );

  test('agrees with trying out every window', () => {
    fc.assert(
      fc.property(anyCase, ({ layout, taken, pick }) => {
        const expected = naiveBestAvailable(houseOf(layout), (seat) => taken.includes(seat), pick);
        expect(pickFrom(layout, taken, pick)).toEqual(expected);
      }),
      { numRuns: 5_000 },
    );
  });

  test('never breaks the orphan rule', () => {
    fc.assert(
      fc.property(anyCase, ({ layout, taken, pick }) => {
        const seats = pickFrom(layout, taken, pick);
        if (typeof seats === 'string') return;
        const codes = Array.from({ length: layout.seatCount }, (_, seat) =>
          taken.includes(seat) ? BOOKED : AVAILABLE,
        );
        expect(refusedOrphans(seatGeometry(layout), codes, seats)).toEqual([]);
      }),
      { numRuns: 2_000 },
    );
  });
});
