import type { ReadModel } from './database.ts';

/** Brings the schema up to date, under a lock: of several processes that start together one does it, the rest wait. */
export declare function migrateToLatest(db: ReadModel): Promise<void>;
