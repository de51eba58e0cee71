import { randomUUID } from 'node:crypto';
import type { BookingBody, PaymentBody, PendingBookingBody } from '../../src/contracts/http/bookings.ts';
import type { SessionBody } from '../../src/contracts/http/accounts.ts';
import type { Problem } from '../../src/contracts/http/problems.ts';
import { signStaffToken } from '../../src/api/accounts/tokens.ts';
import { testSecrets } from '../setup/system.ts';
import { expectDeclared, expectDeclaredProblem } from './declared-answers.ts';

export interface HttpAnswer<Body> {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Body;
}

export interface SendOptions {
  readonly key?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** What refusals add, for calls whose answer may be one. */
type Refused = Pick<Problem, 'code' | 'errors' | 'seatIds' | 'conflicts' | 'bookingStatus' | 'reason' | 'limit'>;

/** One caller of one API process, who takes no answer that the contract does not declare. */
export class ApiClient {
  readonly url: string;
  readonly userId: string | null;
  readonly #token: string | null;

  constructor(url: string, session: { readonly token: string; readonly userId: string | null } | null = null) {
    this.url = url;
    this.userId = session?.userId ?? null;
    this.#token = session?.token ?? null;
  }

  /** The same caller at another API process. */
  at(url: string): ApiClient {
    return new ApiClient(url, this.#token === null ? null : { token: this.#token, userId: this.userId });
  }

  get<Body = Problem>(path: string, options: SendOptions = {}): Promise<HttpAnswer<Body>> {
    return this.send<Body>('GET', path, undefined, options);
  }

  post<Body = Problem>(path: string, body?: unknown, options: SendOptions = {}): Promise<HttpAnswer<Body>> {
    return this.send<Body>('POST', path, body, options);
  }

  async send<Body = Problem>(
    method: string,
    path: string,
    body?: unknown,
    { key, headers }: SendOptions = {},
  ): Promise<HttpAnswer<Body>> {
    const isRaw = typeof body === 'string' || body instanceof Uint8Array;
    const response = await fetch(`${this.url}/api/v1${path}`, {
      method,
      headers: {
        ...(body !== undefined && { 'Content-Type': 'application/json' }),
        ...(this.#token !== null && { Authorization: `Bearer ${this.#token}` }),
        ...(key !== undefined && { 'Idempotency-Key': key }),
        ...headers,
      },
      ...(body !== undefined && { body: isRaw ? (body as string) : JSON.stringify(body) }),
      redirect: 'manual',
    });
    const text = await response.text();
    const isJson = text !== '' && response.headers.get('content-type')?.includes('json');
    const answer = isJson ? (JSON.parse(text) as unknown) : text;
    if (response.ok && method !== 'OPTIONS') expectDeclared(method, path, response.status, answer);
    if (response.status >= 400) expectDeclaredProblem(method, path, response.status, answer);
    return { status: response.status, headers: response.headers, body: answer as Body };
  }

  /** A GET whose answer is read by the caller, whatever it is. */
  fetch(path: string, headers: Readonly<Record<string, string>>): Promise<Response> {
    return fetch(`${this.url}/api/v1${path}`, {
      headers: { ...(this.#token !== null && { Authorization: `Bearer ${this.#token}` }), ...headers },
    });
  }

  // ---- what a buyer does ----

  hold(showId: string, seatIds: readonly string[], key: string = newKey()) {
    return this.post<BookingBody & Refused>('/bookings', { showId, seatIds }, { key });
  }

  holdBest(showId: string, count: number, key: string = newKey()) {
    return this.post<BookingBody & Refused>('/bookings', { showId, bestAvailable: { count } }, { key });
  }

  /** A hold that must be granted. */
  async held(showId: string, seatIds: readonly string[]): Promise<BookingBody> {
    const { status, body } = await this.hold(showId, seatIds);
    if (status !== 201) throw new Error(`not held: ${status} ${JSON.stringify(body)}`);
    return body;
  }

  pay(bookingId: string, token: string, key: string = newKey()) {
    const body = { method: 'card', token };
    return this.post<PendingBookingBody & Refused>(`/bookings/${bookingId}/payment`, body, { key });
  }

  async booking(id: string): Promise<BookingBody> {
    return (await this.get<BookingBody>(`/bookings/${id}`)).body;
  }

  async payment(bookingId: string): Promise<PaymentBody> {
    return (await this.get<PaymentBody>(`/bookings/${bookingId}/payment`)).body;
  }
}

export const newKey = (): string => randomUUID();

/** Somebody new. */
export async function newGuest(url: string): Promise<ApiClient> {
  const { body } = await new ApiClient(url).post<SessionBody>('/auth/guest', { email: 'asha@example.org' });
  return new ApiClient(url, { token: body.accessToken, userId: body.user.id });
}

export async function staff(url: string, role: 'admin' | 'theatre_owner' | 'support' = 'admin'): Promise<ApiClient> {
  return new ApiClient(url, { token: await signStaffToken(testSecrets.JWT_SECRET, role, 600), userId: null });
}

/** Asks until the answer is as wanted; the caller's own time limit ends it otherwise. */
export async function eventually<T>(ask: () => Promise<T>, isWanted: (answer: T) => boolean): Promise<T> {
  for (;;) {
    const answer = await ask();
    if (isWanted(answer)) return answer;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
