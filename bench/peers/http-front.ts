import express, { type Express, type NextFunction, type Request, type Response } from 'express';
import { z } from 'zod';
import { Overloaded, type SeatSeller } from './peer.ts';

const SEATS_PER_BOOKING_MAX = 10;
const BODY_LIMIT = '256kb';
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

/** The same HTTP for every peer: Express and zod as in our API, without its accounts, idempotency keys and logs. */
export function httpFront(seller: SeatSeller): Express {
  const app = express();
  app.disable('x-powered-by');
  app.use(express.json({ limit: BODY_LIMIT }));
  app.post('/shows', async (request, response) => {
    const show = showBody.parse(request.body);
    await seller.openShow(show.showId, show.seats);
    response.status(201).json(show);
  });
  app.post('/holds', async (request, response) => {
    const bookingId = await seller.hold(holdBody.parse(request.body));
    if (bookingId === null) return void response.status(409).json({ code: 'SEAT_UNAVAILABLE' });
    response.status(201).json({ bookingId, status: 'HELD' });
  });
  app.post('/bookings/:id/payment', async (request, response) => {
    paymentBody.parse(request.body);
    const confirmed = await seller.pay(request.params.id);
    if (!confirmed) return void response.status(410).json({ code: 'HOLD_EXPIRED' });
    response.json({ bookingId: request.params.id, status: 'CONFIRMED' });
  });
  app.get('/confirmed-bookings', async (_request, response) => {
    response.json(await seller.confirmedBookings());
  });
  app.use(refuse);
  return app;
}

function refuse(error: unknown, _request: Request, response: Response, _next: NextFunction): void {
  if (error instanceof z.ZodError) return void response.status(400).json({ code: 'VALIDATION_FAILED' });
  if (error instanceof Overloaded)
    return void response.status(503).set('Retry-After', '1').json({ code: 'UNAVAILABLE' });
  console.error(error);
  response.status(500).json({ code: 'INTERNAL' });
}
