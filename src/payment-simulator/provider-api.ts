import type { ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { approvalPage } from './approval-page.ts';
import { readBody, readJson, Refusal, send, sendJson, type HttpRequest, type Route } from './http-server.ts';
import {
  REFUND_FAILED,
  providerNames,
  type ChargeAnswer,
  type PaymentProvider,
  type ProviderName,
} from './provider.ts';
import type { Charge, LedgerPart, ListedLedgerEntry, ProviderStore, Refund } from './store.ts';

/** Longer than any client waits; after it the connection is closed, still without an answer. */
const SILENCE_MS = 30_000;
/** Connections held in silence at once; past it they are closed at once, which tells a caller just as little. */
const SILENT_CONNECTIONS_MAX = 1_000;
/** Ledger rows read and sent at a time: bounds the memory of an answer that may have hundreds of thousands. */
const LEDGER_ROWS_PER_CHUNK = 1_000;
/** Largest page of the ledger that can be asked for: a chunk. */
const LEDGER_PAGE_MAX = LEDGER_ROWS_PER_CHUNK;

/** For a person who follows the address that `npm start` names. */
const INDEX = `The payment simulator: /ledger, /health/live, /v1/${providerNames.join('|')}/charges and /refunds.\n`;

const amountSchema = z.strictObject({
  amount: z.int().min(1),
  currency: z.string().regex(/^[A-Z]{3}$/, 'must be an ISO 4217 code'),
});
const keySchema = z.string().regex(/^[\x21-\x7e]{1,255}$/, 'must be 1 to 255 visible ASCII characters');
const chargeSchema = z.strictObject({
  bookingId: z.string().min(1).max(255),
  amount: amountSchema,
  method: z.enum(['card', 'upi', 'netbanking', 'wallet']),
  token: z.string().min(1).max(255),
});
const voidSchema = z.strictObject({ idempotencyKey: keySchema });
const refundSchema = z.strictObject({ chargeKey: keySchema, amount: amountSchema });
const decisionSchema = z.enum(['approve', 'decline']).default('approve');
const timeSchema = z.iso.datetime({ offset: true });
const ledgerSchema = z.object({
  since: timeSchema.optional(),
  until: timeSchema.optional(),
  provider: z.enum(providerNames).optional(),
  cursor: z
    .string()
    .regex(/^\d{1,15}$/)
    .optional(),
  limit: z
    .string()
    .regex(/^\d{1,4}$/)
    .transform(Number)
    .pipe(z.int().min(1).max(LEDGER_PAGE_MAX))
    .optional(),
});

export interface ProviderApiSettings {
  readonly latencyMs: number;
  /** Where buyers reach the approval page; null: under the host that the charge was asked at. */
  readonly publicUrl: string | null;
}

/** Callers who wait for a charge to end, by charge. */
export class ChargeWaiters {
  readonly #waiting = new Map<string, Set<() => void>>();

  has(chargeId: string): boolean {
    return this.#waiting.has(chargeId);
  }

  /** Calls `ended` when the charge has ended, unless the caller hangs up before. */
  add(chargeId: string, response: ServerResponse, ended: () => void): void {
    const callers = this.#waiting.get(chargeId) ?? new Set();
    this.#waiting.set(chargeId, callers.add(ended));
    response.once('close', () => {
      callers.delete(ended);
      if (callers.size === 0 && this.#waiting.get(chargeId) === callers) this.#waiting.delete(chargeId);
    });
  }

  release(chargeId: string): void {
    const callers = this.#waiting.get(chargeId) ?? [];
    this.#waiting.delete(chargeId);
    for (const ended of callers) ended();
  }
}

/** The provider over HTTP: charges, voids, refunds, the buyer's approval, the ledger. */
export class ProviderApi {
  readonly #provider: PaymentProvider;
  readonly #store: ProviderStore;
  readonly #waiters: ChargeWaiters;
  readonly #settings: ProviderApiSettings;
  #silentConnections = 0;

  constructor(provider: PaymentProvider, store: ProviderStore, waiters: ChargeWaiters, settings: ProviderApiSettings) {
    this.#provider = provider;
    this.#store = store;
    this.#waiters = waiters;
    this.#settings = settings;
  }

  routes(): Route[] {
    const names = providerNames.join('|');
    return [
      this.#route('GET', /^\/$/, ({ response }) => send(response, 200, 'text/plain; charset=utf-8', INDEX)),
      this.#route('POST', new RegExp(`^/v1/(${names})/charges$`), (request) => this.#charge(request)),
      this.#route('GET', new RegExp(`^/v1/(${names})/charges$`), (request) => this.#findCharge(request)),
      this.#route('POST', new RegExp(`^/v1/(${names})/charges/void$`), (request) => this.#void(request)),
      this.#route('POST', new RegExp(`^/v1/(${names})/refunds$`), (request) => this.#refund(request)),
      this.#route('GET', new RegExp(`^/v1/(${names})/refunds$`), (request) => this.#findRefund(request)),
      this.#route('GET', /^\/approve\/([\w-]{1,64})$/, (request) => this.#showApproval(request)),
      this.#route('POST', /^\/approve\/([\w-]{1,64})$/, (request) => this.#approve(request)),
      this.#route('GET', /^\/ledger$/, (request) => this.#ledger(request)),
      this.#route('GET', /^\/health\/(live|ready)$/, (request) => this.#health(request)),
    ];
  }

  #route(method: Route['method'], path: RegExp, handle: Route['handle']): Route {
    return { method, path, handle };
  }

  async #charge(request: HttpRequest): Promise<void> {
    const key = check(keySchema, request.message.headers['idempotency-key'], 'Idempotency-Key');
    const order = check(chargeSchema, await readJson(request.message), 'body');
    await this.#think();
    const provider = request.params[0] as ProviderName;
    this.#answerCharge(request, await this.#store.commit(() => this.#provider.charge({ provider, key, ...order })));
  }

  #answerCharge(request: HttpRequest, answer: ChargeAnswer): void {
    if (answer.kind === 'charge') return this.#sendCharge(request, chargeStatusCode(answer.charge), answer.charge);
    if (answer.kind === 'in progress') return this.#answerWhenEnded(request, answer.chargeId);
    if (answer.kind === 'silence') return this.#stayUnanswered(request.response);
    if (answer.code === 'not_processed') throw new Refusal(503, answer.code, 'Not processed: nothing was charged');
    if (answer.code === 'internal_error') throw new Refusal(500, answer.code, 'An unexpected error');
    throw new Refusal(422, answer.code, 'The key was used for another charge');
  }

  #answerWhenEnded(request: HttpRequest, chargeId: string): void {
    let answered = false;
    const answerIfEnded = () => {
      const charge = this.#store.chargeById(chargeId)!;
      if (answered || charge.status === 'processing') return;
      answered = true;
      this.#sendCharge(request, chargeStatusCode(charge), charge);
    };
    if (request.response.destroyed) return;
    this.#waiters.add(chargeId, request.response, answerIfEnded);
    // It may have ended between the commit and now.
    answerIfEnded();
  }

  #stayUnanswered(response: ServerResponse): void {
    if (this.#silentConnections >= SILENT_CONNECTIONS_MAX) {
      response.destroy();
      return;
    }
    this.#silentConnections += 1;
    const timer = setTimeout(() => response.destroy(), SILENCE_MS);
    response.once('close', () => {
      this.#silentConnections -= 1;
      clearTimeout(timer);
    });
  }

  async #findCharge(request: HttpRequest): Promise<void> {
    const key = keyParameter(request);
    await this.#think();
    const charge = this.#store.chargeByKey(request.params[0]!, key);
    if (charge === undefined) throw new Refusal(404, 'not_found', 'No charge has this key');
    this.#sendCharge(request, 200, charge);
  }

  async #void(request: HttpRequest): Promise<void> {
    const { idempotencyKey } = check(voidSchema, await readJson(request.message), 'body');
    await this.#think();
    const provider = request.params[0] as ProviderName;
    const charge = await this.#store.commit(() => this.#provider.voidCharge(provider, idempotencyKey));
    this.#waiters.release(charge.id);
    this.#sendCharge(request, 200, charge);
  }

  async #refund(request: HttpRequest): Promise<void> {
    const key = check(keySchema, request.message.headers['idempotency-key'], 'Idempotency-Key');
    const order = check(refundSchema, await readJson(request.message), 'body');
    await this.#think();
    const provider = request.params[0] as ProviderName;
    const answer = await this.#store.commit(() => this.#provider.refund({ provider, key, ...order }));
    if (answer.kind === 'refund') {
      sendJson(request.response, answer.refund.status === 'pending' ? 202 : 200, refundView(answer.refund));
      return;
    }
    const status = { refund_refused: 503, idempotency_key_reused: 422, no_such_charge: 404 } as const;
    const statusCode = answer.code in status ? status[answer.code as keyof typeof status] : 409;
    throw new Refusal(statusCode, answer.code, 'Nothing was refunded by this call');
  }

  async #findRefund(request: HttpRequest): Promise<void> {
    const key = keyParameter(request);
    await this.#think();
    const refund = this.#store.refundByKey(request.params[0]!, key);
    if (refund === undefined) throw new Refusal(404, 'not_found', 'No refund has this key');
    sendJson(request.response, 200, refundView(refund));
  }

  /** Looking never decides: browsers and mail scanners fetch links ahead of people. */
  #showApproval(request: HttpRequest): void {
    const charge = this.#provider.approvalOf(request.params[0]!);
    if (charge === undefined) throw noSuchApproval();
    sendPage(request.response, 200, charge);
  }

  async #approve(request: HttpRequest): Promise<void> {
    const decision = await readDecision(request);
    const answer = await this.#store.commit(() => this.#provider.decide(request.params[0]!, decision));
    if (answer === undefined) throw noSuchApproval();
    const status = answer.kind === 'decided' ? 200 : 409;
    if (request.message.headers.accept?.includes('text/html')) sendPage(request.response, status, answer.charge);
    else this.#sendCharge(request, status, answer.charge);
  }

  async #ledger({ url, response }: HttpRequest): Promise<void> {
    const { limit, ...part } = ledgerQuestion(url.searchParams);
    if (limit !== undefined) return sendJson(response, 200, ledgerPage(this.#store, { ...part, limit }));
    response.writeHead(200, { 'content-type': 'application/json; charset=utf-8' });
    await pipeline(Readable.from(ledgerText(this.#store, part)), response);
  }

  /** Answers at all: alive. Reads its books: ready. */
  #health(request: HttpRequest): void {
    if (request.params[0] === 'ready') this.#store.lastLedgerAtMs();
    sendJson(request.response, 200, { status: 'ok' });
  }

  /** The provider's thinking time. */
  async #think(): Promise<void> {
    if (this.#settings.latencyMs > 0) await sleep(this.#settings.latencyMs);
  }

  #sendCharge(request: HttpRequest, status: number, charge: Charge): void {
    const base = this.#settings.publicUrl ?? `http://${request.message.headers.host ?? 'localhost'}`;
    sendJson(request.response, status, chargeView(charge, base));
  }
}

function check<T>(schema: z.ZodType<T>, value: unknown, where: string): T {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const reasons = parsed.error.issues.map((issue) => `${[where, ...issue.path].join('.')}: ${issue.message}`);
  throw new Refusal(400, 'invalid_request', reasons.join('; '));
}

const keyParameter = (request: HttpRequest): string =>
  check(keySchema, request.url.searchParams.get('idempotencyKey') ?? undefined, 'idempotencyKey');

const noSuchApproval = (): Refusal => new Refusal(404, 'not_found', 'There is no such payment to approve');

/** A form's, a JSON body's or no decision; none is an approval. */
async function readDecision(request: HttpRequest): Promise<'approve' | 'decline'> {
  const type = request.message.headers['content-type'] ?? '';
  if (type.startsWith('application/json')) {
    const body = z.strictObject({ decision: decisionSchema });
    return check(body, await readJson(request.message), 'body').decision;
  }
  const form = new URLSearchParams(await readBody(request.message));
  return check(decisionSchema, form.get('decision') ?? undefined, 'decision');
}

function chargeStatusCode(charge: Charge): number {
  switch (charge.status) {
    case 'captured':
      return 200;
    case 'processing':
    case 'pending':
    case 'awaiting_buyer':
      return 202;
    case 'declined':
      return 402;
    case 'voided':
      return 409;
  }
}

/** A charge as callers see it: `captured`, `pending` (with what to do next), `declined` (with a reason) or `voided`. */
function chargeView(charge: Charge, baseUrl: string): object {
  if (charge.status === 'voided') return { id: charge.id, status: 'voided' };
  const view = {
    id: charge.id,
    bookingId: charge.bookingId,
    amount: { amount: charge.amount, currency: charge.currency },
    createdAt: new Date(charge.createdAtMs).toISOString(),
  };
  if (charge.status === 'captured') return { ...view, status: 'captured' };
  if (charge.status === 'declined') return { ...view, status: 'declined', reason: charge.reason };
  const nextAction =
    charge.status === 'awaiting_buyer'
      ? { type: 'redirect', url: new URL(`/approve/${charge.id}`, baseUrl).href }
      : { type: 'await' };
  return { ...view, status: 'pending', nextAction };
}

const refundView = (refund: Refund): object => ({
  id: refund.id,
  status: refund.status,
  ...(refund.status === 'failed' ? { reason: REFUND_FAILED } : {}),
  amount: { amount: refund.amount, currency: refund.currency },
  createdAt: new Date(refund.createdAtMs).toISOString(),
});

/** Parameters that are empty count as absent. */
function ledgerQuestion(parameters: URLSearchParams): Omit<LedgerPart, 'limit'> & { readonly limit?: number } {
  const given = Object.fromEntries([...parameters].filter(([, value]) => value !== ''));
  // An offset's plus sign that was not percent-encoded arrives as a space.
  for (const name of ['since', 'until']) if (given[name]) given[name] = given[name].replace(' ', '+');
  const { since, until, provider = null, cursor = '0', limit } = check(ledgerSchema, given, 'query');
  return {
    sinceMs: since === undefined ? 0 : Date.parse(since),
    untilMs: until === undefined ? Number.MAX_SAFE_INTEGER : Date.parse(until),
    provider,
    afterSeq: Number(cursor),
    ...(limit !== undefined && { limit }),
  };
}

const ledgerView = (entry: ListedLedgerEntry): object => ({
  id: entry.id,
  kind: entry.kind,
  provider: entry.provider,
  bookingId: entry.bookingId,
  attemptId: entry.attemptId,
  refundId: entry.refundId,
  amount: { amount: entry.amount, currency: entry.currency },
  at: new Date(entry.atMs).toISOString(),
});

function ledgerPage(store: ProviderStore, part: LedgerPart): object {
  const rows = store.ledger(part);
  // A full page may be the last one; then the next one is empty, and says so.
  return { items: rows.map(ledgerView), nextCursor: rows.length < part.limit ? null : String(rows.at(-1)!.seq) };
}

/** A whole part of the ledger as the text of one JSON object, chunk by chunk. */
function* ledgerText(store: ProviderStore, part: Omit<LedgerPart, 'limit'>): Generator<string> {
  yield '{"items":[';
  let { afterSeq } = part;
  for (let isFirst = true; ; isFirst = false) {
    const rows = store.ledger({ ...part, afterSeq, limit: LEDGER_ROWS_PER_CHUNK });
    if (rows.length > 0) {
      yield (isFirst ? '' : ',') + rows.map((row) => JSON.stringify(ledgerView(row))).join(',');
      afterSeq = rows.at(-1)!.seq;
    }
    if (rows.length < LEDGER_ROWS_PER_CHUNK) break;
  }
  yield '],"nextCursor":null}';
}

function sendPage(response: ServerResponse, status: number, charge: Charge): void {
  response.setHeader('content-security-policy', "default-src 'none'; form-action 'self'; frame-ancestors 'none'");
  response.setHeader('cache-control', 'no-store');
  send(response, status, 'text/html; charset=utf-8', approvalPage(charge));
}
