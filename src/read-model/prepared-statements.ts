import { createHash } from 'node:crypto';
import { isPromise } from 'node:util/types';
import pg from 'pg';

/** Statements of a process that are worth preparing: all of ours are some sixty, of which twenty are frequent. */
const PREPARED_MAX = 100;
/** A text that comes this often is one of those; one that is put together for one question never does. */
const PREPARED_FROM_USE = 5;
/** Texts counted until then. */
const COUNTED_MAX = 1_000;

/** Postgres refuses a statement that was prepared before a migration changed the columns that it gives. */
const FEATURE_NOT_SUPPORTED = '0A000';
/** A transaction that the refusal has ended takes no other statement: whoever began it has to begin it anew. */
const IN_FAILED_TRANSACTION = '25P02';

type Query = typeof pg.Client.prototype.query;

/** Names by text, for all connections of the process: each prepares a statement when it first sends it. */
const names = new Map<string, string>();
const uses = new Map<string, number>();
const unpreparable = new Set<string>();

/**
 * A connection that lets Postgres parse and plan a frequent statement once instead of every time: half of what such a
 * statement costs it (docs/decisions/0010).
 *
 * It is closed when a statement fails by anything but Postgres' own word: by our time-out, say. Such a statement may be carried
 * out later. Were it a `begin`, whoever has the connection next would write into a transaction that nobody commits.
 */
export class PreparingClient extends pg.Client {
  override query = ((...args: readonly unknown[]) => {
    const sent = this.#query(...args);
    if (!isPromise(sent)) return sent;
    return sent.catch((error: unknown) => {
      if (!(error instanceof pg.DatabaseError)) this.end().catch(() => undefined);
      throw error;
    });
  }) as Query;

  #query(...args: readonly unknown[]): unknown {
    const [text, values] = args;
    const send = super.query.bind(this) as (...query: readonly unknown[]) => unknown;
    // One without values may be several statements, which can't be prepared together.
    if (typeof text !== 'string' || !Array.isArray(values) || values.length === 0 || args.length !== 2) {
      return send(...args);
    }
    const name = nameOf(text);
    if (name === null) return send(...args);
    const running = send({ name, text, values }) as Promise<unknown>;
    return running.catch((refusal: unknown) => {
      if (!hasCode(refusal, FEATURE_NOT_SUPPORTED)) throw refusal;
      unpreparable.add(text);
      return (send(text, values) as Promise<unknown>).catch((error: unknown) => {
        throw hasCode(error, IN_FAILED_TRANSACTION) ? refusal : error;
      });
    });
  }
}

const hasCode = (error: unknown, code: string): boolean => error instanceof pg.DatabaseError && error.code === code;

function nameOf(text: string): string | null {
  if (unpreparable.has(text)) return null;
  const known = names.get(text);
  if (known !== undefined) return known;
  if (names.size >= PREPARED_MAX || uses.size >= COUNTED_MAX) return null;
  const used = (uses.get(text) ?? 0) + 1;
  uses.set(text, used);
  if (used < PREPARED_FROM_USE) return null;
  uses.delete(text);
  const name = createHash('sha256').update(text).digest('base64url').slice(0, 22);
  names.set(text, name);
  return name;
}
