import { z } from 'zod';
import { orNull, timestamp } from './primitives.ts';

export const roles = ['customer', 'guest', 'theatre_owner', 'support', 'admin'] as const;
export type Role = (typeof roles)[number];
export const everyRole: readonly Role[] = roles;

/** RFC 5321: longest address that can be delivered to. */
const EMAIL_MAX = 254;

const email = z.email().max(EMAIL_MAX);
const phone = z
  .string()
  .regex(/^\+?[1-9][0-9]{6,14}$/, 'must be 7 to 15 digits, as in +919876543210')
  .meta({ example: '+919876543210' });

/** Exactly one way to reach the guest. */
export const guestRequest = z
  .union([z.strictObject({ email }), z.strictObject({ phone })])
  .meta({ id: 'GuestRequest', example: { email: 'asha@example.org' } });

export const userSchema = z
  .object({
    id: z.string(),
    role: z.enum(roles),
    email: orNull(z.string()),
    phone: orNull(z.string()),
    createdAt: timestamp,
  })
  .meta({ id: 'User' });

export const sessionSchema = z
  .object({
    accessToken: z.string(),
    refreshToken: z.string(),
    expiresIn: z.int().meta({ description: 'Seconds until the access token expires' }),
    user: userSchema,
  })
  .meta({ id: 'Session' });

export type UserBody = z.infer<typeof userSchema>;
export type SessionBody = z.infer<typeof sessionSchema>;
