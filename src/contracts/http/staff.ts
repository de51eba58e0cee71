import { z } from 'zod';
import { CATEGORIES_MAX } from '../../domain/seating-plan.ts';
import { seatIds } from './bookings.ts';
import { cancellationPolicySchema } from './catalogue.ts';
import { calendarDate, moneySchema, opaqueId, orNull, shortText, timestamp } from './primitives.ts';

/** A film has a handful. */
const GENRES_MAX = 20;
/** Longer than the longest performance that was ever put on sale as one. */
const DURATION_MINUTES_MAX = 24 * 60;

export const newTheatre = z
  .strictObject({
    cityId: opaqueId,
    name: shortText,
    address: orNull(shortText).optional(),
    location: z.strictObject({ lat: z.number().min(-90).max(90), lng: z.number().min(-180).max(180) }).optional(),
    cancellationPolicy: cancellationPolicySchema.optional(),
  })
  .meta({
    id: 'NewTheatre',
    description: "Without a location, the city's; without a cancellation policy, the default",
  });

export const theatreChange = z
  .strictObject({ cancellationPolicy: orNull(cancellationPolicySchema).meta({ description: 'Null: the default one' }) })
  .meta({ id: 'TheatreChange', description: 'Applies to what is bought from then on' });

export const newScreen = z.strictObject({ theatreId: opaqueId, name: shortText }).meta({ id: 'NewScreen' });

export const newMovie = z
  .strictObject({
    title: shortText,
    genres: z.array(shortText).max(GENRES_MAX).default([]),
    durationMinutes: orNull(z.int().min(1).max(DURATION_MINUTES_MAX)).optional(),
    certificate: orNull(shortText).optional(),
    director: orNull(shortText).optional(),
    releasedOn: orNull(calendarDate).optional(),
  })
  .meta({ id: 'NewMovie' });

/** In minor units. A free seat is not sold through a payment: no provider charges nothing. */
const PRICE_MIN = 1;
/** Highest price of a seat, in minor units: a whole house of them is still a safe integer. */
const PRICE_MAX = 1_000_000_000;

const newCategoryPrice = z
  .strictObject({
    id: shortText,
    name: shortText,
    price: moneySchema.extend({ amount: z.int().min(PRICE_MIN).max(PRICE_MAX) }),
  })
  .meta({ id: 'NewCategoryPrice' });

/** Any JSON object: the importer says what is wrong with it, place by place. */
export const pretixPlan = z
  // As it came: an object made anew would lack a field named `__proto__`, and what is unknown is to be refused.
  .custom<object>((value) => typeof value === 'object' && value !== null && !Array.isArray(value), 'must be an object')
  .meta({
    type: 'object',
    id: 'PretixSeatingPlan',
    description: 'A pretix seating plan',
    externalDocs: { url: 'https://pretix.eu' },
  });

export const newShow = z
  .strictObject({
    movieId: opaqueId,
    screenId: opaqueId,
    seatingPlanId: opaqueId,
    startsAt: timestamp,
    endsAt: timestamp,
    salesOpenAt: timestamp.optional().meta({ description: 'Default: at once' }),
    salesCloseAt: timestamp.optional().meta({ description: 'Default: when the show starts' }),
    language: shortText,
    format: shortText,
    categories: z
      .array(newCategoryPrice)
      .min(1)
      .max(CATEGORIES_MAX)
      .meta({ description: 'A price for every category of the plan, all in one currency' }),
    allowOverlap: z.boolean().default(false).meta({ description: 'Overrides SHOW_OVERLAP for this show' }),
  })
  .meta({ id: 'NewShow' });

export const showCancellation = z.strictObject({ reason: shortText }).meta({ id: 'ShowCancellationRequest' });

/** Counted in bookings that had been paid. */
export const showCancellationState = z
  .object({
    showId: z.string(),
    reason: z.string(),
    cancelledAt: timestamp,
    state: z
      .enum(['RUNNING', 'DONE'])
      .meta({ description: 'DONE: all the money is back with its buyers, but for `nothingCaptured`' }),
    bookings: z.object({
      total: z.int(),
      refunded: z.int(),
      failed: z.int().meta({ description: 'The provider could not give the money back; it is tried again by itself' }),
      nothingCaptured: z.int().meta({
        description: 'The provider says that it never had the money: it is not tried again, a person has to look',
      }),
      waiting: z.int(),
    }),
  })
  .meta({ id: 'ShowCancellation', description: 'How far the refunds of a cancelled show have come, in bookings' });

export const showMove = z
  .strictObject({
    startsAt: timestamp.optional(),
    endsAt: timestamp.optional().meta({ description: 'Default: the show lasts as long as before' }),
    salesOpenAt: timestamp.optional(),
    salesCloseAt: timestamp.optional().meta({ description: 'Default: as long before the start as it was' }),
    refundUntil: timestamp.optional().meta({
      description:
        'Who has bought before may have all the money back until then: only with another startsAt, and not before what buyers were told at an earlier move. Default: the new start',
    }),
    allowOverlap: z.boolean().optional().meta({ description: 'Overrides SHOW_OVERLAP for this show' }),
  })
  .refine((move) => Object.keys(move).length > 0, 'names nothing to change')
  .meta({ id: 'ShowMove', description: 'What is left out stays as it is, or follows the start', minProperties: 1 });

export const blockRequest = z.strictObject({ seatIds, reason: shortText }).meta({ id: 'BlockRequest' });
export const blockAnswer = z
  .object({ showId: z.string(), seatIds: z.array(z.string()) })
  .meta({ id: 'BlockAnswer', description: 'The seats that the request named' });

export type NewScreen = z.infer<typeof newScreen>;
export type NewMovie = z.infer<typeof newMovie>;
export type NewShow = z.infer<typeof newShow>;
export type ShowMove = z.infer<typeof showMove>;
export type ShowCancellationBody = z.infer<typeof showCancellationState>;
export type BlockRequest = z.infer<typeof blockRequest>;
