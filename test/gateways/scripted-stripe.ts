import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import Stripe from 'stripe';

/** As Stripe's documentation shows them: https://docs.stripe.com/api, /error-codes, /error-low-level, /testing. */
const recorded = <T>(name: string): T =>
  JSON.parse(readFileSync(join(import.meta.dirname, `stripe-answers/${name}.json`), 'utf8')) as T;

export type Intent = Record<string, unknown> & {
  id: string;
  status: string;
  amount: number;
  amount_received: number;
  currency: string;
  created: number;
  metadata: Record<string, string>;
  last_payment_error: unknown;
  next_action: unknown;
  latest_charge: string | null;
};
type Charge = Record<string, unknown> & {
  id: string;
  amount: number;
  currency: string;
  created: number;
  payment_intent: string;
  metadata: Record<string, string>;
};
type Refund = Record<string, unknown> & {
  id: string;
  status: string;
  amount: number;
  created: number;
  charge: string;
  payment_intent: string;
  metadata: Record<string, string>;
};
interface RecordedError {
  readonly status: number;
  readonly error: Readonly<Record<string, unknown>>;
}

const intentOf = () => recorded<Intent>('payment-intent');
const errors = recorded<Readonly<Record<string, RecordedError>>>('errors');
const nextActions = recorded<Readonly<Record<string, unknown>>>('next-actions');

export const secretKey = 'sk_test_of_the_tests_alone';
export const webhookSecret = 'whsec_of_the_tests_0123456789abcdef';

/** Stripe's own test payment methods, and what becomes of a payment intent that is confirmed with one. */
const declines: Readonly<Record<string, string>> = {
  pm_card_visa_chargeDeclined: 'card_declined',
  pm_card_visa_chargeDeclinedInsufficientFunds: 'insufficient_funds',
  pm_card_chargeDeclinedExpiredCard: 'expired_card',
};
const actions: Readonly<Record<string, string>> = {
  pm_card_threeDSecure2Required: 'card',
  pm_upi: 'upi',
  pm_card_awaiting: 'await',
};

export type Step = 'create' | 'confirm' | 'cancel' | 'retrieve' | 'refund' | 'refunds' | 'charges';

/** What goes wrong with the next call of a step. `lost`: it is done, and the answer does not come. */
export type Fault =
  | { readonly error: string }
  | {
      readonly does:
        'stays silent' | 'hangs up' | 'is done and stays silent' | 'is done and hangs up' | 'talks nonsense';
    };

interface Answer {
  readonly status: number;
  readonly body: unknown;
}

/**
 * Stripe over HTTP, as far as we use it: payment intents and their states, refunds, lists newest first, and keys that
 * answer a repeated call as they did the first. What is wrong with a call is told beforehand, call by call.
 */
export class ScriptedStripe {
  readonly intents = new Map<string, Intent>();
  readonly charges: Charge[] = [];
  readonly refunds: Refund[] = [];
  /** Steps in the order in which they came in, each with the key that it came with. */
  readonly calls: { readonly step: Step; readonly key: string | undefined; readonly params: URLSearchParams }[] = [];
  /** How a refund begins. */
  refundStatus = 'succeeded';
  /** Unix seconds that new objects are of; null: the present. */
  clockSeconds: number | null = null;
  readonly #faults = new Map<Step, Fault[]>();
  readonly #answers = new Map<string, { readonly params: string; readonly answer: Answer | null }>();
  readonly #server = createServer((request, response) => void this.#take(request, response));

  static async start(): Promise<ScriptedStripe> {
    const stripe = new ScriptedStripe();
    stripe.#server.listen(0, '127.0.0.1');
    await once(stripe.#server, 'listening');
    return stripe;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }

  /** The next call of the step goes wrong, and if there are several, the ones after it. */
  goesWrong(step: Step, ...faults: readonly Fault[]): void {
    this.#faults.set(step, [...(this.#faults.get(step) ?? []), ...faults]);
  }

  /** A day later: Stripe has forgotten every key. */
  forgetKeys(): void {
    this.#answers.clear();
  }

  intentOfAttempt(attemptId: string): Intent | undefined {
    return [...this.intents.values()].find(({ metadata }) => metadata.attemptId === attemptId);
  }

  /** The buyer at the bank's page, or the bank itself, decides. */
  settle(attemptId: string, how: 'succeeded' | 'failed'): Intent {
    const intent = this.intentOfAttempt(attemptId)!;
    if (how === 'succeeded') return this.#capture(intent);
    return Object.assign(intent, {
      status: 'requires_payment_method',
      next_action: null,
      last_payment_error: errors.authentication_failure!.error,
    });
  }

  /** Sends an event to the API, signed as Stripe signs it. */
  async tell(apiUrl: string, type: string, object: unknown): Promise<Response> {
    const { body, signature } = signedEvent(type, object);
    return fetch(`${apiUrl}/api/v1/webhooks/payments/stripe`, {
      method: 'POST',
      headers: { 'content-type': 'application/json; charset=utf-8', 'stripe-signature': signature },
      body,
    });
  }

  async #take(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url!, 'http://stripe');
    const body = await bodyOf(request);
    const params = request.method === 'POST' ? new URLSearchParams(body) : url.searchParams;
    const step = stepOf(request.method!, url.pathname);
    const key = request.headers['idempotency-key'] as string | undefined;
    this.calls.push({ step, key, params });
    const fault = this.#faults.get(step)?.shift();
    if (fault && 'error' in fault) return send(response, asError(fault.error));
    if (fault?.does === 'stays silent') return;
    if (fault?.does === 'hangs up') return void response.destroy();
    if (fault?.does === 'talks nonsense') return send(response, { status: 200, body: '<html>' });
    if (request.headers.authorization !== `Bearer ${secretKey}`) return send(response, asError('invalid_api_key'));
    const answer = this.#once(key, `${url.pathname}?${params.toString()}`, () => this.#do(step, url.pathname, params));
    if (fault?.does === 'is done and hangs up') return void response.destroy();
    if (fault?.does === 'is done and stays silent') return;
    send(response, answer);
  }

  /** Keys are kept once the call has begun to be done: what is refused before, by rate or by its form, is not. */
  #once(key: string | undefined, params: string, work: () => Answer): Answer {
    if (key === undefined || key.startsWith('stripe-node-retry')) return work();
    const earlier = this.#answers.get(key);
    if (earlier && earlier.params !== params) return asError('other_parameters');
    if (earlier?.answer) return earlier.answer;
    const answer = JSON.parse(JSON.stringify(work())) as Answer;
    this.#answers.set(key, { params, answer });
    return answer;
  }

  #do(step: Step, path: string, params: URLSearchParams): Answer {
    const intent = this.intents.get(path.split('/')[3] ?? '');
    switch (step) {
      case 'create':
        return ok(this.#create(params));
      case 'retrieve':
        return intent ? ok(intent) : asError('no_such_intent');
      case 'confirm':
        return intent ? this.#confirm(intent, params) : asError('no_such_intent');
      case 'cancel':
        return intent ? this.#cancel(intent) : asError('no_such_intent');
      case 'refund':
        return this.#refund(params);
      case 'refunds':
        return ok(listed(this.#expanded(params), params));
      case 'charges':
        return ok(listed(this.charges, params));
    }
  }

  #create(params: URLSearchParams): Intent {
    const intent: Intent = {
      ...intentOf(),
      id: newId('pi'),
      amount: Number(params.get('amount')),
      currency: params.get('currency')!,
      created: this.#nowSeconds(),
      metadata: metadataOf(params),
      payment_method_types: params.getAll('allowed_payment_method_types[0]'),
    };
    this.intents.set(intent.id, intent);
    return intent;
  }

  #confirm(intent: Intent, params: URLSearchParams): Answer {
    const method = params.get('payment_method') ?? params.get('confirmation_token') ?? '';
    if (!['requires_payment_method', 'requires_confirmation'].includes(intent.status)) return inState(intent);
    if (Object.hasOwn(declines, method)) {
      const decline = errors[declines[method]!]!;
      Object.assign(intent, { last_payment_error: decline.error });
      return { status: decline.status, body: { error: { ...decline.error, payment_intent: intent } } };
    }
    if (Object.hasOwn(actions, method)) {
      return ok(Object.assign(intent, { status: 'requires_action', next_action: nextActions[actions[method]!] }));
    }
    if (method === 'pm_processing') return ok(Object.assign(intent, { status: 'processing' }));
    if (!/^(pm_card_visa|ctoken_)/.test(method)) return asError('no_such_payment_method');
    return ok(this.#capture(intent));
  }

  #capture(intent: Intent): Intent {
    const charge: Charge = {
      ...recorded<Charge>('charge'),
      id: newId('ch'),
      amount: intent.amount,
      amount_captured: intent.amount,
      currency: intent.currency,
      created: this.#nowSeconds(),
      payment_intent: intent.id,
      metadata: intent.metadata,
    };
    this.charges.push(charge);
    return Object.assign(intent, {
      status: 'succeeded',
      amount_received: intent.amount,
      next_action: null,
      latest_charge: charge.id,
    });
  }

  #cancel(intent: Intent): Answer {
    if (['succeeded', 'processing', 'canceled'].includes(intent.status)) return inState(intent);
    return ok(Object.assign(intent, { status: 'canceled', canceled_at: this.#nowSeconds(), next_action: null }));
  }

  #refund(params: URLSearchParams): Answer {
    const charge = this.charges.find((each) => each.payment_intent === params.get('payment_intent'));
    if (!charge) return asError('no_such_intent');
    const amount = Number(params.get('amount'));
    const others = this.refunds.filter((refund) => refund.charge === charge.id && refund.status !== 'failed');
    const left = charge.amount - others.reduce((sum, refund) => sum + refund.amount, 0);
    if (left === 0) return asError('charge_already_refunded');
    if (amount > left) return asError('refund_too_large');
    const refund: Refund = {
      ...recorded<Refund>('refund'),
      id: newId('re'),
      amount,
      charge: charge.id,
      currency: charge.currency,
      created: this.#nowSeconds(),
      payment_intent: charge.payment_intent,
      metadata: metadataOf(params),
      status: this.refundStatus,
    };
    this.refunds.push(refund);
    return ok(refund);
  }

  #expanded(params: URLSearchParams): readonly Refund[] {
    const intent = params.get('payment_intent');
    const refunds = this.refunds.filter((refund) => intent === null || refund.payment_intent === intent);
    if (params.get('expand[0]') !== 'data.charge') return refunds;
    const chargeOf = ({ charge }: Refund) => this.charges.find(({ id }) => id === charge);
    return refunds.map((refund) => ({ ...refund, charge: chargeOf(refund) }) as unknown as Refund);
  }

  #nowSeconds(): number {
    return this.clockSeconds ?? Math.floor(Date.now() / 1_000);
  }
}

/** An event of Stripe's about an object, and the header that proves it. */
export function signedEvent(
  type: string,
  object: unknown,
  secret = webhookSecret,
): { body: string; signature: string } {
  const created = Math.floor(Date.now() / 1_000);
  const body = JSON.stringify({ ...recorded<object>('event'), id: newId('evt'), type, created, data: { object } });
  return { body, signature: Stripe.webhooks.generateTestHeaderString({ payload: body, secret }) };
}

const newId = (prefix: string): string => `${prefix}_${randomBytes(12).toString('hex')}`;

const ok = (body: unknown): Answer => ({ status: 200, body });

function asError(name: string): Answer {
  const { status, error } = errors[name]!;
  return { status, body: { error } };
}

const inState = (intent: Intent): Answer => ({
  status: 400,
  body: { error: { ...errors.unexpected_state!.error, payment_intent: intent } },
});

function stepOf(method: string, path: string): Step {
  if (path === '/v1/charges') return 'charges';
  if (path === '/v1/refunds') return method === 'POST' ? 'refund' : 'refunds';
  if (path === '/v1/payment_intents') return 'create';
  if (path.endsWith('/confirm')) return 'confirm';
  return path.endsWith('/cancel') ? 'cancel' : 'retrieve';
}

function metadataOf(params: URLSearchParams): Record<string, string> {
  return Object.fromEntries(
    [...params].flatMap(([name, value]) => {
      const [, key] = /^metadata\[(\w+)\]$/.exec(name) ?? [];
      return key === undefined ? [] : [[key, value]];
    }),
  );
}

/** Newest first, and of one second the one that came last. */
function listed(objects: readonly { readonly id: string; readonly created: number }[], params: URLSearchParams) {
  const [from, to] = [Number(params.get('created[gte]') ?? 0), Number(params.get('created[lt]') ?? Infinity)];
  const newestFirst = objects.filter(({ created }) => created >= from && created < to).toReversed();
  newestFirst.sort((one, other) => other.created - one.created);
  const after = params.get('starting_after');
  const start = after === null ? 0 : newestFirst.findIndex(({ id }) => id === after) + 1;
  const end = start + Number(params.get('limit') ?? 10);
  return { object: 'list', url: '/v1', data: newestFirst.slice(start, end), has_more: newestFirst.length > end };
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  let body = '';
  for await (const chunk of request.setEncoding('utf8') as AsyncIterable<string>) body += chunk;
  return body;
}

function send(response: ServerResponse, { status, body }: Answer): void {
  response
    .writeHead(status, { 'content-type': 'application/json', 'request-id': newId('req') })
    .end(typeof body === 'string' ? body : JSON.stringify(body));
}
