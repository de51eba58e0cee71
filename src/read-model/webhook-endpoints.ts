import { sql } from 'kysely';
import type { EventType } from '../contracts/events.ts';
import type { ReadModel } from './database.ts';
import type { WebhookEndpointsTable } from './tables.ts';
import type { Selectable } from 'kysely';

/** Each has a queue of its own in every relay. */
export const WEBHOOK_ENDPOINTS_MAX = 100;

/** Where a partner is told of events. */
export interface WebhookEndpoint {
  /** `whe_…` */
  readonly id: string;
  readonly url: string;
  readonly secret: string;
  readonly description: string | null;
  /** Null: all. */
  readonly eventTypes: readonly EventType[] | null;
  readonly enabled: boolean;
  /** Since when every delivery has failed, Unix ms; null while some succeed. */
  readonly failingSinceMs: number | null;
  /** Why it was disabled by itself; null unless it was. */
  readonly disabledBecause: string | null;
  readonly createdAtMs: number;
}

/** The queue of an endpoint's deliveries. */
export const queueOfEndpoint = (id: string): string => `webhook/${id}`;

/** False when there are as many as there may be. */
export async function insertWebhookEndpoint(db: ReadModel, endpoint: WebhookEndpoint): Promise<boolean> {
  const { numInsertedOrUpdatedRows } = await db
    .insertInto('webhook_endpoints')
    .columns(['id', 'url', 'secret', 'description', 'event_types', 'enabled', 'created_at'])
    .expression((eb) =>
      eb
        .selectFrom(sql<{ one: number }>`(select 1 as one)`.as('always'))
        .select([
          sql<string>`${endpoint.id}`.as('id'),
          sql<string>`${endpoint.url}`.as('url'),
          sql<string>`${endpoint.secret}`.as('secret'),
          sql<string | null>`${endpoint.description}::text`.as('description'),
          sql<string[] | null>`${endpoint.eventTypes}::text[]`.as('event_types'),
          sql<boolean>`${endpoint.enabled}::boolean`.as('enabled'),
          sql<Date>`${new Date(endpoint.createdAtMs)}::timestamptz`.as('created_at'),
        ])
        .where(sql<boolean>`(select count(*) from webhook_endpoints) < ${WEBHOOK_ENDPOINTS_MAX}`),
    )
    .executeTakeFirst();
  return numInsertedOrUpdatedRows === 1n;
}

/** All of them, the oldest first. */
export async function listWebhookEndpoints(db: ReadModel): Promise<WebhookEndpoint[]> {
  const rows = await db.selectFrom('webhook_endpoints').selectAll().orderBy('created_at').orderBy('id').execute();
  return rows.map(toEndpoint);
}

export async function findWebhookEndpoint(db: ReadModel, id: string): Promise<WebhookEndpoint | null> {
  const row = await db.selectFrom('webhook_endpoints').selectAll().where('id', '=', id).executeTakeFirst();
  return row === undefined ? null : toEndpoint(row);
}

/** False if there was none. What waits for it is never sent. */
export async function deleteWebhookEndpoint(db: ReadModel, id: string): Promise<boolean> {
  const { numDeletedRows } = await db.deleteFrom('webhook_endpoints').where('id', '=', id).executeTakeFirst();
  return numDeletedRows === 1n;
}

/** An endpoint that is enabled again starts without a past. */
export async function setWebhookEndpointEnabled(
  db: ReadModel,
  id: string,
  enabled: boolean,
): Promise<WebhookEndpoint | null> {
  const row = await db
    .updateTable('webhook_endpoints')
    .set({ enabled, ...(enabled ? { failing_since: null, disabled_because: null } : {}) })
    .where('id', '=', id)
    .returningAll()
    .executeTakeFirst();
  return row === undefined ? null : toEndpoint(row);
}

/** A delivery has succeeded. */
export async function noteWebhookSuccess(db: ReadModel, id: string): Promise<void> {
  await db
    .updateTable('webhook_endpoints')
    .set({ failing_since: null })
    .where('id', '=', id)
    .where('failing_since', 'is not', null)
    .execute();
}

/**
 * A delivery has failed. Disables the endpoint if all have for so long, or at once; true when this call did so.
 */
export async function noteWebhookFailure(
  db: ReadModel,
  id: string,
  { disableAfterMs, because }: { readonly disableAfterMs: number; readonly because: string },
): Promise<boolean> {
  const after = sql<Date>`now() - ${disableAfterMs}::double precision * interval '1 millisecond'`;
  const row = await db
    .updateTable('webhook_endpoints')
    .set({
      failing_since: sql<Date>`coalesce(failing_since, now())`,
      enabled: sql<boolean>`coalesce(failing_since, now()) > ${after}`,
      disabled_because: sql<string | null>`case when coalesce(failing_since, now()) <= ${after} then ${because} end`,
    })
    .where('id', '=', id)
    .where('enabled', '=', true)
    .returning('enabled')
    .executeTakeFirst();
  return row?.enabled === false;
}

const toEndpoint = (row: Selectable<WebhookEndpointsTable>): WebhookEndpoint => ({
  id: row.id,
  url: row.url,
  secret: row.secret,
  description: row.description,
  eventTypes: row.event_types as readonly EventType[] | null,
  enabled: row.enabled,
  failingSinceMs: row.failing_since?.getTime() ?? null,
  disabledBecause: row.disabled_because,
  createdAtMs: row.created_at.getTime(),
});
