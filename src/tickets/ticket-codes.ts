import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import type { TicketClaim } from '../domain/ticket.ts';

/**
 * The code in a ticket's QR: `SK1.<key id>.<booking>.<ticket version>.<signature>`, some sixty characters of letters,
 * digits, `-`, `_` and dots, so that it can also be typed. The booking is its id without the prefix. The signature is
 * HMAC-SHA256 over everything before it.
 */
const FORMAT = 'SK1';
const BOOKING_PREFIX = 'bkg_';
/** 128 bits: nobody guesses one, and the QR stays coarse enough for a cracked screen. */
const SIGNATURE_BYTES = 16;
/** 24 bits tell the few keys of a house apart; the signature is what proves. */
const KEY_ID_LENGTH = 4;
/** Nothing longer was ever printed. */
const CODE_MAX = 120;
const shape = /^SK1\.([\w-]{4})\.([\w-]{1,64})\.([1-9]\d{0,8})\.([\w-]{22})$/;

/**
 * What opens the account of somebody who was given a booking: `SI1.<key id>.<user>.<expiry>.<signature>`, the user's id without
 * its prefix, the expiry in seconds to the base 36.
 */
const INVITATION_FORMAT = 'SI1';
const USER_PREFIX = 'usr_';
const invitationShape = /^SI1\.([\w-]{4})\.([\w-]{1,64})\.([0-9a-z]{1,9})\.([\w-]{22})$/;

export interface Invitation {
  readonly userId: string;
  /** Unix ms, in whole seconds. */
  readonly expiresAtMs: number;
}

/** Prints codes with one key, and reads those of it and of earlier ones. */
export class TicketCodes {
  readonly #keyId: string;
  readonly #keys: ReadonlyMap<string, string>;

  /** @param retiredKeys sign nothing any more; tickets that they have signed are still good */
  constructor(key: string, retiredKeys: readonly string[] = []) {
    this.#keyId = keyIdOf(key);
    this.#keys = new Map([key, ...retiredKeys].map((each) => [keyIdOf(each), each]));
  }

  print({ bookingId, ticketVersion }: TicketClaim): string {
    return this.#signed(FORMAT, this.#keyId, bookingId.slice(BOOKING_PREFIX.length), String(ticketVersion))!;
  }

  /** What a code says; null if it was not printed here. */
  read(code: string): TicketClaim | null {
    const match = code.length <= CODE_MAX ? shape.exec(code) : null;
    if (!match) return null;
    const [, keyId, booking, version] = match as unknown as [string, string, string, string];
    const printed = this.#signed(FORMAT, keyId, booking, version);
    // Compared as printed, not as decoded: in base64url two texts may mean the same bytes.
    if (printed === null || !isSameText(printed, code)) return null;
    return { bookingId: BOOKING_PREFIX + booking, ticketVersion: Number(version) };
  }

  printInvitation({ userId, expiresAtMs }: Invitation): string {
    const expiry = Math.floor(expiresAtMs / 1_000).toString(36);
    return this.#signed(INVITATION_FORMAT, this.#keyId, userId.slice(USER_PREFIX.length), expiry)!;
  }

  /** Null if it was not printed here; one that has expired is read all the same. */
  readInvitation(token: string): Invitation | null {
    const match = token.length <= CODE_MAX ? invitationShape.exec(token) : null;
    if (!match) return null;
    const [, keyId, user, expiry] = match as unknown as [string, string, string, string];
    const printed = this.#signed(INVITATION_FORMAT, keyId, user, expiry);
    if (printed === null || !isSameText(printed, token)) return null;
    return { userId: USER_PREFIX + user, expiresAtMs: parseInt(expiry, 36) * 1_000 };
  }

  #signed(format: string, keyId: string, subject: string, detail: string): string | null {
    const key = this.#keys.get(keyId);
    if (key === undefined) return null;
    const said = `${format}.${keyId}.${subject}.${detail}`;
    const signature = createHmac('sha256', key).update(said).digest().subarray(0, SIGNATURE_BYTES);
    return `${said}.${signature.toString('base64url')}`;
  }
}

/** Follows from the key, so that nobody has to name keys. */
const keyIdOf = (key: string): string =>
  createHash('sha256').update(`ticket key ${key}`).digest('base64url').slice(0, KEY_ID_LENGTH);

function isSameText(a: string, b: string): boolean {
  const [first, second] = [Buffer.from(a), Buffer.from(b)];
  return first.length === second.length && timingSafeEqual(first, second);
}
