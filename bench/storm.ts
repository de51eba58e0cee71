import type { Attempt } from './load/attempt.ts';
import type { ClosedLoopsJob } from './load/bookings.ts';
import { countOf, holdQuantile } from './sales-figures.ts';

type Stormed = Pick<ClosedLoopsJob, 'front' | 'clients' | 'choices' | 'warmUp'>;

/** Everybody asks, at random, for the same seats, and nobody pays: so many times, or so long. */
export const storm = (stormed: Stormed, until: { readonly requests: number } | { readonly ms: number }) =>
  ({
    ...stormed,
    kind: 'closed loops',
    order: 'at random',
    pays: false,
    warmUpMs: 0,
    measuredMs: 'ms' in until ? until.ms : Infinity,
    ...('requests' in until && until),
  }) satisfies ClosedLoopsJob;

/** What became of it; a refusal is a decision, too. @param elapsedMs by default until the last one was answered */
export function decisionsOf(
  attempts: readonly Attempt[],
  elapsedMs: number = attempts.reduce((last, { endMs }) => Math.max(last, endMs), 0),
) {
  const decided = countOf(attempts, 'held', 'taken');
  return {
    decided,
    perSecond: decided / (elapsedMs / 1_000),
    medianMs: holdQuantile(attempts, 0.5),
    p99Ms: holdQuantile(attempts, 0.99),
    granted: countOf(attempts, 'held'),
  };
}

/** All ordered pairs of different ones. */
export const everyTwoOf = <Item>(items: readonly Item[]): [Item, Item][] =>
  items.flatMap((first) => items.flatMap((second) => (first === second ? [] : [[first, second] as [Item, Item]])));
