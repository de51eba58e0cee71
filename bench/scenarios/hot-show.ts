import { costsPerOperation } from '../costs.ts';
import type { Choice } from '../load/front.ts';
import { endedWithin, expectNoFailures } from '../sales-figures.ts';
import type { BenchContext, Scenario } from '../scenario.ts';
import { decisionsOf, storm } from '../storm.ts';

const CLIENTS = 256;
const SEATS = 1_000;
const WARM_UP_MS = 3_000;
const MEASURED_MS = 15_000;

/** Everybody wants one show: each request names two seats at random; the first ones get them, the others are refused. */
export const hotShow: Scenario = {
  name: 'hot-show',
  what: `${CLIENTS} clients in closed loops ask for pairs of seats, at random, of one show of ${SEATS} seats for ${MEASURED_MS / 1_000} s, after ${WARM_UP_MS / 1_000} s on another show`,
  profiles: ['server', 'dev'],
  figures: [
    { figure: 'hold decisions', unit: '/s', better: 'more', floor: 1_500 },
    { figure: 'decision, p99', unit: 'ms', better: 'less', floor: 400 },
    { figure: 'decision, median', unit: 'ms' },
  ],
  async run(context) {
    const buyers = await context.api.guests(CLIENTS);
    await stormed(context, buyers, WARM_UP_MS);
    const loaded = await stormed(context, buyers, MEASURED_MS);
    const measured = decisionsOf(endedWithin(loaded.outcome.attempts, 0, MEASURED_MS), MEASURED_MS);
    return {
      figures: {
        'hold decisions': measured.perSecond,
        'decision, p99': measured.p99Ms,
        'decision, median': measured.medianMs,
      },
      costs: costsPerOperation(loaded, measured.decided),
    };
  },
};

async function stormed({ boxOffice, load, sales, system }: BenchContext, buyers: readonly string[], ms: number) {
  const show = await boxOffice.newShow(SEATS);
  const choices = show.pairs.map((seats): Choice => ({ showId: show.id, seats }));
  const front = { kind: 'seatkeeper', origin: system.api, buyers } as const;
  const loaded = await load(storm({ front, clients: buyers.length, choices }, { ms }));
  sales.addAttempts(loaded.outcome.attempts, choices, buyers);
  expectNoFailures(loaded.outcome.attempts);
  return loaded;
}
