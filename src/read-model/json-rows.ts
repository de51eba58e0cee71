/**
 * Many rows as one JSON parameter, for `jsonb_to_recordset`: the statement's text is the same for one row and for a
 * hundred. Sorted by id, so that two batches that share rows lock them in the same order and can't deadlock.
 */
export const jsonRows = (rows: readonly { readonly id: string }[]): string =>
  JSON.stringify([...rows].sort((a, b) => (a.id < b.id ? -1 : 1)));

export const isoTime = (timeMs: number): string => new Date(timeMs).toISOString();
