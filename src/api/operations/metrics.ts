import { Counter, Gauge, Histogram, type Registry } from 'prom-client';
import type { RefusedInOverload } from '../admission/sale-admission.ts';
import type { LiveMetrics } from '../../live/live-metrics.ts';
import { createRegistry, LATENCY_BUCKETS, seatCommandMetrics } from '../../platform/metrics.ts';

export interface Metrics {
  readonly registry: Registry;
  request(route: string, method: string, status: number, seconds: number): void;
  /** `granted`, or the code it was refused with. */
  holdDecision(result: string): void;
  /** Because more came than can be answered in time. */
  refusedInOverload(what: RefusedInOverload): void;
  seatCommandBatch(batch: { readonly commands: number; readonly ms: number }): void;
  readonly live: LiveMetrics;
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
  const refusedInOverload = new Counter({
    name: 'seatkeeper_refused_in_overload_total',
    help: 'Holds and payments refused because more came than can be answered in time',
    labelNames: ['what'],
    registers,
  });
  return {
    registry,
    request: (route, method, status, seconds) => requests.observe({ route, method, status }, seconds),
    holdDecision: (result) => holds.inc({ result }),
    refusedInOverload: (what) => refusedInOverload.inc({ what }),
    seatCommandBatch: seatCommandMetrics(registry),
    live: liveMetrics(registers),
  };
}

function liveMetrics(registers: Registry[]): LiveMetrics {
  const watchers = new Gauge({ name: 'seatkeeper_watchers', help: 'Open streams of seat maps', registers });
  const sent = new Counter({
    name: 'seatkeeper_watcher_events_total',
    help: 'Events written to watchers, by kind',
    labelNames: ['event'],
    registers,
  });
  const dropped = new Counter({
    name: 'seatkeeper_watchers_dropped_total',
    help: 'Watchers that took too little of what was sent to them',
    registers,
  });
  const refused = new Counter({
    name: 'seatkeeper_watchers_refused_total',
    help: 'Watchers that found no place, by the limit that was reached',
    labelNames: ['limit'],
    registers,
  });
  const healed = new Counter({
    name: 'seatkeeper_live_gaps_healed_total',
    help: 'What was missed and made good: versions found by asking, watchers given what they lacked or a snapshot',
    labelNames: ['by'],
    registers,
  });
  return {
    watchers: (count) => watchers.set(count),
    sent: (event) => sent.inc({ event }),
    dropped: () => dropped.inc(),
    refused: (limit) => refused.inc({ limit }),
    healed: (by) => healed.inc({ by }),
  };
}
