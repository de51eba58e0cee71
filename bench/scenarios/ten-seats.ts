import { costsPerOperation } from '../costs.ts';
import type { Choice } from '../load/front.ts';
import { expectNoFailures } from '../sales-figures.ts';
import type { BenchContext, Scenario } from '../scenario.ts';
import { decisionsOf, everyTwoOf, storm } from '../storm.ts';

const CLIENTS = 256;
const SEATS = 10;
/** Five pairs, or four and two seats that are left alone. */
const GRANTED_MIN = 4;
const WARM_UP_REQUESTS = 5_000;

/** W2. Everybody wants two of the ten seats of one show; a refusal is a decision, too. */
export const tenSeats = (requests: number): Scenario => ({
  name: `ten-seats-${requests}`,
  what: `W2: ${CLIENTS} clients in closed loops ask ${requests} times for two seats, at random, of the ${SEATS} of one show, after ${WARM_UP_REQUESTS} requests on another one`,
  profiles: ['server'],
  figures: [
    { figure: 'hold decisions', unit: '/s', better: 'more', floor: 5_000, aim: 15_000 },
    { figure: 'decision, p99', unit: 'ms' },
    { figure: 'holds granted', unit: '', better: 'more', floor: GRANTED_MIN, everyRun: true },
  ],
  async run(context) {
    const buyers = await context.api.guests(CLIENTS);
    const { perSecond, p99Ms, granted, costs } = await stormed(context, buyers, requests);
    return { figures: { 'hold decisions': perSecond, 'decision, p99': p99Ms, 'holds granted': granted }, costs };
  },
});

async function stormed(context: BenchContext, buyers: readonly string[], requests: number) {
  const { load, sales, system } = context;
  const warmUp = { choices: await newChoices(context), requests: WARM_UP_REQUESTS };
  const choices = await newChoices(context);
  const front = { kind: 'seatkeeper', origin: system.api, buyers } as const;
  const loaded = await load(storm({ front, clients: buyers.length, choices, warmUp }, { requests }));
  const { attempts, warmUpAttempts } = loaded.outcome;
  sales.addAttempts(warmUpAttempts, warmUp.choices, buyers);
  sales.addAttempts(attempts, choices, buyers);
  expectNoFailures([...warmUpAttempts, ...attempts]);
  const decisions = decisionsOf(attempts);
  return { ...decisions, costs: costsPerOperation(loaded, decisions.decided) };
}

/** On a show of its own. */
async function newChoices({ boxOffice }: BenchContext): Promise<Choice[]> {
  const show = await boxOffice.newRow(SEATS);
  return everyTwoOf(show.seatIds).map((seats) => ({ showId: show.id, seats }));
}
