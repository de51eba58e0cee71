/**
 * Many rows as one JSON parameter, for `jsonb_to_recordset`: the statement's text is the same for one row and for a
 * hundred. A statement that writes them orders them by id: two batches that share rows then lock them in the same order
 * and can't deadlock.
 */
export const jsonRows = (rows: readonly { readonly id: string }[]): string => JSON.stringify(rows);
