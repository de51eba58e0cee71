import { Pool } from 'undici';
import { refusalReasons } from './refusal-reasons.ts';

/** Connections to one provider: bounds what a stalled provider can tie up in this process. */
const CONNECTIONS_MAX = 64;
/** Calls under way or waiting for a connection; past it a call is refused before it is sent. */
const CALLS_MAX = 1_024;
/** A provider's answer is a few hundred bytes; far larger ones are not read to the end. */
const ANSWER_BYTES_MAX = 64 * 1024;
/** Establishing a connection takes a round trip; a provider that takes longer is away. */
const CONNECT_TIMEOUT_MS = 2_000;

export interface ConnectionLimits {
  readonly connections?: number;
  readonly answerBytes?: number;
}

export interface ProviderRequest {
  readonly method: string;
  /** Below the base address, with its query. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | null;
  /** Bounds all of it: waiting for a connection, sending, and reading the answer. */
  readonly timeoutMs: number;
}

export type ProviderResponse =
  | {
      readonly kind: 'answer';
      readonly status: number;
      readonly headers: Readonly<Record<string, string | string[] | undefined>>;
      readonly text: string;
    }
  /** No byte of it has reached the provider. */
  | { readonly kind: 'not_sent'; readonly reason: string }
  /** It may have reached the provider, and nothing readable came back. */
  | { readonly kind: 'lost'; readonly reason: 'timeout' | 'connection_lost' };

/** HTTP to one provider; never throws, and tells "never sent" from "no answer". Nothing is sent twice. */
export class ProviderConnections {
  readonly #pool: Pool;
  readonly #basePath: string;
  #calls = 0;

  constructor(baseUrl: string, limits: ConnectionLimits = {}) {
    const url = new URL(baseUrl);
    this.#basePath = url.pathname.replace(/\/$/, '');
    this.#pool = new Pool(url.origin, {
      connections: limits.connections ?? CONNECTIONS_MAX,
      connect: { timeout: CONNECT_TIMEOUT_MS },
      maxResponseSize: limits.answerBytes ?? ANSWER_BYTES_MAX,
      // The signal of each call bounds all of it.
      headersTimeout: 0,
      bodyTimeout: 0,
    });
  }

  async send(request: ProviderRequest): Promise<ProviderResponse> {
    if (this.#calls >= CALLS_MAX) return { kind: 'not_sent', reason: refusalReasons.overloaded };
    this.#calls += 1;
    try {
      return await this.#send(request);
    } catch (error) {
      return neverConnected(error)
        ? { kind: 'not_sent', reason: refusalReasons.unreachable }
        : { kind: 'lost', reason: isTimeout(error) ? 'timeout' : 'connection_lost' };
    } finally {
      this.#calls -= 1;
    }
  }

  async close(): Promise<void> {
    await this.#pool.destroy();
  }

  async #send({ method, path, headers, body, timeoutMs }: ProviderRequest): Promise<ProviderResponse> {
    const response = await this.#pool.request({
      method,
      path: this.#basePath + path,
      headers,
      body,
      signal: AbortSignal.timeout(timeoutMs),
    });
    return {
      kind: 'answer',
      status: response.statusCode,
      headers: response.headers,
      text: await response.body.text(),
    };
  }
}

/** What errors of Node, undici and the platform have in common, whatever their class. */
interface NetworkFailure {
  readonly name?: unknown;
  readonly code?: unknown;
  readonly syscall?: unknown;
  /** One per address that was tried. */
  readonly errors?: readonly unknown[];
}

const failureOf = (error: unknown): NetworkFailure => (typeof error === 'object' && error !== null ? error : {});

const isTimeout = (error: unknown): boolean => failureOf(error).name === 'TimeoutError';

/** Failures of the name look-up or of the connection's beginning, on every address that was tried. */
function neverConnected(error: unknown): boolean {
  const { code, syscall, errors } = failureOf(error);
  if (errors !== undefined && errors.length > 0) return errors.every(neverConnected);
  return code === 'UND_ERR_CONNECT_TIMEOUT' || syscall === 'connect' || syscall === 'getaddrinfo';
}
