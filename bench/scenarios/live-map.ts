import { costsPerOperation } from '../costs.ts';
import type { AnsweredHold } from '../load/seen-changes.ts';
import type { RunningLoad } from '../load/under-load.ts';
import type { WatchersJob } from '../load/watchers.ts';
import type { ProcessCosts } from '../process-costs.ts';
import { dueWithin, expectSold } from '../sales-figures.ts';
import type { BenchContext, Measurement, Scenario } from '../scenario.ts';
import { type BenchShow, pairsAcross } from '../shows.ts';
import { quantile } from '../statistics.ts';
import { SEATS_PER_SHOW, SHOWS } from './sell-out.ts';

export const WATCHERS = 10_000;
/** A process may open some 20,000 files here, and parses what its watchers are told on one core. */
const WATCHERS_PER_GENERATOR_MAX = 5_000;
/** The same limit at the other end: past it the API needs another process. */
const WATCHERS_PER_API_PROCESS_MAX = 15_000;
const SHARE_OF_PEAK = 0.2;
const WARM_UP_MS = 3_000;
const MEASURED_MS = 20_000;
const BUYERS = 64;
/** The last changes have this long to arrive; who has not seen them then counts as one who never does. */
const ARRIVAL_MS = 3_000;

/** W5. Ten thousand look on while seats go. */
export const liveMap = (watchers = WATCHERS): Scenario => ({
  name: 'live-map',
  what: `W5: ${watchers} watchers (SSE) of the live maps of ${SHOWS} shows while W1 runs at ${SHARE_OF_PEAK * 100} % of its peak, open loop, for ${MEASURED_MS / 1_000} s: each change at each watcher counts from when its hold was answered`,
  profiles: ['server'],
  settings: {
    WATCHERS_MAX: String(watchers + 1_000),
    API_PROCESSES: String(Math.ceil(watchers / WATCHERS_PER_API_PROCESS_MAX)),
  },
  figures: [
    { figure: 'watchers held', unit: '', better: 'more', floor: 10_000, aim: 25_000, everyRun: true },
    { figure: 'change seen, p99', unit: 'ms', better: 'less', floor: 500, aim: 150 },
    { figure: 'change seen, median', unit: 'ms' },
    { figure: 'changes unseen', unit: '', better: 'less', floor: 0, everyRun: true },
    { figure: 'streams lost', unit: '', better: 'less', floor: 0, everyRun: true },
    { figure: 'messages to watchers', unit: '/s' },
  ],
  async run(context) {
    const { boxOffice, peak, startLoad, system } = context;
    const ratePerSecond = SHARE_OF_PEAK * (await peak());
    const shows = await boxOffice.newShows(SHOWS, SEATS_PER_SHOW);
    const audience = shares(watchers).map((share, number) =>
      startLoad({
        kind: 'watchers',
        origin: system.api,
        shows: shows.map(({ id }) => id),
        watchers: share,
        localAddresses: [`127.0.0.${number + 2}`],
      }),
    );
    try {
      await Promise.all(audience.map(({ measuring }) => measuring));
      return await saleBefore(context, audience, { shows, watchers, ratePerSecond });
    } finally {
      for (const watching of audience) watching.stop();
    }
  },
});

interface Watched {
  readonly shows: readonly BenchShow[];
  readonly watchers: number;
  readonly ratePerSecond: number;
}

async function saleBefore(
  { api, load, run, sales, system }: BenchContext,
  audience: readonly RunningLoad<WatchersJob, ProcessCosts>[],
  { shows, watchers, ratePerSecond }: Watched,
): Promise<Measurement> {
  const choices = pairsAcross(shows);
  const buyers = await api.guests(BUYERS);
  const stages = [WARM_UP_MS, MEASURED_MS].map((forMs) => ({ ratePerSecond, forMs }));
  const front = { kind: 'seatkeeper', origin: system.api, buyers } as const;
  const loaded = await load({ kind: 'arrivals', front, choices, pays: true, stages, seed: run + 1 });
  const { attempts, startedAtMs } = loaded.outcome;
  sales.addAttempts(attempts, choices, buyers);
  await new Promise((resolve) => setTimeout(resolve, ARRIVAL_MS));
  const seatIndices = new Map(
    shows.map(({ id, seatIds }) => [id, new Map(seatIds.map((seat, index) => [seat, index]))]),
  );
  const holds = dueWithin(attempts, 0, MEASURED_MS).flatMap(({ bookingId, choice, heldAtMs }): AnsweredHold[] => {
    const { showId, seats } = choices[choice]!;
    const seat = seatIndices.get(showId)!.get(seats[0] as string)!;
    return bookingId === null ? [] : [{ showId, seat, answeredAtMs: startedAtMs + heldAtMs }];
  });
  for (const watching of audience) watching.lookFor(holds);
  const seen = await Promise.all(audience.map(({ done }) => done));
  expectSold(attempts);
  const latenciesMs = seen.flatMap(({ outcome }) => [...outcome.latenciesMs]);
  const sum = (of: (watching: (typeof seen)[number]) => number): number =>
    seen.reduce((total, one) => total + of(one), 0);
  const lost = sum(({ outcome }) => outcome.lost);
  const costs = costsPerOperation(loaded, holds.length);
  return {
    figures: {
      'watchers held': watchers - lost,
      'change seen, p99': quantile(latenciesMs, 0.99),
      'change seen, median': quantile(latenciesMs, 0.5),
      'changes unseen': sum(({ outcome }) => outcome.unseen),
      'streams lost': lost,
      'messages to watchers': sum(({ outcome }) => outcome.messages) / ((WARM_UP_MS + MEASURED_MS) / 1_000),
    },
    costs: {
      ...costs,
      generatorCpuMs: costs.generatorCpuMs + sum(({ generatorCpuMs }) => generatorCpuMs) / holds.length,
    },
  };
}

function shares(watchers: number): number[] {
  const generators = Math.ceil(watchers / WATCHERS_PER_GENERATOR_MAX);
  return Array.from({ length: generators }, (_, number) => Math.floor((watchers + number) / generators));
}
