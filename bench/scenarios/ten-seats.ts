import { costsPerOperation } from '../costs.ts';
import type { Choice } from '../load/front.ts';
import { countOf, expectNoFailures, holdQuantile } from '../sales-figures.ts';
import type { BenchContext, Scenario } from '../scenario.ts';

const CLIENTS = 256;
const SEATS = 10;
const WARM_UP_REQUESTS = 5_000;
const REQUESTS = 5_000;
const MANY_REQUESTS = 50_000;

/** W2. Everybody wants two of the ten seats of one show; a refusal is a decision, too. */
export const tenSeats: Scenario = {
  name: 'ten-seats',
  what: `W2: ${CLIENTS} clients in closed loops ask ${REQUESTS} times, then ${MANY_REQUESTS} times on another show, for two seats, at random, of the ${SEATS} of one show; after ${WARM_UP_REQUESTS} requests on a third one`,
  profiles: ['server'],
  figures: [
    { figure: 'hold decisions', unit: '/s', better: 'more', floor: 5_000, aim: 15_000 },
    { figure: 'decision, p99', unit: 'ms' },
    { figure: 'hold decisions, 50,000', unit: '/s', better: 'more', floor: 5_000, aim: 15_000 },
    { figure: 'decision, p99, 50,000', unit: 'ms' },
    { figure: 'holds granted', unit: '' },
  ],
  async run(context) {
    const buyers = await context.api.guests(CLIENTS);
    await storm(context, buyers, WARM_UP_REQUESTS);
    const few = await storm(context, buyers, REQUESTS);
    const many = await storm(context, buyers, MANY_REQUESTS);
    return {
      figures: {
        'hold decisions': few.perSecond,
        'decision, p99': few.p99Ms,
        'hold decisions, 50,000': many.perSecond,
        'decision, p99, 50,000': many.p99Ms,
        'holds granted': few.granted,
      },
      costs: many.costs,
    };
  },
};

async function storm({ boxOffice, load, sales, system }: BenchContext, buyers: readonly string[], requests: number) {
  const show = await boxOffice.newRow(SEATS);
  const choices = everyTwoOf(show.seatIds).map((seats): Choice => ({ showId: show.id, seats }));
  const loaded = await load({
    kind: 'closed loops',
    front: { kind: 'seatkeeper', origin: system.api, buyers },
    clients: buyers.length,
    choices,
    order: 'at random',
    pays: false,
    warmUpMs: 0,
    measuredMs: Infinity,
    requests,
  });
  const { attempts } = loaded.outcome;
  sales.addAttempts(attempts, choices, buyers);
  expectNoFailures(attempts);
  const decided = countOf(attempts, 'held', 'taken');
  const elapsedSeconds = attempts.reduce((last, { endMs }) => Math.max(last, endMs), 0) / 1_000;
  return {
    perSecond: decided / elapsedSeconds,
    p99Ms: holdQuantile(attempts, 0.99),
    granted: countOf(attempts, 'held'),
    costs: costsPerOperation(loaded, decided),
  };
}

/** All ordered pairs of different ones. */
export const everyTwoOf = <Item>(items: readonly Item[]): [Item, Item][] =>
  items.flatMap((first) => items.flatMap((second) => (first === second ? [] : [[first, second] as [Item, Item]])));
