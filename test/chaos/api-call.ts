import { type Dispatcher, Pool } from 'undici';

/** What came back: an answer, or none, and then why. */
export type CallAnswer =
  | { readonly status: number; readonly body: Readonly<Record<string, unknown>>; readonly etag: string | null }
  | { readonly status: null; readonly reason: string };

export interface CallOptions {
  readonly token?: string;
  readonly key?: string;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  readonly timeoutMs?: number;
}

const CONNECTIONS_MAX = 128;
/** Shorter than the API's own patience: a client that waits for a process that stands still is of no use meanwhile. */
const TIMEOUT_MS = 5_000;

/** HTTP to one API process, as clients speak it: connections are kept, and an answer may never come. */
export class ApiDoor {
  readonly url: string;
  readonly #pool: Pool;

  constructor(url: string) {
    this.url = url;
    this.#pool = new Pool(url, { connections: CONNECTIONS_MAX, connect: { timeout: 2_000 } });
  }

  async call(method: Dispatcher.HttpMethod, path: string, options: CallOptions = {}): Promise<CallAnswer> {
    const { token, key, body, headers, timeoutMs = TIMEOUT_MS } = options;
    try {
      const response = await this.#pool.request({
        method,
        path: `/api/v1${path}`,
        headers: {
          ...(token !== undefined && { authorization: `Bearer ${token}` }),
          ...(key !== undefined && { 'idempotency-key': key }),
          ...(body !== undefined && { 'content-type': 'application/json' }),
          ...headers,
        },
        body: body === undefined ? undefined : JSON.stringify(body),
        signal: AbortSignal.timeout(timeoutMs),
      });
      const text = await response.body.text();
      const { etag = null } = response.headers;
      return { status: response.statusCode, body: bodyOf(text), etag: etag as string | null };
    } catch (error) {
      return { status: null, reason: error instanceof Error ? error.message || error.name : String(error) };
    }
  }

  close(): Promise<void> {
    return this.#pool.destroy();
  }
}

const bodyOf = (text: string): Readonly<Record<string, unknown>> =>
  text === '' ? {} : (JSON.parse(text) as Record<string, unknown>);
