import type { Choice } from '../load/front.ts';
import type { Job } from '../load/jobs.ts';
import type { UnderLoad } from '../load/under-load.ts';
import {
  countOf,
  endedWithin,
  expectNoFailures,
  expectSold,
  expectSeatsLeft,
  holdQuantile,
  payQuantile,
} from '../sales-figures.ts';
import { decisionsOf, everyTwoOf, storm } from '../storm.ts';
import type { ToldSales } from '../told-sales.ts';
import type { PeerCosts } from './measure.ts';
import type { PeerName } from './peer.ts';
import type { RunningPeer } from './running-peer.ts';

const SHOWS_AT_ONCE = 4;
const SEATS_PER_SHOW = 3_000;
/** None sells faster: so many shows are opened that they don't sell out before the time is up. */
const BOOKINGS_PER_SECOND_MAX: Readonly<Record<PeerName, number>> = {
  'postgres-conditional': 12_000,
  'postgres-coalesced': 20_000,
  restate: 1_500,
  'restate-in-turn': 1_500,
  dbos: 1_500,
};

const HOT_CLIENTS = 256;
const HOT_SEATS = 10;
const HOT_REQUESTS = 5_000;
const HOT_WARM_UP_REQUESTS = 5_000;

export interface Timing {
  readonly warmUpMs: number;
  readonly measuredMs: number;
}

/** What a workload has to do with. */
export interface PeerContext {
  readonly peer: RunningPeer;
  readonly sales: ToldSales;
  readonly load: <J extends Job>(job: J) => Promise<UnderLoad<J, PeerCosts>>;
}

/** The first figure is the one that ratios are made of; all of them per second or ms. */
export interface Workload {
  readonly name: string;
  readonly run: (context: PeerContext) => Promise<WorkloadResult>;
}

export interface WorkloadResult {
  readonly figures: Readonly<Record<string, number>>;
  /** What was under load, and how many operations it did. */
  readonly loaded: Pick<UnderLoad<Job, PeerCosts>, 'before' | 'after' | 'generatorCpuMs'>;
  readonly operations: number;
}

let made = 0;
const newShowId = (): string => `show-${Date.now().toString(36)}-${made++}`;

/** W1. Two seats a booking, hold → pay → confirmed, on four shows at a time; sold out, the next four follow. */
export const sellOut = (clients: number, { warmUpMs, measuredMs }: Timing): Workload => ({
  name: `W1, ${clients} clients`,
  async run({ peer, sales, load }) {
    const choices = await choicesFor(peer, (BOOKINGS_PER_SECOND_MAX[peer.name] * (warmUpMs + measuredMs)) / 1_000);
    const front = { kind: 'peer', origin: peer.origin } as const;
    const job = { kind: 'closed loops', front, clients, choices, order: 'in turn', pays: true } as const;
    const loaded = await load({ ...job, warmUpMs, measuredMs });
    const { attempts } = loaded.outcome;
    sales.addAttempts(attempts, choices);
    expectSold(attempts);
    expectSeatsLeft(attempts, choices);
    const measured = endedWithin(attempts, 0, measuredMs);
    const confirmed = countOf(measured, 'confirmed');
    return {
      figures: {
        'bookings/s': confirmed / (measuredMs / 1_000),
        'hold p99, ms': holdQuantile(measured, 0.99),
        'pay p99, ms': payQuantile(measured, 0.99),
      },
      loaded,
      operations: confirmed,
    };
  },
});

/** W2. Everybody wants two of the ten seats of one show; a refusal is a decision, too. */
export const hotShow: Workload = {
  name: `W2, ${HOT_REQUESTS} requests, ${HOT_CLIENTS} clients`,
  async run(context) {
    const { peer, sales, load } = context;
    const warmUp = { choices: await hotChoices(peer), requests: HOT_WARM_UP_REQUESTS };
    const choices = await hotChoices(peer);
    const front = { kind: 'peer', origin: peer.origin } as const;
    const loaded = await load(storm({ front, clients: HOT_CLIENTS, choices, warmUp }, { requests: HOT_REQUESTS }));
    const { attempts, warmUpAttempts } = loaded.outcome;
    sales.addAttempts(warmUpAttempts, warmUp.choices);
    sales.addAttempts(attempts, choices);
    expectNoFailures([...warmUpAttempts, ...attempts]);
    for (const { bookingId, choice, end } of attempts) {
      if (end === 'held') await pay(context, { bookingId: bookingId!, ...choices[choice]! });
    }
    const { decided, perSecond, p99Ms, medianMs, granted } = decisionsOf(attempts);
    return {
      figures: {
        'decisions/s': perSecond,
        'decision p99, ms': p99Ms,
        'decision median, ms': medianMs,
        'holds granted': granted,
      },
      loaded,
      operations: decided,
    };
  },
};

async function choicesFor(peer: RunningPeer, bookings: number): Promise<Choice[]> {
  const choices: Choice[] = [];
  while (choices.length < bookings) {
    const shows = Array.from({ length: SHOWS_AT_ONCE }, newShowId);
    await Promise.all(shows.map((showId) => peer.openShow(showId, SEATS_PER_SHOW)));
    for (let seat = 0; seat + 1 < SEATS_PER_SHOW; seat += 2) {
      choices.push(...shows.map((showId) => ({ showId, seats: [seat, seat + 1] })));
    }
  }
  await peer.settle();
  return choices;
}

/** Of a new show. */
async function hotChoices(peer: RunningPeer): Promise<Choice[]> {
  const showId = newShowId();
  await peer.openShow(showId, HOT_SEATS);
  return everyTwoOf(Array.from({ length: HOT_SEATS }, (_, seat) => seat)).map((seats) => ({ showId, seats }));
}

async function pay({ peer, sales }: PeerContext, booking: Choice & { readonly bookingId: string }): Promise<void> {
  const body = { method: 'card', token: 'tok_ok' };
  const answer = await peer.call('POST', `/bookings/${booking.bookingId}/payment`, body);
  if (answer.status !== 200 || answer.body.status !== 'CONFIRMED') {
    throw new Error(`a payment was answered ${answer.status}: ${JSON.stringify(answer.body)}`);
  }
  sales.granted({ ...booking, told: 'confirmed' });
}
