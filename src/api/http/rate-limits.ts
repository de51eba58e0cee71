import { isIPv6 } from 'node:net';
import { RateLimiterMemory, RateLimiterRes } from 'rate-limiter-flexible';
import type { Caller } from '../accounts/tokens.ts';
import { ApiError, retryAfter } from './api-error.ts';

interface RateLimit {
  readonly by: 'user' | 'address';
  /** Requests per window. */
  readonly requests: number;
  readonly windowSeconds: number;
}

/** The limit of those calls of an operation whose answer is kept, where it has one of its own. */
export const withKey = (operationId: string): string => `${operationId} with a key`;

/**
 * Far above what a person does, below what a script that hoards seats or guesses cards needs. A whole office or a mobile
 * carrier may stand behind one address, hence the larger number there. Each API process counts for itself.
 */
export const rateLimits: Readonly<Record<string, RateLimit>> = {
  createBooking: { by: 'user', requests: 120, windowSeconds: 60 },
  payBooking: { by: 'user', requests: 60, windowSeconds: 60 },
  // Each is a message to the booking's workflow, and Temporal takes 2,000 of a run: not to be used up within a hold.
  changeSeats: { by: 'user', requests: 60, windowSeconds: 60 },
  extendBooking: { by: 'user', requests: 30, windowSeconds: 60 },
  releaseBooking: { by: 'user', requests: 60, windowSeconds: 60 },
  // Each holds seats, and may charge.
  exchangeBooking: { by: 'user', requests: 30, windowSeconds: 60 },
  transferBooking: { by: 'user', requests: 30, windowSeconds: 60 },
  cancelSeats: { by: 'user', requests: 30, windowSeconds: 60 },
  quoteCancellation: { by: 'user', requests: 120, windowSeconds: 60 },
  createQuote: { by: 'address', requests: 1_200, windowSeconds: 60 },
  // Anyone may ask for a quote, and with a key its answer is kept for two days: some tens of megabytes an address.
  [withKey('createQuote')]: { by: 'address', requests: 60, windowSeconds: 60 },
  // A PDF takes some ten milliseconds of a process that sells.
  getTicket: { by: 'user', requests: 60, windowSeconds: 60 },
  claimAccount: { by: 'address', requests: 120, windowSeconds: 60 },
  createGuest: { by: 'address', requests: 1_200, windowSeconds: 60 },
};

/** Callers counted per limit, about 20 MB; past it the one counted longest starts anew. */
const CALLERS_COUNTED_MAX = 100_000;

/** Refuses a caller who asks too often. Kept in memory, bounded. */
export class RateLimits {
  readonly #counters = new Map(Object.entries(rateLimits).map(([name, limit]) => [name, new Counter(limit)]));

  /** @throws ApiError RATE_LIMITED with Retry-After */
  async admit(limit: string, caller: Caller | null, ip: string): Promise<void> {
    await this.#counters.get(limit)?.count(caller, ip);
  }
}

class Counter {
  readonly #limit: RateLimit;
  readonly #limiter: RateLimiterMemory;
  readonly #counted = new Set<string>();

  constructor(limit: RateLimit) {
    this.#limit = limit;
    this.#limiter = new RateLimiterMemory({ points: limit.requests, duration: limit.windowSeconds });
  }

  async count(caller: Caller | null, ip: string): Promise<void> {
    const key = this.#limit.by === 'user' && caller ? caller.userId : networkOf(ip);
    await this.#makeRoomFor(key);
    try {
      await this.#limiter.consume(key);
    } catch (refusal) {
      if (!(refusal instanceof RateLimiterRes)) throw refusal;
      throw new ApiError('RATE_LIMITED', 'Too many requests in a short time.', {}, retryAfter(refusal.msBeforeNext));
    }
  }

  async #makeRoomFor(key: string): Promise<void> {
    if (this.#counted.has(key)) return;
    if (this.#counted.size >= CALLERS_COUNTED_MAX) {
      const oldest = this.#counted.values().next().value!;
      this.#counted.delete(oldest);
      await this.#limiter.delete(oldest);
    }
    this.#counted.add(key);
  }
}

/** One customer has a whole /64 of IPv6 addresses: its first four groups. */
export function networkOf(ip: string): string {
  if (!isIPv6(ip) || ip.startsWith('::ffff:')) return ip;
  const [head = '', tail] = ip.split('::');
  const groups = head === '' ? [] : head.split(':');
  if (tail === undefined) return groups.slice(0, 4).join(':');
  const rest = tail === '' ? [] : tail.split(':');
  const zeros = new Array<string>(Math.max(0, 8 - groups.length - rest.length)).fill('0');
  return [...groups, ...zeros, ...rest].slice(0, 4).join(':');
}
