import type { WebhookVerifier } from '../contracts/payments.ts';
import type { Reconciliations } from '../contracts/reconciliation.ts';
import type { SaleLimits } from '../contracts/show-start.ts';
import type { WebhookTargets } from '../contracts/webhook-targets.ts';
import type { WorkflowClient } from '../contracts/workflow-client.ts';
import type { BookingTerms } from '../domain/booking-process.ts';
import type { Logger } from '../platform/logger.ts';
import type { ReadModel } from '../read-model/database.ts';
import type { TicketCodes } from '../tickets/ticket-codes.ts';
import type { Metrics } from './operations/metrics.ts';
import type { SeatMaps } from './seats/seat-routes.ts';
import type { SeatMapStreams } from '../live/seat-map-streams.ts';

/** What every booking made by this process is made under. */
export interface SaleSettings {
  readonly terms: BookingTerms;
  readonly limits: SaleLimits;
}

/** Everything that the HTTP application is made of; `src/main/api.ts` puts the real parts in. */
export interface AppDeps {
  readonly db: ReadModel;
  readonly workflows: WorkflowClient;
  readonly reconciliations: Reconciliations;
  readonly seatMaps: SeatMaps;
  readonly streams: Pick<SeatMapStreams, 'admit'>;
  /** By the `{provider}` of the webhook's path. */
  readonly webhooks: ReadonlyMap<string, WebhookVerifier>;
  readonly webhookTargets: WebhookTargets;
  readonly jwtSecret: string;
  readonly ticketCodes: TicketCodes;
  readonly settings: SaleSettings;
  readonly rateLimit: 'on' | 'off';
  /** Proxies between the clients and this process, whose `X-Forwarded-For` is believed. */
  readonly trustedProxies: number;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly nowMs: () => number;
}
