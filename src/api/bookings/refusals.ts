import type { BookingAnswer } from '../../contracts/booking-messages.ts';
import type { BookingStatus } from '../../domain/booking.ts';
import type { SeatRefusal } from '../../domain/seat-commands.ts';
import type { PlanForSale } from '../catalogue/sale-catalogue.ts';
import { ApiError, retryAfter } from '../http/api-error.ts';
import { validationFailed } from '../http/problem.ts';
import { keyReused } from '../idempotency/answer-memory.ts';

const reasons: Readonly<Record<string, string>> = { h: 'held', b: 'booked', x: 'blocked' };

type Seats = readonly number[];
type Conflicts = readonly (readonly [seat: number, status: string])[];

/** A show's refusal in the contract's words: seats by their ids. */
export function seatRefusal(refused: SeatRefusal, plan: PlanForSale): ApiError {
  switch (refused.refusal) {
    case 'SEAT_UNAVAILABLE':
      return seatUnavailable(refused.conflicts, plan);
    case 'ORPHAN_SEAT':
      return orphanSeat(refused.seats, plan);
    case 'UNKNOWN_SEAT':
      return unknownSeat(idsOf(refused.seats, plan));
    case 'DUPLICATE_SEAT':
      return duplicateSeat(idsOf(refused.seats, plan));
    case 'TOO_MANY_SEATS':
      return tooManySeats(refused.limit);
    case 'SOLD_OUT':
      return new ApiError('SOLD_OUT', 'No seat is left that fits.');
    case 'SALES_CLOSED':
      return salesClosed();
    case 'NO_ADJACENT_SEATS':
      return new ApiError('NO_ADJACENT_SEATS', 'There are not that many seats left side by side.');
    case 'NO_SEATS':
      return validationFailed([{ path: 'seatIds', message: 'must name at least one seat' }]);
    case 'UNKNOWN_CATEGORY':
      return validationFailed([{ path: 'bestAvailable.category', message: 'the show has no such category' }]);
    case 'FINGERPRINT_MISMATCH':
      return keyReused();
    case 'HOLD_EXPIRED':
    case 'HOLD_ENDED':
    case 'NO_SUCH_HOLD':
      return holdExpired();
    case 'ALREADY_BOOKED':
      return bookingState('CONFIRMED');
    case 'SUPERSEDED':
      return changedMeanwhile();
  }
}

/** A booking's refusal. */
export function bookingRefusal(
  refused: Extract<BookingAnswer, { ok: false }>,
  plan: PlanForSale,
  nowMs: number,
): ApiError {
  switch (refused.refusal) {
    case 'SEAT_UNAVAILABLE':
      return seatUnavailable(refused.conflicts ?? [], plan);
    case 'ORPHAN_SEAT':
      return orphanSeat(refused.seats ?? [], plan);
    case 'TOO_MANY_SEATS':
      return tooManySeats();
    case 'SALES_CLOSED':
      return salesClosed();
    case 'EXTENSION_LIMIT':
      return extensionLimit();
    case 'HOLD_EXPIRED':
      return holdExpired();
    case 'BOOKING_STATE':
      return bookingState(refused.booking.status);
    case 'CHANGE_IN_PROGRESS':
      return changedMeanwhile();
    case 'RATE_LIMITED':
      return heardEnough(refused.booking.expiresAtMs, nowMs);
  }
}

/** Nothing more is heard until the hold is over; then there may be a new one. */
export const heardEnough = (expiresAtMs: number, nowMs: number): ApiError =>
  new ApiError('RATE_LIMITED', 'This booking was changed too often.', {}, retryAfter(expiresAtMs - nowMs));

export const unknownSeat = (seatIds: readonly string[]): ApiError =>
  new ApiError('UNKNOWN_SEAT', `The show has no seat ${seatIds[0]}.`, { seatIds });

export const duplicateSeat = (seatIds: readonly string[]): ApiError =>
  new ApiError('DUPLICATE_SEAT', `Seat ${seatIds[0]} is named twice.`, { seatIds });

export const tooManySeats = (limit?: number): ApiError =>
  limit === undefined
    ? new ApiError('TOO_MANY_SEATS', 'That is more seats than one may have.')
    : new ApiError('TOO_MANY_SEATS', `At most ${limit} seats.`, { limit });

export const bookingState = (bookingStatus: BookingStatus): ApiError =>
  new ApiError('BOOKING_STATE', `The booking is ${bookingStatus}.`, { bookingStatus });

const changedMeanwhile = (): ApiError =>
  new ApiError('CHANGE_IN_PROGRESS', 'Another request has changed the booking meanwhile: look at it again.');

export const holdExpired = (): ApiError => new ApiError('HOLD_EXPIRED', 'The time of the hold is over.');

export const extensionLimit = (): ApiError =>
  new ApiError('EXTENSION_LIMIT', 'The hold was extended as often as is allowed.');

export const salesClosed = (): ApiError => new ApiError('SALES_CLOSED', 'This show is not on sale.');

function seatUnavailable(conflicts: Conflicts, plan: PlanForSale): ApiError {
  const named = conflicts.map(([seat, status]) => ({ seatId: plan.seats[seat]!.id, reason: reasons[status] }));
  return new ApiError('SEAT_UNAVAILABLE', 'Some of these seats are taken.', { conflicts: named });
}

const orphanSeat = (seats: Seats, plan: PlanForSale): ApiError =>
  new ApiError('ORPHAN_SEAT', 'The choice would leave a single seat between taken ones.', {
    seatIds: idsOf(seats, plan),
  });

const idsOf = (seats: Seats, plan: PlanForSale): string[] => seats.map((seat) => plan.seats[seat]?.id ?? String(seat));
