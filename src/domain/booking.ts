import type { CancellationPolicy } from './cancellation-policy.ts';
import type { Money } from './money.ts';
import type { Price } from './pricing.ts';

export const bookingStatuses = [
  'HELD',
  'PAYMENT_PENDING',
  'CONFIRMED',
  'RELEASED',
  'EXPIRED',
  'FAILED',
  'CANCELLED',
  'EXCHANGED',
] as const;
export type BookingStatus = (typeof bookingStatuses)[number];

const ended = {
  pay: false,
  extend: false,
  changeSeats: false,
  release: false,
  cancel: false,
  exchange: false,
  transfer: false,
} as const;

/**
 * What may be done in which state; the server refuses with BOOKING_STATE what is not listed, the page shows why.
 * `become` lists the states that may follow.
 */
export const bookingCan = {
  HELD: {
    pay: true,
    extend: true,
    changeSeats: true,
    release: true,
    cancel: false,
    exchange: false,
    transfer: false,
    become: ['PAYMENT_PENDING', 'CONFIRMED', 'RELEASED', 'EXPIRED', 'FAILED'],
  },
  PAYMENT_PENDING: {
    pay: false,
    extend: false,
    changeSeats: false,
    release: false,
    cancel: false,
    exchange: false,
    transfer: false,
    become: ['HELD', 'CONFIRMED', 'EXPIRED', 'FAILED'],
  },
  CONFIRMED: {
    pay: false,
    extend: false,
    changeSeats: false,
    release: false,
    cancel: true,
    exchange: true,
    transfer: true,
    become: ['CANCELLED', 'EXCHANGED'],
  },
  RELEASED: { ...ended, release: true, become: [] },
  EXPIRED: { ...ended, become: ['CONFIRMED'] },
  FAILED: { ...ended, become: [] },
  CANCELLED: { ...ended, become: [] },
  EXCHANGED: { ...ended, become: [] },
} as const satisfies Record<
  BookingStatus,
  { readonly [Deed in keyof typeof ended]: boolean } & { readonly become: readonly BookingStatus[] }
>;

export interface PricedSeat {
  /** Seat id inside the plan, as clients name it (`A12`). */
  readonly id: string;
  readonly index: number;
  readonly label: string;
  readonly category: string;
  readonly price: Money;
}

/** A booking at the moment its hold was granted; all that later states build on. */
export interface NewBooking {
  readonly id: string;
  readonly showId: string;
  readonly userId: string;
  readonly cityId: string;
  readonly seats: readonly PricedSeat[];
  readonly price: Price;
  /** Digest of the request's body, to tell a repeated request from another one under the same key. */
  readonly fingerprint: string;
  readonly heldAtMs: number;
  readonly expiresAtMs: number;
  /** Of its theatre when it was made, where that has set one; it applies whatever the theatre sets later. */
  readonly cancellationPolicy?: CancellationPolicy;
  /** The booking that it is to be exchanged for, or was: its changes, and what is told of its payment, are that one's. */
  readonly exchangeOf?: string;
}

/** `expiresAtMs` is the expiry the hold has, or had at its end; clients see it while `hasLiveHold`. */
export interface Booking extends NewBooking {
  /** Number for people, `BMS2026112000000042`; null until confirmed. */
  readonly bookingNumber: string | null;
  readonly status: BookingStatus;
  /** 1 as created; counts every change. */
  readonly version: number;
  /**
   * When it came to be as it is, Unix ms by its workflow's clock. Of two records the later one counts: a workflow task
   * that timed out may have recorded a change that the history, written by its repetition, knows nothing of.
   */
  readonly changedAtMs: number;
  readonly payment: { readonly status: PaymentStatus } | null;
  /**
   * What goes back of what it was bought with, by all of its changes, with the state of that which is farthest from its end.
   * Of a booking that came to nothing: of the payment that was given back last. What was paid besides (twice, or late for a
   * second time) is not counted here; every refund is in `refunds` of its payments.
   */
  readonly refund: { readonly amount: Money; readonly status: RefundStatus } | null;
  /** What cancellation policies have kept of it so far, in minor units. */
  readonly keptAmount: number;
  /** The first of the bookings that were exchanged one for the next; its own id where it was not. */
  readonly chainId: string;
  /** The booking as first answered, where seats or expiry have changed since. */
  readonly asCreated: Pick<NewBooking, 'seats' | 'price' | 'expiresAtMs'> | null;
}

/** What every booking begins with. */
export const asMade = (booking: NewBooking) =>
  ({
    ...booking,
    bookingNumber: null,
    status: 'HELD',
    version: 1,
    changedAtMs: booking.heldAtMs,
    payment: null,
    refund: null,
    keptAmount: 0,
    chainId: booking.id,
    asCreated: null,
  }) satisfies Booking;

/** With the version that the booking has after its next change: a row that tells of it must not differ from the answer. */
export const inNextVersion = (booking: Booking): Booking => ({ ...booking, version: booking.version + 1 });

/** True while the booking's seats are held, and its expiry means something. */
export const hasLiveHold = (status: BookingStatus): boolean => status === 'HELD' || status === 'PAYMENT_PENDING';

export const paymentStatuses = ['PENDING', 'SUCCEEDED', 'DECLINED', 'FAILED', 'UNKNOWN'] as const;
export type PaymentStatus = (typeof paymentStatuses)[number];
export const refundStatuses = ['PENDING', 'SUCCEEDED', 'FAILED'] as const;
export type RefundStatus = (typeof refundStatuses)[number];
export const paymentMethods = ['card', 'upi', 'netbanking', 'wallet'] as const;
export type PaymentMethod = (typeof paymentMethods)[number];

/**
 * After a decline the hold goes on. Enough for a typing error and a second card, too few to try out stolen ones. What
 * certainly was not processed (502, 503) is no attempt of those: `BOOKING_COMMANDS_MAX` bounds it.
 */
export const PAYMENT_ATTEMPTS_MAX = 5;

/**
 * Changes of seats, extensions and payments that one booking hears, granted or refused. Each is about ten events of its
 * workflow's history and one of the 2,000 updates that Temporal takes of a run; a buyer who picks seats by clicking needs
 * some dozens. Giving the hold back is always heard.
 */
export const BOOKING_COMMANDS_MAX = 100;
