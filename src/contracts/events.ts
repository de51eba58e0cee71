import { z } from 'zod';
import { moneySchema, orNull, shortText, timestamp } from './http/primitives.ts';

/**
 * What is told of a booking, to buyers and to partners: written into the outbox with the change it tells of, in the same
 * transaction. `docs/events.md` is made of these schemas.
 */
const ofBooking = {
  bookingId: z.string().max(80),
  showId: z.string().max(80),
};

const aRefund = {
  refundId: z.string().max(80),
  amount: moneySchema,
  reason: shortText.meta({ description: 'Why the money goes back' }),
};

interface EventSpec {
  /** Of the payload. A field that is added leaves it as it is; one that goes, or means something else, raises it. */
  readonly version: number;
  readonly summary: string;
  readonly payload: z.ZodObject;
}

const spec = <const Fields extends z.ZodRawShape>(version: number, summary: string, fields: Fields) =>
  ({ version, summary, payload: z.object({ ...ofBooking, ...fields }) }) satisfies EventSpec;

/** Every event there is. */
export const eventCatalogue = {
  'booking.held': spec(1, 'Seats are held for a buyer', {
    expiresAt: timestamp.meta({ description: 'When the hold ends, unless it is paid or extended' }),
  }),
  'booking.confirmed': spec(1, 'A booking is paid; its seats are sold', {}),
  'booking.released': spec(1, 'The buyer gave the hold back', {}),
  'booking.expired': spec(1, 'The hold ended unpaid; its seats are on sale again', {}),
  'booking.failed': spec(1, 'The purchase could not be completed', {}),
  'booking.cancelled': spec(1, 'A booking, or some of its seats, was cancelled', {
    seatIds: z.array(z.string().max(80)).meta({ description: 'Seats that are on sale again' }),
    refund: moneySchema.meta({ description: 'What goes back to the buyer' }),
    kept: moneySchema.meta({ description: 'What the cancellation policy keeps' }),
    whole: z.boolean().meta({ description: 'False when some of its seats stay booked' }),
    by: shortText.meta({ description: 'Who asked for it' }),
  }),
  'booking.exchanged': spec(1, 'A booking was exchanged for another one', {
    otherBookingId: z.string().max(80),
    difference: moneySchema.meta({
      description: 'Of the prices: above zero the buyer paid it, below zero it goes back',
    }),
    refund: orNull(moneySchema).meta({ description: 'What goes back to the buyer' }),
  }),
  'booking.transferred': spec(1, 'A booking is now somebody else’s', {
    toUserId: z.string().max(80),
    fromUserId: z.string().max(80).optional(),
  }),
  'booking.reminder': spec(1, 'The show of a booking is about to begin', {}),
  'refund.started': spec(1, 'Money is on its way back to the buyer', aRefund),
  'refund.succeeded': spec(1, 'The provider has given the money back', aRefund),
  'refund.failed': spec(1, 'The provider could not give the money back; it is tried again', aRefund),
  'payment.refunded': spec(1, 'A payment that bought nothing goes back by itself', aRefund),
  'show.cancelled': spec(1, 'The show of a booking was cancelled', { reason: shortText }),
  'show.moved': spec(1, 'The show of a booking was moved to another time', {
    fromStartsAt: timestamp,
    toStartsAt: timestamp,
    refundUntil: orNull(timestamp).meta({ description: 'Until when the buyer may have all the money back' }),
  }),
} as const satisfies Readonly<Record<string, EventSpec>>;

export type EventType = keyof typeof eventCatalogue;
export const eventTypes = Object.keys(eventCatalogue) as readonly EventType[];
export const eventType = z.enum(eventTypes as readonly [EventType, ...EventType[]]);

export type EventPayload<Type extends EventType> = z.infer<(typeof eventCatalogue)[Type]['payload']>;

/** An event as it is written: a row of the outbox without what the database adds. */
export interface NewEvent<Type extends EventType = EventType> {
  readonly type: Type;
  readonly payload: EventPayload<Type> & { readonly version: number };
}

/**
 * An event to be written with the change that it tells of. A writer has the row of the booking locked or new in the same
 * transaction, so that the events of a booking have ids in the order of what happened.
 */
export const bookingEvent = <Type extends EventType>(type: Type, payload: EventPayload<Type>): NewEvent<Type> => ({
  type,
  payload: { version: eventCatalogue[type].version, ...payload },
});

interface EventOf<Type extends EventType> {
  /** Grows in the order in which events of one booking were written; of two bookings it says nothing. */
  readonly id: number;
  readonly bookingId: string;
  readonly type: Type;
  readonly version: number;
  readonly payload: EventPayload<Type>;
  /** Unix ms. */
  readonly createdAtMs: number;
}

/** An event as consumers get it; `type` tells what its payload has. */
export type OutboxEvent = { readonly [Type in EventType]: EventOf<Type> }[EventType];

/** What is known of an event's row; `payload` is whatever was written. */
export interface WrittenEvent {
  readonly id: number;
  readonly bookingId: string;
  readonly type: string;
  readonly payload: unknown;
  readonly createdAtMs: number;
}

/** The event can't be handled, now or later: it is parked at once rather than tried again. */
export class UndeliverableEventError extends Error {
  override readonly name = 'UndeliverableEventError';
}

/**
 * An event of the catalogue from its row. Fields that the catalogue does not know are left out.
 * @throws UndeliverableEventError for an unknown type, and a payload that is not as the catalogue has it
 */
export function readEvent({ id, bookingId, type, payload, createdAtMs }: WrittenEvent): OutboxEvent {
  const known = eventType.safeParse(type);
  if (!known.success) throw new UndeliverableEventError(`no event is called ${type}`);
  // Those written before payloads had versions are of the first.
  const { version = 1 } = (payload ?? {}) as { readonly version?: number };
  const read = eventCatalogue[known.data].payload.safeParse(payload);
  if (!read.success)
    throw new UndeliverableEventError(`the payload of a ${type} is wrong: ${z.prettifyError(read.error)}`);
  return { id, bookingId, type: known.data, version, payload: read.data, createdAtMs } as OutboxEvent;
}

/**
 * Somebody who is told of events, at least once and for each booking in order: the next event of a booking comes when
 * this one was accepted, or parked. The same event may come again, after a crash even after a later one: who must do
 * something only once remembers the event's id.
 */
export interface OutboxConsumer {
  /** Of its deliveries; never changes. */
  readonly name: string;
  /** Those it is told of; absent: all. */
  readonly types?: readonly EventType[];
  /** Most events that it is given at the same time, each of another booking; absent: 32. */
  readonly concurrency?: number;
  /**
   * Resolves when the event is accepted for good. Throws to be given it again later; `UndeliverableEventError` to have
   * it parked. `signal` is aborted when it has taken too long, which counts as thrown.
   */
  handle(event: OutboxEvent, signal: AbortSignal): Promise<void>;
}
