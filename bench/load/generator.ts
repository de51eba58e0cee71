import { arrivals, closedLoops } from './bookings.ts';
import type { Job, JobOutcome } from './jobs.ts';
import { mapReads } from './map-reads.ts';
import type { AnsweredHold } from './seen-changes.ts';
import { showBatches } from './show-batches.ts';
import { Stopwatch } from './stopwatch.ts';
import { watchers } from './watchers.ts';

/** The load generator: a process of its own that does one job, which it is told by its parent, and ends. */
export type GeneratorMessage =
  | { readonly event: 'measuring' }
  | { readonly event: 'measured' }
  | { readonly event: 'done'; readonly outcome: JobOutcome; readonly cpuMs: number; readonly residentBytes: number }
  | { readonly event: 'failed'; readonly reason: string };

const tell = (message: GeneratorMessage): Promise<void> =>
  new Promise((resolve) => process.send!(message, undefined, undefined, () => resolve()));

async function work(job: Job): Promise<void> {
  const stopwatch = new Stopwatch((event) => void tell({ event }));
  try {
    const outcome = await outcomeOf(job, stopwatch);
    await tell({ event: 'done', outcome, cpuMs: stopwatch.cpuMs, residentBytes: process.memoryUsage.rss() });
  } catch (error) {
    await tell({ event: 'failed', reason: error instanceof Error ? (error.stack ?? error.message) : String(error) });
  }
  process.disconnect();
}

function outcomeOf(job: Job, stopwatch: Stopwatch): Promise<JobOutcome> {
  switch (job.kind) {
    case 'closed loops':
      return closedLoops(job, stopwatch);
    case 'arrivals':
      return arrivals(job, stopwatch);
    case 'map reads':
      return mapReads(job, stopwatch);
    case 'show batches':
      return showBatches(job, stopwatch);
    case 'watchers':
      return watchers(
        job,
        stopwatch,
        new Promise<readonly AnsweredHold[]>((resolve) => process.once('message', resolve)),
      );
  }
}

process.once('message', (job: Job) => void work(job));
// Whoever has started it is gone, or has what was asked for.
process.once('disconnect', () => process.exit(0));
