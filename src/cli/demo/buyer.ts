import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { Pool } from 'undici';

/** How a buyer behaves once the seats are held. */
export const behaviours = [
  'pays',
  'double_clicks',
  'declined_first',
  'abandons',
  'releases',
  'loses_the_answer',
  'pays_pending',
  'pays_late',
] as const;
export type Behaviour = (typeof behaviours)[number];

/** What became of a visit, for the display. */
export type Visit = 'confirmed' | 'abandoned' | 'released' | 'late' | 'refused' | 'expired' | 'failed';

interface Booking {
  readonly id: string;
  readonly status: string;
  readonly seats: readonly unknown[];
}

interface Answer {
  readonly status: number;
  readonly body: Booking & { readonly code?: string };
}

/** A pending payment is looked at in this interval until its booking has ended. */
const POLL_MS = 500;
/** Longer than any deadline of the demo. */
const POLLS_MAX = 120;
const UNKNOWN_OUTCOMES = [503, 504];
const REPEATS_MAX = 5;
const REPEAT_DELAY_MS = 500;

/** One visit of one guest: asks for the best seats, and behaves. All through the REST API. */
export class Buyer {
  readonly #pool: Pool;
  readonly #showId: string;
  #token = '';

  constructor(pool: Pool, showId: string) {
    this.#pool = pool;
    this.#showId = showId;
  }

  async visit(count: number, behaviour: Behaviour): Promise<{ visit: Visit; seats: number; soldOut: boolean }> {
    this.#token ||= await this.#guestToken();
    const held = await this.#hold(count, behaviour === 'double_clicks');
    if (held.status !== 201) return { visit: 'refused', seats: 0, soldOut: held.body.code === 'SOLD_OUT' };
    const seats = held.body.seats.length;
    return { visit: await this.#behave(held.body.id, behaviour), seats, soldOut: false };
  }

  async #behave(bookingId: string, behaviour: Behaviour): Promise<Visit> {
    switch (behaviour) {
      case 'pays':
        return this.#pay(bookingId, 'tok_ok');
      case 'double_clicks':
        return this.#payTwiceAtOnce(bookingId);
      case 'declined_first':
        await this.#pay(bookingId, 'tok_declined');
        return this.#pay(bookingId, 'tok_ok');
      case 'abandons':
        return 'abandoned';
      case 'releases':
        await this.#call('DELETE', `/bookings/${bookingId}`);
        return 'released';
      case 'loses_the_answer':
        return this.#pay(bookingId, 'tok_timeout_charged');
      case 'pays_pending':
        return this.#pay(bookingId, 'tok_pending');
      case 'pays_late':
        await this.#pay(bookingId, 'tok_pending', 0);
        return 'late';
    }
  }

  #hold(count: number, twice: boolean): Promise<Answer> {
    const key = randomUUID();
    const body = { showId: this.#showId, bestAvailable: { count } };
    const first = this.#post('/bookings', body, key);
    return twice ? this.#same(first, this.#post('/bookings', body, key)) : first;
  }

  async #payTwiceAtOnce(bookingId: string): Promise<Visit> {
    const key = randomUUID();
    const pay = () => this.#post(`/bookings/${bookingId}/payment`, { method: 'upi', token: 'tok_ok' }, key);
    const answer = await this.#same(pay(), pay());
    return answer.body.status === 'CONFIRMED' ? 'confirmed' : this.#ending(bookingId, POLLS_MAX);
  }

  /** Both clicks of a double click must get the same answer. */
  async #same(first: Promise<Answer>, second: Promise<Answer>): Promise<Answer> {
    const [one, two] = await Promise.all([first, second]);
    if (one.status === 201 && two.status === 201 && one.body.id !== two.body.id) {
      throw new Error(`a double click made two bookings: ${one.body.id} and ${two.body.id}`);
    }
    return one.status < 300 ? one : two;
  }

  async #pay(bookingId: string, token: string, polls = POLLS_MAX): Promise<Visit> {
    const answer = await this.#post(`/bookings/${bookingId}/payment`, { method: 'card', token }, randomUUID());
    if (answer.body.status === 'CONFIRMED') return 'confirmed';
    if (answer.status === 202) return this.#ending(bookingId, polls);
    return answer.status === 410 ? 'expired' : 'failed';
  }

  async #ending(bookingId: string, polls: number): Promise<Visit> {
    for (let poll = 0; poll < polls; poll++) {
      const { body } = await this.#call('GET', `/bookings/${bookingId}`);
      if (body.status === 'CONFIRMED') return 'confirmed';
      if (body.status !== 'PAYMENT_PENDING') return 'expired';
      await delay(POLL_MS);
    }
    return 'late';
  }

  async #guestToken(): Promise<string> {
    const { status, body } = await this.#call('POST', '/auth/guest', { email: `${randomUUID()}@example.org` });
    if (status !== 201) throw new Error(`a guest was answered ${status}`);
    return (body as unknown as { accessToken: string }).accessToken;
  }

  /** As a good client does: an unknown outcome is asked for with the same key. */
  async #post(path: string, body: unknown, key: string): Promise<Answer> {
    for (let repeats = 0; ; repeats++) {
      const answer = await this.#call('POST', path, body, key);
      if (!UNKNOWN_OUTCOMES.includes(answer.status) || repeats === REPEATS_MAX) return answer;
      await delay(REPEAT_DELAY_MS);
    }
  }

  async #call(method: 'GET' | 'POST' | 'DELETE', path: string, body?: unknown, key?: string): Promise<Answer> {
    const response = await this.#pool.request({
      method,
      path: `/api/v1${path}`,
      headers: {
        ...(this.#token && { authorization: `Bearer ${this.#token}` }),
        ...(body !== undefined && { 'content-type': 'application/json' }),
        ...(key !== undefined && { 'idempotency-key': key }),
      },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
    return { status: response.statusCode, body: (await response.body.json()) as Answer['body'] };
  }
}
