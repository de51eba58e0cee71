import { z } from 'zod';
import { text, timestamp, timeZone } from './primitives.ts';

/** A code has some sixty characters; what a scanner reads off something else may be longer, and is no ticket either. */
const CODE_MAX = 4_000;

const ticketFields = {
  bookingNumber: z.string().meta({ example: 'BMS2026112000000042' }),
  seats: z.array(
    z.object({
      id: z.string(),
      label: z.string(),
      category: z.string().meta({ description: 'Name of the category' }),
      accessible: z.boolean(),
    }),
  ),
  show: z.object({
    id: z.string(),
    title: z.string(),
    startsAt: timestamp,
    timeZone,
    venue: z.string(),
    screen: z.string(),
  }),
};

export const ticketSchema = z
  .object({
    bookingId: z.string(),
    code: z.string().meta({
      description: 'What the QR says: signed, good for all seats together',
      example: 'SK1.h2hl.0Zr3c4QyS5uY1nXbK2mWpA.1.L44yjOEHgoC3qrQLahe6kA',
    }),
    ...ticketFields,
  })
  .meta({ id: 'Ticket' });

export const ticketCheckRequest = z.strictObject({ code: text(CODE_MAX) }).meta({ id: 'TicketCheckRequest' });

export const ticketCheckSchema = z
  .object({
    admitted: z.literal(true),
    firstAdmittedAt: timestamp,
    repeated: z.boolean().meta({ description: 'True when the ticket was shown before, at `firstAdmittedAt`' }),
    bookingId: z.string(),
    ...ticketFields,
  })
  .meta({
    id: 'TicketCheck',
    description: 'Which show and which seats it is for: the door has to look whether it is this one',
  });

export type TicketBody = z.infer<typeof ticketSchema>;
export type TicketCheckBody = z.infer<typeof ticketCheckSchema>;
