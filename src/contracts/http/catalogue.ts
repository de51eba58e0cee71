import { z } from 'zod';
import {
  CANCELLATION_HOURS_MAX,
  CANCELLATION_TIERS_MAX,
  defaultCancellationPolicy,
} from '../../domain/cancellation-policy.ts';
import {
  calendarDate,
  moneySchema,
  opaqueId,
  orNull,
  pageOf,
  pageQuery,
  shortText,
  timestamp,
  timeZone,
} from './primitives.ts';

const location = z.object({ lat: z.number(), lng: z.number() });

export const citySchema = z
  .object({ id: z.string(), name: z.string(), country: z.string(), timeZone, location, population: z.int() })
  .meta({ id: 'City' });

export const cancellationPolicySchema = z
  .strictObject({
    tiers: z
      .array(
        z.strictObject({
          hoursBefore: z
            .int()
            .min(0)
            .max(CANCELLATION_HOURS_MAX)
            .meta({ description: 'Elapsed hours before the start' }),
          refundPercent: z.int().min(0).max(100).meta({ description: 'Of each seat; rounded up to a minor unit' }),
        }),
      )
      .max(CANCELLATION_TIERS_MAX),
  })
  .meta({
    id: 'CancellationPolicy',
    description:
      'How much goes back to who cancels so many hours before the start and earlier, the earliest tier first; each has ' +
      'fewer hours and less money than the one before it. Later than the last one nothing goes back.',
    example: defaultCancellationPolicy,
  });

const theatreFields = {
  id: z.string(),
  cityId: z.string(),
  name: z.string(),
  address: orNull(z.string()),
  location,
};
export const theatreSchema = z
  .object({ ...theatreFields, cancellationPolicy: cancellationPolicySchema })
  .meta({ id: 'Theatre' });
const listedTheatreSchema = z
  .object({ ...theatreFields, distanceKm: z.number().optional().meta({ description: 'From `near`' }) })
  .meta({ id: 'ListedTheatre' });
export const screenSchema = z
  .object({ id: z.string(), theatreId: z.string(), name: z.string() })
  .meta({ id: 'Screen' });
export const theatreDetailSchema = z
  .object({
    ...theatreFields,
    cancellationPolicy: cancellationPolicySchema,
    screens: z.array(screenSchema),
  })
  .meta({ id: 'TheatreDetail' });

export const movieSchema = z
  .object({
    id: z.string(),
    title: z.string(),
    genres: z.array(z.string()),
    durationMinutes: orNull(z.int()),
    certificate: orNull(z.string()),
    director: orNull(z.string()),
    releasedOn: orNull(calendarDate),
  })
  .meta({ id: 'Movie' });

const showStatuses = ['SCHEDULED', 'ON_SALE', 'SALES_CLOSED', 'ENDED', 'CANCELLED'] as const;
export type ShowStatus = (typeof showStatuses)[number];

export const categoryPriceSchema = z
  .object({ id: z.string(), name: z.string(), price: moneySchema })
  .meta({ id: 'CategoryPrice' });

export const showSchema = z
  .object({
    id: z.string(),
    movieId: z.string(),
    movieTitle: z.string(),
    theatreId: z.string(),
    theatreName: z.string(),
    screenId: z.string(),
    seatingPlanId: z.string(),
    startsAt: timestamp,
    endsAt: timestamp,
    timeZone,
    language: z.string(),
    format: z.string(),
    salesOpenAt: timestamp,
    salesCloseAt: timestamp,
    status: z.enum(showStatuses),
    version: z.int().meta({ description: 'Counts what staff changes; the ETag has it' }),
    moved: orNull(z.object({ refundUntil: timestamp })).meta({
      description: 'Moved to another time: who has bought before may have all the money back until then',
    }),
    categories: z.array(categoryPriceSchema),
    availability: z.object({ available: z.int(), total: z.int(), asOfVersion: z.int() }),
  })
  .meta({ id: 'Show' });

export const cityPage = pageOf(citySchema);
export const theatrePage = pageOf(listedTheatreSchema);
export const moviePage = pageOf(movieSchema);
export const showPage = pageOf(showSchema);

export const cityListQuery = z.strictObject({ ...pageQuery });
const RADIUS_KM_DEFAULT = 25;
/** Half of the way around the Earth. */
const RADIUS_KM_MAX = 20_038;

const LAT_LNG = /^-?\d{1,2}(\.\d{1,15})?,-?\d{1,3}(\.\d{1,15})?$/;
const coordinates = z
  .string()
  .regex(LAT_LNG, 'must be `lat,lng` in degrees')
  .transform((pair) => {
    const [lat, lng] = pair.split(',').map(Number) as [number, number];
    return { lat, lng };
  })
  .refine(({ lat, lng }) => Math.abs(lat) <= 90 && Math.abs(lng) <= 180, 'is not on Earth')
  .meta({ type: 'string', pattern: LAT_LNG.source, example: '19.07,72.88' });

export const theatreListQuery = z.strictObject({
  city: opaqueId.optional(),
  near: coordinates.optional().meta({ description: '`lat,lng`: nearest first' }),
  radiusKm: z.coerce
    .number()
    .positive()
    .max(RADIUS_KM_MAX)
    .default(RADIUS_KM_DEFAULT)
    .meta({ description: 'With `near`' }),
  ...pageQuery,
});

export const movieListQuery = z.strictObject({
  city: opaqueId.optional(),
  date: calendarDate.optional(),
  language: shortText.optional(),
  genre: shortText.optional(),
  format: shortText.optional(),
  q: shortText.optional().meta({ description: 'Part of a title; spelling mistakes are forgiven' }),
  ...pageQuery,
});
export const showListQuery = z.strictObject({
  movie: opaqueId.optional(),
  theatre: opaqueId.optional(),
  city: opaqueId.optional(),
  date: calendarDate.optional(),
  ...pageQuery,
});

export type ShowBody = z.infer<typeof showSchema>;
