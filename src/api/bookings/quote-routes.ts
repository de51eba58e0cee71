import { endpoints } from '../../contracts/http/endpoints.ts';
import type { BestAvailable } from '../../contracts/http/bookings.ts';
import { Occupancy, statusOfCode, type StatusCode } from '../../domain/occupancy.ts';
import { pickBestAvailable } from '../../domain/seat-picking.ts';
import type { PlanForSale, SaleCatalogue } from '../catalogue/sale-catalogue.ts';
import { ok } from '../http/answer.ts';
import { notFound } from '../http/problem.ts';
import { route, type Route } from '../http/route.ts';
import type { AnswerMemory } from '../idempotency/answer-memory.ts';
import type { SeatMaps } from '../seats/seat-routes.ts';
import { seatRefusal } from './refusals.ts';
import { pickOf, priced } from './seat-choice.ts';

export const quoteRoutes = (
  catalogue: SaleCatalogue,
  seatMaps: SeatMaps,
  memory: AnswerMemory,
  seatsMax: number,
): readonly Route[] => [
  route(endpoints.createQuote, (call) =>
    memory.once(call, async () => {
      const show = await catalogue.show(call.body.showId);
      const plan = await catalogue.planOf(show);
      const pick = pickOf(call.body, plan, seatsMax);
      const seats = 'seats' in pick ? pick.seats : await bestSeats(show.id, plan, pick.bestAvailable, seatMaps);
      return ok(priced(seats, plan, show.categories).price);
    }),
  ),
];

/** What the show would give now, by its own rule on the map as readers see it. A hold decides anew. */
async function bestSeats(
  showId: string,
  plan: PlanForSale,
  pick: BestAvailable,
  seatMaps: SeatMaps,
): Promise<readonly number[]> {
  const map = await seatMaps.read(showId);
  if (!map) throw notFound('show');
  const picked = pickBestAvailable(plan.geometry, occupancyOf(plan, map.statuses), pick);
  if (typeof picked === 'string') throw seatRefusal({ ok: false, refusal: picked }, plan);
  return picked;
}

function occupancyOf(plan: PlanForSale, statuses: string): Occupancy {
  const occupancy = Occupancy.empty(plan.geometry);
  for (const [code, status] of statusOfCode.entries()) {
    for (let seat = statuses.indexOf(status); code > 0 && seat >= 0; seat = statuses.indexOf(status, seat + 1)) {
      occupancy.set(seat, code as StatusCode);
    }
  }
  return occupancy;
}
