import { z } from 'zod';
import { languageOf, languages } from '../../domain/language.ts';
import { optOutKinds } from '../opt-outs.ts';
import { orNull, text, timestamp } from './primitives.ts';

export const roles = ['customer', 'guest', 'theatre_owner', 'support', 'admin'] as const;
export type Role = (typeof roles)[number];
export const everyRole: readonly Role[] = roles;

/** RFC 5321: longest address that can be delivered to. */
const EMAIL_MAX = 254;

/** Of what RFC 5322 allows, that which mail systems do not stumble over; names of hosts as RFC 1035 has them. */
const EMAIL =
  /^(?=[^@]{1,64}@)[A-Za-z0-9_'+-]+(\.[A-Za-z0-9_'+-]+)*@([A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z]{2,63}$/;
export const email = z.email({ pattern: EMAIL }).max(EMAIL_MAX).meta({ pattern: EMAIL.source });
const phone = z
  .string()
  .regex(/^\+?[1-9][0-9]{6,14}$/, 'must be 7 to 15 digits, as in +919876543210')
  .meta({ example: '+919876543210' });

/** A browser's `hi-IN` means what `hi` does. */
const LOCALE_MAX = 35;
/** JSON Schema's patterns know no other way to say it. */
const inAnyCase = (word: string): string =>
  [...word].map((letter) => `[${letter.toLowerCase()}${letter.toUpperCase()}]`).join('');
const locale = z
  .string()
  .max(LOCALE_MAX)
  .refine((tag) => languageOf(tag) !== null, `must be a language that messages are written in: ${languages.join(', ')}`)
  .transform((tag) => languageOf(tag)!)
  .meta({
    type: 'string',
    description: 'BCP 47; absent: by `Accept-Language`',
    maxLength: LOCALE_MAX,
    pattern: `^(${languages.map(inAnyCase).join('|')})(-[\\s\\S]*)?$`,
    example: 'hi-IN',
  });

/** Exactly one way to reach the guest. */
export const guestRequest = z
  .union([z.strictObject({ email, locale: locale.optional() }), z.strictObject({ phone, locale: locale.optional() })])
  .meta({ id: 'GuestRequest', example: { email: 'asha@example.org' } });

export const userSchema = z
  .object({
    id: z.string(),
    role: z.enum(roles),
    email: orNull(z.string()),
    phone: orNull(z.string()),
    locale: z.enum(languages).meta({ description: 'Messages are in this language' }),
    optOuts: z.array(z.enum(optOutKinds)).meta({ description: 'Of these kinds of messages none is sent' }),
    pushToken: orNull(z.string()).meta({ description: 'Of the device that gets short notices too' }),
    createdAt: timestamp,
  })
  .meta({ id: 'User' });

/** A token of ours is below 400 characters. */
const CLAIM_TOKEN_MAX = 2_000;

export const claimRequest = z
  .strictObject({ token: text(CLAIM_TOKEN_MAX).meta({ description: 'From the mail that came with the booking' }) })
  .meta({ id: 'ClaimRequest' });

export const sessionSchema = z
  .object({
    accessToken: z.string(),
    refreshToken: z.string(),
    expiresIn: z.int().meta({ description: 'Seconds until the access token expires' }),
    user: userSchema,
  })
  .meta({ id: 'Session' });

/** Tokens of the large carriers have below 200 characters, some 4,096. */
const PUSH_TOKEN_MAX = 4_096;

export const profileChange = z
  .strictObject({
    locale: locale.optional(),
    optOuts: z
      .array(z.enum(optOutKinds))
      .max(optOutKinds.length)
      .refine((kinds) => new Set(kinds).size === kinds.length, 'names a kind twice')
      .meta({ uniqueItems: true })
      .optional(),
    pushToken: orNull(text(PUSH_TOKEN_MAX)).optional(),
  })
  .meta({ id: 'ProfileChange', example: { locale: 'hi', optOuts: ['reminder'] } });

export type GuestRequest = z.infer<typeof guestRequest>;
export type UserBody = z.infer<typeof userSchema>;
export type SessionBody = z.infer<typeof sessionSchema>;
