import { z } from 'zod';
import { appliedTierReasons } from '../../domain/cancellation-policy.ts';
import { bookingStatuses, paymentMethods, paymentStatuses, refundStatuses } from '../../domain/booking.ts';
import { PLAN_SEATS_MAX, SEAT_ID_MAX } from '../../domain/seating-plan.ts';
import { email } from './accounts.ts';
import { moneySchema, opaqueId, orNull, pageOf, pageQuery, shortText, text, timestamp } from './primitives.ts';

/** Longest one-time token that a provider takes: a longer one would be its "malformed", and to the buyer an endless 502. */
const PAYMENT_TOKEN_MAX = 255;

export const seatIds = z
  .array(text(SEAT_ID_MAX))
  .min(1)
  // How many a booking may have is the house's rule (TOO_MANY_SEATS). No plan has more than these: each would be looked at,
  // a fifth of a second for a body full of what is no name at all.
  .max(PLAN_SEATS_MAX)
  .meta({ example: ['A12', 'A13'] });

export const bestAvailable = z
  .strictObject({
    count: z.int().min(1).meta({ description: 'Seats side by side' }),
    category: shortText.optional().meta({ description: 'Category id' }),
    accessible: z.boolean().optional(),
  })
  .meta({ id: 'BestAvailable' });

const chosenSeats = z.strictObject({ showId: opaqueId, seatIds }).meta({ id: 'ChosenSeats' });
const bestSeats = z.strictObject({ showId: opaqueId, bestAvailable }).meta({ id: 'BestSeats' });

export const quoteRequest = z.union([chosenSeats, bestSeats]).meta({ id: 'QuoteRequest' });
export const bookingRequest = z
  .union([chosenSeats, bestSeats])
  .meta({ id: 'BookingRequest', example: { showId: 'shw_0Zr3c4QyS5uY1nXbK2mWpA', seatIds: ['A12', 'A13'] } });
export const seatChangeRequest = z.strictObject({ seatIds }).meta({ id: 'SeatChangeRequest' });
export const paymentRequest = z
  .strictObject({ method: z.enum(paymentMethods), token: text(PAYMENT_TOKEN_MAX) })
  .meta({ id: 'PaymentRequest', example: { method: 'card', token: 'tok_ok' } });
/** Calls without parameters take an empty object or no body at all. */
export const emptyBody = z.strictObject({}).optional();

/** Seats of one booking, by name, in an address. */
const SEAT_LIST_MAX = 2_000;

export const cancellationRequest = z
  .strictObject({ seatIds })
  .meta({ id: 'CancellationRequest', description: 'Seats of the booking to be cancelled' });
export const cancellationQuoteQuery = z.strictObject({
  seatIds: text(SEAT_LIST_MAX)
    .optional()
    .meta({ description: 'Seats with commas between them; absent: all of them', example: 'A12,A13' }),
});

export const exchangeRequest = z
  .strictObject({
    showId: opaqueId,
    seatIds,
    method: z.enum(paymentMethods).optional().meta({ description: 'Absent: by card' }),
    token: text(PAYMENT_TOKEN_MAX).optional().meta({ description: 'Needed where the new seats cost more' }),
  })
  .meta({ id: 'ExchangeRequest', example: { showId: 'shw_0Zr3c4QyS5uY1nXbK2mWpA', seatIds: ['B3', 'B4'] } });

export const transferRequest = z
  .strictObject({ email })
  .meta({ id: 'TransferRequest', example: { email: 'ravi@example.org' } });

export const bookingListQuery = z.strictObject({ status: z.enum(bookingStatuses).optional(), ...pageQuery });

export const priceSchema = z
  .object({
    lines: z.array(z.object({ kind: z.enum(['seats']), label: z.string(), amount: moneySchema })),
    total: moneySchema,
  })
  .meta({ id: 'Price', description: 'The lines sum to the total' });

const bookingFields = {
  id: z.string(),
  bookingNumber: orNull(z.string()).meta({ example: 'BMS2026112000000042' }),
  showId: z.string(),
  status: z.enum(bookingStatuses),
  seats: z.array(
    z.object({ id: z.string(), index: z.int(), label: z.string(), category: z.string(), price: moneySchema }),
  ),
  items: z.array(z.object({})).max(0).meta({ description: 'Food and merchandise: none is on sale yet' }),
  price: priceSchema,
  expiresAt: orNull(timestamp).meta({
    description:
      'When the hold ends unless it is paid or extended. While a payment is pending: the expiry that applies again ' +
      "should it be declined, which may have passed; until then the payment's own deadline keeps the seats",
  }),
  payment: orNull(z.object({ status: z.enum(paymentStatuses) })),
  refund: orNull(z.object({ amount: moneySchema, status: z.enum(refundStatuses) })).meta({
    description:
      'What goes back of what the booking was bought with, with the state of what is farthest from its end; of a booking that came to nothing, of its last payment. Every refund is in GET /bookings/{id}/payment',
  }),
  createdAt: timestamp,
  version: z.int().min(1),
};

export const cancellationQuoteSchema = z
  .object({
    cancellable: z.boolean(),
    reason: orNull(z.enum(['BOOKING_STATE', 'NOT_CANCELLABLE'])).meta({ description: 'Why it is not, or null' }),
    seatIds: z.array(z.string()),
    tier: orNull(
      z.object({
        refundPercent: z.int(),
        hoursBefore: orNull(z.int()).meta({ description: 'Of the tier of the policy; null where none applies' }),
        because: z.enum(appliedTierReasons),
      }),
    ),
    refund: moneySchema.meta({ description: 'What goes back if it is cancelled now' }),
    kept: moneySchema,
  })
  .meta({ id: 'CancellationQuote' });

export const bookingSchema = z.object(bookingFields).meta({ id: 'Booking' });
export const bookingPage = pageOf(bookingSchema);

export const nextActionSchema = z
  .union([z.object({ type: z.literal('redirect'), url: z.string() }), z.object({ type: z.literal('await') })])
  .meta({ id: 'NextAction' });
export const pendingBookingSchema = z
  .object({ ...bookingFields, nextAction: nextActionSchema })
  .meta({ id: 'PendingBooking' });

export const exchangedSchema = z
  .object({ old: bookingSchema, new: bookingSchema })
  .meta({ id: 'Exchanged', description: 'The booking that was given up, and the one that it became' });
export const pendingExchangeSchema = z
  .object({ old: bookingSchema, new: bookingSchema, nextAction: nextActionSchema })
  .meta({ id: 'PendingExchange', description: 'Both go on as they are until the difference is paid, or is not' });

export const paymentSchema = z
  .object({
    status: orNull(z.enum(paymentStatuses)).meta({ description: 'Of the last attempt; null before the first' }),
    provider: orNull(z.string()),
    attempts: z.array(
      z.object({
        id: z.string(),
        status: z.enum(paymentStatuses),
        method: orNull(z.enum(paymentMethods)).meta({ description: 'Null where only the provider told of it' }),
        amount: moneySchema,
        providerReference: orNull(z.string()),
        failureReason: orNull(z.string()),
        at: timestamp,
      }),
    ),
    refunds: z.array(z.object({ id: z.string(), status: z.enum(refundStatuses), amount: moneySchema, at: timestamp })),
  })
  .meta({ id: 'Payment' });

export type BestAvailable = z.infer<typeof bestAvailable>;
export type BookingRequest = z.infer<typeof bookingRequest>;
export type PaymentRequest = z.infer<typeof paymentRequest>;
export type BookingBody = z.infer<typeof bookingSchema>;
export type PendingBookingBody = z.infer<typeof pendingBookingSchema>;
export type CancellationQuoteBody = z.infer<typeof cancellationQuoteSchema>;
export type ExchangeRequest = z.infer<typeof exchangeRequest>;
export type ExchangedBody = z.infer<typeof exchangedSchema>;
export type PendingExchangeBody = z.infer<typeof pendingExchangeSchema>;
export type PaymentBody = z.infer<typeof paymentSchema>;
