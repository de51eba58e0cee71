import type { ApiClient } from './buyers.ts';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** Shows of a benchmark start far behind the demo's, one after the other on their screen. */
const FIRST_START_DAYS = 60;
let made = 0;

export interface BenchShow {
  readonly id: string;
  /** Seat ids in index order. */
  readonly seatIds: readonly string[];
  /** Runs of two neighbouring seats, from the row's beginning. */
  readonly pairs: readonly (readonly [string, string])[];
}

interface ShowAnswer {
  readonly id: string;
  readonly movieId: string;
  readonly screenId: string;
  readonly seatingPlanId: string;
  readonly language: string;
  readonly format: string;
  readonly categories: readonly unknown[];
  readonly availability: { readonly total: number };
}

interface PlanAnswer {
  readonly sections: readonly { readonly rows: readonly { readonly seats: readonly SeatAnswer[] }[] }[];
}

interface SeatAnswer {
  readonly id: string;
  readonly index: number;
}

/** A new show of the demo hall that has at least this many seats, and the fewest of those. */
export async function newShow(api: ApiClient, staffToken: string, seatsMin: number): Promise<BenchShow> {
  const model = await modelShow(api, seatsMin);
  const startsAtMs = Date.now() + FIRST_START_DAYS * DAY_MS + made++ * DAY_MS;
  const { movieId, screenId, seatingPlanId, language, format, categories } = model;
  const show = await api.expect(201, 'POST', '/admin/shows', staffToken, {
    ...{ movieId, screenId, seatingPlanId, language, format, categories },
    startsAt: new Date(startsAtMs).toISOString(),
    endsAt: new Date(startsAtMs + 3 * HOUR_MS).toISOString(),
  });
  const plan = (await api.expect(200, 'GET', `/seating-plans/${seatingPlanId}`)) as unknown as PlanAnswer;
  const rows = plan.sections.flatMap((section) => section.rows.map((row) => row.seats.map((seat) => seat.id)));
  return { id: show.id as string, seatIds: rows.flat(), pairs: rows.flatMap(pairsOf) };
}

async function modelShow(api: ApiClient, seatsMin: number): Promise<ShowAnswer> {
  const found: ShowAnswer[] = [];
  for (let cursor = ''; ;) {
    const page = (await api.expect(200, 'GET', `/shows?limit=100${cursor}`)) as unknown as {
      items: ShowAnswer[];
      nextCursor: string | null;
    };
    found.push(...page.items.filter((show) => show.availability.total >= seatsMin));
    if (page.nextCursor === null) break;
    cursor = `&cursor=${encodeURIComponent(page.nextCursor)}`;
  }
  const smallest = found.sort((a, b) => a.availability.total - b.availability.total)[0];
  if (!smallest) throw new Error(`no show of the demo has ${seatsMin} seats`);
  return smallest;
}

function pairsOf(seats: readonly string[]): [string, string][] {
  const pairs: [string, string][] = [];
  for (let at = 0; at + 1 < seats.length; at += 2) pairs.push([seats[at]!, seats[at + 1]!]);
  return pairs;
}
