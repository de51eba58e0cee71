import type { ReadModel } from './database.ts';

/** What a provider calls one of our attempts or refunds. */
export interface ProviderReference {
  readonly provider: string;
  /** Our own id of the attempt or the refund. */
  readonly key: string;
  readonly reference: string;
}

/** Null if none is kept. */
export async function findProviderReference(
  db: ReadModel,
  { provider, key }: Pick<ProviderReference, 'provider' | 'key'>,
): Promise<string | null> {
  const row = await db
    .selectFrom('provider_references')
    .select('reference')
    .where('key', '=', key)
    .where('provider', '=', provider)
    .executeTakeFirst();
  return row?.reference ?? null;
}

/** Of several for one key the first one is kept, whoever comes with another: answers that one. */
export async function keepProviderReference(
  db: ReadModel,
  { provider, key, reference }: ProviderReference,
): Promise<{ readonly reference: string; readonly isNew: boolean }> {
  const inserted = await db
    .insertInto('provider_references')
    .values({ key, provider, reference })
    .onConflict((conflict) => conflict.columns(['key', 'provider']).doNothing())
    .returning('reference')
    .executeTakeFirst();
  if (inserted) return { reference, isNew: true };
  // A statement of its own: the one above does not see a row that was committed while it waited for it.
  const kept = await findProviderReference(db, { provider, key });
  return { reference: kept!, isNew: false };
}
