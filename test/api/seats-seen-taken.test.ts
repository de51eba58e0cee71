import { SeatsSeenTaken } from '../../src/api/bookings/seats-seen-taken.ts';
import { ownerMark } from '../../src/contracts/show-messages.ts';

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
  const unanswered = seen();
  unanswered.conflicts(SHOW, MINE, [3], 1_200);
  expect(unanswered.conflicts(SHOW, MINE, [3], 1_399)).toHaveLength(1);
  expect(unanswered.conflicts(SHOW, MINE, [3], 1_400)).toEqual([]);
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
