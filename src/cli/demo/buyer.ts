import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { Pool } from 'undici';
import { type OnOvercome, PATIENCE_MS, patiently } from '../patience.ts';

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

/** What became of a visit, as its buyer saw it. */
export const visitEnds = {
  confirmed: 'has paid and has the seats',
  abandoned: 'never pays: the hold runs out, and the seats are sold to others',
  released: 'gives the seats back',
  late: 'pays, and the money comes after the deadline: the seats, if they are still free, else the money back',
  refused: 'finds no seats side by side, or others are quicker; takes scattered ones, or comes as a smaller group',
  expired: 'wanted to pay when the hold had ended',
  failed: 'was told that the payment did not go through',
} as const;
export type VisitEnd = keyof typeof visitEnds;

export interface Visit {
  readonly end: VisitEnd;
  /** Null when no seats were had. */
  readonly bookingId: string | null;
  readonly soldOut: boolean;
}

/** What a buyer asks for: the best seats side by side, or seats chosen on the map, wherever they are. */
export type Wish = { readonly bestAvailable: { readonly count: number } } | { readonly seatIds: readonly string[] };

interface Booking {
  readonly id: string;
  readonly status: string;
}

interface Answer {
  readonly status: number;
  readonly body: Booking & { readonly code?: string };
}

/** A pending payment is looked at in this interval until its booking has ended. */
const POLL_MS = 500;
/** Longer than any deadline of the demo. */
const POLLS_MAX = 120;
/** `HELD` is no end: the booking's row follows the payment by a moment, and what is declined is held again for a while. */
const ENDED_WITHOUT_SEATS = ['EXPIRED', 'RELEASED', 'FAILED'];
/** Not now, or not known: the same key is sent again, and has one effect. */
const ASK_AGAIN = [503, 504];
const ASK_AGAIN_AFTER_MS = 500;

/** One visit of one guest: asks for the best seats, and behaves. All through the REST API. */
export class Buyer {
  readonly #pool: Pool;
  readonly #showId: string;
  readonly #onOvercome: OnOvercome;
  #token = '';

  constructor(pool: Pool, showId: string, onOvercome: OnOvercome) {
    this.#pool = pool;
    this.#showId = showId;
    this.#onOvercome = onOvercome;
  }

  /** @throws Error when a call had no answer for as long as a buyer is patient */
  async visit(wish: Wish, behaviour: Behaviour): Promise<Visit> {
    this.#token ||= await this.#guestToken();
    const { status, body } = await this.#hold(wish, behaviour === 'double_clicks');
    if (status >= 500) return { end: 'failed', bookingId: null, soldOut: false };
    if (status !== 201) return { end: 'refused', bookingId: null, soldOut: body.code === 'SOLD_OUT' };
    return { end: await this.#behave(body.id, behaviour), bookingId: body.id, soldOut: false };
  }

  async #behave(bookingId: string, behaviour: Behaviour): Promise<VisitEnd> {
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

  #hold(wish: Wish, twice: boolean): Promise<Answer> {
    const key = randomUUID();
    const body = { showId: this.#showId, ...wish };
    const first = this.#post('/bookings', body, key);
    return twice ? this.#same(first, this.#post('/bookings', body, key)) : first;
  }

  async #payTwiceAtOnce(bookingId: string): Promise<VisitEnd> {
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

  async #pay(bookingId: string, token: string, polls = POLLS_MAX): Promise<VisitEnd> {
    const answer = await this.#post(`/bookings/${bookingId}/payment`, { method: 'card', token }, randomUUID());
    if (answer.body.status === 'CONFIRMED') return 'confirmed';
    if (answer.status === 202) return this.#ending(bookingId, polls);
    return answer.status === 410 ? 'expired' : 'failed';
  }

  async #ending(bookingId: string, polls: number): Promise<VisitEnd> {
    for (let poll = 0; poll < polls; poll++) {
      const { status, body } = await this.#call('GET', `/bookings/${bookingId}`);
      if (body.status === 'CONFIRMED') return 'confirmed';
      if (status === 200 && ENDED_WITHOUT_SEATS.includes(body.status)) return 'expired';
      await delay(POLL_MS);
    }
    return 'late';
  }

  async #guestToken(): Promise<string> {
    const { status, body } = await this.#post('/auth/guest', { email: `${randomUUID()}@example.org` }, randomUUID());
    if (status !== 201) throw new Error(`POST /auth/guest answered ${status}`);
    return (body as unknown as { accessToken: string }).accessToken;
  }

  /** As a good client does: an unknown outcome is asked for with the same key. */
  async #post(path: string, body: unknown, key: string): Promise<Answer> {
    const givenUpAtMs = Date.now() + PATIENCE_MS;
    for (;;) {
      const answer = await this.#call('POST', path, body, key);
      if (!ASK_AGAIN.includes(answer.status) || Date.now() > givenUpAtMs) return answer;
      await delay(ASK_AGAIN_AFTER_MS);
    }
  }

  /** All calls may be repeated: a POST has its key, and what is released stays so. */
  #call(method: 'GET' | 'POST' | 'DELETE', path: string, body?: unknown, key?: string): Promise<Answer> {
    return patiently(
      `${method} ${path} at a box office`,
      () => this.#callOnce(method, path, body, key),
      this.#onOvercome,
    );
  }

  async #callOnce(method: 'GET' | 'POST' | 'DELETE', path: string, body: unknown, key?: string): Promise<Answer> {
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
