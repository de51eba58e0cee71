import { TOMBSTONE_SEATS_MAX, TOMBSTONE_TTL_MS, TOMBSTONES_MAX } from '../../src/domain/ended-holds.ts';
import type { SaleRules, SeatCommand, SeatCommandResult } from '../../src/domain/seat-commands.ts';
import type { SeatLayout } from '../../src/domain/seat-layout.ts';
import { BLOCK_REASON_LENGTH_MAX, SeatMap, type SeatMapSnapshot } from '../../src/domain/seat-map.ts';
import { CLOSE_MS, drawn, largeHouse, OPEN_MS, rules } from './layouts.ts';
import { blockReason, claimOf, wouldChange } from './seat-map-views.ts';

type Of<Kind extends SeatCommand['kind']> = Extract<SeatCommand, { kind: Kind }>;

const NOW = OPEN_MS + 5_000;
const TTL_MS = 600_000;
const EXPIRY = NOW + TTL_MS;

const hold = (bookingId: string, seats: readonly number[], more: Partial<Of<'hold'>> = {}): SeatCommand => ({
  kind: 'hold',
  bookingId,
  fingerprint: 'fp',
  buyerId: 'buyer',
  ttlMs: TTL_MS,
  pick: { seats },
  ...more,
});
const best = (bookingId: string, count: number, category?: string): SeatCommand =>
  hold(bookingId, [], { pick: { bestAvailable: { count, ...(category !== undefined && { category }) } } });
const swap = (bookingId: string, seats: readonly number[]): SeatCommand => ({ kind: 'swap', bookingId, seats });
const extend = (bookingId: string, expiresAtMs: number): SeatCommand => ({ kind: 'extend', bookingId, expiresAtMs });
const release = (bookingId: string): SeatCommand => ({ kind: 'release', bookingId });
const confirm = (bookingId: string, seats: readonly number[], reclaim = false): SeatCommand => ({
  kind: 'confirm',
  bookingId,
  buyerId: 'buyer',
  seats,
  reclaim,
});
const exchange = (fromBookingId: string, bookingId: string, seats: readonly number[], back?: true): SeatCommand => ({
  kind: 'exchange',
  fromBookingId,
  bookingId,
  buyerId: 'buyer',
  seats,
  ...(back && { back }),
});
const giveBack = (bookingId: string, seats?: readonly number[]): SeatCommand => ({
  kind: 'return',
  bookingId,
  ...(seats && { seats }),
});
const block = (seats: readonly number[], reason = 'broken'): SeatCommand => ({ kind: 'block', seats, reason });
const unblock = (seats: readonly number[]): SeatCommand => ({ kind: 'unblock', seats });

const held = (seats: readonly number[], expiresAtMs = EXPIRY, heldAtMs = NOW): SeatCommandResult => ({
  ok: true,
  seats,
  expiresAtMs,
  heldAtMs,
});
const granted = (seats: readonly number[]): SeatCommandResult => ({
  ok: true,
  seats,
  expiresAtMs: null,
  heldAtMs: null,
});
const refused = (refusal: string, more: object = {}) => ({ ok: false, refusal, ...more });
const ended = (seats: readonly number[]) => refused('HOLD_ENDED', { seats, expiresAtMs: EXPIRY, heldAtMs: NOW });

/** Three rows of eight with an aisle in the last one; no seat is accessible. */
const hall = drawn(['AAAAAAAA', 'AAAAAAAA', 'BBBB BBBB']);

/** A map on which these commands were granted, all at `NOW`. */
function mapAfter(...commands: SeatCommand[]): SeatMap {
  return mapWith({}, hall, ...commands);
}

function mapWith(changes: Partial<SaleRules>, layout: SeatLayout, ...commands: SeatCommand[]): SeatMap {
  const map = SeatMap.create(layout, rules(changes));
  for (const command of commands) expect(map.apply(command, NOW)).toMatchObject({ ok: true });
  return map;
}

const throughJson = (snapshot: SeatMapSnapshot): SeatMapSnapshot =>
  JSON.parse(JSON.stringify(snapshot)) as SeatMapSnapshot;

/** The refusal of each command, or `granted`, all at one time. */
const answers = (map: SeatMap, now: number, ...commands: SeatCommand[]) =>
  commands.map((command) => {
    const answer = map.apply(command, now);
    return answer.ok ? 'granted' : answer.refusal;
  });

describe('a hold', () => {
  test('claims its seats until its time, and answers with them in ascending order', () => {
    const map = mapAfter();
    expect(map.apply(hold('b1', [5, 4]), NOW)).toEqual(held([4, 5]));
    expect(map.statuses).toBe('aaaahhaaaaaaaaaaaaaaaaaa');
    expect(map.nextExpiryMs()).toBe(EXPIRY);
    expect(claimOf(map, 'b1')).toMatchObject({ seats: [4, 5], booked: false, expiresAtMs: EXPIRY });
  });

  test('asked for again is the hold as it is, later, after an extension and after sales closed', () => {
    const map = mapAfter(hold('b1', [4, 5]), extend('b1', CLOSE_MS + 10_000));
    expect(map.apply(hold('b1', [4, 5]), CLOSE_MS + 1)).toEqual(held([4, 5], CLOSE_MS + 10_000));
  });

  test('under a known booking id with another body is refused, also when the hold has ended', () => {
    const other = hold('b1', [0, 1], { fingerprint: 'other' });
    const map = mapAfter(hold('b1', [4, 5]));
    expect(map.apply(other, NOW)).toEqual(refused('FINGERPRINT_MISMATCH'));
    expect(map.apply(other, EXPIRY)).toEqual(refused('FINGERPRINT_MISMATCH'));
    expect(answers(map, NOW, release('b1'), other)).toEqual(['granted', 'FINGERPRINT_MISMATCH']);
  });

  test('of taken seats is refused with every conflict and its status, and takes none', () => {
    const map = mapAfter(hold('b1', [0, 1]), hold('b2', [2, 3]), confirm('b2', [2, 3]), block([4]));
    expect(map.apply(hold('b3', [5, 4, 3, 1]), NOW)).toEqual(
      refused('SEAT_UNAVAILABLE', {
        conflicts: [
          [1, 'h'],
          [3, 'b'],
          [4, 'x'],
        ],
      }),
    );
    expect(map.statuses.slice(0, 6)).toBe('hhbbxa');
  });

  test('names what is wrong with its seats, in the order of the rules', () => {
    const map = mapWith({ seatsPerBookingMax: 3 }, hall);
    expect(map.apply(hold('b', []), NOW)).toEqual(refused('NO_SEATS'));
    expect(map.apply(hold('b', [0, 0, 99, 1]), NOW)).toEqual(refused('TOO_MANY_SEATS', { limit: 3 }));
    expect(map.apply(hold('b', [0, 0, 24]), NOW)).toEqual(refused('UNKNOWN_SEAT', { seats: [24] }));
    expect(map.apply(hold('b', [-1, 1.5, NaN]), NOW)).toEqual(refused('UNKNOWN_SEAT', { seats: [-1, 1.5, NaN] }));
    expect(map.apply(hold('b', [7, 7, 7]), NOW)).toEqual(refused('DUPLICATE_SEAT', { seats: [7] }));
    expect(map.apply(hold('b', [21, 22, 23]), NOW)).toEqual(held([21, 22, 23]));
  });

  test('is bound to the sales window, which has its first moment and not its last', () => {
    const map = mapAfter();
    expect(map.apply(hold('b1', [0]), OPEN_MS - 1)).toEqual(refused('SALES_CLOSED'));
    expect(map.apply(hold('b1', [0]), OPEN_MS)).toMatchObject({ ok: true });
    expect(map.apply(hold('b2', [7]), CLOSE_MS - 1)).toMatchObject({ ok: true });
    expect(map.apply(hold('b3', [8]), CLOSE_MS)).toEqual(refused('SALES_CLOSED'));
  });

  test('says that sales are closed before it says that seats are taken', () => {
    const map = mapAfter(hold('b1', [0], { ttlMs: CLOSE_MS }));
    expect(map.apply(hold('b2', [0]), CLOSE_MS)).toEqual(refused('SALES_CLOSED'));
  });

  test('that would be over at once is none', () => {
    expect(mapAfter().apply(hold('b1', [0], { ttlMs: 0 }), NOW)).toEqual(refused('HOLD_EXPIRED'));
    expect(mapAfter().apply(hold('b1', [0], { ttlMs: NaN }), NOW)).toEqual(refused('HOLD_EXPIRED'));
  });

  test('that strands a seat is refused with it', () => {
    const map = mapAfter(hold('b1', [0]));
    expect(map.apply(hold('b2', [2]), NOW)).toEqual(refused('ORPHAN_SEAT', { seats: [1] }));
    expect(map.apply(hold('b2', [2]), EXPIRY)).toMatchObject({ ok: true });
  });

  test('of seats that are taken on a full house is a conflict, not sold out', () => {
    const map = mapWith({}, drawn(['AA']), hold('b1', [0, 1]));
    expect(map.apply(hold('b2', [0]), NOW)).toMatchObject(refused('SEAT_UNAVAILABLE'));
  });
});

describe('a hold at its time', () => {
  test('is free for another at that very instant, not a millisecond before', () => {
    const map = mapAfter(hold('b1', [0, 1]));
    expect(answers(map, EXPIRY - 1, hold('b2', [0, 1]))).toEqual(['SEAT_UNAVAILABLE']);
    expect(answers(map, EXPIRY, hold('b2', [0, 1]))).toEqual(['granted']);
    expect(claimOf(map, 'b1')).toBeNull();
    expect(answers(map, EXPIRY, hold('b1', [0, 1]))).toEqual(['HOLD_ENDED']);
  });

  test('can be neither confirmed, nor extended, nor changed, swept or not', () => {
    const map = mapAfter(hold('b1', [0, 1]));
    const commands = [confirm('b1', [0, 1]), extend('b1', EXPIRY + 1), swap('b1', [2, 3]), swap('b1', [0, 1])];
    const expected = commands.map(() => 'HOLD_EXPIRED');
    expect(answers(map, EXPIRY, ...commands)).toEqual(expected);
    expect(map.expireHolds(EXPIRY)).toBe(1);
    expect(answers(map, EXPIRY, ...commands)).toEqual(expected);
  });

  test('goes with the next change, whatever it is, in one version', () => {
    const map = mapAfter(hold('b1', [0, 1]), hold('b2', [8, 9]));
    expect(answers(map, EXPIRY, hold('b3', [0, 1]))).toEqual(['granted']);
    expect(map.version).toBe(3);
    expect(map.statuses).toBe('hhaaaaaaaaaaaaaaaaaaaaaa');
    expect(map.expireHolds(EXPIRY)).toBe(0);
  });

  test('is swept together with all that are due, and no other', () => {
    const map = mapAfter(hold('b1', [0, 1]), hold('b2', [8, 9]), hold('b3', [16], { ttlMs: TTL_MS + 1 }));
    expect(map.expireHolds(EXPIRY - 1)).toBe(0);
    expect(map.version).toBe(3);
    expect(map.expireHolds(EXPIRY)).toBe(2);
    expect(map.version).toBe(4);
    expect(map.changedAtMs).toBe(EXPIRY);
    expect(map.nextExpiryMs()).toBe(EXPIRY + 1);
    expect(map.counts).toEqual({ available: 23, held: 1, booked: 0, blocked: 0 });
  });

  test('counts as free for best-available, for a block and for what is sold out', () => {
    const map = mapWith({}, drawn(['AA']), hold('b1', [0, 1]));
    expect(answers(map, EXPIRY - 1, best('b2', 2))).toEqual(['SOLD_OUT']);
    expect(wouldChange(map, block([0]), EXPIRY)).toBe(true);
    expect(map.apply(best('b2', 2), EXPIRY)).toMatchObject({ ok: true, seats: [0, 1] });
  });

  test('is looked for anew at every time', () => {
    const map = mapAfter(hold('b1', [0, 1]), hold('b2', [2, 3], { ttlMs: TTL_MS + 1 }));
    const over = (now: number) => [hold('b3', [0, 1]), hold('b3', [2, 3])].map((one) => wouldChange(map, one, now));
    expect(over(EXPIRY)).toEqual([true, false]);
    expect(over(EXPIRY + 1)).toEqual([true, true]);
  });

  test('extended in time lives on', () => {
    const map = mapAfter(hold('b1', [0, 1]), extend('b1', EXPIRY + 1));
    expect(map.nextExpiryMs()).toBe(EXPIRY + 1);
    expect(map.expireHolds(EXPIRY)).toBe(0);
    expect(map.expireHolds(EXPIRY + 1)).toBe(1);
  });
});

describe('changing the seats of a hold', () => {
  test('gives it exactly these seats and leaves its time', () => {
    const map = mapAfter(hold('b1', [0, 1]));
    expect(map.apply(swap('b1', [2, 1]), NOW + 10)).toEqual(held([1, 2]));
    expect(map.statuses.slice(0, 4)).toBe('ahha');
    expect(map.changesSince(1)).toEqual([
      [0, 'a'],
      [2, 'h'],
    ]);
  });

  test('to what it has is granted and changes nothing, after sales closed too', () => {
    const map = mapAfter(hold('b1', [0, 1], { ttlMs: CLOSE_MS }));
    expect(wouldChange(map, swap('b1', [1, 0]), CLOSE_MS)).toBe(false);
    expect(map.apply(swap('b1', [1, 0]), CLOSE_MS)).toEqual(held([0, 1], NOW + CLOSE_MS));
    expect(map.apply(swap('b1', [2, 3]), CLOSE_MS)).toEqual(refused('SALES_CLOSED'));
  });

  test('is refused as a whole when one seat is taken, and leaves the hold as it was', () => {
    const map = mapAfter(hold('b1', [0, 1]), hold('b2', [4, 5]));
    expect(map.apply(swap('b1', [1, 2, 4]), NOW)).toEqual(refused('SEAT_UNAVAILABLE', { conflicts: [[4, 'h']] }));
    expect(claimOf(map, 'b1')?.seats).toEqual([0, 1]);
    expect(map.version).toBe(2);
  });

  test('counts its own seats as available for the orphan rule', () => {
    const map = mapAfter(hold('b1', [0, 1]), hold('b2', [8]));
    // Moving by one frees seat 0 at the end of the row, which is no orphan.
    expect(map.apply(swap('b1', [1, 2]), NOW)).toMatchObject({ ok: true });
    expect(map.apply(swap('b1', [10, 11]), NOW)).toEqual(refused('ORPHAN_SEAT', { seats: [9] }));
    expect(answers(map, NOW, swap('b2', [3]), swap('b2', [2]))).toEqual(['granted', 'SEAT_UNAVAILABLE']);
  });

  test('strands a seat of its own when it keeps those around it', () => {
    const map = mapAfter(hold('b1', [2, 3, 4]));
    expect(map.apply(swap('b1', [2, 4]), NOW)).toEqual(refused('ORPHAN_SEAT', { seats: [3] }));
  });

  test('of no hold, or of a booking, is refused', () => {
    const map = mapAfter(hold('b1', [0]), confirm('b1', [0]), hold('b2', [7]), release('b2'));
    expect(answers(map, NOW, swap('b1', [1]), swap('b2', [1]), swap('b3', [1]))).toEqual([
      'ALREADY_BOOKED',
      'NO_SUCH_HOLD',
      'NO_SUCH_HOLD',
    ]);
  });
});

describe('extending a hold', () => {
  test('sets its time, later or earlier', () => {
    const map = mapAfter(hold('b1', [0]));
    expect(map.apply(extend('b1', EXPIRY + 50), NOW)).toEqual(held([0], EXPIRY + 50));
    expect(map.apply(extend('b1', NOW + 1), NOW)).toEqual(held([0], NOW + 1));
    expect(map.nextExpiryMs()).toBe(NOW + 1);
  });

  test('puts it behind those that end before it, or before them', () => {
    const map = mapAfter(
      hold('b1', [0]),
      hold('b2', [7], { ttlMs: TTL_MS + 1 }),
      hold('b3', [8], { ttlMs: TTL_MS + 2 }),
    );
    map.apply(extend('b1', EXPIRY + 3), NOW);
    expect(map.nextExpiryMs()).toBe(EXPIRY + 1);
    map.apply(extend('b3', EXPIRY), NOW);
    expect(map.nextExpiryMs()).toBe(EXPIRY);
    expect([EXPIRY, EXPIRY + 1, EXPIRY + 2, EXPIRY + 3].map((time) => map.expireHolds(time))).toEqual([1, 1, 0, 1]);
  });

  test('to the time it has changes nothing', () => {
    expect(wouldChange(mapAfter(hold('b1', [0])), extend('b1', EXPIRY), NOW)).toBe(false);
  });

  test('to a time that is not to come is refused and leaves it as it is', () => {
    const map = mapAfter(hold('b1', [0]));
    expect(answers(map, NOW, extend('b1', NOW), extend('b1', Infinity))).toEqual(['HOLD_EXPIRED', 'HOLD_EXPIRED']);
    expect(map.nextExpiryMs()).toBe(EXPIRY);
  });

  test('is refused where there is none', () => {
    const map = mapAfter(hold('b1', [0]), confirm('b1', [0]), hold('b2', [7]), release('b2'));
    const commands = ['b1', 'b2', 'b3'].map((id) => extend(id, EXPIRY));
    expect(answers(map, NOW, ...commands)).toEqual(['ALREADY_BOOKED', 'NO_SUCH_HOLD', 'NO_SUCH_HOLD']);
  });

  test('is not bound to the sales window', () => {
    const map = mapAfter(hold('b1', [0], { ttlMs: CLOSE_MS }));
    expect(answers(map, CLOSE_MS, extend('b1', CLOSE_MS + 1))).toEqual(['granted']);
  });
});

describe('a change of a hold that comes late', () => {
  const swapAt = (seats: readonly number[], askedAtMs: number) => ({ ...swap('b1', seats), askedAtMs }) as SeatCommand;
  const extendAt = (expiresAtMs: number, askedAtMs: number) =>
    ({ ...extend('b1', expiresAtMs), askedAtMs }) as SeatCommand;
  const superseded = (byMs: number) => refused('SUPERSEDED', { byMs });

  test('after one that was asked for later changes nothing, and says by which', () => {
    const map = mapAfter(hold('b1', [0]));
    map.apply(swapAt([5], 20), NOW);
    expect(map.apply(swapAt([3], 10), NOW)).toEqual(superseded(20));
    expect(map.apply(extendAt(EXPIRY + 1, 10), NOW)).toEqual(superseded(20));
    expect(map.apply(extendAt(EXPIRY + 2, 30), NOW)).toEqual(held([5], EXPIRY + 2));
    expect(map.apply(swapAt([3], 20), NOW)).toEqual(superseded(30));
    expect(map.preview([swapAt([3], 29)], NOW)).toEqual([superseded(30)]);
    expect(claimOf(map, 'b1')).toMatchObject({ seats: [5], expiresAtMs: EXPIRY + 2 });
  });

  test('as a copy of the newest is answered like it', () => {
    const map = mapAfter(hold('b1', [0]));
    const first = map.apply(swapAt([5], 20), NOW);
    expect(map.preview([swapAt([5], 20)], NOW)).toEqual([first]);
  });

  test('after a later one that changed nothing changes nothing either', () => {
    const map = mapAfter(hold('b1', [0]));
    const { version } = map;
    expect(map.preview([swapAt([0], 20)], NOW)).toBeNull();
    expect(map.apply(swapAt([0], 20), NOW)).toEqual(held([0]));
    expect(map.version).toBe(version);
    expect(map.apply(swapAt([3], 10), NOW)).toEqual(superseded(20));
  });

  test('as a copy of one that was refused is not granted when the seats have come free', () => {
    const map = mapAfter(hold('b1', [0]), hold('b2', [5]));
    expect(map.apply(swapAt([5], 20), NOW)).toMatchObject({ refusal: 'SEAT_UNAVAILABLE' });
    map.apply(release('b2'), NOW);
    expect(map.apply(swapAt([5], 20), NOW)).toEqual(superseded(21));
    expect(map.apply(swapAt([5], 22), NOW)).toEqual(held([5]));
  });

  test('is refused by a restored map too', () => {
    const map = mapAfter(hold('b0', [16]), hold('b1', [0]));
    map.apply(swapAt([5], 20), NOW);
    const restored = SeatMap.restore(hall, rules(), throughJson(map.snapshot(NOW)));
    expect(restored.apply(swapAt([3], 10), NOW)).toEqual(superseded(20));
    const { askedAtMs: _none, ...claims } = map.snapshot(NOW).claims;
    const older = SeatMap.restore(hall, rules(), throughJson({ ...map.snapshot(NOW), claims }));
    expect(older.apply(swapAt([3], 10), NOW)).toEqual(held([3]));
  });
});

describe('releasing', () => {
  test('gives the seats back, and again is the same answer', () => {
    const map = mapAfter(hold('b1', [0, 1]));
    expect(map.apply(release('b1'), NOW)).toEqual(granted([0, 1]));
    expect(map.statuses.slice(0, 2)).toBe('aa');
    expect(wouldChange(map, release('b1'), NOW)).toBe(false);
    expect(map.apply(release('b1'), NOW)).toEqual(granted([0, 1]));
  });

  test('nothing is a success', () => {
    expect(mapAfter().apply(release('nobody'), NOW)).toEqual(granted([]));
  });

  test('a hold past its time ends it as an expired one', () => {
    const map = mapAfter(hold('b1', [0, 1]));
    expect(map.apply(release('b1'), EXPIRY)).toEqual(granted([0, 1]));
    expect(map.counts.available).toBe(24);
    expect(wouldChange(map, release('b1'), EXPIRY)).toBe(false);
    expect(map.apply(release('b1'), EXPIRY)).toEqual(granted([0, 1]));
    expect(answers(map, EXPIRY, confirm('b1', [0, 1]))).toEqual(['HOLD_EXPIRED']);
  });

  test('booked seats is refused', () => {
    const map = mapAfter(hold('b1', [0, 1]), confirm('b1', [0, 1]));
    expect(map.apply(release('b1'), NOW)).toEqual(refused('ALREADY_BOOKED'));
    expect(map.statuses.slice(0, 2)).toBe('bb');
  });
});

describe('confirming', () => {
  test('books the hold’s seats for good', () => {
    const map = mapAfter(hold('b1', [0, 1]));
    expect(map.apply(confirm('b1', [1, 0]), EXPIRY - 1)).toEqual(granted([0, 1]));
    expect(map.statuses.slice(0, 3)).toBe('bba');
    expect(map.nextExpiryMs()).toBeNull();
    expect(map.expireHolds(EXPIRY)).toBe(0);
  });

  test('again is the same answer and changes nothing', () => {
    const map = mapAfter(hold('b1', [0, 1]), confirm('b1', [0, 1]));
    expect(wouldChange(map, confirm('b1', [0, 1], true), CLOSE_MS)).toBe(false);
    expect(map.apply(confirm('b1', [0, 1]), CLOSE_MS)).toEqual(granted([0, 1]));
  });

  test('other seats than those held, or booked, is refused', () => {
    const map = mapAfter(hold('b1', [0, 1]), hold('b2', [8, 9]), confirm('b2', [8, 9]));
    const commands = [confirm('b1', [0]), confirm('b1', [0, 2]), confirm('b2', [8]), confirm('b2', [8, 10], true)];
    expect(answers(map, NOW, ...commands)).toEqual(commands.map(() => 'NO_SUCH_HOLD'));
  });

  test('what was never held, or released, or returned is refused', () => {
    const map = mapAfter(hold('b1', [0]), release('b1'), hold('b2', [0]), confirm('b2', [0]), giveBack('b2'));
    const commands = [confirm('b0', [0]), confirm('b1', [0]), confirm('b2', [0])];
    expect(answers(map, NOW, ...commands)).toEqual(commands.map(() => 'NO_SUCH_HOLD'));
  });

  test('checks its seats like a hold', () => {
    const map = mapWith({ seatsPerBookingMax: 2 }, hall);
    const commands = [confirm('b', []), confirm('b', [0, 1, 2], true), confirm('b', [24]), confirm('b', [1, 1])];
    expect(answers(map, NOW, ...commands)).toEqual(['NO_SEATS', 'TOO_MANY_SEATS', 'UNKNOWN_SEAT', 'DUPLICATE_SEAT']);
  });

  test('is not bound to the sales window, reclaiming neither', () => {
    const map = mapAfter(hold('b1', [0], { ttlMs: CLOSE_MS }));
    expect(answers(map, CLOSE_MS, confirm('b1', [0]), confirm('late', [7], true))).toEqual(['granted', 'granted']);
  });
});

describe('reclaiming seats for money that came late', () => {
  test('takes them when the hold is past its time, expired, released, forgotten or was never known', () => {
    const map = mapAfter(hold('b1', [0]), hold('b2', [8]), hold('b3', [15]), release('b3'));
    const known = (id: string) => claimOf(map, id);
    expect(map.apply(confirm('b1', [0], true), EXPIRY)).toEqual(granted([0]));
    expect(known('b2')).toBeNull();
    expect(map.apply(confirm('b2', [8], true), EXPIRY)).toEqual(granted([8]));
    expect(map.apply(confirm('b3', [15], true), EXPIRY)).toEqual(granted([15]));
    expect(map.apply(confirm('b4', [16], true), EXPIRY)).toEqual(granted([16]));
    expect(map.counts).toMatchObject({ booked: 4, available: 20 });
    expect(known('b1')).toMatchObject({ heldAtMs: NOW, expiresAtMs: EXPIRY });
    // A booking is remembered either as what it has or as what it had.
    expect(map.snapshot(EXPIRY).tombstones.bookingIds).toEqual([]);
  });

  test('takes all or none', () => {
    const map = mapAfter(hold('b1', [0, 1]), hold('b2', [7]));
    expect(answers(map, NOW, release('b1'), hold('b3', [1, 2]))).toEqual(['granted', 'granted']);
    expect(map.apply(confirm('b1', [0, 1], true), NOW)).toEqual(refused('SEAT_UNAVAILABLE', { conflicts: [[1, 'h']] }));
    expect(map.statuses.slice(0, 3)).toBe('ahh');
  });

  test('with the hold still there gives it exactly these seats', () => {
    const map = mapAfter(hold('b1', [0, 1]));
    expect(map.apply(confirm('b1', [1, 2], true), NOW)).toEqual(granted([1, 2]));
    expect(map.statuses.slice(0, 4)).toBe('abba');
    expect(map.expireHolds(EXPIRY)).toBe(0);
  });

  test('asks neither for orphans nor for the buyer’s cap', () => {
    const map = mapWith({ seatsPerBuyerMax: 1 }, hall, hold('b1', [0]));
    expect(answers(map, NOW, confirm('b2', [2], true))).toEqual(['granted']);
  });

  test('does not undo a return: a late repeat of the confirm finds nothing', () => {
    const map = mapAfter(hold('b1', [0]), confirm('b1', [0]), giveBack('b1'));
    expect(answers(map, NOW, confirm('b1', [0], true))).toEqual(['NO_SUCH_HOLD']);
    expect(map.statuses[0]).toBe('a');
  });
});

describe('returning booked seats', () => {
  test('puts all of them back on sale, and again is the same answer', () => {
    const map = mapAfter(hold('b1', [0, 1]), confirm('b1', [0, 1]));
    expect(map.apply(giveBack('b1'), NOW)).toEqual(granted([0, 1]));
    expect(wouldChange(map, giveBack('b1'), NOW)).toBe(false);
    expect(map.apply(giveBack('b1'), NOW)).toEqual(granted([0, 1]));
    expect(map.counts.available).toBe(24);
  });

  test('or those named, which need not be there any more', () => {
    const map = mapAfter(hold('b1', [0, 1, 2]), confirm('b1', [0, 1, 2]));
    expect(map.apply(giveBack('b1', [2, 7]), NOW)).toEqual(granted([2, 7]));
    expect(claimOf(map, 'b1')).toMatchObject({ seats: [0, 1], booked: true });
    expect(wouldChange(map, giveBack('b1', [2, 7]), NOW)).toBe(false);
    expect(map.apply(giveBack('b1', [0, 1]), NOW)).toEqual(granted([0, 1]));
    expect(claimOf(map, 'b1')).toBeNull();
  });

  test('never frees a seat of somebody else', () => {
    const map = mapAfter(hold('b1', [0]), confirm('b1', [0]), hold('b2', [1]), confirm('b2', [1]));
    expect(map.apply(giveBack('b1', [0, 1]), NOW)).toEqual(granted([0, 1]));
    expect(map.statuses.slice(0, 2)).toBe('ab');
  });

  test('leaves a hold alone', () => {
    const map = mapAfter(hold('b1', [0]));
    expect(map.apply(giveBack('b1'), NOW)).toEqual(granted([]));
    expect(map.statuses[0]).toBe('h');
  });

  test('leaves a tombstone: the booking id wins nothing anew', () => {
    const map = mapAfter(hold('b1', [0, 1]), confirm('b1', [0, 1]), giveBack('b1'));
    expect(map.apply(hold('b1', [0, 1]), NOW)).toEqual(ended([0, 1]));
  });

  test('checks the seats it names', () => {
    expect(answers(mapAfter(), NOW, giveBack('b', []), giveBack('b', [24]), giveBack('b', [1, 1]))).toEqual([
      'NO_SEATS',
      'UNKNOWN_SEAT',
      'DUPLICATE_SEAT',
    ]);
  });
});

describe('exchanging booked seats within a show', () => {
  const booked = () => {
    const map = SeatMap.create(hall, rules());
    map.apply(confirm('old', [0, 1], true), NOW);
    return map;
  };

  test('hands over what is kept, with the seats that were held for it; nobody comes between', () => {
    const map = booked();
    map.apply(hold('new', [2]), NOW);
    expect(map.apply(exchange('old', 'new', [1, 2]), NOW)).toEqual(granted([0, 1, 2]));
    expect(map.apply(hold('other', [0]), NOW)).toMatchObject(refused('SEAT_UNAVAILABLE'));
    expect(map.apply(giveBack('new', [0]), NOW)).toEqual(granted([0]));
    expect(map.statuses.slice(0, 4)).toBe('abba');
    expect([0, 1, 2].map((seat) => map.holderOf(seat)?.bookingId)).toEqual([undefined, 'new', 'new']);
  });

  test('is repeated without effect, also after the seats that were given up were sold', () => {
    const map = booked();
    map.apply(exchange('old', 'new', [1]), NOW);
    map.apply(giveBack('new', [0]), NOW);
    map.apply(confirm('other', [0], true), NOW);
    const { version } = map;
    expect(map.apply(exchange('old', 'new', [1]), NOW)).toEqual(granted([1]));
    expect(map.version).toBe(version);
  });

  test('takes a free seat whose hold has lapsed, and none that somebody else has', () => {
    const map = booked();
    map.apply(hold('new', [2]), NOW);
    expect(map.apply(exchange('old', 'new', [1, 2]), EXPIRY)).toEqual(granted([0, 1, 2]));
    const taken = booked();
    taken.apply(hold('new', [2]), NOW);
    taken.apply(confirm('other', [2], true), EXPIRY);
    expect(taken.apply(exchange('old', 'new', [1, 2]), EXPIRY)).toEqual(
      refused('SEAT_UNAVAILABLE', { conflicts: [[2, 'b']] }),
    );
    expect(taken.holderOf(1)?.bookingId).toBe('old');
  });

  test('is undone; what comes late of it takes nothing any more', () => {
    const map = booked();
    map.apply(exchange('old', 'new', [1, 2]), NOW);
    expect(map.apply(exchange('new', 'old', [0, 1], true), NOW)).toEqual(granted([0, 1, 2]));
    map.apply(giveBack('old', [2]), NOW);
    expect(map.apply(exchange('old', 'new', [1, 2]), NOW)).toEqual(refused('NO_SUCH_HOLD'));
    expect(map.statuses.slice(0, 4)).toBe('bbaa');
    expect(map.holderOf(0)?.bookingId).toBe('old');
  });

  test('is refused once the sale is closed, and undone all the same', () => {
    const map = booked();
    map.apply(exchange('old', 'new', [1]), NOW);
    map.sellBy({ ...rules(), closed: { reason: 'flooded' } });
    expect(map.apply(exchange('new', 'third', [1]), NOW)).toEqual(refused('SALES_CLOSED'));
    expect(map.apply(exchange('new', 'old', [0, 1], true), NOW)).toEqual(granted([0, 1]));
  });

  test('of a booking that has none is refused', () => {
    const map = booked();
    expect(map.apply(exchange('nobody', 'new', [4]), NOW)).toEqual(refused('NO_SUCH_HOLD'));
    map.apply(hold('held', [4]), NOW);
    expect(map.apply(exchange('held', 'new', [4]), NOW)).toEqual(refused('NO_SUCH_HOLD'));
  });
});

describe('blocking', () => {
  test('takes available seats off sale and remembers why', () => {
    const map = mapAfter();
    expect(map.apply(block([3, 1], 'camera'), NOW)).toEqual(granted([1, 3]));
    expect(map.statuses.slice(0, 5)).toBe('axaxa');
    expect([blockReason(map, 1), blockReason(map, 2)]).toEqual(['camera', null]);
  });

  test('is all or none: a held or booked seat refuses it, a blocked one does not', () => {
    const map = mapAfter(hold('b1', [0]), hold('b2', [1]), confirm('b2', [1]), block([2], 'first'));
    expect(map.apply(block([0, 1, 2, 3]), NOW)).toEqual(
      refused('SEAT_UNAVAILABLE', {
        conflicts: [
          [0, 'h'],
          [1, 'b'],
        ],
      }),
    );
    expect(map.apply(block([2, 3], 'second'), NOW)).toEqual(granted([2, 3]));
    expect([blockReason(map, 2), blockReason(map, 3)]).toEqual(['first', 'second']);
    expect(wouldChange(map, block([2, 3]), NOW)).toBe(false);
  });

  test('is undone by unblocking, which leaves other seats as they are', () => {
    const map = mapAfter(hold('b1', [0]), block([1, 2]));
    expect(map.apply(unblock([0, 1, 7]), NOW)).toEqual(granted([0, 1, 7]));
    expect(map.statuses.slice(0, 3)).toBe('hax');
    expect(blockReason(map, 1)).toBeNull();
    expect(wouldChange(map, unblock([0, 1, 7]), NOW)).toBe(false);
  });

  test('is bound neither to the sales window nor to the size of a booking', () => {
    const map = mapWith({ seatsPerBookingMax: 1 }, hall);
    expect(answers(map, CLOSE_MS, block([0, 1, 2]), unblock([0, 1, 2]))).toEqual(['granted', 'granted']);
  });

  test('checks its seats', () => {
    const commands = [block([]), block([24]), block([1, 1]), unblock([]), unblock([-1]), unblock([1, 1])];
    const expected = ['NO_SEATS', 'UNKNOWN_SEAT', 'DUPLICATE_SEAT'];
    expect(answers(mapAfter(), NOW, ...commands)).toEqual([...expected, ...expected]);
  });

  test('keeps a reason of bounded length', () => {
    const map = mapAfter(block([0], 'x'.repeat(5_000)));
    expect(blockReason(map, 0)).toHaveLength(BLOCK_REASON_LENGTH_MAX);
  });
});

describe('best available', () => {
  test('is decided here, so that it never loses a race', () => {
    const map = mapAfter();
    expect(map.apply(best('b1', 2, 'B'), NOW)).toEqual(held([16, 17]));
    expect(map.apply(best('b2', 2, 'B'), NOW)).toEqual(held([18, 19]));
    expect(map.apply(best('b1', 2, 'B'), NOW)).toEqual(held([16, 17]));
  });

  test('says which kind of nothing is left', () => {
    const map = mapWith({}, drawn(['AAA', 'BB']), hold('b1', [1]));
    expect(answers(map, NOW, best('b', 2, 'A'), best('b', 1, 'C'), best('b', 1, 'D'), best('b', 3))).toEqual([
      'NO_ADJACENT_SEATS',
      'SOLD_OUT',
      'UNKNOWN_CATEGORY',
      'NO_ADJACENT_SEATS',
    ]);
  });

  test('asks for at least one seat and at most a booking’s worth', () => {
    const map = mapWith({ seatsPerBookingMax: 4 }, hall);
    expect(map.apply(best('b', 0), NOW)).toEqual(refused('NO_SEATS'));
    expect(map.apply(best('b', -3), NOW)).toEqual(refused('NO_SEATS'));
    expect(map.apply(best('b', 1.5), NOW)).toEqual(refused('NO_SEATS'));
    expect(map.apply(best('b', 5), NOW)).toEqual(refused('TOO_MANY_SEATS', { limit: 4 }));
  });
});

describe('a cap per buyer', () => {
  const buyer = (bookingId: string, seats: readonly number[], buyerId: string) => hold(bookingId, seats, { buyerId });
  const tooMany = refused('TOO_MANY_SEATS', { limit: 3 });

  test('counts what the buyer holds and has booked, and nobody else’s', () => {
    const map = mapWith({ seatsPerBuyerMax: 3 }, hall, buyer('b1', [0, 1], 'u1'), confirm('b1', [0, 1]));
    expect(map.apply(buyer('b2', [2, 3], 'u1'), NOW)).toEqual(tooMany);
    expect(map.apply(buyer('b2', [2, 3], 'u2'), NOW)).toMatchObject({ ok: true });
    expect(map.apply(buyer('b3', [4], 'u1'), NOW)).toMatchObject({ ok: true });
    expect(map.apply(buyer('b4', [5], 'u1'), NOW)).toEqual(tooMany);
  });

  test('gives way when seats are released, returned, or past their time', () => {
    const map = mapWith({ seatsPerBuyerMax: 3 }, hall, buyer('b1', [0, 1, 2], 'u1'));
    expect(map.apply(buyer('b2', [3], 'u1'), EXPIRY - 1)).toEqual(tooMany);
    expect(wouldChange(map, buyer('b2', [3], 'u1'), EXPIRY)).toBe(true);
    expect(answers(map, NOW, release('b1'), buyer('b3', [0, 1, 2], 'u1'))).toEqual(['granted', 'granted']);
    expect(answers(map, NOW, confirm('b3', [0, 1, 2]), giveBack('b3', [2]))).toEqual(['granted', 'granted']);
    expect(answers(map, NOW, buyer('b4', [2], 'u1'), buyer('b5', [3], 'u1'))).toEqual(['granted', 'TOO_MANY_SEATS']);
  });

  test('holds for a change of seats too, where the hold’s own don’t count', () => {
    const map = mapWith({ seatsPerBuyerMax: 3 }, hall, buyer('b1', [0, 1], 'u1'), buyer('b2', [2], 'u1'));
    expect(map.apply(swap('b1', [8, 9, 10]), NOW)).toEqual(tooMany);
    expect(map.apply(swap('b1', [8, 9]), NOW)).toMatchObject({ ok: true });
  });

  test('counts seats that are given up for others once, and only the buyer’s own booked ones', () => {
    const map = mapWith({ seatsPerBuyerMax: 3 }, hall, buyer('b1', [0, 1, 2], 'u1'), confirm('b1', [0, 1, 2]));
    const instead = (seats: readonly number[], given: readonly number[], buyerId = 'u1'): SeatCommand =>
      hold('b2', seats, { buyerId, insteadOf: { bookingId: 'b1', seats: given } });
    expect(map.apply(instead([8, 9, 10], [0, 1]), NOW)).toEqual(tooMany);
    expect(map.apply(instead([8, 9, 10], [0, 1, 7]), NOW)).toEqual(tooMany);
    expect(wouldChange(map, instead([8, 9, 10], [0, 1, 2]), NOW)).toBe(true);
    map.apply(buyer('b3', [5, 6, 7], 'u2'), NOW);
    expect(map.apply(instead([8], [0, 1, 2], 'u2'), NOW)).toEqual(tooMany);
    map.apply(giveBack('b1'), NOW);
    map.apply(buyer('b4', [0, 1, 2], 'u1'), NOW);
    expect(
      map.apply(hold('b2', [8], { buyerId: 'u1', insteadOf: { bookingId: 'b4', seats: [0, 1, 2] } }), NOW),
    ).toEqual(tooMany);
  });

  test('is asked after the seats, and before orphans', () => {
    const map = mapWith({ seatsPerBuyerMax: 3 }, hall, buyer('b1', [0, 1, 2], 'u1'));
    expect(map.apply(buyer('b2', [2], 'u1'), NOW)).toMatchObject(refused('SEAT_UNAVAILABLE'));
    expect(map.apply(buyer('b2', [4], 'u1'), NOW)).toEqual(tooMany);
    expect(map.apply(buyer('b2', [4], 'u2'), NOW)).toEqual(refused('ORPHAN_SEAT', { seats: [3] }));
  });

  test('survives a restore', () => {
    const map = mapWith({ seatsPerBuyerMax: 3 }, hall, buyer('b1', [0, 1], 'u1'), buyer('b2', [2], 'u1'));
    const restored = SeatMap.restore(hall, rules({ seatsPerBuyerMax: 3 }), throughJson(map.snapshot(NOW)));
    expect(restored.apply(buyer('b3', [3], 'u1'), NOW)).toEqual(tooMany);
  });

  test('switched off remembers no buyer', () => {
    const map = mapAfter(buyer('b1', [0], 'u1'), confirm('late', [7], true));
    expect(JSON.stringify(map.snapshot(NOW))).not.toMatch(/u1|buyer"/);
  });
});

describe('an ended hold', () => {
  test('is not granted anew: a late repeat hears what it was', () => {
    const map = mapAfter(hold('b1', [0, 1]), hold('b2', [8]));
    expect(map.apply(hold('b1', [0, 1]), EXPIRY)).toEqual(ended([0, 1]));
    map.expireHolds(EXPIRY);
    expect(map.apply(hold('b1', [0, 1]), EXPIRY)).toEqual(ended([0, 1]));
    expect(map.counts.available).toBe(24);
  });

  test('is remembered for ten minutes from its end, to the millisecond', () => {
    const map = mapAfter(hold('b1', [0, 1]), release('b1'));
    expect(answers(map, NOW + TOMBSTONE_TTL_MS - 1, hold('b1', [0, 1]))).toEqual(['HOLD_ENDED']);
    expect(answers(map, NOW + TOMBSTONE_TTL_MS, hold('b1', [0, 1]))).toEqual(['granted']);
  });

  test('of a booking is remembered by the booking itself', () => {
    const map = mapAfter(hold('b1', [0, 1]), confirm('b1', [0, 1]));
    expect(map.apply(hold('b1', [0, 1]), NOW + 10 * TOMBSTONE_TTL_MS)).toEqual(refused('ALREADY_BOOKED'));
  });

  test('is forgotten before a younger one when there are too many', () => {
    const map = SeatMap.create(hall, rules());
    for (let round = 0; round <= TOMBSTONES_MAX; round += 1) {
      map.apply(hold(`b${round}`, [0]), NOW + round);
      map.apply(release(`b${round}`), NOW + round);
    }
    expect(map.snapshot(NOW + TOMBSTONES_MAX).tombstones.bookingIds).toHaveLength(TOMBSTONES_MAX);
    expect(answers(map, NOW + TOMBSTONES_MAX, hold('b1', [0]), hold('b0', [0]))).toEqual(['HOLD_ENDED', 'granted']);
  });

  test('of many seats counts for as many', () => {
    const size = 100;
    const map = mapWith({ seatsPerBookingMax: size }, largeHouse());
    const seats = Array.from({ length: size }, (_, seat) => seat);
    for (let round = 0; round <= TOMBSTONE_SEATS_MAX / size; round += 1) {
      map.apply(hold(`b${round}`, seats), NOW);
      map.apply(release(`b${round}`), NOW);
    }
    expect(map.snapshot(NOW).tombstones.bookingIds).toHaveLength(TOMBSTONE_SEATS_MAX / size);
  });
});

describe('the version', () => {
  test('counts granted changes and sweeps, and nothing else', () => {
    const map = mapAfter();
    expect([map.version, map.changedAtMs]).toEqual([0, 0]);
    map.apply(hold('b1', [0]), NOW);
    expect([map.version, map.changedAtMs]).toEqual([1, NOW]);
    map.apply(hold('b1', [0]), NOW + 1);
    map.apply(hold('b2', [0]), NOW + 1);
    map.expireHolds(NOW + 1);
    expect([map.version, map.changedAtMs]).toEqual([1, NOW]);
    map.apply(extend('b1', NOW + 5), NOW + 2);
    expect([map.version, map.changedAtMs]).toEqual([2, NOW + 2]);
    map.expireHolds(NOW + 5);
    expect([map.version, map.changedAtMs]).toEqual([3, NOW + 5]);
  });

  test('knows what changed since an older one', () => {
    const map = mapAfter(hold('b1', [0, 1]), hold('b2', [8]), confirm('b1', [0, 1]));
    expect(map.changesSince(0)).toEqual([
      [0, 'b'],
      [1, 'b'],
      [8, 'h'],
    ]);
    expect(map.changesSince(2)).toEqual([
      [0, 'b'],
      [1, 'b'],
    ]);
    expect(map.changesSince(3)).toEqual([]);
  });

  test('older than the restored one asks for the whole map', () => {
    const map = mapAfter(hold('b1', [0, 1]), hold('b2', [8]));
    const restored = SeatMap.restore(hall, rules(), throughJson(map.snapshot(NOW)));
    expect(restored.version).toBe(2);
    expect(restored.changesSince(1)).toBeNull();
    expect(restored.changesSince(2)).toEqual([]);
    restored.apply(release('b2'), NOW);
    expect(restored.changesSince(2)).toEqual([[8, 'a']]);
  });
});

describe('a preview', () => {
  test('answers a batch of losers, repeats among them, without touching anything', () => {
    const map = mapAfter(hold('b1', [0, 1]), hold('b2', [8]), confirm('b2', [8]));
    const before = JSON.stringify(map.snapshot(NOW));
    const losers = [hold('b1', [0, 1]), hold('b3', [1, 2]), confirm('b2', [8]), release('b4'), best('b5', 11)];
    const answered = map.preview(losers, NOW);
    expect(JSON.stringify(map.snapshot(NOW))).toBe(before);
    expect(answered).toEqual(losers.map((command) => map.apply(command, NOW)));
    expect(map.preview([], NOW)).toEqual([]);
  });

  test('is none as soon as one command would change anything', () => {
    const map = mapAfter(hold('b1', [0, 1]));
    expect(map.preview([hold('b2', [0]), extend('b1', EXPIRY + 1), hold('b3', [0])], NOW)).toBeNull();
  });
});

describe('a snapshot', () => {
  test('restored goes on where it was', () => {
    const map = mapAfter(
      hold('b1', [0, 1]),
      hold('b2', [8], { ttlMs: 1_000 }),
      hold('b3', [14, 15]),
      confirm('b3', [14, 15]),
      hold('b4', [16]),
      release('b4'),
      block([20, 22], 'camera'),
      block([21], 'broken'),
    );
    const restored = SeatMap.restore(hall, rules(), throughJson(map.snapshot(NOW)));
    expect([restored.statuses, restored.counts]).toEqual([map.statuses, map.counts]);
    expect(restored.nextExpiryMs()).toBe(NOW + 1_000);
    expect([20, 21, 22].map((seat) => blockReason(restored, seat))).toEqual(['camera', 'broken', 'camera']);
    const later = [hold('b1', [0, 1]), hold('b2', [8]), hold('b3', [14]), hold('b4', [16]), confirm('b2', [8])];
    expect(restored.preview(later, NOW + 1_000)).toEqual(map.preview(later, NOW + 1_000));
    expect(restored.expireHolds(NOW + 1_000)).toBe(1);
  });

  test('of another layout is refused', () => {
    const snapshot = mapAfter().snapshot(NOW);
    expect(() => SeatMap.restore(drawn(['AAA']), rules(), snapshot)).toThrow(RangeError);
  });

  describe('of 10,000 seats, each claimed on its own, with all the tombstones there may be', () => {
    const id = (prefix: string, number: number) => `${prefix}_${String(number).padStart(22, 'x')}`;
    const single = (number: number, seat: number) =>
      hold(id('bkg', number), [seat], { buyerId: id('usr', number), fingerprint: String(number).padStart(16, 'f') });
    /** A change every 37 ms: as in a real sale, times are all different. */
    const at = (number: number) => 1_800_000_000_000 + 37 * number;

    function fullHouse(changes: Partial<SaleRules>, isBooked: boolean): string {
      const house = largeHouse();
      const map = SeatMap.create(house, rules({ salesCloseAtMs: Infinity, ...changes }));
      for (let round = 0; round < TOMBSTONES_MAX; round += 1) {
        map.apply(single(round, 9_999), at(round));
        map.apply(release(id('bkg', round)), at(round) + 20);
      }
      for (let seat = 0; seat < house.seatCount; seat += 1) {
        const number = TOMBSTONES_MAX + seat;
        expect(map.apply(single(number, seat), at(number)).ok).toBe(true);
        if (isBooked) expect(map.apply(confirm(id('bkg', number), [seat]), at(number)).ok).toBe(true);
      }
      const snapshot = map.snapshot(at(TOMBSTONES_MAX + house.seatCount));
      expect(snapshot.claims.bookingIds).toHaveLength(10_000);
      expect(snapshot.tombstones.bookingIds).toHaveLength(TOMBSTONES_MAX);
      return JSON.stringify(snapshot);
    }

    test('is below 1 MB when all are booked', () => {
      expect(fullHouse({}, true).length).toBeLessThan(1_000_000);
    });

    test('is below 1.5 MB when all are held and buyers are remembered: under Temporal’s 2 MiB', () => {
      expect(fullHouse({ seatsPerBuyerMax: 10 }, false).length).toBeLessThan(1_500_000);
    });
  });
});

describe('a layout', () => {
  const broken: [string, Partial<SeatLayout>][] = [
    ['runs that do not sum up', { runLengths: [8, 8, 4, 3] }],
    ['a run without a row', { runRows: [0, 1, 2] }],
    ['a row in two places', { runRows: [0, 1, 0, 2] }],
    ['seats without a category', { seatCategories: [[0, 23]] }],
    ['a category that is not there', { seatCategories: [[3, 24]] }],
    ['seats without a rank', { seatRanks: [1, 2, 3] }],
    ['an accessible seat that is not there', { accessibleSeats: [24] }],
  ];

  test.each(broken)('with %s is refused', (_, change) => {
    expect(() => SeatMap.create({ ...hall, ...change }, rules())).toThrow(/^seat layout: /);
  });
});
