import type { Claim } from '../../src/domain/claim.ts';
import type { SeatCommand } from '../../src/domain/seat-commands.ts';
import type { SeatMap } from '../../src/domain/seat-map.ts';
import { unpackClaims } from '../../src/domain/seat-map-snapshot.ts';

/** Every hold and booking, as the next run of the workflow would find them. */
export function claimsIn(map: SeatMap): readonly Claim[] {
  const { claims, statuses } = map.snapshot(0);
  return unpackClaims(claims, statuses);
}

/** What a booking has, held or booked, also a hold past its time that was not ended yet. */
export const claimOf = (map: SeatMap, bookingId: string): Claim | null =>
  claimsIn(map).find((claim) => claim.bookingId === bookingId) ?? null;

/** Why the seat is off sale; null when it is not blocked. */
export const blockReason = (map: SeatMap, seat: number): string | null =>
  map.snapshot(0).blocks.find(([, seats]) => seats.includes(seat))?.[0] ?? null;

export const wouldChange = (map: SeatMap, command: SeatCommand, nowMs: number): boolean =>
  map.preview([command], nowMs) === null;
