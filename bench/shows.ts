import type { ApiClient } from './buyers.ts';
import type { Choice } from './load/front.ts';

const HOUR_MS = 3_600_000;
/** Shows of a benchmark start far behind the demo's, one after the other on their screen. */
const FIRST_START_MS = 60 * 24 * HOUR_MS;
const SHOW_MS = 3 * HOUR_MS;
const BETWEEN_STARTS_MS = 4 * HOUR_MS;
const SHOWS_MADE_AT_ONCE = 4;

/** Of all box offices: they share the demo's screens. */
let made = 0;

export interface BenchShow {
  readonly id: string;
  /** Seat ids in index order. */
  readonly seatIds: readonly string[];
  /** Runs of two neighbouring seats, from the row's beginning. */
  readonly pairs: readonly (readonly [string, string])[];
}

/** What a show is made of, besides its time. */
interface Hall {
  readonly show: Readonly<Record<string, unknown>>;
  readonly rows: readonly (readonly string[])[];
}

interface ShowAnswer {
  readonly id: string;
  readonly movieId: string;
  readonly screenId: string;
  readonly seatingPlanId: string;
  readonly language: string;
  readonly format: string;
  readonly categories: readonly Readonly<Record<string, unknown>>[];
  readonly availability: { readonly total: number };
}

interface PlanAnswer {
  readonly sections: readonly { readonly rows: readonly { readonly seats: readonly { readonly id: string }[] }[] }[];
}

/** Makes the shows that are sold in a benchmark, in the demo's halls. */
export class BoxOffice {
  readonly #api: ApiClient;
  readonly #staffToken: string;
  readonly #halls = new Map<string, Promise<Hall>>();

  constructor(api: ApiClient, staffToken: string) {
    this.#api = api;
    this.#staffToken = staffToken;
  }

  /** A new show in the demo's hall that has at least this many seats, and the fewest of those. */
  newShow(seatsMin: number): Promise<BenchShow> {
    return this.#newShowIn(`${seatsMin}`, () => this.#demoHall(seatsMin));
  }

  /** A new show in a hall of one row of so many seats. */
  newRow(seats: number): Promise<BenchShow> {
    return this.#newShowIn(`row of ${seats}`, () => this.#hallOfOneRow(seats));
  }

  async newShows(count: number, seatsMin: number): Promise<BenchShow[]> {
    const shows: BenchShow[] = [];
    while (shows.length < count) {
      const next = Math.min(SHOWS_MADE_AT_ONCE, count - shows.length);
      shows.push(...(await Promise.all(Array.from({ length: next }, () => this.newShow(seatsMin)))));
    }
    return shows;
  }

  async #newShowIn(name: string, find: () => Promise<Hall>): Promise<BenchShow> {
    const known = this.#halls.get(name) ?? find();
    this.#halls.set(name, known);
    const hall = await known;
    const startsAtMs = Date.now() + FIRST_START_MS + made++ * BETWEEN_STARTS_MS;
    const show = await this.#api.expect(201, 'POST', '/admin/shows', this.#staffToken, {
      ...hall.show,
      startsAt: new Date(startsAtMs).toISOString(),
      endsAt: new Date(startsAtMs + SHOW_MS).toISOString(),
    });
    return { id: show.id as string, seatIds: hall.rows.flat(), pairs: hall.rows.flatMap(pairsOf) };
  }

  async #demoHall(seatsMin: number): Promise<Hall> {
    const show = await this.#demoShow(seatsMin);
    const { movieId, screenId, seatingPlanId, language, format, categories } = show;
    return {
      show: { movieId, screenId, seatingPlanId, language, format, categories },
      rows: await this.#rowsOf(seatingPlanId),
    };
  }

  async #hallOfOneRow(seats: number): Promise<Hall> {
    const plan = await this.#api.expect(201, 'POST', '/admin/seating-plans', this.#staffToken, planOfOneRow(seats));
    const seatingPlanId = plan.id as string;
    const { movieId, screenId, language, format, categories } = await this.#demoShow(1);
    const [category] = (await this.#api.expect(200, 'GET', `/seating-plans/${seatingPlanId}`)).categories as {
      id: string;
    }[];
    const price = categories[0]!.price;
    return {
      show: {
        ...{ movieId, screenId, seatingPlanId, language, format },
        categories: [{ id: category!.id, name: 'Standard', price }],
      },
      rows: await this.#rowsOf(seatingPlanId),
    };
  }

  async #rowsOf(seatingPlanId: string): Promise<string[][]> {
    const plan = (await this.#api.expect(200, 'GET', `/seating-plans/${seatingPlanId}`)) as unknown as PlanAnswer;
    return plan.sections.flatMap((section) => section.rows.map((row) => row.seats.map((seat) => seat.id)));
  }

  async #demoShow(seatsMin: number): Promise<ShowAnswer> {
    const found: ShowAnswer[] = [];
    for (let cursor = ''; ;) {
      const page = (await this.#api.expect(200, 'GET', `/shows?limit=100${cursor}`)) as unknown as {
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
}

/** Pairs of neighbours of these shows; those next to each other are of different shows, as buyers of different shows come in any order. */
export function pairsAcross(shows: readonly BenchShow[]): Choice[] {
  const longest = Math.max(...shows.map(({ pairs }) => pairs.length));
  return Array.from({ length: longest }, (_, at) =>
    shows.flatMap(({ id, pairs }) => (pairs[at] ? [{ showId: id, seats: pairs[at] }] : [])),
  ).flat();
}

function pairsOf(seats: readonly string[]): [string, string][] {
  const pairs: [string, string][] = [];
  for (let at = 0; at + 1 < seats.length; at += 2) pairs.push([seats[at]!, seats[at + 1]!]);
  return pairs;
}

/** In pretix's format. */
const planOfOneRow = (seats: number) => ({
  name: `One row of ${seats}`,
  size: { width: seats * 10 + 20, height: 40 },
  categories: [{ name: 'Standard' }],
  zones: [
    {
      name: 'Floor',
      position: { x: 0, y: 0 },
      rows: [
        {
          row_number: 'A',
          position: { x: 10, y: 20 },
          seats: Array.from({ length: seats }, (_, index) => ({
            seat_guid: `A${index + 1}`,
            seat_number: `${index + 1}`,
            position: { x: index * 10, y: 0 },
            category: 'Standard',
          })),
        },
      ],
    },
  ],
});

/** A new show by a box office of its own: for a measurement that needs few. */
export const newShow = (api: ApiClient, staffToken: string, seatsMin: number): Promise<BenchShow> =>
  new BoxOffice(api, staffToken).newShow(seatsMin);
