import { setTimeout as delay } from 'node:timers/promises';
import type { ApiDoor } from './api-call.ts';
import { seatIdsIn, type ShowOnSale } from './clients.ts';
import type { Sale } from './recovery.ts';
import type { Told } from './told.ts';

/** Shorter than other clients': it asks somebody else instead. */
const HOLD_TIMEOUT_MS = 1_500;
const PAY_TIMEOUT_MS = 4_000;
/** Under one key: who has not heard whether the seats are paid asks again, at the other process. */
const PAY_TRIES = 3;
const PAUSE_MS = 150;
const PAUSE_AFTER_FAILURE_MS = 50;
const payment = { method: 'card', token: 'tok_ok' };
/** Bookings that are given back soon make a show of some hundred seats last for ever. */
const KEPT_MAX = 20;

/**
 * Buys without a pause on a show where nobody else does: in its sales it shows how long the service was away for buyers. Two
 * of them, each with a preferred process, and each goes to the other one when it gets no answer.
 */
export class Prober {
  readonly sales: Sale[] = [];
  readonly #doors: readonly ApiDoor[];
  readonly #show: ShowOnSale;
  readonly #told: Told;
  readonly #token: string;
  #turn: number;
  #next: number;
  #asked = 0;
  readonly #kept: string[] = [];

  constructor(doors: readonly ApiDoor[], show: ShowOnSale, told: Told, token: string, turn: number) {
    this.#doors = doors;
    this.#show = show;
    this.#told = told;
    this.#token = token;
    this.#turn = turn;
    this.#next = turn;
  }

  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const bought = await this.#buy();
      if (!bought) this.#turn += 1;
      await delay(bought ? PAUSE_MS : PAUSE_AFTER_FAILURE_MS);
      if (this.#kept.length > KEPT_MAX) await this.#giveBack(this.#kept.shift()!);
    }
  }

  async #buy(): Promise<boolean> {
    const askedMs = performance.now();
    const pairs = this.#show.rows.flatMap((row) =>
      row.flatMap((seat, at) => (at % 2 === 0 ? [[seat, row[at + 1]!]] : [])),
    );
    // Each of two takes every other pair.
    const seatIds = pairs[this.#next % pairs.length]!;
    this.#next += 2;
    const held = await this.#call('/bookings', { showId: this.#show.id, seatIds }, HOLD_TIMEOUT_MS);
    if (held?.status !== 201) return false;
    const id = String(held.body.id);
    const paid = await this.#pay(id);
    if (paid?.status === 200) {
      this.sales.push({ askedMs, confirmedMs: performance.now() });
      this.#kept.push(id);
      const bought = { id, showId: this.#show.id, token: this.#token, seatIds: seatIdsIn(paid.body) };
      this.#told.bookings.set(id, { ...bought, status: 'CONFIRMED', isUnsure: false });
    }
    return paid?.status === 200;
  }

  async #pay(id: string) {
    const key = this.#newKey();
    for (let tries = 1; ; tries++) {
      const paid = await this.#call(`/bookings/${id}/payment`, payment, PAY_TIMEOUT_MS, key);
      if ((paid !== null && paid.status < 500) || tries === PAY_TRIES) return paid;
      this.#turn += 1;
      await delay(PAUSE_AFTER_FAILURE_MS);
    }
  }

  async #call(path: string, body: unknown, timeoutMs: number, key = this.#newKey()) {
    const door = this.#doors[this.#turn % this.#doors.length]!;
    const answer = await door.call('POST', path, { token: this.#token, key, body, timeoutMs });
    return answer.status === null ? null : answer;
  }

  #newKey(): string {
    this.#asked += 1;
    return `probe-${this.#token.slice(-16)}-${this.#asked}`;
  }

  async #giveBack(id: string): Promise<void> {
    this.#told.bookings.get(id)!.isUnsure = true;
    const door = this.#doors[this.#turn % this.#doors.length]!;
    await door.call('DELETE', `/bookings/${id}`, { token: this.#token, timeoutMs: HOLD_TIMEOUT_MS });
  }
}
