import { arrivals, closedLoops } from './bookings.ts';
import type { Job, JobOutcome } from './jobs.ts';
import { Stopwatch } from './stopwatch.ts';

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
  }
}

process.once('message', (job: Job) => void work(job));
// Whoever has started it is gone, or has what was asked for.
process.once('disconnect', () => process.exit(0));
