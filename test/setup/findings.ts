import type { DifferenceKey } from '../../src/domain/reconciliation.ts';
import type { ReadModel } from '../../src/read-model/database.ts';

/** What the book of differences says of one; null if it has never met it. */
export async function findingOf(db: ReadModel, { kind, subject }: DifferenceKey) {
  const row = await db
    .selectFrom('reconciliation_findings')
    .select(['state', 'done', 'runs'])
    .where('kind', '=', kind)
    .where('subject', '=', subject)
    .executeTakeFirst();
  return row ?? null;
}
