import {
  bookingEvent,
  type EventPayload,
  type EventType,
  type OutboxEvent,
  readEvent,
} from '../../src/contracts/events.ts';
import type { BookingFacts } from '../../src/read-model/notifications.ts';

const rupees = (amount: number) => ({ amount: amount * 100, currency: 'INR' });
const HELD_AT_MS = Date.UTC(2026, 10, 20, 12);

/** An event as the relay gives it out. */
export function someEvent<Type extends EventType>(
  type: Type,
  payload: Omit<EventPayload<Type>, 'bookingId' | 'showId'>,
  { id = 1, bookingId = 'bkg_1', showId = 'shw_1', createdAtMs = HELD_AT_MS } = {},
): OutboxEvent {
  const written = bookingEvent(type, { bookingId, showId, ...payload } as unknown as EventPayload<Type>);
  return readEvent({ id, bookingId, type, payload: written.payload, createdAtMs });
}

/** One of each that somebody is told of. */
export const oneOfEach = (
  where: { id?: number; bookingId?: string; showId?: string; createdAtMs?: number } = {},
): readonly (readonly [name: string, event: OutboxEvent])[] => {
  const refund = { refundId: 'ref_1', amount: rupees(250) };
  const moved = { fromStartsAt: '2026-11-20T13:30:00.000Z', toStartsAt: '2026-11-21T15:00:00.000Z' };
  const cancelled = { seatIds: ['A1', 'A2'], refund: rupees(500), kept: rupees(0), whole: true, by: 'buyer' };
  return [
    ['held', someEvent('booking.held', { expiresAt: '2026-11-20T12:10:00.000Z' }, where)],
    ['confirmed', someEvent('booking.confirmed', {}, where)],
    ['expired', someEvent('booking.expired', {}, where)],
    ['failed', someEvent('booking.failed', {}, where)],
    ['cancelled', someEvent('booking.cancelled', cancelled, where)],
    [
      'cancelled, nothing back',
      someEvent('booking.cancelled', { ...cancelled, refund: rupees(0), kept: rupees(500) }, where),
    ],
    [
      'cancelled in part',
      someEvent(
        'booking.cancelled',
        { ...cancelled, seatIds: ['A1'], refund: rupees(125), kept: rupees(125), whole: false },
        where,
      ),
    ],
    [
      'exchanged for a dearer one',
      someEvent('booking.exchanged', { otherBookingId: 'bkg_1', difference: rupees(100), refund: null }, where),
    ],
    [
      'exchanged for a cheaper one',
      someEvent('booking.exchanged', { otherBookingId: 'bkg_1', difference: rupees(-100), refund: rupees(100) }, where),
    ],
    ['transferred', someEvent('booking.transferred', { toUserId: 'usr_2', fromUserId: 'usr_1' }, where)],
    ['reminder', someEvent('booking.reminder', {}, where)],
    ['refund started', someEvent('refund.started', { ...refund, reason: 'cancellation' }, where)],
    ['refund succeeded', someEvent('refund.succeeded', { ...refund, reason: 'show_cancelled' }, where)],
    ['refund failed', someEvent('refund.failed', { ...refund, reason: 'a reason nobody has a text for' }, where)],
    ['payment refunded', someEvent('payment.refunded', { ...refund, reason: 'seats_gone' }, where)],
    ['show cancelled', someEvent('show.cancelled', { reason: 'The projector is broken.' }, where)],
    ['show moved', someEvent('show.moved', { ...moved, refundUntil: '2026-11-21T12:00:00.000Z' }, where)],
    ['show moved, no refund', someEvent('show.moved', { ...moved, refundUntil: null }, where)],
  ];
};

export const someFacts = (wanted: Partial<BookingFacts> = {}): BookingFacts => ({
  bookingId: 'bkg_1',
  bookingNumber: 'BMS2026112000000042',
  status: 'CONFIRMED',
  userId: 'usr_1',
  seats: ['A1', 'A2'].map((id, index) => ({
    id,
    index,
    label: `Stalls, A-${index + 1}`,
    category: 'gold',
    price: rupees(250),
  })),
  total: rupees(1_250),
  isExchange: false,
  show: {
    id: 'shw_1',
    title: 'Avatar',
    startsAtMs: Date.UTC(2026, 10, 20, 13, 30),
    timeZone: 'Asia/Kolkata',
    venue: 'Regal',
    screen: 'Screen 2',
    salesCloseAtMs: Date.UTC(2026, 10, 20, 13, 30),
    isCancelled: false,
  },
  ...wanted,
});
