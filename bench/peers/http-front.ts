import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import { z } from 'zod';
import { Overloaded, type SeatSeller } from './peer.ts';

const SEATS_PER_BOOKING_MAX = 10;
const BODY_BYTES_MAX = 256 * 1_024;
const showId = z.string().regex(/^[\w-]{1,64}$/);

const holdBody = z.strictObject({
  showId,
  seats: z
    .array(z.int().min(0))
    .min(1)
    .max(SEATS_PER_BOOKING_MAX)
    .refine((seats) => new Set(seats).size === seats.length, 'each seat once'),
  buyer: z.string().min(1).max(64),
});
const paymentBody = z.strictObject({ method: z.enum(['card']), token: z.string().min(1).max(64) });
const showBody = z.strictObject({ showId, seats: z.int().min(1).max(100_000) });

type Answer = readonly [status: number, body: unknown, headers?: Readonly<Record<string, string>>];

/**
 * The same HTTP for every peer: Node's own server and zod, as our API answers new bookings, without its accounts,
 * idempotency keys and logs.
 */
export function httpFront(seller: SeatSeller): Server {
  return createServer((request, response) => {
    void answerTo(seller, request)
      .catch(refusal)
      .then((answer) => send(response, answer));
  });
}

async function answerTo(seller: SeatSeller, request: IncomingMessage): Promise<Answer> {
  const call = `${request.method} ${request.url}`;
  if (call === 'GET /confirmed-bookings') return [200, await seller.confirmedBookings()];
  const body = await bodyOf(request);
  if (call === 'POST /holds') {
    const bookingId = await seller.hold(holdBody.parse(body));
    return bookingId === null ? [409, { code: 'SEAT_UNAVAILABLE' }] : [201, { bookingId, status: 'HELD' }];
  }
  const [, bookingId] = /^POST \/bookings\/([^/]+)\/payment$/.exec(call) ?? [];
  if (bookingId !== undefined) {
    paymentBody.parse(body);
    const confirmed = await seller.pay(bookingId);
    return confirmed ? [200, { bookingId, status: 'CONFIRMED' }] : [410, { code: 'HOLD_EXPIRED' }];
  }
  if (call === 'POST /shows') {
    const show = showBody.parse(body);
    await seller.openShow(show.showId, show.seats);
    return [201, show];
  }
  if (call === 'POST /settled') {
    await seller.settle();
    return [200, {}];
  }
  return [404, { code: 'NOT_FOUND' }];
}

/** @throws SyntaxError where it is no JSON, too long, or does not say how long it is */
async function bodyOf(request: IncomingMessage): Promise<unknown> {
  const bytes = Number(request.headers['content-length']);
  if (!(bytes <= BODY_BYTES_MAX)) throw new SyntaxError('the body is too long');
  return bytes === 0 ? undefined : JSON.parse(await text(request));
}

function refusal(error: unknown): Answer {
  if (error instanceof z.ZodError || error instanceof SyntaxError) return [400, { code: 'VALIDATION_FAILED' }];
  if (error instanceof Overloaded) return [503, { code: 'UNAVAILABLE' }, { 'Retry-After': '1' }];
  console.error(error);
  return [500, { code: 'INTERNAL' }];
}

function send(response: ServerResponse, [status, body, headers = {}]: Answer): void {
  const text = JSON.stringify(body);
  response
    .writeHead(status, { 'Content-Type': 'application/json', 'Content-Length': Buffer.byteLength(text), ...headers })
    .end(text);
}
