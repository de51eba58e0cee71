import { Counter, Gauge, type Registry } from 'prom-client';
import type { DeliveryObserver } from '../outbox/delivery-queue.ts';
import type { Logger } from '../platform/logger.ts';
import type { ReadModel } from '../read-model/database.ts';
import { outboxBacklog, type QueueBacklog } from '../read-model/outbox.ts';
import type { WebhookEndpoint } from '../read-model/webhook-endpoints.ts';

/** What is asked of Postgres for the metrics is asked no more often, however often they are read. */
const BACKLOG_KEPT_MS = 10_000;

export interface RelayMetrics extends DeliveryObserver {
  readonly lanesOf: (count: () => number) => void;
  readonly endpointDisabled: (endpoint: WebhookEndpoint, because: string) => void;
}

/** What a relay counts. What an operator must see at once is a log line with `alert` besides. */
export function createRelayMetrics(registry: Registry, log: Logger, db: ReadModel): RelayMetrics {
  const { deliveries, disabled } = metersIn(registry);
  showBacklog(registry, db);
  return {
    settled: (queue, kind, { eventId, bookingId, tries }, error) => {
      deliveries.inc({ queue, outcome: kind });
      if (kind !== 'parked') return;
      const details = { alert: 'event_parked', queue, eventId, bookingId, tries: tries + 1, error };
      log.error(details, 'an event was given up: npm run outbox shows and resends it');
    },
    endpointDisabled: ({ id, url }, because) => {
      disabled.inc();
      const details = { alert: 'webhook_endpoint_disabled', endpointId: id, host: new URL(url).host, because };
      log.error(details, "a partner's endpoint was disabled");
    },
    lanesOf: (count) => {
      new Gauge({
        name: 'seatkeeper_outbox_lanes',
        help: 'Parts of the work that this relay has; all relays together have 64',
        registers: [registry],
        collect() {
          this.set(count());
        },
      });
    },
  };
}

function metersIn(registry: Registry) {
  const registers = [registry];
  return {
    deliveries: new Counter({
      name: 'seatkeeper_outbox_deliveries_total',
      help: 'Events given to a consumer, by what became of it: accepted, postponed, parked',
      labelNames: ['queue', 'outcome'],
      registers,
    }),
    disabled: new Counter({
      name: 'seatkeeper_webhook_endpoints_disabled_total',
      help: "Partners' endpoints that were disabled because they have refused everything for too long",
      registers,
    }),
  };
}

/** Read from Postgres when somebody asks for the metrics; while Postgres is away they stay as they were. */
function showBacklog(registry: Registry, db: ReadModel): void {
  let backlog: Backlog = { queues: [], notHandedOutMs: 0 };
  let readAtMs = 0;
  let reading: Promise<void> | null = null;
  const read = (): Promise<void> => {
    if (Date.now() - readAtMs < BACKLOG_KEPT_MS) return reading ?? Promise.resolve();
    readAtMs = Date.now();
    reading = outboxBacklog(db).then(
      (now) => {
        backlog = now;
      },
      () => undefined,
    );
    return reading;
  };
  const gauge = (name: string, help: string, valueOf: (queue: QueueBacklog) => number) =>
    new Gauge({
      name: `seatkeeper_outbox_${name}`,
      help,
      labelNames: ['queue'],
      registers: [registry],
      async collect() {
        await read();
        this.reset();
        for (const each of backlog.queues) this.set({ queue: each.queue }, valueOf(each));
      },
    });
  gauge('waiting', 'Deliveries that were not accepted yet', ({ waiting }) => waiting);
  gauge('parked', 'Deliveries that were given up and wait for an operator', ({ parked }) => parked);
  gauge('overdue_seconds', 'How long the delivery that waits longest has been due', ({ overdueMs }) =>
    Math.max(0, overdueMs / 1_000),
  );
  new Gauge({
    name: 'seatkeeper_outbox_not_handed_out_seconds',
    help: 'Age of the oldest event that no relay has taken up',
    registers: [registry],
    async collect() {
      await read();
      this.set(backlog.notHandedOutMs / 1_000);
    },
  });
}

type Backlog = Awaited<ReturnType<typeof outboxBacklog>>;
