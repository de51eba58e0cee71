import { Counter, Histogram, type Registry } from 'prom-client';
import { createRegistry, LATENCY_BUCKETS, seatCommandMetrics } from '../../platform/metrics.ts';

export interface Metrics {
  readonly registry: Registry;
  request(route: string, method: string, status: number, seconds: number): void;
  /** `granted`, or the code it was refused with. */
  holdDecision(result: string): void;
  seatCommandBatch(batch: { readonly commands: number; readonly ms: number }): void;
}

/** Of one process; with `process`, also what Node.js says about itself. */
export function createMetrics({ process = false } = {}): Metrics {
  const registry = createRegistry({ process });
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
  return {
    registry,
    request: (route, method, status, seconds) => requests.observe({ route, method, status }, seconds),
    holdDecision: (result) => holds.inc({ result }),
    seatCommandBatch: seatCommandMetrics(registry),
  };
}
