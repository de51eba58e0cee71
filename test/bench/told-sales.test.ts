import { ToldSales } from '../../bench/told-sales.ts';

const told = (bookingId: string, as: 'held' | 'paying' | 'confirmed', ...seats: string[]) => ({
  bookingId,
  showId: 'show',
  seats,
  told: as,
});
const recorded = (bookingId: string, status: string, ...seats: string[]) => ({
  bookingId,
  showId: 'show',
  seats,
  status,
});
const all = { holdsToo: true };

describe('the audit of what clients were told', () => {
  let sales: ToldSales;
  beforeEach(() => {
    sales = new ToldSales();
    sales.granted(told('confirmed', 'confirmed', 'A1', 'A2'));
    sales.granted(told('held', 'held', 'A3'));
  });
  const asTold = [recorded('confirmed', 'CONFIRMED', 'A2', 'A1'), recorded('held', 'HELD', 'A3')];

  it('has no complaint when the records have it so, and bookings nobody was told of', () => {
    expect(sales.faultsOf([...asTold, recorded('unanswered', 'HELD', 'A4')], all)).toEqual([]);
  });

  it('finds a lost confirmation', () => {
    expect(sales.faultsOf(asTold.slice(1), all)).toEqual(['booking confirmed, told confirmed, is lost']);
  });

  it('finds a confirmation that is none any more', () => {
    const after = [recorded('confirmed', 'EXPIRED', 'A1', 'A2'), asTold[1]!];
    expect(sales.faultsOf(after, all)).toEqual(['booking confirmed, told confirmed, is EXPIRED']);
  });

  it('finds a lost hold, where the records tell of holds', () => {
    expect(sales.faultsOf(asTold.slice(0, 1), all)).toEqual(['booking held, told held, is lost']);
    expect(sales.faultsOf(asTold.slice(0, 1), { holdsToo: false })).toEqual([]);
  });

  it('takes a payment under way for a hold that is kept, and an ended hold for a lost one', () => {
    expect(sales.faultsOf([asTold[0]!, recorded('held', 'PAYMENT_PENDING', 'A3')], all)).toEqual([]);
    expect(sales.faultsOf([asTold[0]!, recorded('held', 'EXPIRED', 'A3')], all)).toEqual([
      'booking held, told held, is EXPIRED',
    ]);
  });

  it('finds other seats than a client was told', () => {
    const after = [recorded('confirmed', 'CONFIRMED', 'A1', 'A9'), asTold[1]!];
    expect(sales.faultsOf(after, all)).toEqual([expect.stringContaining('other seats')]);
  });

  it('finds a seat that is sold twice on record', () => {
    const after = [...asTold, recorded('second', 'CONFIRMED', 'A2')];
    expect(sales.faultsOf(after, all)).toEqual(['seat A2 of show is sold to confirmed and second']);
  });

  it('does not take a hold that has ended for a second sale', () => {
    expect(sales.faultsOf([...asTold, recorded('before', 'EXPIRED', 'A2')], all)).toEqual([]);
  });

  it('finds a seat that two clients were granted, whatever the records say', () => {
    sales.granted(told('second', 'held', 'A2'));
    const faults = sales.faultsOf([...asTold, recorded('second', 'HELD')], all);
    expect(faults).toContain('seat A2 of show was granted to confirmed and second');
  });

  it('lets a booking whose payment had no answer end in any way, but not vanish', () => {
    sales.granted(told('paying', 'paying', 'A5'));
    expect(sales.faultsOf([...asTold, recorded('paying', 'EXPIRED', 'A5')], all)).toEqual([]);
    expect(sales.faultsOf(asTold, all)).toEqual(['booking paying, told paying, is lost']);
  });

  it('finds one booking that two clients were told of', () => {
    sales.granted(told('held', 'held', 'A4'));
    expect(sales.faultsOf([...asTold], all)).toEqual(
      expect.arrayContaining([expect.stringContaining('booking held was told to two clients')]),
    );
  });
});
