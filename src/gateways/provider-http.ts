import { type ConnectionLimits, ProviderConnections, type ProviderResponse } from './provider-connections.ts';

export interface ProviderCall {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly idempotencyKey?: string;
  readonly body?: unknown;
  readonly timeoutMs: number;
}

export type ProviderAnswer =
  /** `body` is undefined when it is no JSON. */
  | { readonly kind: 'answer'; readonly status: number; readonly body: unknown }
  | Exclude<ProviderResponse, { kind: 'answer' }>;

/** JSON over HTTP to one provider; never throws, and tells "never sent" from "no answer". */
export class ProviderHttp {
  readonly #connections: ProviderConnections;

  constructor(baseUrl: string, limits: ConnectionLimits = {}) {
    this.#connections = new ProviderConnections(baseUrl, limits);
  }

  async call({ method, path, idempotencyKey, body, timeoutMs }: ProviderCall): Promise<ProviderAnswer> {
    const response = await this.#connections.send({
      method,
      path,
      headers: {
        ...(idempotencyKey === undefined ? {} : { 'idempotency-key': idempotencyKey }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      body: body === undefined ? null : JSON.stringify(body),
      timeoutMs,
    });
    if (response.kind !== 'answer') return response;
    return { kind: 'answer', status: response.status, body: parsed(response.text) };
  }

  close(): Promise<void> {
    return this.#connections.close();
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
