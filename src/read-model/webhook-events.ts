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
export async function recordWebhookEvent(db: ReadModel, event: WebhookEvent): Promise<boolean> {
  const { numInsertedOrUpdatedRows } = await db
    .insertInto('webhook_events')
    .values({
      provider: event.provider,
      event_id: event.eventId,
      body: JSON.stringify(event.body),
      booking_id: event.bookingId,
      effect: event.effect,
    })
    .onConflict((conflict) => conflict.columns(['provider', 'event_id']).doNothing())
    .executeTakeFirst();
  return numInsertedOrUpdatedRows === 1n;
}

/** The kept event's effect; null if there is none. */
export async function findWebhookEffect(db: ReadModel, provider: string, eventId: string): Promise<string | null> {
  const row = await db
    .selectFrom('webhook_events')
    .select('effect')
    .where('provider', '=', provider)
    .where('event_id', '=', eventId)
    .executeTakeFirst();
  return row?.effect ?? null;
}
