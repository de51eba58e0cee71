import { randomUUID } from 'node:crypto';
import { Pool } from 'undici';

export interface Answer {
  readonly status: number;
  readonly body: Record<string, unknown>;
  readonly ms: number;
}

const CONNECTIONS_MAX = 256;
const ANSWER_TIMEOUT_MS = 30_000;

/** HTTP as buyers speak it, over keep-alive connections. */
export class ApiClient {
  readonly #pool: Pool;

  constructor(origin: string, connections = CONNECTIONS_MAX) {
    this.#pool = new Pool(origin, { connections, headersTimeout: ANSWER_TIMEOUT_MS, bodyTimeout: ANSWER_TIMEOUT_MS });
  }

  async call(method: 'GET' | 'POST' | 'DELETE', path: string, token?: string, body?: unknown): Promise<Answer> {
    const startedAtMs = performance.now();
    const response = await this.#pool.request({
      method,
      path: `/api/v1${path}`,
      headers: {
        ...(token !== undefined && { authorization: `Bearer ${token}` }),
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...(method === 'POST' && { 'idempotency-key': randomUUID() }),
      },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
    const text = await response.body.text();
    const ms = performance.now() - startedAtMs;
    return { status: response.statusCode, body: text ? (JSON.parse(text) as Answer['body']) : {}, ms };
  }

  /** The body of an answer that must have this status. */
  async expect(status: number, ...call: Parameters<ApiClient['call']>): Promise<Answer['body']> {
    const answer = await this.call(...call);
    if (answer.status === status) return answer.body;
    throw new Error(`${call[0]} ${call[1]} answered ${answer.status}: ${JSON.stringify(answer.body)}`);
  }

  async guests(count: number): Promise<string[]> {
    return Promise.all(
      Array.from({ length: count }, async () => {
        const session = await this.expect(201, 'POST', '/auth/guest', undefined, {
          email: `${randomUUID()}@example.org`,
        });
        return session.accessToken as string;
      }),
    );
  }

  close(): Promise<void> {
    return this.#pool.close();
  }
}
