import type { ReadModel } from './database.ts';

/** The answer to a POST, kept to be given again. */
export interface KeptAnswer {
  /** Caller and route. */
  readonly scope: string;
  readonly key: string;
  /** Digest of the request's body. */
  readonly fingerprint: string;
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: unknown;
}

/** Keeps answers, one statement for all; the first one stored wins. Gives what is stored, in order. */
export declare function saveAnswers(db: ReadModel, answers: readonly KeptAnswer[]): Promise<KeptAnswer[]>;

/** Stored answers, in order, null where there is none; one statement for all. */
export declare function findAnswers(
  db: ReadModel,
  keys: readonly Pick<KeptAnswer, 'scope' | 'key'>[],
): Promise<(KeptAnswer | null)[]>;

/** Forgets answers older than that, at most `limit` a call; gives how many. The contract keeps them 24 h at least. */
export declare function purgeAnswers(
  db: ReadModel,
  filter: { readonly createdBeforeMs: number; readonly limit: number },
): Promise<number>;
