import { z } from 'zod';

/** Longest id that is looked up at all: prefix, underscore and up to 64 characters. */
const ID_BODY_MAX = 64;
/** What a client may put where an id belongs; anything else names nothing. */
const OPAQUE_ID_MAX = 80;

export const LIST_LIMIT_MAX = 100;
export const LIST_LIMIT_DEFAULT = 20;
/** Cursors are ours; a longer one was never issued. */
const CURSOR_MAX = 512;
/** Longest free text in a filter or a reason. */
const TEXT_MAX = 200;

/** An id in a path. One that does not match can't exist: 404. */
export const pathId = (prefix: string) =>
  z
    .string()
    .regex(new RegExp(`^${prefix}_[A-Za-z0-9_-]{1,${ID_BODY_MAX}}$`))
    .meta({ example: `${prefix}_0Zr3c4QyS5uY1nXbK2mWpA` });

/**
 * Text that every part can keep: Postgres takes no NUL, and half of a surrogate pair is no character. Whatever is said
 * to us, by clients or by payment providers, is read as this; ids and codes with an alphabet of their own excepted.
 */
export const text = (max: number) =>
  z
    .string()
    .min(1)
    .max(max)
    .refine((value) => !value.includes('\0') && value.isWellFormed(), 'has characters that cannot be kept')
    // What of it JSON can say at all.
    .meta({ pattern: '^[^\\u0000]*$' });

/** An id in a body or a filter: opaque to the client, so a strange one is merely unknown. */
export const opaqueId = text(OPAQUE_ID_MAX);

export const shortText = text(TEXT_MAX);

export const timestamp = z.iso.datetime().meta({
  description: 'RFC 3339, UTC',
  pattern: '^\\d{4}-\\d{2}-\\d{2}T\\d{2}:\\d{2}(:\\d{2}(\\.\\d+)?)?Z$',
  example: '2026-11-20T13:30:00.000Z',
});
/** A time, in Unix ms, as `timestamp` says it. */
export const isoTime = (timeMs: number): string => new Date(timeMs).toISOString();
export const calendarDate = z.iso
  .date()
  // The standard has a year 0, Postgres' calendar has not.
  .refine((date) => !date.startsWith('0000'), 'is in a year that no calendar has')
  .meta({ description: 'Date at the venue', example: '2026-11-20' });
export const timeZone = z.string().max(64).meta({ description: 'IANA time zone', example: 'Asia/Kolkata' });

export const moneySchema = z
  .strictObject({
    amount: z.int().meta({ description: 'Integer minor units (paise, cents)' }),
    currency: z.string().regex(/^[A-Z]{3}$/),
  })
  .meta({ id: 'Money', example: { amount: 125_000, currency: 'INR' } });

/** `schema` or null, in a form that OpenAPI can say about a named schema too. */
export const orNull = <Schema extends z.ZodType>(schema: Schema) => z.union([schema, z.null()]);

export const pageQuery = {
  limit: z.coerce.number().int().min(1).max(LIST_LIMIT_MAX).default(LIST_LIMIT_DEFAULT),
  cursor: text(CURSOR_MAX).optional().meta({ description: '`nextCursor` of the page before' }),
};

export const pageOf = <Item extends z.ZodType>(item: Item) =>
  z.object({ items: z.array(item), nextCursor: orNull(z.string()) });
