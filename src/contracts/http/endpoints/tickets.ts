import { everyRole, type Role } from '../accounts.ts';
import { defineEndpoint } from '../endpoint.ts';
import { ticketCheckRequest, ticketCheckSchema, ticketSchema } from '../tickets.ts';
import { id } from './parts.ts';

const doorStaff: readonly Role[] = ['theatre_owner', 'support', 'admin'];

export const ticketEndpoints = {
  getTicket: defineEndpoint({
    operationId: 'getTicket',
    method: 'get',
    path: '/bookings/{id}/ticket',
    tag: 'Tickets',
    summary: 'The ticket of a confirmed booking, for all its seats; as a PDF for whoever accepts one',
    access: everyRole,
    idempotencyKey: 'none',
    params: id('bkg'),
    answers: { 200: { description: 'The ticket', schema: ticketSchema, alsoAs: 'application/pdf' } },
    errors: ['NOT_FOUND', 'BOOKING_STATE'],
  }),
  verifyTicket: defineEndpoint({
    operationId: 'verifyTicket',
    method: 'post',
    path: '/tickets/verify',
    tag: 'Tickets',
    summary: 'Lets the bearers of a ticket in; says when it was shown before',
    access: doorStaff,
    idempotencyKey: 'accepted',
    body: ticketCheckRequest,
    answers: { 200: { description: 'They may go in', schema: ticketCheckSchema } },
    errors: ['NOT_FOUND', 'BOOKING_STATE', 'IDEMPOTENCY_KEY_REUSED'],
  }),
};
