import { sql } from 'kysely';
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

type AnswerKey = Pick<KeptAnswer, 'scope' | 'key'>;

/** Keeps answers, one statement for all; the first one stored wins. Gives what is stored, in order. To be coalesced. */
export async function saveAnswers(db: ReadModel, answers: readonly KeptAnswer[]): Promise<KeptAnswer[]> {
  const column = <T>(read: (answer: KeptAnswer) => T): T[] => answers.map(read);
  // Columns as arrays, not rows as JSON: to take rows apart Postgres would have to read \u0000, which it can't.
  const { rows: saved } = await sql<AnswerKey>`
    insert into idempotency_answers (scope, key, fingerprint, status, headers, body)
    select * from unnest(
      ${column((row) => row.scope)}::text[],
      ${column((row) => row.key)}::text[],
      ${column((row) => row.fingerprint)}::text[],
      ${column((row) => row.status)}::integer[],
      ${column((row) => JSON.stringify(row.headers))}::json[],
      ${column((row) => JSON.stringify(row.body ?? null))}::json[])
      as answer (scope, key, fingerprint, status, headers, body)
    order by scope, key
    on conflict (scope, key) do nothing
    returning scope, key`.execute(db);
  const newNames = new Set(saved.map(nameOf));
  // Of two with one key in the same batch, too, only one was stored.
  const others = answers.filter((answer) => !newNames.delete(nameOf(answer)));
  if (others.length === 0) return [...answers];
  return (await findAnswers(db, answers)).map((answer, position) => answer ?? answers[position]!);
}

/** Stored answers, in order, null where there is none; one statement for all. */
export async function findAnswers(db: ReadModel, keys: readonly AnswerKey[]): Promise<(KeptAnswer | null)[]> {
  const scopes = keys.map((each) => each.scope);
  const names = keys.map((each) => each.key);
  const { rows } = await sql<KeptAnswer>`
    select scope, key, fingerprint, status, headers, body
    from unnest(${scopes}::text[], ${names}::text[]) as wanted (scope, key)
    join idempotency_answers using (scope, key)`.execute(db);
  const byName = new Map(rows.map((row) => [nameOf(row), row]));
  return keys.map((each) => byName.get(nameOf(each)) ?? null);
}

const nameOf = ({ scope, key }: AnswerKey): string => JSON.stringify([scope, key]);

/** Forgets answers older than that, at most `limit` a call; gives how many. The contract keeps them 24 h at least. */
export async function purgeAnswers(
  db: ReadModel,
  { createdBeforeMs, limit }: { readonly createdBeforeMs: number; readonly limit: number },
): Promise<number> {
  const { numDeletedRows } = await db
    .deleteFrom('idempotency_answers')
    .where(sql<string>`ctid`, 'in', (answers) =>
      answers
        .selectFrom('idempotency_answers')
        .select(sql<string>`ctid`.as('ctid'))
        .where('created_at', '<', new Date(createdBeforeMs))
        .orderBy('created_at')
        .limit(limit),
    )
    .executeTakeFirst();
  return Number(numDeletedRows);
}
