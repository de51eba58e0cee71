import { setTimeout as delay } from 'node:timers/promises';
import type { Choice, Front } from './front.ts';
import { hasHeader, type HttpAnswer, type HttpConnection } from './http-connection.ts';

/**
 * How an attempt to book ended. `taken`: somebody else has the seats. `overloaded`: refused with 429 or 503 and a
 * `Retry-After`. `failed`: any other answer, or none.
 */
export type AttemptEnd = 'held' | 'confirmed' | 'taken' | 'overloaded' | 'failed';

/** Times are in ms since measuring began: negative in the warm-up. */
export interface Attempt {
  readonly buyer: number;
  /** Which of the job's choices. */
  readonly choice: number;
  /** When it was to begin: latencies count from here, whether or not the generator or the service was in time. */
  readonly dueMs: number;
  readonly endMs: number;
  /** From `dueMs` to the hold's answer; NaN: it had none. */
  readonly holdMs: number;
  /** When the hold was answered. */
  readonly heldAtMs: number;
  /** From the hold's answer to the payment's; NaN: it had none. */
  readonly payMs: number;
  readonly end: AttemptEnd;
  /** Of a hold that was granted. */
  readonly bookingId: string | null;
  /** What an attempt that failed was told. */
  readonly failure: string | null;
  /** When one that was refused for the time being may ask again, ms after its end; otherwise 0. */
  readonly retryAfterMs: number;
}

/** Buyers who hold seats ask again for their payment so often, when it is refused for the time being. */
const PAYMENT_TRIES_MAX = 10;
const RETRY_AFTER_MAX_MS = 5_000;
const TEXT_OF_FAILURE_MAX = 300;

export interface AttemptToMake {
  readonly buyer: number;
  readonly choice: Choice;
  readonly choiceNumber: number;
  readonly dueMs: number;
  readonly pays: boolean;
}

/** @param nowMs time since measuring began */
export async function attemptBooking(
  front: Front,
  connection: HttpConnection,
  { buyer, choice, choiceNumber, dueMs, pays }: AttemptToMake,
  nowMs: () => number,
): Promise<Attempt> {
  const attempt = { buyer, choice: choiceNumber, dueMs, endMs: NaN, holdMs: NaN, heldAtMs: NaN, payMs: NaN };
  let bookingId: string | null = null;
  const ended = (end: AttemptEnd, failure: string | null = null, retryAfterMs = 0): Attempt => {
    return { ...attempt, end, bookingId, failure, retryAfterMs, endMs: nowMs() };
  };
  try {
    const held = await connection.send(front.hold(buyer, choice));
    attempt.heldAtMs = nowMs();
    attempt.holdMs = attempt.heldAtMs - dueMs;
    if (held.status !== 201) return ended(...refusal('hold', held));
    bookingId = front.bookingIdIn(json(held));
    if (!pays) return ended('held');
    const paid = await payment(connection, front.pay(buyer, bookingId));
    attempt.payMs = nowMs() - attempt.heldAtMs;
    if (paid.status !== 200) return ended(...refusal('payment', paid));
    const isConfirmed = json(paid).status === 'CONFIRMED';
    return isConfirmed ? ended('confirmed') : ended('failed', `a payment was answered ${told(paid)}`);
  } catch (error) {
    return ended('failed', String(error));
  }
}

/** One that did not get as far as to ask. */
export function failedAttempt(todo: AttemptToMake, endMs: number, failure: string): Attempt {
  const { buyer, choiceNumber: choice, dueMs } = todo;
  return {
    buyer,
    choice,
    dueMs,
    endMs,
    holdMs: NaN,
    heldAtMs: NaN,
    payMs: NaN,
    end: 'failed',
    bookingId: null,
    failure,
    retryAfterMs: 0,
  };
}

/** Asked again under the same key, as `Retry-After` says: seats that one holds are not given up for a busy moment. */
async function payment(connection: HttpConnection, request: string): Promise<HttpAnswer> {
  for (let tries = 1; ; tries++) {
    const answer = await connection.send(request);
    const again = isOverload(answer) && tries < PAYMENT_TRIES_MAX;
    if (!again) return answer;
    await delay(retryAfterMs(answer));
  }
}

/** Without `Retry-After` nobody knows what to do: that is no orderly refusal. */
const isOverload = (answer: HttpAnswer): boolean =>
  (answer.status === 429 || answer.status === 503) && hasHeader(answer, 'retry-after');

const retryAfterMs = ({ head }: HttpAnswer): number =>
  Math.min(1_000 * Number(/\r\nretry-after: *(\d+)/i.exec(head)?.[1] ?? Infinity), RETRY_AFTER_MAX_MS);

function refusal(what: 'hold' | 'payment', answer: HttpAnswer): [AttemptEnd, string | null, number?] {
  if (isOverload(answer)) return ['overloaded', null, retryAfterMs(answer)];
  // 422: the orphan rule.
  if (what === 'hold' && (answer.status === 409 || answer.status === 422)) return ['taken', null];
  return ['failed', `a ${what} was answered ${told(answer)}`];
}

const json = ({ body }: HttpAnswer): Record<string, unknown> =>
  JSON.parse(body.toString('utf8')) as Record<string, unknown>;
function told(answer: HttpAnswer): string {
  const code = /"code":"([A-Z_]+)"/.exec(answer.body.toString('latin1'))?.[1];
  return `${answer.status} ${code ?? answer.body.toString('utf8').slice(0, TEXT_OF_FAILURE_MAX)}`;
}
