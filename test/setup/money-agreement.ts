import type { ledgerOf } from './shows.ts';

/** Rows of whole chains: a booking, and what it was exchanged for. */
interface BookingOfChain {
  readonly id: string;
  readonly chain_id: string | null;
  readonly status: string;
  readonly price: { readonly total: { readonly amount: number } };
  readonly kept_amount: number;
}

/**
 * Of each chain, what the provider took less what it gave back is the price of what is confirmed and what was kept; and no attempt
 * took twice.
 */
export function expectMoneyToAgree(
  bookings: readonly BookingOfChain[],
  ledger: Awaited<ReturnType<typeof ledgerOf>>,
): void {
  const owed: Record<string, number> = {};
  const moved: Record<string, number> = {};
  for (const { id, chain_id: chain, status, price, kept_amount: kept } of bookings) {
    const first = chain ?? id;
    owed[first] = (owed[first] ?? 0) + kept + (status === 'CONFIRMED' ? price.total.amount : 0);
    const movements = ledger.filter(({ bookingId }) => bookingId === id);
    const net = movements.reduce((sum, { kind, amount }) => sum + (kind === 'charge' ? 1 : -1) * amount.amount, 0);
    moved[first] = (moved[first] ?? 0) + net;
    const attempts = movements.filter(({ kind }) => kind === 'charge').map(({ attemptId }) => attemptId);
    expect(attempts).toEqual([...new Set(attempts)]);
  }
  expect(moved).toEqual(owed);
}
