import { type Migration, Migrator } from 'kysely/migration';
import { createDatabaseForMigrations, type Log } from './database.ts';
import * as firstSchema from './migrations/0001-first-schema.ts';
import * as attemptsSweptInTurn from './migrations/0002-attempts-swept-in-turn.ts';
import * as changes from './migrations/0003-changes.ts';
import * as showsCancelledAndMoved from './migrations/0004-shows-cancelled-and-moved.ts';
import * as outboxRelay from './migrations/0005-outbox-relay.ts';
import * as notificationsAndTickets from './migrations/0006-notifications-and-tickets.ts';
import * as reconciliation from './migrations/0007-reconciliation.ts';
import * as exchanges from './migrations/0008-exchanges.ts';
import * as providerReferences from './migrations/0009-provider-references.ts';
import * as whatReconciliationTells from './migrations/0010-what-reconciliation-tells.ts';

/** In the order of their numbers. One that has run anywhere is never edited: a change is a new one. */
const migrations: Readonly<Record<string, Migration>> = {
  '0001-first-schema': firstSchema,
  '0002-attempts-swept-in-turn': attemptsSweptInTurn,
  '0003-changes': changes,
  '0004-shows-cancelled-and-moved': showsCancelledAndMoved,
  '0005-outbox-relay': outboxRelay,
  '0006-notifications-and-tickets': notificationsAndTickets,
  '0007-reconciliation': reconciliation,
  '0008-exchanges': exchanges,
  '0009-provider-references': providerReferences,
  '0010-what-reconciliation-tells': whatReconciliationTells,
};

/**
 * Brings the schema up to date, all or nothing, under an advisory lock: of several processes that start together one
 * does it, the rest wait. On a schema that is up to date it does nothing.
 */
export async function migrateToLatest(url: string, log: Log): Promise<void> {
  const db = createDatabaseForMigrations(url, log);
  const migrator = new Migrator({ db, provider: { getMigrations: () => Promise.resolve({ ...migrations }) } });
  const { error, results } = await migrator.migrateToLatest();
  await db.destroy();
  if (error !== undefined) throw new Error('the read model could not be migrated', { cause: error });
  const applied = (results ?? []).map((result) => result.migrationName);
  if (applied.length > 0) log.info({ applied }, 'the read model is migrated');
}
