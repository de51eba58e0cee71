import { setTimeout as delay } from 'node:timers/promises';
import { Pool } from 'undici';
import type { OnOvercome } from '../patience.ts';
import { type Behaviour, Buyer, type VisitEnd, type Wish } from './buyer.ts';
import { scatteredSeats } from './scattered-seats.ts';

/** How many of a hundred buyers behave so. */
const mix: readonly (readonly [Behaviour, number])[] = [
  ['pays', 62],
  ['double_clicks', 10],
  ['declined_first', 8],
  ['abandons', 8],
  ['releases', 4],
  ['loses_the_answer', 2],
  ['pays_pending', 3],
  ['pays_late', 3],
];
/** Group sizes, the larger ones more often: a big hall sells out in the demo's time. */
const groupSizes = [2, 4, 6, 8, 10, 10, 10, 10, 10, 10] as const;
/** What is refused is halved, down to one seat; what is granted may be twice as many the next time. */
const SMALLEST_GROUP = 1;
const LARGEST_GROUP = Math.max(...groupSizes);
/** Sold out for now, but held seats may come back: a buyer looks again after a while. */
const LOOK_AGAIN_MS = 500;
/** A payment may wait ten seconds for its provider; an answer that takes twice as long never comes. */
const ANSWER_WITHIN_MS = 20_000;

export type Office = 'regular' | 'hurried';

export interface StormOptions {
  readonly showId: string;
  readonly buyers: number;
  /** In index order. */
  readonly seatIds: readonly string[];
  /** One letter a seat, as of now. */
  readonly seatMap: () => Promise<string>;
  /** Where most buyers go, and where those go whose payment will come too late. */
  readonly offices: Readonly<Record<Office, string>>;
  readonly random: () => number;
  /** Aborted when the show is sold out, and by the first buyer who could not go on. */
  readonly stop: AbortController;
  readonly onOvercome: OnOvercome;
}

export interface StormProgress {
  readonly visits: Readonly<Record<VisitEnd, number>>;
  /** Bookings of which a buyer has been told that they are confirmed. */
  readonly toldConfirmed: ReadonlySet<string>;
}

/**
 * Buyers come and come again until they are stopped. Yields what has happened so far by `progress`; `over` rejects with
 * what the first of them could not overcome, when all have gone.
 */
export function storm(options: StormOptions): { readonly progress: StormProgress; readonly over: Promise<void> } {
  const { stop, random, showId, onOvercome } = options;
  const visits = { confirmed: 0, abandoned: 0, released: 0, late: 0, refused: 0, expired: 0, failed: 0 };
  const toldConfirmed = new Set<string>();
  const pools = { regular: openPool(options.offices.regular), hurried: openPool(options.offices.hurried) };

  function openPool(url: string): Pool {
    return new Pool(url, {
      connections: options.buyers,
      headersTimeout: ANSWER_WITHIN_MS,
      bodyTimeout: ANSWER_WITHIN_MS,
    });
  }

  /** Who was refused looks at the map; where that helps no further, a smaller group asks for the best seats again. */
  async function wishOf(group: number, wasRefused: boolean): Promise<Wish> {
    if (!wasRefused || group === SMALLEST_GROUP) return { bestAvailable: { count: group } };
    const seats = scatteredSeats(await options.seatMap(), group, random);
    return seats.length > 0
      ? { seatIds: seats.map((seat) => options.seatIds[seat]!) }
      : { bestAvailable: { count: Math.max(Math.floor(group / 2), SMALLEST_GROUP) } };
  }

  async function buyer(): Promise<void> {
    let largest = LARGEST_GROUP;
    for (let wasRefused = false; !stop.signal.aborted;) {
      const behaviour = behaviourOf(random);
      const pool = behaviour === 'pays_late' ? pools.hurried : pools.regular;
      const group = Math.min(pick(groupSizes, random), largest);
      const wish = await wishOf(group, wasRefused);
      const { end, bookingId, soldOut } = await new Buyer(pool, showId, onOvercome).visit(wish, behaviour);
      visits[end] += 1;
      if (end === 'confirmed') toldConfirmed.add(bookingId!);
      if (end === 'refused' && wasRefused) largest = Math.max(Math.floor(group / 2), SMALLEST_GROUP);
      else if (end !== 'refused') largest = Math.min(largest * 2, LARGEST_GROUP);
      // A group that had to take scattered seats knows that there are no others: the next one looks at the map at once.
      wasRefused = end === 'refused' || 'seatIds' in wish;
      if (soldOut) await waitUnless(stop.signal, LOOK_AGAIN_MS);
    }
  }

  async function run(): Promise<void> {
    const buyers = Array.from({ length: options.buyers }, () => buyer().finally(() => stop.abort()));
    const ends = await Promise.allSettled(buyers);
    await Promise.all([pools.regular.close(), pools.hurried.close()]);
    const failed = ends.find((end) => end.status === 'rejected');
    if (failed) throw failed.reason;
  }

  return { progress: { visits, toldConfirmed }, over: run() };
}

function behaviourOf(random: () => number): Behaviour {
  let rest = random() * mix.reduce((sum, [, share]) => sum + share, 0);
  for (const [behaviour, share] of mix) {
    rest -= share;
    if (rest < 0) return behaviour;
  }
  return 'pays';
}

const pick = <Item>(items: readonly Item[], random: () => number): Item => items[Math.floor(random() * items.length)]!;

/** Ends early, and takes its listener with it, when the signal comes. */
const waitUnless = (signal: AbortSignal, ms: number): Promise<void> =>
  delay(ms, undefined, { signal }).catch(() => undefined);
