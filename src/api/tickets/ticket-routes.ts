import { endpoints } from '../../contracts/http/endpoints.ts';
import { isoTime } from '../../contracts/http/primitives.ts';
import type { TicketCheckBody } from '../../contracts/http/tickets.ts';
import type { Ticket } from '../../domain/ticket.ts';
import type { ReadModel } from '../../read-model/database.ts';
import { admitTicket, findTicket } from '../../read-model/tickets.ts';
import type { ticketPdf } from '../../tickets/ticket-pdf.ts';
import type { TicketCodes } from '../../tickets/ticket-codes.ts';
import type { Batches } from '../batches.ts';
import { ownBooking } from '../bookings/own-booking.ts';
import { bookingState } from '../bookings/refusals.ts';
import { type Answer, ok } from '../http/answer.ts';
import { notFound } from '../http/problem.ts';
import { route, type Route } from '../http/route.ts';
import type { AnswerMemory } from '../idempotency/answer-memory.ts';
import { prefersPdf } from './prefers-pdf.ts';

export interface TicketRoutesDeps {
  readonly db: ReadModel;
  readonly batches: Batches;
  readonly memory: AnswerMemory;
  readonly codes: TicketCodes;
}

export const ticketRoutes = ({ db, batches, memory, codes }: TicketRoutesDeps): readonly Route[] => [
  route(endpoints.getTicket, async ({ caller, params, headers }) => {
    const booking = await ownBooking(batches, caller, params.id);
    const ticket = await findTicket(db, booking.id);
    if (!ticket) throw bookingState((await ownBooking(batches, caller, params.id)).status);
    const code = codes.print(ticket);
    if (prefersPdf(headers.accept)) return pdfAnswer(await drawn(ticket, code, ticket.language), ticket);
    return { ...ok({ bookingId: ticket.bookingId, code, ...facts(ticket) }), headers: privately };
  }),

  route(endpoints.verifyTicket, (call) =>
    memory.onceInTransaction(call, async (trx) => {
      const claim = codes.read(call.body.code);
      if (!claim) throw notFound('ticket');
      const admission = await admitTicket(trx, claim, call.caller.userId);
      if (!admission.admitted) throw admission.why === 'replaced' ? notFound('ticket') : bookingState(admission.status);
      const ticket = await findTicket(trx, claim.bookingId);
      if (!ticket) throw new Error(`booking ${claim.bookingId} was admitted and has no ticket`);
      return ok({
        admitted: true,
        firstAdmittedAt: isoTime(admission.firstAdmittedAtMs),
        repeated: admission.repeated,
        bookingId: ticket.bookingId,
        ...facts(ticket),
      } satisfies TicketCheckBody);
    }),
  ),
];

/** What draws is loaded by the first who asks: 40 MB, which a process that only sells need not have. */
async function drawn(...ticket: Parameters<typeof ticketPdf>): Promise<Buffer> {
  const tickets = await import('../../tickets/ticket-pdf.ts');
  return tickets.ticketPdf(...ticket);
}

/** Who has the code is let in: no cache on the way keeps it, and what is asked for decides what comes. */
const privately = { 'Cache-Control': 'private, no-store', Vary: 'Accept' };

const pdfAnswer = (bytes: Buffer, { bookingNumber }: Ticket): Answer => ({
  status: 200,
  headers: {
    ...privately,
    'Content-Type': 'application/pdf',
    'Content-Disposition': `inline; filename="ticket-${bookingNumber}.pdf"`,
  },
  bytes,
});

const facts = ({ bookingNumber, seats, show: { startsAtMs, ...show } }: Ticket) => ({
  bookingNumber,
  seats: seats.map(({ id, label, category, accessible }) => ({ id, label, category, accessible })),
  show: { ...show, startsAt: isoTime(startsAtMs) },
});
