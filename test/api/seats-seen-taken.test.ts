import { SeatsSeenTaken } from '../../src/api/bookings/seats-seen-taken.ts';
import { ownerMark } from '../../src/contracts/show-messages.ts';
import type { ChangedSeats } from '../../src/domain/seat-commands.ts';

const SHOW = 'shw_1';
const MINE = 'bkg_mine-000001';
const OTHER = 'bkg_other-00002';
const UNTIL_MS = 1_000_000;

function seen({ untilMs = UNTIL_MS }: { readonly untilMs?: number | null } = {}): SeatsSeenTaken {
  const sights = new SeatsSeenTaken();
  const takenBy = [[3, ownerMark(OTHER), untilMs] as const];
  sights.refused(SHOW, { ok: false, refusal: 'SEAT_UNAVAILABLE', conflicts: [[3, 'h']], takenBy }, 1_000);
  return sights;
}

test('what a show has refused a moment ago is refused at once', () => {
  expect(seen().conflicts(SHOW, MINE, [2, 3], 1_100)).toEqual([[3, 'h']]);
  expect(seen().conflicts(SHOW, MINE, [2, 4], 1_100)).toEqual([]);
  expect(seen().conflicts('shw_2', MINE, [3], 1_100)).toEqual([]);
});

test('no longer than for a moment, nor past the time of the hold', () => {
  expect(seen().conflicts(SHOW, MINE, [3], 1_399, false)).toHaveLength(1);
  expect(seen().conflicts(SHOW, MINE, [3], 1_400, false)).toEqual([]);
  expect(seen({ untilMs: 1_050 }).conflicts(SHOW, MINE, [3], 1_049)).toHaveLength(1);
  expect(seen({ untilMs: 1_050 }).conflicts(SHOW, MINE, [3], 1_050)).toEqual([]);
  expect(seen({ untilMs: null }).conflicts(SHOW, MINE, [3], 1_199)).toHaveLength(1);
});

test('one request looks again before the sight is too old, and the others are refused meanwhile', () => {
  const sights = seen();
  expect(sights.conflicts(SHOW, MINE, [3], 1_199)).toHaveLength(1);
  expect(sights.conflicts(SHOW, MINE, [3], 1_200)).toEqual([]);
  expect(sights.conflicts(SHOW, MINE, [3], 1_201)).toHaveLength(1);
  sights.refused(
    SHOW,
    { ok: false, refusal: 'SEAT_UNAVAILABLE', conflicts: [[3, 'h']], takenBy: [[3, ownerMark(OTHER), UNTIL_MS]] },
    1_200,
  );
  expect(sights.conflicts(SHOW, MINE, [3], 1_500)).toEqual([]);
  expect(sights.conflicts(SHOW, MINE, [3], 1_599)).toHaveLength(1);
});

test('another one looks where the first is not answered', () => {
  const sights = seen();
  expect(sights.conflicts(SHOW, MINE, [3], 1_250)).toEqual([]);
  expect(sights.conflicts(SHOW, MINE, [3], 1_349)).toHaveLength(1);
  expect(sights.conflicts(SHOW, MINE, [3], 1_350)).toEqual([]);
  expect(sights.conflicts(SHOW, MINE, [3], 1_351)).toHaveLength(1);
});

test('nobody is sent to look again while the show is not asked, and the next one is when it is', () => {
  const sights = seen();
  expect(sights.conflicts(SHOW, MINE, [3], 1_200, false)).toHaveLength(1);
  expect(sights.conflicts(SHOW, MINE, [3], 1_201)).toEqual([]);
});

test('never to the one who has the seat, even with another one that somebody else has', () => {
  const sights = seen();
  sights.granted(SHOW, MINE, { ok: true, seats: [4], expiresAtMs: UNTIL_MS, heldAtMs: 1_000 }, 1_000);
  expect(sights.conflicts(SHOW, MINE, [3, 4], 1_100)).toEqual([]);
  expect(sights.conflicts(SHOW, OTHER, [4], 1_100)).toEqual([[4, 'h']]);
});

test('not if the show has not told whose the seats are: staff may put them back on sale', () => {
  const sights = new SeatsSeenTaken();
  sights.refused(SHOW, { ok: false, refusal: 'SEAT_UNAVAILABLE', conflicts: [[3, 'x']], takenBy: [] }, 1_000);
  sights.refused(SHOW, { ok: false, refusal: 'SEAT_UNAVAILABLE', conflicts: [[4, 'h']] }, 1_000);
  expect(sights.conflicts(SHOW, MINE, [3, 4], 1_001)).toEqual([]);
});

test('not after this process has changed what becomes of the seats', () => {
  const sights = seen();
  const seat = { id: 'A4', index: 3, label: 'A4', category: 'standard', price: { amount: 1, currency: 'INR' } };
  sights.forget({ showId: SHOW, seats: [seat] });
  expect(sights.conflicts(SHOW, MINE, [3], 1_001)).toEqual([]);
});

describe('what the show tells of its map', () => {
  const SEATS = [3, 4];

  const refusal = (seats: readonly number[], version: number, changed?: ChangedSeats) =>
    ({
      ok: false,
      refusal: 'SEAT_UNAVAILABLE',
      conflicts: seats.map((seat) => [seat, 'h'] as const),
      takenBy: seats.map((seat) => [seat, ownerMark(OTHER), UNTIL_MS] as const),
      asOf: { version, ...(changed && { changed }) },
    }) as const;

  /** Both seats are seen taken in version 7. */
  function seenIn7(): SeatsSeenTaken {
    const sights = new SeatsSeenTaken();
    sights.refused(SHOW, refusal(SEATS, 7), 1_000);
    return sights;
  }

  const isSeen = (sights: SeatsSeenTaken, seat: number, nowMs: number) =>
    sights.conflicts(SHOW, MINE, [seat], nowMs, false).length > 0;

  test('is a look at all that was seen in the same version', () => {
    const sights = seenIn7();
    sights.refused(SHOW, refusal([4], 7), 1_300);
    expect(isSeen(sights, 3, 1_699)).toBe(true);
    expect(isSeen(sights, 3, 1_700)).toBe(false);
  });

  test('and so one request looks for all of them', () => {
    const sights = seenIn7();
    expect(sights.conflicts(SHOW, MINE, [3], 1_200)).toEqual([]);
    expect(sights.conflicts(SHOW, MINE, [4], 1_200)).toHaveLength(1);
    sights.refused(SHOW, refusal([3], 7), 1_200);
    expect(sights.conflicts(SHOW, MINE, [4], 1_399)).toHaveLength(1);
    expect(sights.conflicts(SHOW, MINE, [4], 1_400)).toEqual([]);
  });

  test('keeps no hold beyond its time', () => {
    const sights = new SeatsSeenTaken();
    const { takenBy, ...rest } = refusal(SEATS, 7);
    sights.refused(SHOW, { ...rest, takenBy: [[3, takenBy[0]![1], 1_250], takenBy[1]!] }, 1_000);
    sights.refused(SHOW, refusal([4], 7), 1_200);
    expect(isSeen(sights, 3, 1_249)).toBe(true);
    expect(isSeen(sights, 3, 1_250)).toBe(false);
  });

  test('of a later version is a look at what has not changed until then', () => {
    const sights = seenIn7();
    sights.refused(SHOW, refusal([5], 9, { fromVersion: 6, seats: [['a', [3]]] }), 1_300);
    expect(isSeen(sights, 4, 1_699)).toBe(true);
    expect(isSeen(sights, 3, 1_399)).toBe(true);
    expect(isSeen(sights, 3, 1_400)).toBe(false);
  });

  test.each([
    ['does not say what has changed', refusal([5], 9)],
    ['begins later than what was seen', refusal([5], 9, { fromVersion: 8, seats: [] })],
    ['is of an earlier version', refusal([5], 6)],
  ])('tells nothing about others where it %s', (_, told) => {
    const sights = seenIn7();
    sights.refused(SHOW, told, 1_300);
    for (const seat of SEATS) expect(isSeen(sights, seat, 1_400)).toBe(false);
    expect(isSeen(sights, 5, 1_699)).toBe(true);
  });

  test('is no look at what was seen before a version that nothing was told of', () => {
    const sights = seenIn7();
    sights.refused(SHOW, refusal([5], 8), 1_100);
    sights.refused(SHOW, refusal([5], 9, { fromVersion: 7, seats: [] }), 1_300);
    for (const seat of SEATS) expect(isSeen(sights, seat, 1_400)).toBe(false);
  });

  test('counts anew where the show was brought back to an older state: it may come to the same version by another way', () => {
    const sights = seenIn7();
    sights.refused(SHOW, refusal([5], 6), 1_100);
    sights.refused(SHOW, refusal([5], 7), 1_300);
    for (const seat of SEATS) expect(isSeen(sights, seat, 1_400)).toBe(false);
    expect(isSeen(sights, 5, 1_699)).toBe(true);
  });

  test('makes nothing older than it is where it was asked for before the last look', () => {
    const sights = seenIn7();
    sights.refused(SHOW, refusal([5], 8, { fromVersion: 7, seats: [] }), 999);
    for (const seat of SEATS) expect(isSeen(sights, seat, 1_399)).toBe(true);
  });
});
