import { type BookingStatus, hasLiveHold } from './booking.ts';
import { type Difference, difference, type JudgedBefore } from './reconciliation.ts';

/** Who has which seats in a show's workflow. */
export interface SeatClaim {
  readonly bookingId: string;
  /** Indices. */
  readonly seats: readonly number[];
  readonly booked: boolean;
  /** Of a hold, Unix ms. */
  readonly expiresAtMs: number;
}

/** A booking that any of a show's records names. */
export interface SeatedBooking {
  readonly id: string;
  readonly status: BookingStatus;
  /** Indices. */
  readonly seats: readonly number[];
  readonly changedAtMs: number;
  /** Money of it is at the provider that is neither for seats nor given back: its seats wait for that to be settled. */
  readonly isPaidFor: boolean;
}

/** A row of the table of booked seats. */
export interface BookedSeat {
  /** Null: no plan and no booking of the show knows the seat. */
  readonly seat: number | null;
  readonly seatId: string;
  readonly bookingId: string;
}

/** All that the records say of who sits where in one show, as far as anybody who has a seat in any of them. */
export interface SeatCase {
  readonly showId: string;
  /** Null once the show's workflow has ended: from then on nobody gives or takes seats. */
  readonly show: {
    readonly version: number;
    readonly changedAtMs: number;
    readonly statuses: string;
    readonly claims: readonly SeatClaim[];
  } | null;
  readonly rows: readonly BookedSeat[];
  readonly bookings: readonly SeatedBooking[];
  /** What readers see. */
  readonly snapshot: { readonly version: number; readonly statuses: string } | null;
}

/**
 * What the records of one show disagree about. A seat of a booking that has changed of late is not judged; neither is one
 * whose booking may still be confirmed.
 */
export function seatDifferences(
  records: SeatCase,
  { quietMs, holdMs }: Pick<JudgedBefore, 'quietMs' | 'holdMs'>,
): Difference[] {
  const known = new Map(records.bookings.map((booking) => [booking.id, booking]));
  const isQuiet = (bookingId: string) => (known.get(bookingId)?.changedAtMs ?? -Infinity) < quietMs;
  const differences = [
    ...ofRows(records, known),
    ...ofBookings(records),
    ...(records.show ? ofClaims(records, known, holdMs) : []),
  ].filter(({ bookingId }) => bookingId === null || isQuiet(bookingId));
  return [...differences, ...ofSnapshot(records, quietMs)];
}

type Known = ReadonlyMap<string, SeatedBooking>;

const isSeatOf = (booking: SeatedBooking | undefined, seat: number | null): boolean =>
  booking?.status === 'CONFIRMED' && seat !== null && booking.seats.includes(seat);

/** Rows of bookings that do not have the seat. */
function ofRows({ showId, rows }: SeatCase, known: Known): Difference[] {
  const surplus = rows.filter(({ bookingId, seat }) => !isSeatOf(known.get(bookingId), seat));
  return [...Map.groupBy(surplus, ({ bookingId }) => bookingId)].map(([bookingId, of]) =>
    difference({
      kind: 'seat_in_rows_only',
      subject: `${showId}/${bookingId}`,
      showId,
      bookingId,
      seats: of.flatMap(({ seat }) => seat ?? []),
      detail: `rows for ${of.map(({ seatId }) => seatId).join(', ')}; the booking is ${known.get(bookingId)?.status ?? 'unknown'}`,
    }),
  );
}

/** Seats of confirmed bookings that another record lacks. */
function ofBookings({ showId, show, rows, bookings }: SeatCase): Difference[] {
  const confirmed = bookings.filter(({ status }) => status === 'CONFIRMED');
  const ownerByRow = new Map(rows.map(({ seat, bookingId }) => [seat, bookingId]));
  const ownerInShow = show && ownersOf(show.claims);
  const owners = Map.groupBy(
    confirmed.flatMap(({ id, seats }) => seats.map((seat) => ({ id, seat }))),
    ({ seat }) => seat,
  );
  const soldTwice = [...owners].flatMap(([seat, of]) => (of.length > 1 ? [{ seat, ids: of.map(({ id }) => id) }] : []));
  const contested = new Set(soldTwice.map(({ seat }) => seat));
  return [
    ...soldTwice.map(({ seat, ids }) =>
      twice(showId, seat, ids.sort(), ownerInShow?.get(seat) ?? ownerByRow.get(seat)),
    ),
    ...confirmed.flatMap(({ id, seats }) => {
      const own = seats.filter((seat) => !contested.has(seat));
      const about = { subject: `${showId}/${id}`, showId, bookingId: id };
      const rowless = own.filter((seat) => !ownerByRow.has(seat));
      const lost = ownerInShow ? own.filter((seat) => ownerInShow.get(seat) !== id) : [];
      const without = (missing: readonly number[]) => `seats ${missing.join(', ')} of a confirmed booking`;
      return [
        ...(rowless.length > 0
          ? [difference({ ...about, kind: 'seat_row_missing', seats: rowless, detail: without(rowless) })]
          : []),
        ...(lost.length > 0
          ? [difference({ ...about, kind: 'seat_not_in_show', seats: lost, detail: without(lost) })]
          : []),
      ];
    }),
  ];
}

/** Named after the booking that is not the seat's owner: the one to be cancelled. */
const twice = (showId: string, seat: number, bookingIds: readonly string[], owner: string | undefined): Difference =>
  difference({
    kind: 'seat_sold_twice',
    subject: `${showId}/${seat}`,
    showId,
    bookingId: bookingIds.find((id) => id !== owner)!,
    seats: [seat],
    detail: `confirmed for ${bookingIds.join(' and ')}`,
  });

const ownersOf = (claims: readonly SeatClaim[]): ReadonlyMap<number, string> =>
  new Map(claims.flatMap(({ booked, bookingId, seats }) => (booked ? seats.map((seat) => [seat, bookingId]) : [])));

/** What the show has for bookings that should have nothing, or not that. */
function ofClaims({ showId, show }: SeatCase, known: Known, holdMs: number): Difference[] {
  return show!.claims.flatMap(({ bookingId, seats, booked, expiresAtMs }): Difference[] => {
    const booking = known.get(bookingId);
    const about = { subject: `${showId}/${bookingId}`, showId, bookingId };
    const status = booking?.status ?? 'unknown';
    if (!booked) {
      // Until its time a hold may be of a booking that is just being made. Of one that is confirmed the seats are missed.
      const hasEnded = booking !== undefined && !hasLiveHold(booking.status);
      if (booking?.status === 'CONFIRMED' || (expiresAtMs >= holdMs && !hasEnded)) return [];
      const detail = `held until ${new Date(expiresAtMs).toISOString()}; the booking is ${status}`;
      return [difference({ ...about, kind: 'hold_without_booking', seats, detail })];
    }
    // Confirmed in the show, and about to be recorded: its workflow goes on with it, or the money decides.
    if (booking && (hasLiveHold(booking.status) || (booking.status !== 'CONFIRMED' && booking.isPaidFor))) return [];
    const surplus = seats.filter((seat) => !isSeatOf(booking, seat));
    if (surplus.length === 0) return [];
    const detail = `seats ${surplus.join(', ')} are booked; the booking is ${status}`;
    return [difference({ ...about, kind: 'seat_in_show_only', seats: surplus, detail })];
  });
}

/** The row that readers see: behind for long, or another map of the same version. */
function ofSnapshot({ showId, show, snapshot }: SeatCase, quietMs: number): Difference[] {
  if (!show || (snapshot && snapshot.version < show.version && show.changedAtMs >= quietMs)) return [];
  const isSame = snapshot?.version === show.version && snapshot.statuses === show.statuses;
  // A show that nothing has happened in yet has no need of a row.
  if (isSame) return [];
  const isAhead = snapshot !== null && snapshot.version > show.version;
  return [
    difference({
      kind: 'seat_map_differs',
      subject: showId,
      showId,
      seats: snapshot ? otherSeats(show.statuses, snapshot.statuses) : [],
      needsPerson: isAhead,
      detail: `the show is at version ${show.version}, readers see ${snapshot ? `version ${snapshot.version}` : 'nothing'}`,
    }),
  ];
}

function otherSeats(a: string, b: string): number[] {
  const seats: number[] = [];
  for (let seat = 0; seat < Math.max(a.length, b.length); seat += 1) if (a[seat] !== b[seat]) seats.push(seat);
  return seats;
}
