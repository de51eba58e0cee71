import { setTimeout as delay } from 'node:timers/promises';
import type { ApiDoor, CallAnswer, CallOptions } from './api-call.ts';
import type { RunClock } from './clock.ts';
import type { Operation, OperationKind, OperationLog } from './operation-log.ts';
import type { Random } from './random.ts';
import type { Sale } from './recovery.ts';
import type { Body, Told, ToldBooking } from './told.ts';

/** A show that clients fight for. */
export interface ShowOnSale {
  readonly id: string;
  /** Seat ids, row by row. */
  readonly rows: readonly (readonly string[])[];
}

/** What all clients of a run share. */
export interface Market {
  readonly doors: readonly ApiDoor[];
  readonly shows: readonly ShowOnSale[];
  readonly operations: Pick<OperationLog, 'append'>;
  readonly clock: RunClock;
  readonly told: Told;
  readonly figures: ClientFigures;
  /** Paid for and confirmed at once. */
  readonly sales: Sale[];
  /** Unix ms after which nobody begins what takes its time to be settled. */
  readonly calmFromMs: number;
}

export interface ClientFigures {
  operations: number;
  readonly outcomes: Record<string, number>;
  readonly codes: Record<string, number>;
  /** Latency of holds that were decided, in ms. */
  readonly holdMs: number[];
}

/** Times between a client's calls, in ms; short, for there are to be many conflicts. */
const THINKS_MS = [10, 120] as const;
/** A client gives up a call whose outcome it does not get to know after so long. */
const INSISTS_MS = 20_000;
const REPEATS_AFTER_MS = [50, 400] as const;
const PAY_TIMEOUT_MS = 11_000;
/** Of a payment that is pending: a webhook may come after the payment's deadline, and after a fault. */
const WAITS_FOR_PAYMENT_MS = 25_000;
const ASKS_EVERY_MS = 400;
/** Repeats of one request that run beside it are logged as another client's: a client has one call at a time. */
const TWIN = 1_000;
/** Bookings that a client keeps before it gives one back: seats must become free again. */
const KEPT_MAX = 1;

/** How often a client pays with which token. */
const tokens = {
  tok_ok: 60,
  tok_declined: 7,
  tok_insufficient_funds: 3,
  tok_pending: 6,
  tok_pending_fail: 3,
  tok_redirect: 4,
  tok_slow: 2,
  tok_500_twice: 3,
  tok_timeout_charged: 4,
  tok_down: 3,
  tok_refund_fails_twice: 2,
  tok_refund_pending: 2,
  tok_pending_late: 2,
  tok_timeout_not_charged: 2,
} as const;
type Token = keyof typeof tokens;
/** They take the payment's deadline and longer. */
const slowTokens: ReadonlySet<Token> = new Set(['tok_pending_late', 'tok_timeout_not_charged']);

interface Asked {
  readonly kind: OperationKind;
  readonly showId: string;
  readonly bookingId?: string;
  readonly key?: string;
  readonly seatIds: readonly string[];
  readonly method: 'GET' | 'POST' | 'PATCH' | 'DELETE';
  readonly path: string;
  readonly body?: unknown;
  readonly timeoutMs?: number;
}

type Outcome = Operation['outcome'];
interface Heard {
  readonly outcome: Outcome;
  readonly status: number | null;
  readonly body: Body;
}

/** One buyer, who holds, changes, pays, cancels, exchanges and repeats as its sequence of chance says. */
export class Client {
  readonly #market: Market;
  readonly #number: number;
  readonly #token: string;
  readonly #random: Random;
  #keys = 0;
  #signal = AbortSignal.any([]);
  /** The hold that it has now. */
  #held: ToldBooking | null = null;
  /** When it asked for that, in ms of the monotonic clock. */
  #heldFromMs = 0;
  readonly #kept: ToldBooking[] = [];

  constructor(market: Market, number: number, token: string, random: Random) {
    this.#market = market;
    this.#number = number;
    this.#token = token;
    this.#random = random;
  }

  async run(signal: AbortSignal): Promise<void> {
    this.#signal = signal;
    while (!signal.aborted) {
      await this.#act();
      await delay(this.#random.between(...THINKS_MS));
    }
  }

  async #act(): Promise<void> {
    if (this.#held !== null) return this.#goOnWith(this.#held);
    if (this.#kept.length > KEPT_MAX || (this.#kept.length > 0 && this.#random.chance(0.1))) {
      return this.#giveBack(this.#kept.shift()!);
    }
    return this.#hold();
  }

  async #hold(): Promise<void> {
    const show = this.#random.pick(this.#market.shows);
    const seatIds = this.#someSeats(show);
    const key = this.#newKey();
    const body = { showId: show.id, seatIds };
    const asked: Asked = { kind: 'hold', showId: show.id, key, seatIds, method: 'POST', path: '/bookings', body };
    const startedMs = performance.now();
    const twin = this.#random.chance(0.06) ? this.#askAsTwin(asked) : null;
    const heard = await this.#insist(asked);
    const doubled = await twin;
    // A refused hold is not remembered: of two requests with one key the later one may get what the earlier one did not.
    const granted = [heard, doubled].find((each) => each?.status === 201);
    const isDecided = heard.outcome !== 'unknown' && doubled?.outcome !== 'unknown';
    if (granted || isDecided) this.#market.figures.holdMs.push(performance.now() - startedMs);
    if (!granted) return;
    this.#heldFromMs = startedMs;
    this.#keepHold(show.id, granted.body);
  }

  #keepHold(showId: string, body: Body): void {
    const id = String(body.id);
    const booking: ToldBooking = {
      id,
      showId,
      token: this.#token,
      status: 'HELD',
      seatIds: seatIdsIn(body),
      isUnsure: false,
    };
    this.#market.told.bookings.set(id, booking);
    this.#held = booking;
  }

  #goOnWith(booking: ToldBooking): Promise<void> {
    const deed = this.#random.weighted({
      pay: 50,
      'change-seats': 14,
      extend: 8,
      release: 12,
      leave: 10,
      read: 6,
    });
    switch (deed) {
      case 'pay':
        return this.#pay(booking);
      case 'change-seats':
        return this.#changeSeats(booking);
      case 'extend':
        return this.#extend(booking);
      case 'release':
        return this.#release(booking);
      case 'read':
        return this.#read(booking).then(() => undefined);
      case 'leave':
        // It ends by itself.
        this.#held = null;
        return Promise.resolve();
    }
  }

  async #pay(booking: ToldBooking): Promise<void> {
    const token = this.#paymentToken();
    const key = this.#newKey();
    const asked: Asked = {
      ...this.#of(booking, 'pay'),
      key,
      method: 'POST',
      path: `/bookings/${booking.id}/payment`,
      body: { method: 'card', token },
      timeoutMs: PAY_TIMEOUT_MS,
    };
    const twin = this.#random.chance(0.06) ? this.#askAsTwin(asked) : null;
    const heard = await this.#insist(asked);
    await twin;
    if (!isCertain(heard)) return this.#leaveUnsure(booking);
    if (heard.status === 200) {
      this.#market.sales.push({ askedMs: this.#heldFromMs, confirmedMs: performance.now() });
      return this.#keep(booking);
    }
    if (heard.status === 202) {
      if (token === 'tok_redirect') await this.#decide(heard.body);
      return this.#awaitPayment(booking);
    }
    // Declined, the hold goes on; anything else is looked up.
    if (isNotCharged(heard) && this.#random.chance(0.7)) return;
    await this.#settle(booking);
  }

  async #awaitPayment(booking: ToldBooking): Promise<void> {
    booking.status = 'PAYMENT_PENDING';
    const untilMs = Date.now() + WAITS_FOR_PAYMENT_MS;
    while (booking.status === 'PAYMENT_PENDING' && Date.now() < untilMs && !this.#signal.aborted) {
      await delay(ASKS_EVERY_MS);
      if (!(await this.#read(booking))) return this.#leaveUnsure(booking);
    }
    if (booking.status === 'CONFIRMED') return this.#keep(booking);
    if (booking.status === 'HELD') return;
    this.#held = null;
  }

  async #decide(body: Body): Promise<void> {
    const { url } = (body.nextAction ?? {}) as { readonly url?: string };
    if (url === undefined || this.#random.chance(0.15)) return;
    const decision = this.#random.chance(0.75) ? 'approve' : 'decline';
    await fetch(url, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ decision }),
      signal: AbortSignal.timeout(5_000),
    }).catch(() => undefined);
  }

  async #changeSeats(booking: ToldBooking): Promise<void> {
    const show = this.#market.shows.find(({ id }) => id === booking.showId)!;
    const seatIds = this.#someSeats(show);
    const heard = await this.#insist({
      ...this.#of(booking, 'change-seats'),
      seatIds,
      method: 'PATCH',
      path: `/bookings/${booking.id}`,
      body: { seatIds },
    });
    if (heard.outcome === 'unknown') return this.#leaveUnsure(booking);
    if (heard.outcome === 'ok') booking.seatIds = seatIdsIn(heard.body);
    else await this.#settle(booking);
  }

  async #extend(booking: ToldBooking): Promise<void> {
    const heard = await this.#insist({
      ...this.#of(booking, 'extend'),
      key: this.#newKey(),
      method: 'POST',
      path: `/bookings/${booking.id}/extend`,
    });
    if (heard.outcome === 'unknown') return this.#leaveUnsure(booking);
    if (heard.outcome === 'refused') await this.#settle(booking);
  }

  async #release(booking: ToldBooking): Promise<void> {
    const asked: Asked = { ...this.#of(booking, 'release'), method: 'DELETE', path: `/bookings/${booking.id}` };
    const heard = await this.#insist(asked);
    if (heard.outcome === 'unknown') return this.#leaveUnsure(booking);
    await this.#settle(booking);
  }

  /** Of what is paid for. */
  async #giveBack(booking: ToldBooking): Promise<void> {
    if (this.#random.chance(0.3)) return this.#exchange(booking);
    const asked: Asked = { ...this.#of(booking, 'cancel'), method: 'DELETE', path: `/bookings/${booking.id}` };
    const heard = await this.#insist(asked);
    if (heard.outcome === 'unknown') return this.#leaveUnsure(booking);
    if (heard.outcome === 'ok') booking.status = String(heard.body.status);
    else await this.#settle(booking);
  }

  async #exchange(booking: ToldBooking): Promise<void> {
    const show = this.#random.pick(this.#market.shows);
    const seatIds = this.#someSeats(show);
    const heard = await this.#insist({
      ...this.#of(booking, 'exchange'),
      showId: show.id,
      seatIds,
      key: this.#newKey(),
      method: 'POST',
      path: `/bookings/${booking.id}/exchange`,
      body: { showId: show.id, seatIds, method: 'card', token: this.#random.chance(0.85) ? 'tok_ok' : 'tok_declined' },
      timeoutMs: PAY_TIMEOUT_MS,
    });
    if (heard.outcome === 'unknown') return this.#leaveUnsure(booking);
    if (heard.status !== 200) return this.#settle(booking);
    const { old, new: next } = heard.body as { readonly old: Body; readonly new: Body };
    booking.status = String(old.status);
    const exchanged: ToldBooking = { ...booking, id: String(next.id), showId: show.id, status: String(next.status) };
    exchanged.seatIds = seatIdsIn(next);
    this.#market.told.bookings.set(exchanged.id, exchanged);
    if (exchanged.status === 'CONFIRMED') this.#kept.push(exchanged);
  }

  /** Asks what the booking is now, and goes on by that. */
  async #settle(booking: ToldBooking): Promise<void> {
    if (!(await this.#read(booking))) return this.#leaveUnsure(booking);
    if (booking.status === 'CONFIRMED') return this.#keep(booking);
    if (booking.status === 'PAYMENT_PENDING') return this.#awaitPayment(booking);
    if (booking.status !== 'HELD' && this.#held === booking) this.#held = null;
  }

  /** False: its state could not be learned. */
  async #read(booking: ToldBooking): Promise<boolean> {
    const asked: Asked = { ...this.#of(booking, 'read-booking'), method: 'GET', path: `/bookings/${booking.id}` };
    const { outcome, body } = await this.#insist(asked);
    if (outcome !== 'ok') return false;
    booking.status = String(body.status);
    booking.seatIds = seatIdsIn(body);
    if (booking.status !== 'HELD' && booking.status !== 'PAYMENT_PENDING' && this.#held === booking) this.#held = null;
    return true;
  }

  #keep(booking: ToldBooking): void {
    booking.status = 'CONFIRMED';
    if (this.#held === booking) this.#held = null;
    if (!this.#kept.includes(booking)) this.#kept.push(booking);
  }

  #leaveUnsure(booking: ToldBooking): void {
    booking.isUnsure = true;
    if (this.#held === booking) this.#held = null;
  }

  #of({ id, showId, seatIds }: ToldBooking, kind: OperationKind) {
    return { kind, showId, bookingId: id, seatIds };
  }

  /** Two or four side by side most of the time, from an even place on: a choice that leaves nobody's seat alone. */
  #someSeats({ rows }: ShowOnSale): string[] {
    const row = this.#random.pick(rows);
    const count = Number(this.#random.weighted({ '1': 1, '2': 7, '3': 1, '4': 2 }));
    const from = 2 * this.#random.between(0, Math.floor((row.length - count) / 2));
    return row.slice(from, from + count);
  }

  #paymentToken(): Token {
    const token = this.#random.weighted(tokens);
    return slowTokens.has(token) && Date.now() > this.#market.calmFromMs ? 'tok_ok' : token;
  }

  #newKey(): string {
    this.#keys += 1;
    return `${this.#token.slice(-16)}-${this.#number}-${this.#keys}`;
  }

  /** The same request beside the first one, at the other process. */
  #askAsTwin(asked: Asked): Promise<Heard> {
    return this.#ask(asked, this.#random.pick(this.#market.doors), this.#number + TWIN);
  }

  /** Repeats a call, at one process and then the other, until it has an outcome or patience ends. */
  async #insist(asked: Asked): Promise<Heard> {
    const untilMs = Date.now() + INSISTS_MS;
    const { doors } = this.#market;
    for (let turn = this.#random.between(0, doors.length - 1); ; turn++) {
      const heard = await this.#ask(asked, doors[turn % doors.length]!, this.#number);
      const isDecided = isCertain(heard) && heard.body.code !== 'IDEMPOTENCY_IN_PROGRESS';
      // Somebody who is impatient asks again though there was an answer.
      if (isDecided && asked.key && heard.status !== 429 && this.#random.chance(0.05)) {
        await this.#ask(asked, doors[(turn + 1) % doors.length]!, this.#number);
      }
      if (isDecided) return heard;
      if (Date.now() > untilMs) return { ...heard, outcome: 'unknown' };
      await delay(this.#random.between(...REPEATS_AFTER_MS));
    }
  }

  async #ask(asked: Asked, door: ApiDoor, client: number): Promise<Heard> {
    const { clock, operations, figures, told } = this.#market;
    const { method, path, key, body, timeoutMs } = asked;
    const call = clock.now();
    const options: CallOptions = { token: this.#token, key, body, timeoutMs };
    const answer = await door.call(method, path, options);
    const returned = clock.now();
    const heard = heardOf(answer);
    const code = codeIn(heard.body);
    operations.append(
      operationOf(asked, heard, { client, call, return: answer.status === null ? null : returned, clock }),
    );
    figures.operations += 1;
    count(figures.outcomes, `${asked.kind} ${heard.outcome}`);
    if (heard.outcome !== 'ok')
      count(figures.codes, code ?? (answer.status === null ? answer.reason : String(answer.status)));
    if (key !== undefined && method === 'POST' && isRemembered(asked, answer)) {
      told.hear({ method, path, token: this.#token, key, body, status: answer.status!, answer: heard.body });
    }
    return heard;
  }
}

/** No provider takes the payment, and none has charged anything: to ask again changes nothing, for a while. */
const isNotCharged = ({ body }: Heard): boolean =>
  body.code === 'PAYMENT_DECLINED' || body.code === 'PAYMENT_UNAVAILABLE';

const isCertain = (heard: Heard): boolean => heard.outcome !== 'unknown' || isNotCharged(heard);

/** What a repeat of the same key must be answered, too, by the contract. */
function isRemembered({ kind }: Asked, answer: CallAnswer): boolean {
  if (answer.status === null || answer.status >= 500 || answer.status === 429) return false;
  if (answer.body.code === 'IDEMPOTENCY_IN_PROGRESS') return false;
  return kind !== 'hold' || answer.status === 201;
}

function heardOf(answer: CallAnswer): Heard {
  if (answer.status === null) return { outcome: 'unknown', status: null, body: {} };
  const { status, body } = answer;
  return { outcome: status < 300 ? 'ok' : status < 500 ? 'refused' : 'unknown', status, body };
}

const codeIn = ({ code }: Body): string | null => (typeof code === 'string' ? code : null);

interface Seen {
  readonly client: number;
  readonly call: number;
  readonly return: number | null;
  readonly clock: RunClock;
}

function operationOf(asked: Asked, { outcome, body }: Heard, { clock, ...seen }: Seen): Operation {
  const isOk = outcome === 'ok';
  const exchanged = isOk && asked.kind === 'exchange' ? (body.new as Body) : null;
  const answered = exchanged ?? body;
  const expiresAt = isOk && typeof answered.expiresAt === 'string' ? clock.at(answered.expiresAt) : null;
  return {
    ...seen,
    kind: asked.kind,
    showId: asked.showId,
    bookingId: asked.bookingId ?? (isOk ? String(body.id) : null),
    key: asked.key ?? null,
    seatIds: asked.seatIds,
    outcome,
    code: codeIn(body),
    status: isOk ? String(answered.status) : null,
    answeredSeatIds: isOk ? seatIdsIn(answered) : null,
    expiresAt,
    ...(exchanged && { newBookingId: String(exchanged.id) }),
  };
}

export const seatIdsIn = (body: Body): readonly string[] =>
  ((body.seats ?? []) as readonly { readonly id: string }[]).map(({ id }) => id);

export function count(counts: Record<string, number>, name: string): void {
  counts[name] = (counts[name] ?? 0) + 1;
}
