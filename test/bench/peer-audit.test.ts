import { SalesRecord } from '../../bench/peers/sales-record.ts';

const booking = (bookingId: string, ...seats: number[]) => ({ bookingId, showId: 'show', seats });

describe("the audit of a peer's run", () => {
  let sales: SalesRecord;
  beforeEach(() => {
    sales = new SalesRecord();
    sales.granted(booking('first', 0, 1));
    sales.confirmed(booking('first', 0, 1));
  });

  it('has no complaint when the store has what the clients were told, and bookings nobody was told of', () => {
    expect(sales.faultsOf([booking('first', 1, 0), booking('unanswered', 2, 3)])).toEqual([]);
  });

  it('finds a confirmation that the store does not have', () => {
    expect(sales.faultsOf([])).toEqual([expect.stringContaining('first is lost')]);
  });

  it('finds a booking that was confirmed with other seats', () => {
    expect(sales.faultsOf([booking('first', 0, 2)])).toEqual([expect.stringContaining('other seats')]);
  });

  it('finds a seat that the store has sold twice', () => {
    const stored = [booking('first', 0, 1), booking('second', 1, 2)];
    expect(sales.faultsOf(stored)).toEqual([expect.stringContaining('seat 1 of show is sold')]);
  });

  it('finds a seat that two clients were granted, whatever the store says', () => {
    sales.granted(booking('second', 1));
    expect(sales.faultsOf([booking('first', 0, 1)])).toEqual([expect.stringContaining('seat 1 of show was granted')]);
  });
});
