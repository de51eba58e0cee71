import type { ReadModel } from './database.ts';

export interface WebhookEvent {
  readonly provider: string;
  readonly eventId: string;
  readonly body: unknown;
  readonly bookingId: string | null;
  /** What it did: `accepted`, `unknown_booking`, … */
  readonly effect: string;
}

/** Keeps a provider's event; false if an event of that provider with that id was kept before. */
export declare function recordWebhookEvent(db: ReadModel, event: WebhookEvent): Promise<boolean>;

/** The kept event's effect; null if there is none. */
export declare function findWebhookEffect(db: ReadModel, provider: string, eventId: string): Promise<string | null>;
