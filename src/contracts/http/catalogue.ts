import { z } from 'zod';
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

const theatreFields = {
  id: z.string(),
  cityId: z.string(),
  name: z.string(),
  address: orNull(z.string()),
  location,
};
export const theatreSchema = z.object(theatreFields).meta({ id: 'Theatre' });
export const theatreDetailSchema = z
  .object({ ...theatreFields, screens: z.array(z.object({ id: z.string(), name: z.string() })) })
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

export const showStatuses = ['SCHEDULED', 'ON_SALE', 'SALES_CLOSED', 'ENDED', 'CANCELLED'] as const;
export type ShowStatus = (typeof showStatuses)[number];

export const categoryPriceSchema = z
  .object({ id: z.string(), name: z.string(), price: moneySchema })
  .meta({ id: 'CategoryPrice' });

export const showSchema = z
  .object({
    id: z.string(),
    movieId: z.string(),
    theatreId: z.string(),
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
    categories: z.array(categoryPriceSchema),
    availability: z.object({ available: z.int(), total: z.int(), asOfVersion: z.int() }),
  })
  .meta({ id: 'Show' });

export const cityPage = pageOf(citySchema);
export const theatrePage = pageOf(theatreSchema);
export const moviePage = pageOf(movieSchema);
export const showPage = pageOf(showSchema);

export const cityListQuery = z.strictObject({ ...pageQuery });
export const theatreListQuery = z.strictObject({ city: opaqueId.optional(), ...pageQuery });
export const movieListQuery = z.strictObject({
  city: opaqueId.optional(),
  date: calendarDate.optional(),
  language: shortText.optional(),
  genre: shortText.optional(),
  format: shortText.optional(),
  ...pageQuery,
});
export const showListQuery = z.strictObject({
  movie: opaqueId.optional(),
  theatre: opaqueId.optional(),
  city: opaqueId.optional(),
  date: calendarDate.optional(),
  ...pageQuery,
});

export type CityBody = z.infer<typeof citySchema>;
export type TheatreBody = z.infer<typeof theatreSchema>;
export type TheatreDetailBody = z.infer<typeof theatreDetailSchema>;
export type MovieBody = z.infer<typeof movieSchema>;
export type ShowBody = z.infer<typeof showSchema>;
