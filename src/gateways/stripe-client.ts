import Stripe from 'stripe';
import { refusalReasons } from './refusal-reasons.ts';
import type { ProviderConnections, ProviderResponse } from './provider-connections.ts';

/** A call that brought no answer of Stripe's: never sent, or lost on its way. */
export class NoAnswerError extends Error {
  override readonly name = 'NoAnswerError';
  readonly response: Exclude<ProviderResponse, { kind: 'answer' }>;

  constructor(response: Exclude<ProviderResponse, { kind: 'answer' }>) {
    super(response.reason);
    this.response = response;
  }
}

/**
 * The official client over our own connections: their number is bounded, a call's time is bounded as a whole (the
 * client's own bounds only each silence), and nothing is sent twice (the client's own repeats a call after a reset
 * connection whatever `maxNetworkRetries` says). Repeating is for those who know what became of the first.
 */
export function createStripeClient(apiUrl: string, secretKey: string, connections: ProviderConnections): Stripe {
  const { hostname, port, protocol } = new URL(apiUrl);
  return new Stripe(secretKey, {
    host: hostname,
    port: port === '' ? (protocol === 'http:' ? 80 : 443) : port,
    protocol: protocol === 'http:' ? 'http' : 'https',
    httpClient: new ConnectedHttpClient(connections),
    maxNetworkRetries: 0,
    telemetry: false,
  });
}

class ConnectedHttpClient extends Stripe.HttpClient {
  readonly #connections: ProviderConnections;

  constructor(connections: ProviderConnections) {
    super();
    this.#connections = connections;
  }

  override getClientName(): string {
    return 'seatkeeper';
  }

  override async makeRequest(
    _host: string,
    _port: string,
    path: string,
    method: string,
    headers: Readonly<Record<string, string | number | string[]>>,
    requestData: string,
    _protocol: string,
    timeoutMs: number,
  ): Promise<ReadResponse> {
    const response = await this.#connections.send({
      method,
      path,
      headers: Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, String(value)])),
      body: requestData === '' ? null : requestData,
      timeoutMs,
    });
    if (response.kind !== 'answer') throw new NoAnswerError(response);
    return new ReadResponse(response);
  }
}

/** An answer that was read to its end. */
class ReadResponse extends Stripe.HttpClientResponse {
  readonly #answer: Extract<ProviderResponse, { kind: 'answer' }>;

  constructor(answer: Extract<ProviderResponse, { kind: 'answer' }>) {
    const headers = Object.entries(answer.headers).flatMap(([name, value]) =>
      value === undefined ? [] : [[name, Array.isArray(value) ? value.join(', ') : value] as const],
    );
    super(answer.status, Object.fromEntries(headers));
    this.#answer = answer;
  }

  override getRawResponse(): unknown {
    return {};
  }

  override toJSON(): Promise<unknown> {
    return Promise.resolve().then(() => JSON.parse(this.#answer.text) as unknown);
  }
}

/** Why a call brought no result, as far as it decides about money. */
export type StripeFailure =
  | { readonly kind: 'not_sent' | 'lost'; readonly reason: string }
  /** The key is not good, or may not do this. Nothing was begun. */
  | { readonly kind: 'credentials'; readonly reason: string }
  /** Rate limits stand before everything else: nothing was begun. */
  | { readonly kind: 'too_many_requests' }
  /** Another call with this key, or on this object, is under way. */
  | { readonly kind: 'busy'; readonly reason: string }
  /** The key stands for a call with other parameters. */
  | { readonly kind: 'key_reused'; readonly reason: string }
  /** The bank's or Stripe's no to this payment method. `intent`: how the payment intent is now. */
  | { readonly kind: 'card'; readonly reason: string; readonly intent: unknown }
  | {
      readonly kind: 'invalid';
      readonly reason: string;
      readonly param: string | undefined;
      readonly intent: unknown;
      readonly status: number | undefined;
    }
  /** An error of Stripe's, or an answer that can't be read: it may have been done. */
  | { readonly kind: 'doubtful'; readonly reason: string };

/** By Stripe's documented errors: docs.stripe.com/error-low-level and /error-codes. */
export function failureOf(error: unknown): StripeFailure {
  if (!(error instanceof Stripe.errors.StripeError)) throw error;
  const noAnswer: unknown = error.detail;
  if (noAnswer instanceof NoAnswerError) return noAnswer.response;
  const { statusCode: status, rawType, code, decline_code: declineCode, param, payment_intent: intent } = error;
  const reason = code ?? rawType ?? `status_${status ?? 'none'}`;
  if (code === 'lock_timeout' || status === 409) return { kind: 'busy', reason };
  if (rawType === 'idempotency_error') return { kind: 'key_reused', reason: rawType };
  if (status === 401 || status === 403) return { kind: 'credentials', reason };
  if (status === 429) return { kind: 'too_many_requests' };
  if (status === 402 || rawType === 'card_error') return { kind: 'card', reason: declineCode || reason, intent };
  const isOfOurs = status !== undefined && status >= 400 && status < 500 && status !== 408;
  if (isOfOurs) return { kind: 'invalid', reason, param, intent, status };
  return { kind: 'doubtful', reason: status === undefined ? 'unreadable_answer' : `status_${status}` };
}

/** As it is recorded, and told in an outcome. */
export function reasonOf(failure: StripeFailure): string {
  switch (failure.kind) {
    case 'too_many_requests':
    case 'busy':
    case 'key_reused':
      return failure.kind;
    case 'credentials':
      return refusalReasons.credentialsRefused;
    case 'not_sent':
    case 'lost':
    case 'card':
    case 'invalid':
    case 'doubtful':
      return failure.reason;
  }
}
