import { collectDefaultMetrics, Counter, Histogram, Registry } from 'prom-client';

/** Seconds: a hold is to take 30 ms unloaded and 400 ms under the worst load, a payment 150 ms. */
const LATENCY_BUCKETS = [0.005, 0.01, 0.02, 0.03, 0.05, 0.1, 0.15, 0.25, 0.4, 0.75, 1.5, 3, 6, 12];
const BATCH_BUCKETS = [1, 2, 4, 8, 16, 32, 64, 128, 256];

export interface Metrics {
  readonly registry: Registry;
  request(route: string, method: string, status: number, seconds: number): void;
  /** `granted`, or the code it was refused with. */
  holdDecision(result: string): void;
  seatCommandBatch(batch: { readonly commands: number; readonly ms: number }): void;
}

/** Of one process; with `process`, also what Node.js says about itself. */
export function createMetrics({ process = false } = {}): Metrics {
  const registry = new Registry();
  if (process) collectDefaultMetrics({ register: registry });
  const registers = [registry];
  const requests = new Histogram({
    name: 'seatkeeper_http_request_duration_seconds',
    help: 'HTTP requests by route of the contract, method and status',
    labelNames: ['route', 'method', 'status'],
    buckets: LATENCY_BUCKETS,
    registers,
  });
  const holds = new Counter({
    name: 'seatkeeper_hold_decisions_total',
    help: 'Holds that a show has decided, by result',
    labelNames: ['result'],
    registers,
  });
  const batchSizes = new Histogram({
    name: 'seatkeeper_seat_command_batch_size',
    help: 'Seat commands in one update of a show',
    buckets: BATCH_BUCKETS,
    registers,
  });
  const batchTimes = new Histogram({
    name: 'seatkeeper_seat_command_batch_duration_seconds',
    help: 'Time until a show has answered a batch of seat commands',
    buckets: LATENCY_BUCKETS,
    registers,
  });
  return {
    registry,
    request: (route, method, status, seconds) => requests.observe({ route, method, status }, seconds),
    holdDecision: (result) => holds.inc({ result }),
    seatCommandBatch: ({ commands, ms }) => {
      batchSizes.observe(commands);
      batchTimes.observe(ms / 1_000);
    },
  };
}
