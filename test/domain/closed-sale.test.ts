import type { SaleRules, SeatCommand } from '../../src/domain/seat-commands.ts';
import { SeatMap } from '../../src/domain/seat-map.ts';
import { drawn } from './layouts.ts';

const rules: SaleRules = { salesOpenAtMs: 0, salesCloseAtMs: 10_000, seatsPerBookingMax: 10, seatsPerBuyerMax: 4 };
const closed = { salesOpenAtMs: 0, salesCloseAtMs: 10_000, closed: { reason: 'The hall is flooded' } };
const nowMs = 1_000;

const hold = (bookingId: string, seats: readonly number[]): SeatCommand => ({
  kind: 'hold',
  bookingId,
  fingerprint: `of ${bookingId}`,
  buyerId: 'asha',
  ttlMs: 5_000,
  pick: { seats },
});
const confirm = (bookingId: string, seats: readonly number[], reclaim = false): SeatCommand => ({
  kind: 'confirm',
  bookingId,
  buyerId: 'asha',
  seats,
  reclaim,
});

function sold(): SeatMap {
  const map = SeatMap.create(drawn(['AAAAAAAAAA']), rules);
  for (const command of [hold('paid', [0, 1]), confirm('paid', [0, 1]), hold('held', [4, 5])]) {
    expect(map.apply(command, nowMs)).toMatchObject({ ok: true });
  }
  return map;
}

describe('a sale that is closed', () => {
  const refused = { ok: false, refusal: 'SALES_CLOSED' };

  test('gives nobody a seat, nor a hold more time', () => {
    const map = sold();
    map.sellBy(closed);
    expect(map.apply(hold('new', [8, 9]), nowMs)).toEqual(refused);
    expect(map.apply({ kind: 'swap', bookingId: 'held', seats: [8, 9] }, nowMs)).toEqual(refused);
    expect(map.apply({ kind: 'extend', bookingId: 'held', expiresAtMs: 9_000 }, nowMs)).toEqual(refused);
    expect(map.apply(confirm('held', [4, 5]), nowMs)).toEqual(refused);
    expect(map.apply(confirm('held', [4, 5], true), nowMs)).toEqual(refused);
    expect(map.apply(confirm('late', [8], true), nowMs)).toEqual(refused);
    expect(map.statuses).toBe('bbaahhaaaa');
  });

  test('answers repeats as before, and takes back what is given back', () => {
    const map = sold();
    map.sellBy(closed);
    expect(map.apply(hold('held', [4, 5]), nowMs)).toMatchObject({ ok: true, seats: [4, 5] });
    expect(map.apply(confirm('paid', [0, 1]), nowMs)).toMatchObject({ ok: true, seats: [0, 1] });
    expect(map.apply({ kind: 'extend', bookingId: 'held', expiresAtMs: 2_000 }, nowMs)).toMatchObject({ ok: true });
    expect(map.apply({ kind: 'return', bookingId: 'paid' }, nowMs)).toMatchObject({ ok: true });
    expect(map.expireHolds(2_000)).toBe(1);
    expect(map.statuses).toBe('aaaaaaaaaa');
  });

  test('is as closed after it was restored', () => {
    const layout = drawn(['AAAAAAAAAA']);
    const map = SeatMap.restore(layout, { ...rules, ...closed }, sold().snapshot(nowMs));
    expect(map.apply(confirm('held', [4, 5]), nowMs)).toEqual(refused);
    expect(map.bookingIds).toEqual(['held', 'paid']);
  });
});

test('a sale goes by other times from then on, and buyers keep their cap', () => {
  const map = sold();
  map.sellBy({ salesOpenAtMs: 0, salesCloseAtMs: nowMs });
  expect(map.apply(hold('new', [8, 9]), nowMs)).toEqual({ ok: false, refusal: 'SALES_CLOSED' });
  // What is held may still be paid.
  expect(map.apply(confirm('held', [4, 5]), nowMs)).toMatchObject({ ok: true });
  map.sellBy({ salesOpenAtMs: 0, salesCloseAtMs: 2 * nowMs });
  expect(map.apply(hold('new', [8, 9]), nowMs)).toEqual({ ok: false, refusal: 'TOO_MANY_SEATS', limit: 4 });
});
