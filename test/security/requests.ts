import type { endpoints } from '../../src/contracts/http/endpoints.ts';
import { TicketCodes } from '../../src/tickets/ticket-codes.ts';
import { type ApiClient, newGuest, newKey, staff } from '../api/http-client.ts';
import { openShow } from '../setup/shows.ts';
import { testSecrets, type TestSystem } from '../setup/system.ts';

/** A request that is right in every part but, perhaps, in who sends it. */
export interface SampleRequest {
  /** Below the base path. */
  readonly path: string;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

type Operation = keyof typeof endpoints;
/** Made anew for every caller: some can be sent only once. */
export type SampleRequests = Readonly<Record<Operation, () => SampleRequest | Promise<SampleRequest>>>;

const HOUR_MS = 3_600_000;
const inHours = (hours: number): string => new Date(Date.now() + hours * HOUR_MS).toISOString();

/** A right request for every operation, about objects of `owner`'s that are there; by them the operations come in order. */
export async function sampleRequests(system: TestSystem, owner: ApiClient): Promise<SampleRequests> {
  const apiUrl = system.apiUrls[0]!;
  const admin = await staff(apiUrl);
  const [show, toCancel] = [await openShow(system), await openShow(system)];
  const paid = async (...seatIds: string[]): Promise<string> => {
    const { id } = await owner.held(show.id, seatIds);
    const { status } = await owner.pay(id, 'tok_ok');
    if (status !== 200) throw new Error(`not paid: ${status}`);
    return id;
  };
  const held = (await owner.held(show.id, ['A1'])).id;
  const toRelease = (await owner.held(show.id, ['A5'])).id;
  const [bought, toExchange] = [await paid('B1', 'B2'), await paid('C1')];
  const [toGive, toAdmit] = [await paid('D1'), await paid('D5')];
  const codes = new TicketCodes(testSecrets.TICKET_SIGNING_KEY);
  const made = async (path: string, body: unknown): Promise<string> =>
    (await admin.post<{ readonly id: string }>(path, body)).body.id;
  // Nothing listens there, and nothing may be asked there.
  const url = 'https://localhost:9/';
  const endpoint = await made('/admin/webhook-endpoints', { url });
  const window = { from: inHours(-2), to: inHours(-1), dryRun: true };
  const reconciliation = await made('/admin/reconciliations', window);
  const seats = { showId: show.id, seatIds: ['E1'] };
  const blocked = { seatIds: ['E10'], reason: 'camera' };
  const ofBooking = (id: string, call = '', body?: unknown) => ({
    path: `/bookings/${id}${call}`,
    ...(body !== undefined && { body }),
    headers: { 'Idempotency-Key': newKey() },
  });
  const forged = { 'X-Signature': `t=1,v1=${'0'.repeat(64)}` };
  return {
    createGuest: () => ({ path: '/auth/guest', body: { email: 'asha@example.org' } }),
    claimAccount: async () => {
      const { userId } = await newGuest(apiUrl);
      const token = codes.printInvitation({ userId: userId!, expiresAtMs: Date.now() + HOUR_MS });
      return { path: '/auth/claim', body: { token } };
    },
    getMe: () => ({ path: '/users/me' }),
    changeMe: () => ({ path: '/users/me', body: { locale: 'hi' } }),

    listCities: () => ({ path: '/cities' }),
    listTheatres: () => ({ path: '/theatres?near=19.07,72.88' }),
    getTheatre: () => ({ path: `/theatres/${show.theatreId}` }),
    listMovies: () => ({ path: '/movies?q=film' }),
    getMovie: () => ({ path: `/movies/${show.movieId}` }),
    listShows: () => ({ path: '/shows' }),
    getShow: () => ({ path: `/shows/${show.id}` }),
    getSeatingPlan: () => ({ path: `/seating-plans/${show.seatingPlanId}` }),
    getSeatMap: () => ({ path: `/shows/${show.id}/seats` }),
    streamSeatMap: () => ({ path: `/shows/${show.id}/seats/stream` }),

    createQuote: () => ({ path: '/quotes', body: seats }),
    createBooking: () => ({ path: '/bookings', body: seats, headers: { 'Idempotency-Key': newKey() } }),
    listBookings: () => ({ path: '/bookings' }),
    getBooking: () => ofBooking(bought),
    quoteCancellation: () => ofBooking(bought, '/cancellation-quote'),
    getPayment: () => ofBooking(bought, '/payment'),
    getTicket: () => ofBooking(bought, '/ticket'),
    changeSeats: () => ofBooking(held, '', { seatIds: ['A1', 'A2'] }),
    extendBooking: () => ofBooking(held, '/extend', {}),
    payBooking: () => ofBooking(held, '/payment', { method: 'card', token: 'tok_declined' }),
    releaseBooking: () => ofBooking(toRelease),
    cancelSeats: () => ofBooking(bought, '/cancellations', { seatIds: ['B1'] }),
    exchangeBooking: () => ofBooking(toExchange, '/exchange', { showId: show.id, seatIds: ['C5'], token: 'tok_ok' }),
    transferBooking: () => ofBooking(toGive, '/transfer', { email: 'ravi@example.org' }),

    receiveWebhook: () => ({ path: '/webhooks/payments/simulator', body: {}, headers: forged }),
    verifyTicket: () => ({
      path: '/tickets/verify',
      body: { code: codes.print({ bookingId: toAdmit, ticketVersion: 1 }) },
    }),

    importSeatingPlan: () => ({ path: '/admin/seating-plans', body: smallPlan }),
    createTheatre: () => ({ path: '/admin/theatres', body: { cityId: show.cityId, name: 'Studio' } }),
    changeTheatre: () => ({
      path: `/admin/theatres/${show.theatreId}`,
      body: { cancellationPolicy: null },
      headers: { 'If-Match': '*' },
    }),
    createScreen: () => ({ path: '/admin/screens', body: { theatreId: show.theatreId, name: newKey() } }),
    createMovie: () => ({ path: '/admin/movies', body: { title: 'The General' } }),
    createShow: () => ({
      path: '/admin/shows',
      body: {
        ...{ movieId: show.movieId, screenId: show.screenId, seatingPlanId: show.seatingPlanId },
        ...{ startsAt: inHours(100), endsAt: inHours(102), language: 'en', format: '2D', allowOverlap: true },
        categories: show.categories,
      },
    }),
    changeShow: () => ({
      path: `/admin/shows/${show.id}`,
      body: { salesCloseAt: inHours(40) },
      headers: { 'If-Match': '*' },
    }),
    cancelShow: () => ({ path: `/admin/shows/${toCancel.id}/cancel`, body: { reason: 'The projector is broken' } }),
    getShowCancellation: () => ({ path: `/admin/shows/${toCancel.id}/cancellation` }),
    blockSeats: () => ({ path: `/admin/shows/${show.id}/blocks`, body: blocked }),
    unblockSeats: () => ({ path: `/admin/shows/${show.id}/unblocks`, body: blocked }),

    listParkedDeliveries: () => ({ path: '/admin/outbox/parked' }),
    resendParkedDelivery: () => ({ path: '/admin/outbox/parked/prk_1/resend' }),
    createWebhookEndpoint: () => ({ path: '/admin/webhook-endpoints', body: { url } }),
    listWebhookEndpoints: () => ({ path: '/admin/webhook-endpoints' }),
    changeWebhookEndpoint: () => ({ path: `/admin/webhook-endpoints/${endpoint}`, body: { enabled: true } }),
    testWebhookEndpoint: () => ({ path: `/admin/webhook-endpoints/${endpoint}/test` }),
    deleteWebhookEndpoint: () => ({ path: `/admin/webhook-endpoints/${endpoint}` }),
    startReconciliation: () => ({ path: '/admin/reconciliations', body: window }),
    getReconciliation: () => ({ path: `/admin/reconciliations/${reconciliation}` }),
    listReconciliationFindings: () => ({ path: `/admin/reconciliations/${reconciliation}/findings` }),
  };
}

export const smallPlan = {
  name: 'Studio',
  size: { width: 100, height: 60 },
  categories: [{ name: 'Standard' }],
  zones: [
    {
      name: 'Floor',
      position: { x: 0, y: 0 },
      rows: [
        {
          row_number: 'A',
          position: { x: 10, y: 20 },
          seats: [1, 2, 3, 4].map((seat) => ({
            seat_guid: `A${seat}`,
            seat_number: String(seat),
            position: { x: seat * 10, y: 0 },
            category: 'Standard',
          })),
        },
      ],
    },
  ],
};
