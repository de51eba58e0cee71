import { randomBytes } from 'node:crypto';
import { bookingEvent } from '../../src/contracts/events.ts';
import { asMade, type Booking, type NewBooking } from '../../src/domain/booking.ts';
import type { ConfirmationRecord } from '../../src/read-model/booking-records.ts';
import type { Payment } from '../../src/read-model/payments.ts';

/** Objects as the system makes them, each with ids of its own; a test names what matters to it. */
export const someId = (prefix: string): string => `${prefix}_${randomBytes(16).toString('base64url')}`;

const HELD_AT_MS = Date.UTC(2026, 10, 20, 12);
const price = { amount: 25_000, currency: 'INR' };

export function someHold(wanted: Partial<NewBooking> & { readonly seatIds?: readonly string[] } = {}): NewBooking {
  const { seatIds = ['A1', 'A2'], ...given } = wanted;
  const seats = seatIds.map((id, index) => ({ id, index, label: `Row ${id}`, category: 'gold', price }));
  const total = { amount: price.amount * seats.length, currency: 'INR' };
  return {
    id: someId('bkg'),
    showId: someId('shw'),
    userId: someId('usr'),
    cityId: 'cit_1',
    seats,
    price: { lines: [{ kind: 'seats', label: `${seats.length} × Gold`, amount: total }], total },
    fingerprint: 'c29tZSBib2R5',
    heldAtMs: HELD_AT_MS,
    expiresAtMs: HELD_AT_MS + 600_000,
    ...given,
  };
}

export function someBooking(wanted: Partial<Booking> & { readonly seatIds?: readonly string[] } = {}): Booking {
  return { ...asMade(someHold(wanted)), changedAtMs: HELD_AT_MS, ...wanted };
}

export function somePayment(bookingId: string, wanted: Partial<Payment> = {}): Payment {
  return {
    id: someId('pay'),
    bookingId,
    status: 'PENDING',
    provider: null,
    providerReference: null,
    method: 'card',
    amount: { amount: 50_000, currency: 'INR' },
    failureReason: null,
    fingerprint: 'c29tZSB0b2tlbg',
    createdAtMs: HELD_AT_MS + 1_000,
    updatedAtMs: HELD_AT_MS + 1_000,
    ...wanted,
  };
}

export function someConfirmation(hold: NewBooking, wanted: Partial<Payment> = {}): ConfirmationRecord {
  const booking = someBooking({ ...hold, version: 2, status: 'CONFIRMED', payment: { status: 'SUCCEEDED' } });
  return {
    booking,
    payment: somePayment(hold.id, { provider: 'simulator', providerReference: 'ch_1', ...wanted }),
    outbox: [bookingEvent('booking.confirmed', { bookingId: hold.id, showId: hold.showId })],
  };
}
