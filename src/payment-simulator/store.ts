import { DatabaseSync, type SQLInputValue } from 'node:sqlite';
import { GroupCommit } from './group-commit.ts';

/**
 * `processing`: the caller waits for it. `pending`: with the bank. `awaiting_buyer`: on the approval page. `voided`: a
 * tombstone, this key never charges. The last three are final.
 */
export type ChargeStatus = 'processing' | 'pending' | 'awaiting_buyer' | 'captured' | 'declined' | 'voided';

export interface Charge {
  readonly id: string;
  readonly provider: string;
  /** Idempotency key: the caller's attempt id. */
  readonly key: string;
  readonly bookingId: string;
  readonly amount: number;
  readonly currency: string;
  readonly method: string;
  readonly token: string;
  readonly status: ChargeStatus;
  readonly reason: string | null;
  readonly createdAtMs: number;
  /** When it ends by itself; null once ended, or when it waits for somebody. */
  readonly dueAtMs: number | null;
  readonly endedAtMs: number | null;
  /** Refund calls refused so far. */
  readonly refundRefusals: number;
}

export interface Refund {
  readonly id: string;
  readonly provider: string;
  readonly key: string;
  readonly chargeId: string;
  readonly amount: number;
  readonly currency: string;
  readonly status: 'pending' | 'succeeded' | 'failed';
  readonly createdAtMs: number;
  readonly dueAtMs: number | null;
}

/** A movement of money. */
export interface LedgerEntry {
  readonly seq: number;
  readonly id: string;
  readonly kind: 'charge' | 'refund';
  readonly provider: string;
  readonly bookingId: string;
  readonly attemptId: string;
  readonly amount: number;
  readonly currency: string;
  readonly atMs: number;
}

export interface ListedLedgerEntry extends LedgerEntry {
  /** The refund's idempotency key; null of a charge. */
  readonly refundId: string | null;
}

/** Which movements: from a time on and before another, past one already seen. */
export interface LedgerPart {
  readonly sinceMs: number;
  readonly untilMs: number;
  /** Null: of both. */
  readonly provider: string | null;
  readonly afterSeq: number;
  readonly limit: number;
}

export interface Webhook {
  readonly id: string;
  readonly provider: string;
  readonly body: string;
  readonly tries: number;
  readonly createdAtMs: number;
}

/**
 * Nothing here is ever deleted but delivered webhooks: like a provider's books, the file grows with the sales, by about
 * 600 bytes a charge.
 */
const schema = `
  CREATE TABLE IF NOT EXISTS charges (
    id TEXT PRIMARY KEY, provider TEXT NOT NULL, key TEXT NOT NULL, bookingId TEXT NOT NULL,
    amount INTEGER NOT NULL, currency TEXT NOT NULL, method TEXT NOT NULL, token TEXT NOT NULL,
    status TEXT NOT NULL, reason TEXT, createdAtMs INTEGER NOT NULL, dueAtMs INTEGER, endedAtMs INTEGER,
    refundRefusals INTEGER NOT NULL DEFAULT 0, UNIQUE (provider, key)) STRICT;
  CREATE INDEX IF NOT EXISTS chargesDue ON charges (dueAtMs) WHERE dueAtMs IS NOT NULL;
  CREATE TABLE IF NOT EXISTS failedCalls (
    provider TEXT NOT NULL, key TEXT NOT NULL, calls INTEGER NOT NULL, PRIMARY KEY (provider, key)) STRICT;
  CREATE TABLE IF NOT EXISTS refunds (
    id TEXT PRIMARY KEY, provider TEXT NOT NULL, key TEXT NOT NULL, chargeId TEXT NOT NULL REFERENCES charges (id),
    amount INTEGER NOT NULL, currency TEXT NOT NULL, status TEXT NOT NULL, createdAtMs INTEGER NOT NULL,
    dueAtMs INTEGER, UNIQUE (provider, key)) STRICT;
  CREATE INDEX IF NOT EXISTS refundsOfCharge ON refunds (chargeId);
  CREATE INDEX IF NOT EXISTS refundsDue ON refunds (dueAtMs) WHERE dueAtMs IS NOT NULL;
  CREATE TABLE IF NOT EXISTS ledger (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, kind TEXT NOT NULL, provider TEXT NOT NULL,
    bookingId TEXT NOT NULL, attemptId TEXT NOT NULL, amount INTEGER NOT NULL, currency TEXT NOT NULL,
    atMs INTEGER NOT NULL) STRICT;
  CREATE INDEX IF NOT EXISTS ledgerByTime ON ledger (atMs);
  CREATE INDEX IF NOT EXISTS ledgerByProvider ON ledger (provider);
  CREATE TABLE IF NOT EXISTS webhooks (
    id TEXT PRIMARY KEY, provider TEXT NOT NULL, body TEXT NOT NULL, tries INTEGER NOT NULL DEFAULT 0,
    createdAtMs INTEGER NOT NULL, nextAtMs INTEGER) STRICT;
  CREATE INDEX IF NOT EXISTS webhooksDue ON webhooks (nextAtMs) WHERE nextAtMs IS NOT NULL;
`;

/** How long a start waits for the process before it to let go of the file, in ms. */
const LOCK_WAIT_MS = 1_000;

/**
 * The provider's books in one SQLite file. Reads see only what is committed; writes go through `commit`, which answers
 * once they would survive a power cut.
 */
export class ProviderStore {
  readonly #db: DatabaseSync;
  readonly #commits: GroupCommit;
  readonly #statements = new Map<string, ReturnType<DatabaseSync['prepare']>>();

  /**
   * Opens or creates the file, for this process alone.
   * @throws Error when another process has it, or the folder can't be written.
   */
  constructor(file: string, afterCommit: () => void) {
    this.#db = new DatabaseSync(file, { timeout: LOCK_WAIT_MS });
    // The lock keeps a second simulator from sending the same webhooks; the system drops it when the process dies.
    this.#db.exec('PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;');
    this.#db.exec(`BEGIN IMMEDIATE; ${schema} COMMIT;`);
    this.#commits = new GroupCommit(this.#db, afterCommit);
  }

  commit<T>(work: () => T): Promise<T> {
    return this.#commits.run(work);
  }

  close(): void {
    this.#commits.flush();
    this.#db.close();
  }

  chargeByKey(provider: string, key: string): Charge | undefined {
    return this.#one<Charge>('SELECT * FROM charges WHERE provider = ? AND key = ?', provider, key);
  }

  chargeById(id: string): Charge | undefined {
    return this.#one<Charge>('SELECT * FROM charges WHERE id = ?', id);
  }

  addCharge(charge: Omit<Charge, 'refundRefusals'>): void {
    this.#run(
      `INSERT INTO charges (id, provider, key, bookingId, amount, currency, method, token, status, reason,
       createdAtMs, dueAtMs, endedAtMs) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      charge.id,
      charge.provider,
      charge.key,
      charge.bookingId,
      charge.amount,
      charge.currency,
      charge.method,
      charge.token,
      charge.status,
      charge.reason,
      charge.createdAtMs,
      charge.dueAtMs,
      charge.endedAtMs,
    );
  }

  endCharge(id: string, status: ChargeStatus, reason: string | null, atMs: number): void {
    this.#run(
      'UPDATE charges SET status = ?, reason = ?, endedAtMs = ?, dueAtMs = NULL WHERE id = ?',
      status,
      reason,
      atMs,
      id,
    );
  }

  chargesDue(nowMs: number, limit: number): Charge[] {
    return this.#all<Charge>('SELECT * FROM charges WHERE dueAtMs <= ? ORDER BY dueAtMs LIMIT ?', nowMs, limit);
  }

  /** Counts one more failed call of this key; answers how many there were before it. */
  countFailedCall(provider: string, key: string): number {
    const before = this.#one<{ calls: number }>(
      'SELECT calls FROM failedCalls WHERE provider = ? AND key = ?',
      provider,
      key,
    );
    this.#run(
      `INSERT INTO failedCalls (provider, key, calls) VALUES (?, ?, 1)
       ON CONFLICT (provider, key) DO UPDATE SET calls = calls + 1`,
      provider,
      key,
    );
    return before?.calls ?? 0;
  }

  countRefundRefusal(chargeId: string): void {
    this.#run('UPDATE charges SET refundRefusals = refundRefusals + 1 WHERE id = ?', chargeId);
  }

  refundByKey(provider: string, key: string): Refund | undefined {
    return this.#one<Refund>('SELECT * FROM refunds WHERE provider = ? AND key = ?', provider, key);
  }

  /** Sum of a charge's refunds, those on their way included, without those that failed. */
  refundedAmount(chargeId: string): number {
    return this.#one<{ sum: number }>(
      "SELECT coalesce(sum(amount), 0) AS sum FROM refunds WHERE chargeId = ? AND status <> 'failed'",
      chargeId,
    )!.sum;
  }

  /** How many refunds of a charge have failed. */
  failedRefunds(chargeId: string): number {
    return this.#one<{ count: number }>(
      "SELECT count(*) AS count FROM refunds WHERE chargeId = ? AND status = 'failed'",
      chargeId,
    )!.count;
  }

  addRefund(refund: Refund): void {
    this.#run(
      `INSERT INTO refunds (id, provider, key, chargeId, amount, currency, status, createdAtMs, dueAtMs)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      refund.id,
      refund.provider,
      refund.key,
      refund.chargeId,
      refund.amount,
      refund.currency,
      refund.status,
      refund.createdAtMs,
      refund.dueAtMs,
    );
  }

  endRefund(id: string, status: 'succeeded' | 'failed'): void {
    this.#run('UPDATE refunds SET status = ?, dueAtMs = NULL WHERE id = ?', status, id);
  }

  refundsDue(nowMs: number, limit: number): Refund[] {
    return this.#all<Refund>('SELECT * FROM refunds WHERE dueAtMs <= ? ORDER BY dueAtMs LIMIT ?', nowMs, limit);
  }

  /** When the next charge or refund ends by itself. */
  nextDueAtMs(): number | undefined {
    const row = this.#one<{ at: number | null }>(
      `SELECT min(at) AS at FROM (SELECT min(dueAtMs) AS at FROM charges WHERE dueAtMs IS NOT NULL
       UNION ALL SELECT min(dueAtMs) FROM refunds WHERE dueAtMs IS NOT NULL)`,
    );
    return row?.at ?? undefined;
  }

  addLedgerEntry(entry: Omit<LedgerEntry, 'seq'>): void {
    this.#run(
      `INSERT INTO ledger (id, kind, provider, bookingId, attemptId, amount, currency, atMs)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
      entry.id,
      entry.kind,
      entry.provider,
      entry.bookingId,
      entry.attemptId,
      entry.amount,
      entry.currency,
      entry.atMs,
    );
  }

  /** Time of the newest movement; a clock set back never makes a later movement look older. */
  lastLedgerAtMs(): number {
    return this.#one<{ atMs: number }>('SELECT atMs FROM ledger ORDER BY seq DESC LIMIT 1')?.atMs ?? 0;
  }

  /**
   * Movements, oldest first. Their times never go back, so that a window is a range of numbers: a page costs what it
   * holds, however many lie before it, behind it, or at the other provider.
   */
  ledger({ sinceMs, untilMs, provider, afterSeq, limit }: LedgerPart): ListedLedgerEntry[] {
    const fromSeq = Math.max(afterSeq + 1, this.#firstSeqAt(sinceMs));
    const ofProvider = provider === null ? '' : 'ledger.provider = ? AND';
    return this.#all<ListedLedgerEntry>(
      `SELECT ledger.*, refunds.key AS refundId FROM ledger LEFT JOIN refunds ON refunds.id = ledger.id
       WHERE ${ofProvider} seq >= ? AND seq < ? ORDER BY seq LIMIT ?`,
      ...(provider === null ? [] : [provider]),
      fromSeq,
      this.#firstSeqAt(untilMs),
      limit,
    );
  }

  /** The number of the first movement at or after a time; past all of them if there is none. */
  #firstSeqAt(atMs: number): number {
    const sql = 'SELECT seq FROM ledger WHERE atMs >= ? ORDER BY atMs, seq LIMIT 1';
    return this.#one<{ seq: number }>(sql, atMs)?.seq ?? Number.MAX_SAFE_INTEGER;
  }

  addWebhook(id: string, provider: string, body: string, atMs: number): void {
    this.#run(
      'INSERT INTO webhooks (id, provider, body, createdAtMs, nextAtMs) VALUES (?, ?, ?, ?, ?)',
      id,
      provider,
      body,
      atMs,
      atMs,
    );
  }

  webhooksDue(nowMs: number, limit: number): Webhook[] {
    return this.#all<Webhook>('SELECT * FROM webhooks WHERE nextAtMs <= ? ORDER BY nextAtMs LIMIT ?', nowMs, limit);
  }

  nextWebhookAtMs(afterMs: number): number | undefined {
    return (
      this.#one<{ at: number | null }>('SELECT min(nextAtMs) AS at FROM webhooks WHERE nextAtMs > ?', afterMs)?.at ??
      undefined
    );
  }

  removeWebhook(id: string): void {
    this.#run('DELETE FROM webhooks WHERE id = ?', id);
  }

  /** `nextAtMs` null: given up, kept for the record. */
  postponeWebhook(id: string, nextAtMs: number | null): void {
    this.#run('UPDATE webhooks SET tries = tries + 1, nextAtMs = ? WHERE id = ?', nextAtMs, id);
  }

  #statement(sql: string): ReturnType<DatabaseSync['prepare']> {
    let statement = this.#statements.get(sql);
    if (statement === undefined) this.#statements.set(sql, (statement = this.#db.prepare(sql)));
    return statement;
  }

  #one<Row>(sql: string, ...values: SQLInputValue[]): Row | undefined {
    return this.#statement(sql).get(...values) as Row | undefined;
  }

  #all<Row>(sql: string, ...values: SQLInputValue[]): Row[] {
    return this.#statement(sql).all(...values) as Row[];
  }

  #run(sql: string, ...values: SQLInputValue[]): void {
    this.#statement(sql).run(...values);
  }
}
