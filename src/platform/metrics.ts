import { collectDefaultMetrics, Histogram, Registry } from 'prom-client';

/** Seconds: a hold is to take 30 ms unloaded and 400 ms under the worst load, a payment 150 ms. */
export const LATENCY_BUCKETS = [0.005, 0.01, 0.02, 0.03, 0.05, 0.1, 0.15, 0.25, 0.4, 0.75, 1.5, 3, 6, 12];
const BATCH_BUCKETS = [1, 2, 4, 8, 16, 32, 64, 128, 256];

/** Of one process; with `process`, also what Node.js says about itself. */
export function createRegistry({ process = false } = {}): Registry {
  const registry = new Registry();
  if (process) collectDefaultMetrics({ register: registry });
  return registry;
}

/** What every process that sends seat commands to shows counts: batches, their commands, and their latency. */
export function seatCommandMetrics(registry: Registry) {
  const registers = [registry];
  const sizes = new Histogram({
    name: 'seatkeeper_seat_command_batch_size',
    help: 'Seat commands in one update of a show',
    buckets: BATCH_BUCKETS,
    registers,
  });
  const times = new Histogram({
    name: 'seatkeeper_seat_command_batch_duration_seconds',
    help: 'Time until a show has answered a batch of seat commands',
    buckets: LATENCY_BUCKETS,
    registers,
  });
  return ({ commands, ms }: { readonly commands: number; readonly ms: number }): void => {
    sizes.observe(commands);
    times.observe(ms / 1_000);
  };
}
