import { z } from 'zod';
import { text } from '../contracts/http/primitives.ts';
import {
  LEDGER_PAGE_MAX,
  type ChargeOutcome,
  type ChargeRequest,
  type FoundCharge,
  type LedgerPage,
  type LedgerWindow,
  type RefundOutcome,
  type RefundRequest,
} from '../contracts/payments.ts';
import { Circuit, defaultCircuit, type CircuitEventState, type CircuitSettings } from './circuit.ts';
import { type ClosableGateway, LedgerUnavailableError } from './payment-gateway.ts';
import { refusalReasons } from './refusal-reasons.ts';
import { ProviderHttp, type ProviderAnswer } from './provider-http.ts';

export interface SimulatorGatewaySettings {
  readonly baseUrl: string;
  /** `simulator` or `simulator-backup`. */
  readonly provider: string;
  /** Bounds finding, voiding and refunding; charging has its own per call. */
  readonly timeoutMs: number;
  readonly circuit?: CircuitSettings;
  readonly onCircuitChange?: (state: CircuitEventState) => void;
}

type RefundFound = RefundOutcome | { readonly status: 'not_found' };
type Outcome = ChargeOutcome | FoundCharge | RefundFound;

const amountSchema = z.object({ amount: z.int(), currency: z.string() });
/** Longest id or reason of a provider that is kept. */
const FIELD_MAX = 255;
/** An outcome whose reason can't be kept is an outcome all the same. */
const reasonSchema = text(FIELD_MAX).catch('unreadable_reason');
const chargeDetails = { id: text(FIELD_MAX), bookingId: z.string(), amount: amountSchema };
const chargeSchema = z.discriminatedUnion('status', [
  z.object({ status: z.literal('captured'), ...chargeDetails }),
  z.object({
    status: z.literal('pending'),
    nextAction: z.discriminatedUnion('type', [
      z.object({ type: z.literal('redirect'), url: z.url() }),
      z.object({ type: z.literal('await') }),
    ]),
    ...chargeDetails,
  }),
  z.object({ status: z.literal('declined'), reason: reasonSchema, ...chargeDetails }),
  z.object({ status: z.literal('voided') }),
]);
type ProviderCharge = z.infer<typeof chargeSchema>;
const refundSchema = z.object({
  status: z.enum(['succeeded', 'pending', 'failed']),
  id: text(FIELD_MAX),
  reason: reasonSchema.optional(),
});
const ledgerSchema = z.object({
  items: z
    .array(
      z.object({
        id: text(FIELD_MAX),
        kind: z.enum(['charge', 'refund']),
        provider: z.string(),
        bookingId: text(FIELD_MAX).nullable(),
        attemptId: text(FIELD_MAX).nullable(),
        refundId: text(FIELD_MAX).nullable(),
        amount: amountSchema,
        at: z.iso.datetime({ offset: true }),
      }),
    )
    .max(LEDGER_PAGE_MAX),
  nextCursor: text(FIELD_MAX).nullable(),
});
const errorSchema = z.object({ error: z.object({ code: text(FIELD_MAX) }) });

/** A page is some 300 bytes an entry; ids of the longest are still read. */
const LEDGER_ANSWER_BYTES_MAX = LEDGER_PAGE_MAX * (5 * FIELD_MAX + 500);
/** Readers of the books never wait for buyers, nor they for them. */
const LEDGER_CONNECTIONS_MAX = 2;

/** A provider that asks for slower calls, or for the call again, has not started on it. */
const TOO_MANY_REQUESTS = 429;
/** There is a charge under this key, over another amount or for another booking: this call has made none, but money moved. */
const KEY_REUSED = 'idempotency_key_reused';
/** It gave up reading our request, somewhere in its middle. */
const REQUEST_TIMEOUT = 408;

/**
 * The payment simulator as a gateway. What becomes of each failure:
 *
 * | what happened | charge | find, void, refund |
 * |---|---|---|
 * | refused by the open circuit, by our own limit, or no connection | `not_processed` | `unknown` |
 * | sent, and a time-out, a lost connection or a 5xx came back | `unknown` | `unknown` |
 * | the key has another charge already, which its books tell of | `unknown` | |
 * | 503 `not_processed`, 429 | `not_processed` | `unknown`; a refused refund `failed` |
 * | 402 with the charge | `declined` | |
 * | voided before | `not_processed` | `not_processed` |
 * | any other 4xx | `failed` | refund `failed`, otherwise `unknown` |
 * | a 2xx that can't be read, or is about another charge | `unknown` | `unknown` |
 *
 * Reading the ledger goes past the circuit: slow books say nothing about charges.
 */
export function createSimulatorGateway(settings: SimulatorGatewaySettings): ClosableGateway {
  const { provider, timeoutMs } = settings;
  const http = new ProviderHttp(settings.baseUrl);
  const books = new ProviderHttp(settings.baseUrl, {
    connections: LEDGER_CONNECTIONS_MAX,
    answerBytes: LEDGER_ANSWER_BYTES_MAX,
  });
  const circuit = new Circuit<Outcome>(
    settings.circuit ?? defaultCircuit,
    isFault,
    settings.onCircuitChange ?? (() => undefined),
  );
  const base = `/v1/${provider}`;

  return {
    provider,

    async charge(request, chargeTimeoutMs) {
      const { attemptId, bookingId, amount, method, token } = request;
      const outcome = await circuit.start(async () => {
        const answer = await http.call({
          method: 'POST',
          path: `${base}/charges`,
          idempotencyKey: attemptId,
          body: { bookingId, amount: { amount: amount.amount, currency: amount.currency }, method, token },
          timeoutMs: chargeTimeoutMs,
        });
        return chargeOutcome(provider, request, answer);
      });
      return outcome ?? { status: 'not_processed', provider, reason: refusalReasons.circuitOpen };
    },

    findCharge: (attemptId) =>
      circuit.ask(async () =>
        foundCharge(provider, await http.call({ method: 'GET', path: byKey(base, 'charges', attemptId), timeoutMs })),
      ),

    voidCharge: (attemptId) =>
      circuit.ask(async () => {
        const body = { idempotencyKey: attemptId };
        const answer = await http.call({ method: 'POST', path: `${base}/charges/void`, body, timeoutMs });
        return voidOutcome(provider, answer);
      }),

    refund: (request) => circuit.ask(async () => refundOutcome(await sendRefund(http, base, request, timeoutMs))),

    findRefund: (refundId) =>
      circuit.ask(async () =>
        foundRefund(await http.call({ method: 'GET', path: byKey(base, 'refunds', refundId), timeoutMs })),
      ),

    async ledger(window, cursor) {
      const path = ledgerPath(provider, window, cursor);
      return ledgerPage(provider, await books.call({ method: 'GET', path, timeoutMs }));
    },

    close: async () => void (await Promise.all([http.close(), books.close()])),
  };
}

const byKey = (base: string, resource: string, key: string): string =>
  `${base}/${resource}?idempotencyKey=${encodeURIComponent(key)}`;

function ledgerPath(provider: string, { fromMs, toMs }: LedgerWindow, cursor = ''): string {
  const limit = String(LEDGER_PAGE_MAX);
  const [since, until] = [fromMs, toMs].map((atMs) => new Date(atMs).toISOString()) as [string, string];
  return `/ledger?${new URLSearchParams({ provider, since, until, limit, cursor }).toString()}`;
}

function sendRefund(
  http: ProviderHttp,
  base: string,
  { refundId, attemptId, amount }: RefundRequest,
  timeoutMs: number,
): Promise<ProviderAnswer> {
  return http.call({
    method: 'POST',
    path: `${base}/refunds`,
    idempotencyKey: refundId,
    body: { chargeKey: attemptId, amount: { amount: amount.amount, currency: amount.currency } },
    timeoutMs,
  });
}

/** A provider that says a clear no is well; one that can't be reached, or leaves us in doubt, is not. */
const isFault = (outcome: Outcome): boolean =>
  outcome.status === 'unknown' || (outcome.status === 'not_processed' && outcome.reason === refusalReasons.unreachable);

function chargeOutcome(provider: string, request: ChargeRequest, answer: ProviderAnswer): ChargeOutcome {
  if (answer.kind === 'not_sent') return { status: 'not_processed', provider, reason: answer.reason };
  if (answer.kind === 'lost') return { status: 'unknown', provider, reason: answer.reason };
  const { status, body } = answer;
  const charge = chargeSchema.safeParse(body).data;
  const isItsOwn = charge !== undefined && isAbout(charge, request);
  if (status >= 200 && status < 300) return isItsOwn ? outcomeOf(provider, charge) : unreadable(provider);
  // A refusal that comes with the charge must not come with the money.
  if (isItsOwn && (charge.status === 'captured' || charge.status === 'pending')) return unreadable(provider);
  if (isItsOwn && status >= 400 && status < 500) return outcomeOf(provider, charge);
  const code = errorCodeOf(body);
  if (status === 503 && code === 'not_processed')
    return { status: 'not_processed', provider, reason: refusalReasons.refused };
  if (status === TOO_MANY_REQUESTS) return { status: 'not_processed', provider, reason: 'too_many_requests' };
  if (status === REQUEST_TIMEOUT || status < 400 || status >= 500) return doubtful(provider, status);
  if (code === KEY_REUSED) return { status: 'unknown', provider, reason: code };
  return { status: 'failed', provider, reason: code ?? `status_${status}` };
}

function foundCharge(provider: string, answer: ProviderAnswer): FoundCharge {
  if (answer.kind !== 'answer') return { status: 'unknown', provider, reason: answer.reason };
  // Any proxy can say 404; only the provider says that it has no such charge.
  if (answer.status === 404 && errorCodeOf(answer.body) === 'not_found') return { status: 'not_found', provider };
  return voidOutcome(provider, answer);
}

function voidOutcome(provider: string, answer: ProviderAnswer): ChargeOutcome {
  if (answer.kind !== 'answer') return { status: 'unknown', provider, reason: answer.reason };
  if (answer.status !== 200) return doubtful(provider, answer.status);
  const charge = chargeSchema.safeParse(answer.body).data;
  return charge === undefined ? unreadable(provider) : outcomeOf(provider, charge);
}

function outcomeOf(provider: string, charge: ProviderCharge): ChargeOutcome {
  switch (charge.status) {
    case 'captured': {
      const { id: providerReference, bookingId, amount } = charge;
      return { status: 'succeeded', provider, providerReference, captured: { bookingId, amount } };
    }
    case 'pending':
      return { status: 'pending', provider, providerReference: charge.id, nextAction: charge.nextAction };
    case 'declined':
      return { status: 'declined', provider, providerReference: charge.id, reason: charge.reason };
    case 'voided':
      return { status: 'not_processed', provider, reason: refusalReasons.voided };
  }
}

function refundOutcome(answer: ProviderAnswer): RefundOutcome {
  if (answer.kind !== 'answer') return { status: 'unknown', reason: answer.reason };
  const refund = refundSchema.safeParse(answer.body).data;
  if (answer.status >= 200 && answer.status < 300) {
    if (refund === undefined) return { status: 'unknown', reason: 'unreadable_answer' };
    if (refund.status === 'failed') return { status: 'failed', reason: refund.reason ?? 'refund_failed' };
    return { status: refund.status, providerReference: refund.id };
  }
  const code = errorCodeOf(answer.body);
  if (answer.status === 503 && code === 'refund_refused') return { status: 'failed', reason: code };
  const definite = answer.status >= 400 && answer.status < 500 && answer.status !== REQUEST_TIMEOUT;
  const reason = code ?? `status_${answer.status}`;
  return definite ? { status: 'failed', reason } : { status: 'unknown', reason };
}

function foundRefund(answer: ProviderAnswer): RefundFound {
  if (answer.kind !== 'answer') return { status: 'unknown', reason: answer.reason };
  if (answer.status === 404 && errorCodeOf(answer.body) === 'not_found') return { status: 'not_found' };
  return answer.status === 200 ? refundOutcome(answer) : { status: 'unknown', reason: `status_${answer.status}` };
}

function ledgerPage(provider: string, answer: ProviderAnswer): LedgerPage {
  if (answer.kind !== 'answer') throw new LedgerUnavailableError(`${provider}: ${answer.reason}`);
  if (answer.status !== 200) throw new LedgerUnavailableError(`${provider}: status_${answer.status}`);
  const page = ledgerSchema.safeParse(answer.body).data;
  if (page === undefined || page.items.some((item) => item.provider !== provider)) {
    throw new LedgerUnavailableError(`${provider}: unreadable_answer`);
  }
  const entries = page.items.map(({ at, ...entry }) => ({ ...entry, atMs: Date.parse(at) }));
  return { entries, nextCursor: page.nextCursor };
}

function isAbout(charge: ProviderCharge, request: ChargeRequest): boolean {
  if (charge.status === 'voided') return true;
  const { amount, currency } = charge.amount;
  return (
    charge.bookingId === request.bookingId && amount === request.amount.amount && currency === request.amount.currency
  );
}

const errorCodeOf = (body: unknown): string | undefined => errorSchema.safeParse(body).data?.error.code;

const unreadable = (provider: string): ChargeOutcome => ({ status: 'unknown', provider, reason: 'unreadable_answer' });
const doubtful = (provider: string, status: number): ChargeOutcome => ({
  status: 'unknown',
  provider,
  reason: `status_${status}`,
});
