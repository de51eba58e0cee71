import type { ShowBody } from '../../contracts/http/catalogue.ts';
import { getJson, patiently, reasonOf } from '../patience.ts';

const HOUR_MS = 3_600_000;
/** Further performances of the demo start so much later than the last one on that screen. */
const LATER_MS = 24 * HOUR_MS;
const PAGE = 100;

interface SeatingPlanBody {
  readonly sections: readonly {
    readonly rows: readonly { readonly seats: readonly { readonly id: string; readonly index: number }[] }[];
  }[];
}

export interface StormedShow {
  readonly id: string;
  readonly title: string;
  readonly seats: number;
  /** In index order. */
  readonly seatIds: readonly string[];
  /** ISO 4217, of all its prices. */
  readonly currency: string;
  /** Why this show and no other, as a sentence. */
  readonly why: string;
}

/** The largest show on sale that nobody has bought a seat of; should there be none left, one more performance of it. */
export async function showToStorm(api: string, staffToken: string): Promise<StormedShow> {
  const shows = (await allShows(api)).sort((a, b) => b.availability.total - a.availability.total);
  const [largest] = shows;
  if (!largest) throw new Error('there is no show: start with SEED=demo');
  const sameHall = shows.filter((show) => show.availability.total === largest.availability.total);
  const untouched = sameHall.find(
    ({ status, availability }) => status === 'ON_SALE' && availability.available === availability.total,
  );
  const show = untouched ?? (await anotherPerformance(api, staffToken, sameHall));
  const movie = await asked<{ title: string }>(`${api}/api/v1/movies/${show.movieId}`);
  const plan = await asked<SeatingPlanBody>(`${api}/api/v1/seating-plans/${show.seatingPlanId}`);
  return {
    id: show.id,
    title: movie.title,
    seats: show.availability.total,
    seatIds: plan.sections
      .flatMap(({ rows }) => rows.flatMap(({ seats }) => seats))
      .toSorted((a, b) => a.index - b.index)
      .map(({ id }) => id),
    currency: show.categories[0]!.price.currency,
    why: untouched
      ? 'It is the largest show on sale of which nothing has been sold yet.'
      : `Of all ${sameHall.length} shows in the largest hall something has been sold: this is one more, made for the demo.`,
  };
}

const asked = <Body>(url: string): Promise<Body> => patiently(`GET ${url}`, () => getJson<Body>(url));

async function anotherPerformance(api: string, token: string, sameHall: readonly ShowBody[]): Promise<ShowBody> {
  const model = sameHall[0]!;
  const startsAtMs = Math.max(...sameHall.map((show) => Date.parse(show.startsAt))) + LATER_MS;
  const { movieId, screenId, seatingPlanId, language, format, categories } = model;
  const url = `${api}/api/v1/admin/shows`;
  const response = await fetch(url, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify({
      ...{ movieId, screenId, seatingPlanId, language, format, categories },
      startsAt: new Date(startsAtMs).toISOString(),
      endsAt: new Date(startsAtMs + 3 * HOUR_MS).toISOString(),
    }),
  }).catch((error: unknown) => {
    throw new Error(`POST ${url}: ${reasonOf(error)}`, { cause: error });
  });
  if (response.status !== 201) throw new Error(`POST ${url} refused another performance: ${await response.text()}`);
  return (await response.json()) as ShowBody;
}

async function allShows(api: string): Promise<ShowBody[]> {
  const shows: ShowBody[] = [];
  for (let cursor: string | null = ''; cursor !== null;) {
    const query: string = cursor === '' ? '' : `&cursor=${encodeURIComponent(cursor)}`;
    const page = await asked<{ items: ShowBody[]; nextCursor: string | null }>(
      `${api}/api/v1/shows?limit=${PAGE}${query}`,
    );
    shows.push(...page.items);
    cursor = page.nextCursor;
  }
  return shows;
}
