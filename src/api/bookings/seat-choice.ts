import type { BestAvailable, BookingRequest } from '../../contracts/http/bookings.ts';
import type { PricedSeat } from '../../domain/booking.ts';
import { priceSeats, type CategoryPrice, type Price } from '../../domain/pricing.ts';
import type { SeatPick } from '../../domain/seat-commands.ts';
import type { PlanForSale } from '../catalogue/sale-catalogue.ts';
import { validationFailed } from '../http/problem.ts';
import { duplicateSeat, tooManySeats, unknownSeat } from './refusals.ts';

/**
 * What a buyer asks for, in the show's own terms.
 * @throws ApiError TOO_MANY_SEATS, DUPLICATE_SEAT, UNKNOWN_SEAT, VALIDATION_FAILED
 */
export const pickOf = (request: BookingRequest, plan: PlanForSale, seatsMax: number): SeatPick =>
  'seatIds' in request
    ? { seats: seatIndices(request.seatIds, plan, seatsMax) }
    : { bestAvailable: bestAvailablePick(request.bestAvailable, plan, seatsMax) };

/** Ascending. @throws ApiError TOO_MANY_SEATS, DUPLICATE_SEAT, UNKNOWN_SEAT */
export function seatIndices(seatIds: readonly string[], plan: PlanForSale, seatsMax: number): number[] {
  const distinct = new Set(seatIds);
  if (distinct.size < seatIds.length) throw duplicateSeat(repeated(seatIds));
  if (seatIds.length > seatsMax) throw tooManySeats(seatsMax);
  const unknown = seatIds.filter((id) => !plan.seatsById.has(id));
  if (unknown.length > 0) throw unknownSeat(unknown);
  return seatIds.map((id) => plan.seatsById.get(id)!.index).sort((a, b) => a - b);
}

/** Seats named more than once, each once; no more than the first few that a reader needs. */
function repeated(seatIds: readonly string[]): string[] {
  const seen = new Set<string>();
  const twice = new Set<string>();
  for (const id of seatIds) (seen.has(id) ? twice : seen).add(id);
  return [...twice].slice(0, SEATS_NAMED_MAX);
}

/** Seats named in a refusal. */
const SEATS_NAMED_MAX = 100;

function bestAvailablePick(wanted: BestAvailable, plan: PlanForSale, seatsMax: number): BestAvailable {
  if (wanted.count > seatsMax) throw tooManySeats(seatsMax);
  if (wanted.category !== undefined && !plan.layout.categories.includes(wanted.category)) {
    throw validationFailed([{ path: 'bestAvailable.category', message: 'the show has no such category' }]);
  }
  return wanted;
}

/** Seats with what they cost, and the sum. */
export function priced(
  seats: readonly number[],
  plan: PlanForSale,
  categories: readonly CategoryPrice[],
): { readonly seats: readonly PricedSeat[]; readonly price: Price } {
  const prices = new Map(categories.map((category) => [category.id, category.price]));
  const pricedSeats = seats.map((index): PricedSeat => {
    const { id, label, category } = plan.seats[index]!;
    const price = prices.get(category);
    if (!price) throw new Error(`category ${category} of plan ${plan.id} has no price`);
    return { id, index, label, category, price };
  });
  return {
    seats: pricedSeats,
    price: priceSeats(
      pricedSeats.map((seat) => seat.category),
      categories,
    ),
  };
}
