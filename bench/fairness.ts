import { setTimeout as delay } from 'node:timers/promises';
import { Command, Option } from 'commander';
import { ApiClient } from './buyers.ts';
import { startSystem } from './running-system.ts';
import { type BenchShow, BoxOffice } from './shows.ts';
import { quantile } from './statistics.ts';

/** What the buyer of a quiet show waits for while another show is stormed: docs/decisions/0012. */
const CLIENTS = 256;
const WARM_UP_MS = 2_000;
const MEASURED_MS = 10_000;
/** One buyer of the quiet show, who asks again so long after each answer. */
const QUIET_PAUSE_MS = 50;

interface Storm {
  readonly name: string;
  /** None: the quiet show is alone. */
  readonly clients: number;
  readonly seatsMin: number;
  readonly order: 'each once' | 'at random';
  readonly pays: boolean;
}

const storms: readonly Storm[] = [
  { name: 'nothing else goes on', clients: 0, seatsMin: 1_000, order: 'each once', pays: true },
  { name: 'every hold is granted', clients: CLIENTS, seatsMin: 10_000, order: 'each once', pays: false },
  { name: 'most holds are refused', clients: CLIENTS, seatsMin: 1_000, order: 'at random', pays: false },
  { name: 'every hold is granted and paid for', clients: CLIENTS, seatsMin: 10_000, order: 'each once', pays: true },
];

/** Latencies of what was asked for after the warm-up, ms. */
class Latencies {
  readonly holds: number[] = [];
  readonly payments: number[] = [];

  get sentence(): string {
    const of = (what: string, ms: readonly number[]) =>
      `${ms.length} ${what}, median ${quantile(ms, 0.5).toFixed(0)} ms, p99 ${quantile(ms, 0.99).toFixed(0)} ms`;
    return this.payments.length === 0
      ? of('holds', this.holds)
      : `${of('holds', this.holds)}; ${of('payments', this.payments)}`;
  }
}

const { profile } = new Command('fairness')
  .addOption(new Option('--profile <name>', 'how Temporal runs').choices(['dev', 'server']).default('server'))
  .parse()
  .opts<{ profile: string }>();
const system = await startSystem({ TEMPORAL_PROFILE: profile });
const crowd = new ApiClient(system.api);
// With a connection of his own: he waits for none of the crowd's.
const quietBuyer = new ApiClient(system.api, 1);
try {
  const boxOffice = new BoxOffice(crowd, system.staffToken);
  const buyers = await crowd.guests(CLIENTS);
  for (const storm of storms) await measure(storm, boxOffice, buyers);
} finally {
  await Promise.all([crowd.close(), quietBuyer.close()]);
  await system.stop();
}

async function measure(storm: Storm, boxOffice: BoxOffice, buyers: readonly string[]): Promise<void> {
  const [quietShow, hotShow] = [await boxOffice.newShow(1_000), await boxOffice.newShow(storm.seatsMin)];
  const fromMs = Date.now() + WARM_UP_MS;
  const [quiet, hot] = [new Latencies(), new Latencies()];
  const buyAll = async (client: ApiClient, buyer: string, show: BenchShow, pairs: Iterator<Pair>, told: Latencies) => {
    for (let next = pairs.next(); !next.done && Date.now() < fromMs + MEASURED_MS; next = pairs.next()) {
      await buy(client, buyer, show, next.value, storm.pays, (latencies) => {
        if (Date.now() < fromMs) return;
        told.holds.push(latencies.hold);
        if (latencies.payment !== undefined) told.payments.push(latencies.payment);
      });
      if (client === quietBuyer) await delay(QUIET_PAUSE_MS);
    }
  };
  const hotPairs = pairsOf(hotShow, storm.order);
  await Promise.all([
    buyAll(quietBuyer, buyers[0]!, quietShow, pairsOf(quietShow, 'each once'), quiet),
    ...buyers.slice(0, storm.clients).map((buyer) => buyAll(crowd, buyer, hotShow, hotPairs, hot)),
  ]);
  console.log(`${storm.name}\n  quiet show: ${quiet.sentence}`);
  if (storm.clients > 0) console.log(`  hot show:   ${hot.sentence}`);
}

type Pair = readonly [string, string];

function* pairsOf({ pairs }: BenchShow, order: Storm['order']): Generator<Pair, void> {
  if (order === 'each once') return yield* pairs;
  for (;;) yield pairs[Math.floor(Math.random() * pairs.length)]!;
}

async function buy(
  client: ApiClient,
  buyer: string,
  { id: showId }: BenchShow,
  seatIds: Pair,
  pays: boolean,
  tell: (latencies: { hold: number; payment?: number }) => void,
): Promise<void> {
  const held = await client.call('POST', '/bookings', buyer, { showId, seatIds });
  if (![201, 409].includes(held.status)) throw new Error(`a hold was answered ${held.status}`);
  if (held.status !== 201 || !pays) return tell({ hold: held.ms });
  const path = `/bookings/${held.body.id as string}/payment`;
  const paid = await client.call('POST', path, buyer, { method: 'card', token: 'tok_ok' });
  if (paid.status !== 200 && paid.status !== 202) throw new Error(`a payment was answered ${paid.status}`);
  tell({ hold: held.ms, payment: paid.ms });
}
