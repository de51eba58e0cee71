/**
 * What a provider calls a charge or a refund of ours, kept in our own records: for a provider that can't be asked by our
 * keys for as long as there may be something to ask. Both may throw; then nothing is known.
 */
export interface ProviderReferences {
  find(key: string): Promise<string | null>;
  /** The first reference that is kept for a key stays. Durable when it is answered. */
  keep(key: string, reference: string): Promise<KeptReference>;
}

export interface KeptReference {
  /** The one that is kept, which may be an earlier one. */
  readonly reference: string;
  /** Nobody had kept one before. */
  readonly isNew: boolean;
}

/** Why an outcome is unknown whose provider was not asked, because our records can't be read. */
export const RECORDS_UNAVAILABLE = 'records_unavailable';

/** Undefined when our records can't be read, or written. */
export async function onRecord<T>(look: () => Promise<T>): Promise<T | undefined> {
  try {
    return await look();
  } catch {
    return undefined;
  }
}
