import type { Claim } from './claim.ts';
import type { EndedHold, HoldEnd } from './ended-holds.ts';

/**
 * The seat map with all it remembers, as it is carried over continue-as-new: in columns, times as differences from one
 * entry to the next. 10,000 seats, each booked on its own, and a full set of tombstones are less than 1 MB as JSON.
 */
export interface SeatMapSnapshot {
  readonly version: number;
  /** Time of the newest change, Unix ms. */
  readonly changedAtMs: number;
  /** One character a seat in index order: `a`, `h`, `b`, `x`. */
  readonly statuses: string;
  /** Holds and bookings, in the order they came. */
  readonly claims: {
    readonly bookingIds: readonly string[];
    readonly seats: readonly (readonly number[])[];
    readonly heldAtMs: Deltas;
    readonly ttlMs: Deltas;
    /** Of the holds among them, in the same order. */
    readonly fingerprints: readonly (string | null)[];
    /** Of all; empty when there is no cap per buyer. */
    readonly buyerIds: readonly string[];
    /** Of the few holds that were changed, by their position here. Absent in snapshots of the first version. */
    readonly askedAtMs?: readonly (readonly [position: number, askedAtMs: number])[];
  };
  /** Ended holds still remembered, oldest first. */
  readonly tombstones: {
    readonly bookingIds: readonly string[];
    readonly fingerprints: readonly (string | null)[];
    readonly seats: readonly (readonly number[])[];
    readonly heldAtMs: Deltas;
    readonly ttlMs: Deltas;
    readonly endedAtMs: Deltas;
    /** One character each: `e`xpired, `l` released, `t` returned. */
    readonly ends: string;
  };
  /** Blocked seats by reason. */
  readonly blocks: readonly (readonly [reason: string, seats: readonly number[]])[];
}

/** Numbers as differences: the first from 0, each other from the one before. */
type Deltas = readonly number[];

const charOfEnd = { expired: 'e', released: 'l', returned: 't' } as const satisfies Record<HoldEnd, string>;
const endOfChar: Readonly<Record<string, HoldEnd>> = { e: 'expired', l: 'released', t: 'returned' };

export function packClaims(claims: readonly Claim[]): SeatMapSnapshot['claims'] {
  return {
    bookingIds: claims.map((claim) => claim.bookingId),
    seats: claims.map((claim) => claim.seats),
    heldAtMs: deltas(claims.map((claim) => claim.heldAtMs)),
    ttlMs: deltas(claims.map((claim) => claim.expiresAtMs - claim.heldAtMs)),
    fingerprints: claims.filter((claim) => !claim.booked).map((claim) => claim.fingerprint),
    buyerIds: claims.flatMap((claim) => claim.buyerId ?? []),
    askedAtMs: claims.flatMap(({ booked, askedAtMs }, position) =>
      booked || askedAtMs === 0 ? [] : [[position, askedAtMs] as const],
    ),
  };
}

/** @param statuses tell the bookings among the claims from the holds. */
export function unpackClaims(packed: SeatMapSnapshot['claims'], statuses: string): Claim[] {
  const heldAtMs = sums(packed.heldAtMs);
  const ttlMs = sums(packed.ttlMs);
  const fingerprints = packed.fingerprints.values();
  const askedAtMs = new Map(packed.askedAtMs);
  return packed.bookingIds.map((bookingId, index): Claim => {
    const seats = packed.seats[index]!;
    const booked = statuses[seats[0]!] === 'b';
    return {
      bookingId,
      buyerId: packed.buyerIds[index] ?? null,
      fingerprint: booked ? null : (fingerprints.next().value ?? null),
      seats,
      heldAtMs: heldAtMs[index]!,
      expiresAtMs: heldAtMs[index]! + ttlMs[index]!,
      booked,
      askedAtMs: askedAtMs.get(index) ?? 0,
      queueIndex: -1,
    };
  });
}

export function packTombstones(ended: readonly EndedHold[]): SeatMapSnapshot['tombstones'] {
  return {
    bookingIds: ended.map((one) => one.bookingId),
    fingerprints: ended.map((one) => one.fingerprint),
    seats: ended.map((one) => one.seats),
    heldAtMs: deltas(ended.map((one) => one.heldAtMs)),
    ttlMs: deltas(ended.map((one) => one.expiresAtMs - one.heldAtMs)),
    endedAtMs: deltas(ended.map((one) => one.endedAtMs)),
    ends: ended.map((one) => charOfEnd[one.end]).join(''),
  };
}

export function unpackTombstones(packed: SeatMapSnapshot['tombstones']): EndedHold[] {
  const heldAtMs = sums(packed.heldAtMs);
  const ttlMs = sums(packed.ttlMs);
  const endedAtMs = sums(packed.endedAtMs);
  return packed.bookingIds.map((bookingId, index) => ({
    bookingId,
    fingerprint: packed.fingerprints[index]!,
    seats: packed.seats[index]!,
    heldAtMs: heldAtMs[index]!,
    expiresAtMs: heldAtMs[index]! + ttlMs[index]!,
    endedAtMs: endedAtMs[index]!,
    end: endOfChar[packed.ends[index]!]!,
  }));
}

export function packBlocks(reasons: ReadonlyMap<number, string>): SeatMapSnapshot['blocks'] {
  const seatsOf = new Map<string, number[]>();
  for (const seat of [...reasons.keys()].sort((a, b) => a - b)) {
    const reason = reasons.get(seat)!;
    const seats = seatsOf.get(reason);
    if (seats === undefined) seatsOf.set(reason, [seat]);
    else seats.push(seat);
  }
  return [...seatsOf];
}

function deltas(numbers: readonly number[]): Deltas {
  return numbers.map((each, index) => each - (numbers[index - 1] ?? 0));
}

function sums(differences: Deltas): number[] {
  let sum = 0;
  return differences.map((each) => (sum += each));
}
