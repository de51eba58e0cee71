import type { SeatSeller } from '../../bench/peers/peer.ts';
import { coalescing } from '../../bench/peers/postgres-coalesced.ts';
import { conditional } from '../../bench/peers/postgres-conditional.ts';
import { SeatTable } from '../../bench/peers/seat-table.ts';
import { createTestDatabase } from '../setup/postgres.ts';

const SEATS = 10;
let database: { url: string; drop: () => Promise<void> };
let table: SeatTable;
let shows = 0;

beforeAll(async () => {
  database = await createTestDatabase({ empty: true });
  table = await SeatTable.open(database.url);
});
afterAll(async () => {
  await table.pool.end();
  await database.drop();
});

describe.each([
  ['one conditional update at a time', conditional],
  ['coalesced commands', coalescing],
])('Postgres with %s', (_name, sellerOn) => {
  let seller: SeatSeller;
  let showId: string;

  beforeEach(async () => {
    seller = await sellerOn(table);
    showId = `show-${shows++}`;
    await seller.openShow(showId, SEATS);
  });

  const hold = (...seats: number[]) => seller.hold({ showId, seats, buyer: 'somebody' });
  const confirmedHere = async () =>
    (await seller.confirmedBookings()).filter((booking) => booking.showId === showId).map(({ seats }) => seats);
  const timePasses = () => table.pool.query('update seats set held_until = now() where show_id = $1', [showId]);

  it('sells seats that were held, once, however often it is paid', async () => {
    const bookingId = (await hold(3, 4))!;
    expect(await seller.pay(bookingId)).toBe(true);
    expect(await seller.pay(bookingId)).toBe(true);
    expect(await confirmedHere()).toEqual([[3, 4]]);
    expect(await hold(3)).toBeNull();
  });

  it('holds all seats or none', async () => {
    await hold(1);
    expect(await hold(0, 1)).toBeNull();
    expect(await hold(0, SEATS)).toBeNull();
    expect(await hold(0)).not.toBeNull();
  });

  it('gives each seat to one of all who want it at once', async () => {
    const wishes = Array.from({ length: 200 }, (_, number) => [number % SEATS, (number * 3 + 1) % SEATS]);
    const granted = await Promise.all(
      wishes.map(async (seats) => ((await hold(...new Set(seats))) === null ? [] : [...new Set(seats)])),
    );
    const seats = granted.flat();
    expect(seats.length).toBeGreaterThan(0);
    expect(new Set(seats).size).toBe(seats.length);
  });

  it('does not confirm a hold past its time, and gives its seats to others', async () => {
    const late = (await hold(5, 6))!;
    await timePasses();
    expect(await seller.pay(late)).toBe(false);
    const next = (await hold(6, 7))!;
    expect(await seller.pay(late)).toBe(false);
    expect(await seller.pay(next)).toBe(true);
    expect(await confirmedHere()).toEqual([[6, 7]]);
  });
});
