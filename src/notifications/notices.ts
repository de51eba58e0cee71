import { eventTypes, type EventType, type OutboxEvent } from '../contracts/events.ts';
import type { OptOut } from '../contracts/opt-outs.ts';
import type { BookingFacts } from '../read-model/notifications.ts';

/**
 * What somebody is told because of an event: which texts, filled in with which values. `docs/notifications.md` has the same
 * as a table.
 */
export interface Notice {
  /** Below `messages` in the texts: `booking.confirmed`. */
  readonly texts: string;
  /** Its user is told. */
  readonly userId: string;
  /** The booking that it is about, if not the event's own. */
  readonly bookingId?: string;
  /** Besides those of every message. Times are Unix ms under names that end in `At` or `Until`. */
  readonly values?: Readonly<Record<string, unknown>>;
  /** Texts of `texts` that follow the first paragraph. */
  readonly paragraphs?: readonly string[];
  /** As `paragraphs`, of the short text. */
  readonly short?: readonly string[];
  /** For an account that came with the booking: the mail has a token that opens it, and a text that says so. */
  readonly claim?: string;
  /** The ticket comes with the mail, where the booking has one. */
  readonly ticket: boolean;
  /** Null: everybody is told. */
  readonly optOut: OptOut | null;
  /** Amounts listed below the booking, by their names in the texts. */
  readonly amounts?: readonly ('refund' | 'kept')[];
}

/** Of money and of what changes a booking everybody is told. */
const toAll = { optOut: null, ticket: false } as const;

/** Events of which nobody is told: the buyer has done it, and has seen it done. */
const silent: readonly EventType[] = ['booking.released'];

/** `tellHeld`: buyers get a mail about a hold too, which most do not want, minutes before the one about the booking. */
export const toldOf = (tellHeld: boolean): readonly EventType[] =>
  eventTypes.filter((type) => !silent.includes(type) && (tellHeld || type !== 'booking.held'));

/** The messages of an event; `booking` is as it is now. */
export function noticesOf(event: OutboxEvent, booking: BookingFacts): readonly Notice[] {
  const { userId } = booking;
  switch (event.type) {
    case 'booking.held':
      return [
        {
          texts: 'booking.held',
          userId,
          values: { expiresAt: Date.parse(event.payload.expiresAt) },
          ticket: false,
          optOut: 'held',
        },
      ];
    case 'booking.confirmed':
      // Of an exchange its buyer is told by the booking that was given up.
      return booking.isExchange ? [] : [{ texts: 'booking.confirmed', userId, ticket: true, optOut: null }];
    case 'booking.reminder':
      return [{ texts: 'booking.reminder', userId, ticket: true, optOut: 'reminder' }];
    case 'booking.expired':
      return [{ texts: 'booking.expired', userId, ticket: false, optOut: 'unpaid' }];
    case 'booking.failed':
      return [{ ...toAll, texts: 'booking.failed', userId }];
    case 'booking.released':
      return [];
    case 'booking.cancelled':
      return cancelled(event.payload, booking);
    case 'booking.exchanged':
      return [exchanged(event.payload, booking)];
    case 'booking.transferred':
      return transferred(event.payload);
    case 'refund.started':
    case 'refund.succeeded':
    case 'refund.failed':
    case 'payment.refunded':
      return [{ ...toAll, texts: event.type, userId, values: aboutMoney(event.payload) }];
    case 'show.cancelled':
      return [{ ...toAll, texts: 'show.cancelled', userId, values: { reason: event.payload.reason } }];
    case 'show.moved':
      return [moved(event.payload, userId)];
  }
}

type PayloadOf<Type extends EventType> = Extract<OutboxEvent, { type: Type }>['payload'];

function cancelled(
  { seatIds, refund, kept, whole, by }: PayloadOf<'booking.cancelled'>,
  { userId, seats }: BookingFacts,
): readonly Notice[] {
  // With its show: of that, and of the money, its buyer is told anyway.
  if (by === 'staff') return [];
  const cancelledSeats = seatIds.map((id) => seats.find((seat) => seat.id === id)?.label ?? id);
  const values = { refund, kept, cancelledSeats, count: seatIds.length };
  const paragraphs = [`booking.cancelled.${refund.amount > 0 ? 'refunded' : 'nothingBack'}`];
  const rest = { userId, values, paragraphs, amounts: ['refund', 'kept'], optOut: null } as const;
  return whole
    ? [{ ...rest, texts: 'booking.cancelled', ticket: false }]
    : [{ ...rest, texts: 'booking.partlyCancelled', ticket: true }];
}

function exchanged(
  { otherBookingId, difference, refund }: PayloadOf<'booking.exchanged'>,
  { userId }: BookingFacts,
): Notice {
  return {
    texts: 'booking.exchanged',
    userId,
    bookingId: otherBookingId,
    values: { difference, ...(refund && { refund }) },
    paragraphs: [
      ...(difference.amount > 0 ? ['booking.exchanged.paid'] : []),
      ...(refund && refund.amount > 0 ? ['booking.exchanged.refunded'] : []),
    ],
    ticket: true,
    optOut: null,
  };
}

const transferred = ({ toUserId, fromUserId }: PayloadOf<'booking.transferred'>): readonly Notice[] => [
  { texts: 'booking.received', userId: toUserId, claim: 'booking.received.claim', ticket: true, optOut: null },
  ...(fromUserId === undefined ? [] : [{ ...toAll, texts: 'booking.transferred', userId: fromUserId }]),
];

function moved({ fromStartsAt, toStartsAt, refundUntil }: PayloadOf<'show.moved'>, userId: string): Notice {
  return {
    ...toAll,
    texts: 'show.moved',
    userId,
    values: {
      fromStartsAt: Date.parse(fromStartsAt),
      toStartsAt: Date.parse(toStartsAt),
      ...(refundUntil !== null && { refundUntil: Date.parse(refundUntil) }),
    },
    ...(refundUntil !== null && { paragraphs: ['show.moved.refundUntil'], short: ['show.moved.shortRefundUntil'] }),
  };
}

const aboutMoney = ({ amount, reason }: PayloadOf<'refund.started'>) => ({ amount, because: reason });
