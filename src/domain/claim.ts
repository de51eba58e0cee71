import type { Expiring } from './expiry-queue.ts';

/** What a booking has of a show: seats held for a time, then booked. One per booking id. */
export interface Claim extends Expiring {
  readonly bookingId: string;
  /** Null when buyers need not be remembered (no cap per buyer). */
  readonly buyerId: string | null;
  /** Of the request that made the hold; null once booked, when the booking's row has it. */
  fingerprint: string | null;
  /** Ascending. Replaced, never changed in place: answers share it. */
  seats: readonly number[];
  readonly heldAtMs: number;
  expiresAtMs: number;
  booked: boolean;
  /** Of the newest swap or extend that was decided; 0 before the first. Older ones come too late. */
  askedAtMs: number;
  queueIndex: number;
}

/** A hold at its expiry instant is past its time already. */
export const isLive = (claim: Claim, nowMs: number): boolean => !claim.booked && claim.expiresAtMs > nowMs;
