import { setTimeout as delay } from 'node:timers/promises';
import { Pool } from 'undici';
import { type Behaviour, Buyer, type Visit } from './buyer.ts';

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
/** A buyer who was refused looks for a smaller group, down to one seat. */
const SMALLEST_GROUP = 1;
/** Sold out for now, but held seats may come back: a buyer looks again after a while. */
const LOOK_AGAIN_MS = 500;

export interface StormOptions {
  readonly showId: string;
  readonly buyers: number;
  /** Where most buyers go, and where those go whose payment will come too late. */
  readonly offices: { readonly regular: string; readonly hurried: string };
  readonly random: () => number;
  readonly signal: AbortSignal;
}

export interface StormProgress {
  readonly visits: Readonly<Record<Visit, number>>;
  readonly seatsConfirmed: number;
  readonly requestsRefused: number;
}

/**
 * Buyers come and come again until the signal says that the show is sold out. Yields what has happened so far by
 * `progress`.
 */
export function storm(options: StormOptions): { readonly progress: StormProgress; readonly over: Promise<void> } {
  const visits = { confirmed: 0, abandoned: 0, released: 0, late: 0, refused: 0, expired: 0, failed: 0 };
  const progress = { visits, seatsConfirmed: 0, requestsRefused: 0 };
  const pools = {
    regular: new Pool(options.offices.regular, { connections: options.buyers }),
    hurried: new Pool(options.offices.hurried, { connections: options.buyers }),
  };

  async function buyer(): Promise<void> {
    let group: number = pick(groupSizes, options.random);
    while (!options.signal.aborted) {
      const behaviour = behaviourOf(options.random);
      const pool = behaviour === 'pays_late' ? pools.hurried : pools.regular;
      const { visit, seats, soldOut } = await new Buyer(pool, options.showId).visit(group, behaviour);
      visits[visit] += 1;
      if (visit === 'confirmed') progress.seatsConfirmed += seats;
      if (visit !== 'refused') group = pick(groupSizes, options.random);
      else if (group > SMALLEST_GROUP) group = Math.max(Math.floor(group / 2), SMALLEST_GROUP);
      if (soldOut) await waitUnless(options.signal, LOOK_AGAIN_MS);
    }
  }

  const over = Promise.all(Array.from({ length: options.buyers }, buyer)).then(async () => {
    await Promise.all([pools.regular.close(), pools.hurried.close()]);
  });
  return { progress, over };
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
