import { closedLoops } from '../scenario.ts';
import { quantile } from '../statistics.ts';
import type { PeerAnswer, RunningPeer } from './running-peer.ts';
import type { SalesRecord } from './sales-record.ts';

const SHOWS_AT_ONCE = 4;
const SEATS_PER_SHOW = 3_000;
/** No peer sells faster: so many shows are opened that none sells out before the time is up. */
const BOOKINGS_PER_SECOND_MAX = 6_000;

const HOT_CLIENTS = 256;
const HOT_SEATS = 10;
const HOT_REQUESTS = 5_000;
const HOT_WARM_UP_REQUESTS = 2_000;

export interface Timing {
  readonly warmUpMs: number;
  readonly measuredMs: number;
}

export interface Workload {
  readonly name: string;
  /**
   * Runs it; `measure` is called when the warm-up is over.
   * @returns the figures, and how many operations were done since `measure`
   */
  run(peer: RunningPeer, sales: SalesRecord, measure: () => void): Promise<WorkloadResult>;
}

export interface WorkloadResult {
  readonly figures: Readonly<Record<string, number>>;
  readonly operations: number;
}

let made = 0;
const newShowId = (): string => `show-${Date.now().toString(36)}-${made++}`;

/** Two seats a booking, hold → pay → confirmed, on four shows at a time; sold out, the next four follow. */
export const sellOut = (clients: number, { warmUpMs, measuredMs }: Timing): Workload => ({
  name: `W1, ${clients} clients`,
  async run(peer, sales, measure) {
    const bookings = (BOOKINGS_PER_SECOND_MAX * (warmUpMs + measuredMs)) / 1_000;
    const choices = (await choicesFor(peer, bookings)).values();
    const done: { atMs: number; holdMs: number; payMs: number }[] = [];
    const startMs = Date.now() + warmUpMs;
    const endMs = startMs + measuredMs;
    setTimeout(measure, warmUpMs);
    await closedLoops(clients, endMs, async (number) => {
      const { value: choice } = choices.next();
      if (!choice) throw new Error('the shows are sold out before the time is up');
      const { bookingId, holdMs } = await hold(peer, sales, choice, `buyer-${number}`);
      if (bookingId === null) throw new Error(`${peer.name} refused free seats`);
      const payMs = await pay(peer, sales, { bookingId, ...choice });
      done.push({ atMs: Date.now(), holdMs, payMs });
    });
    const measured = done.filter(({ atMs }) => atMs >= startMs && atMs < endMs);
    const p99 = (of: (booking: (typeof done)[number]) => number): number => quantile(measured.map(of), 0.99);
    return {
      figures: {
        'bookings/s': measured.length / (measuredMs / 1_000),
        'hold p99, ms': p99(({ holdMs }) => holdMs),
        'pay p99, ms': p99(({ payMs }) => payMs),
      },
      operations: measured.length,
    };
  },
});

/** Everybody wants two of the ten seats of one show; a refusal is a decision, too. */
export const hotShow: Workload = {
  name: `W2, ${HOT_REQUESTS} requests, ${HOT_CLIENTS} clients`,
  async run(peer, sales, measure) {
    await storm(peer, sales, HOT_WARM_UP_REQUESTS);
    measure();
    const startedAtMs = performance.now();
    const { latencies, granted } = await storm(peer, sales, HOT_REQUESTS);
    const elapsedSeconds = (performance.now() - startedAtMs) / 1_000;
    for (const booking of granted) await pay(peer, sales, booking);
    return {
      figures: {
        'decisions/s': latencies.length / elapsedSeconds,
        'decision p99, ms': quantile(latencies, 0.99),
        'decision median, ms': quantile(latencies, 0.5),
        'holds granted': granted.length,
      },
      operations: latencies.length,
    };
  },
};

interface Choice {
  readonly showId: string;
  readonly seats: readonly number[];
}

interface Held extends Choice {
  readonly bookingId: string;
}

async function choicesFor(peer: RunningPeer, bookings: number): Promise<Choice[]> {
  const choices: Choice[] = [];
  while (choices.length < bookings) {
    const shows = Array.from({ length: SHOWS_AT_ONCE }, newShowId);
    await Promise.all(shows.map((showId) => peer.openShow(showId, SEATS_PER_SHOW)));
    for (let seat = 0; seat + 1 < SEATS_PER_SHOW; seat += 2) {
      choices.push(...shows.map((showId) => ({ showId, seats: [seat, seat + 1] })));
    }
  }
  return choices;
}

async function storm(peer: RunningPeer, sales: SalesRecord, requests: number) {
  const showId = newShowId();
  await peer.openShow(showId, HOT_SEATS);
  const latencies: number[] = [];
  const granted: Held[] = [];
  let left = requests;
  await closedLoops(HOT_CLIENTS, Infinity, async (number) => {
    if (left === 0) return 'nothing left';
    left -= 1;
    const choice = { showId, seats: twoSeats() };
    const { bookingId, holdMs } = await hold(peer, sales, choice, `buyer-${number}`);
    latencies.push(holdMs);
    if (bookingId !== null) granted.push({ bookingId, ...choice });
    return undefined;
  });
  return { latencies, granted };
}

function twoSeats(): [number, number] {
  const first = Math.floor(Math.random() * HOT_SEATS);
  const second = (first + 1 + Math.floor(Math.random() * (HOT_SEATS - 1))) % HOT_SEATS;
  return [first, second];
}

async function hold(peer: RunningPeer, sales: SalesRecord, choice: Choice, buyer: string) {
  const answer = await peer.call('POST', '/holds', { ...choice, buyer });
  if (answer.status === 409) return { bookingId: null, holdMs: answer.ms };
  if (answer.status !== 201) throw unexpected('hold', answer);
  const bookingId = answer.body.bookingId as string;
  sales.granted({ bookingId, ...choice });
  return { bookingId, holdMs: answer.ms };
}

async function pay(peer: RunningPeer, sales: SalesRecord, booking: Held): Promise<number> {
  const body = { method: 'card', token: 'tok_ok' };
  const answer = await peer.call('POST', `/bookings/${booking.bookingId}/payment`, body);
  if (answer.status !== 200 || answer.body.status !== 'CONFIRMED') throw unexpected('payment', answer);
  sales.confirmed(booking);
  return answer.ms;
}

const unexpected = (what: string, { status, body }: PeerAnswer): Error =>
  new Error(`a ${what} was answered ${status}: ${JSON.stringify(body)}`);
