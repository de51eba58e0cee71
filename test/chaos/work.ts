import type { Market } from './clients.ts';
import type { MapReader } from './readers.ts';
import type { StreamWatcher } from './stream-watcher.ts';

/** What a run has shown so far. */
export interface Work {
  readonly 'holds granted': number;
  readonly 'seats refused': number;
  readonly 'bookings confirmed': number;
  readonly 'answers to repeat': number;
  readonly 'seat maps read': number;
  readonly 'changes of seat maps told': number;
}

/** A run in which nobody bought anything, or nobody was refused, has shown nothing. */
const LEAST: Work = {
  'holds granted': 21,
  'seats refused': 51,
  'bookings confirmed': 6,
  'answers to repeat': 21,
  'seat maps read': 21,
  'changes of seat maps told': 21,
};

export const workOf = (
  { figures: { outcomes, codes }, told: { bookings, answers } }: Pick<Market, 'figures' | 'told'>,
  readers: readonly Pick<MapReader, 'reads'>[],
  watchers: readonly Pick<StreamWatcher, 'events'>[],
): Work => ({
  'holds granted': outcomes['hold ok'] ?? 0,
  'seats refused': codes.SEAT_UNAVAILABLE ?? 0,
  'bookings confirmed': [...bookings.values()].filter(({ status }) => status === 'CONFIRMED').length,
  'answers to repeat': answers.size,
  'seat maps read': readers.reduce((sum, { reads }) => sum + reads, 0),
  'changes of seat maps told': watchers.reduce((sum, { events }) => sum + events, 0),
});

/** One sentence for each kind of work of which there was too little to show anything. */
export const tooLittle = (work: Work): string[] =>
  (Object.keys(LEAST) as (keyof Work)[])
    .filter((kind) => work[kind] < LEAST[kind])
    .map((kind) => `too little to show anything: ${work[kind]} of ${LEAST[kind]} ${kind}`);
