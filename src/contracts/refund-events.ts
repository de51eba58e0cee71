import type { RefundStatus } from '../domain/booking.ts';
import type { Money } from '../domain/money.ts';
import { refundNumber } from '../domain/refund-plan.ts';
import { bookingEvent, type NewEvent } from './events.ts';

interface RefundOfBooking {
  readonly bookingId: string;
  readonly showId: string;
  readonly id: string;
  readonly amount: Money;
  readonly status: RefundStatus;
}

const told = { PENDING: 'refund.started', SUCCEEDED: 'refund.succeeded', FAILED: 'refund.failed' } as const;

/** Of a refund that is new, or has another status than before. */
export const refundEvent = ({ id, status, ...of }: RefundOfBooking, reason: string): NewEvent =>
  bookingEvent(told[status], { bookingId: of.bookingId, showId: of.showId, refundId: id, amount: of.amount, reason });

/** The same of a payment that bought nothing: its buyer is told once that it did not, with its first refund. */
export function givingBackEvent(refund: RefundOfBooking, reason: string): NewEvent {
  if (refund.status !== 'PENDING' || refundNumber(refund.id) > 1) return refundEvent(refund, reason);
  const { bookingId, showId, id: refundId, amount } = refund;
  return bookingEvent('payment.refunded', { bookingId, showId, refundId, amount, reason });
}
