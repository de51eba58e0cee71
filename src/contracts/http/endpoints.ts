import { z } from 'zod';
import { PLAN_JSON_BYTES_MAX } from '../../domain/pretix-plan.ts';
import { everyRole, guestRequest, sessionSchema, type Role } from './accounts.ts';
import {
  bookingListQuery,
  bookingPage,
  bookingRequest,
  bookingSchema,
  emptyBody,
  paymentRequest,
  paymentSchema,
  pendingBookingSchema,
  priceSchema,
  quoteRequest,
  seatChangeRequest,
} from './bookings.ts';
import {
  cityListQuery,
  cityPage,
  movieListQuery,
  moviePage,
  movieSchema,
  screenSchema,
  showListQuery,
  showPage,
  showSchema,
  theatreDetailSchema,
  theatreListQuery,
  theatrePage,
  theatreSchema,
} from './catalogue.ts';
import { defineEndpoint, type Endpoint } from './endpoint.ts';
import { webhookReceipt } from './operations.ts';
import { pathId } from './primitives.ts';
import { seatingPlanSchema, seatMapChangeSchema, seatMapSchema } from './seats.ts';
import { ticketCheckRequest, ticketCheckSchema, ticketSchema } from './tickets.ts';
import {
  blockAnswer,
  blockRequest,
  newMovie,
  newScreen,
  newShow,
  newTheatre,
  pretixPlan,
  showCancellation,
  showCancellationState,
  showMove,
} from './staff.ts';

export const BASE_PATH = '/api/v1';
/** Larger bodies are refused. The largest that a buyer needs, a hundred seats by name, has 9 KB. */
export const BODY_LIMIT_BYTES = 256 * 1024;

const venueStaff: readonly Role[] = ['theatre_owner', 'admin'];
const doorStaff: readonly Role[] = ['theatre_owner', 'support', 'admin'];
/** Strong, and of what staff decides alone: for `If-Match`. */
const showTag = { ETag: 'Of the show as staff has made it, for If-Match' };
const createdAt = { Location: 'Path of the new resource' };
const id = (prefix: string) => z.strictObject({ id: pathId(prefix) });
const open = { access: 'anyone', idempotencyKey: 'none' } as const;
const buyer = { tag: 'Bookings', access: everyRole } as const;
const staff = { tag: 'Staff', access: venueStaff, idempotencyKey: 'accepted' } as const;

const accounts = {
  createGuest: defineEndpoint({
    operationId: 'createGuest',
    method: 'post',
    path: '/auth/guest',
    tag: 'Accounts',
    summary: 'A new guest with an access token',
    access: 'anyone',
    idempotencyKey: 'accepted',
    body: guestRequest,
    answers: { 201: { description: 'The guest and the tokens', schema: sessionSchema } },
    errors: ['IDEMPOTENCY_KEY_REUSED'],
  }),
};

const catalogue = {
  listCities: defineEndpoint({
    ...open,
    operationId: 'listCities',
    method: 'get',
    path: '/cities',
    tag: 'Catalogue',
    summary: 'Cities with theatres',
    query: cityListQuery,
    answers: { 200: { description: 'A page of cities', schema: cityPage } },
    errors: [],
  }),
  listTheatres: defineEndpoint({
    ...open,
    operationId: 'listTheatres',
    method: 'get',
    path: '/theatres',
    tag: 'Catalogue',
    summary: 'Theatres',
    query: theatreListQuery,
    answers: { 200: { description: 'A page of theatres', schema: theatrePage } },
    errors: [],
  }),
  getTheatre: defineEndpoint({
    ...open,
    operationId: 'getTheatre',
    method: 'get',
    path: '/theatres/{id}',
    tag: 'Catalogue',
    summary: 'A theatre with its screens',
    params: id('thr'),
    answers: { 200: { description: 'The theatre', schema: theatreDetailSchema } },
    errors: ['NOT_FOUND'],
  }),
  listMovies: defineEndpoint({
    ...open,
    operationId: 'listMovies',
    method: 'get',
    path: '/movies',
    tag: 'Catalogue',
    summary: 'Movies',
    query: movieListQuery,
    answers: { 200: { description: 'A page of movies', schema: moviePage } },
    errors: [],
  }),
  getMovie: defineEndpoint({
    ...open,
    operationId: 'getMovie',
    method: 'get',
    path: '/movies/{id}',
    tag: 'Catalogue',
    summary: 'A movie',
    params: id('mov'),
    answers: { 200: { description: 'The movie', schema: movieSchema } },
    errors: ['NOT_FOUND'],
  }),
  listShows: defineEndpoint({
    ...open,
    operationId: 'listShows',
    method: 'get',
    path: '/shows',
    tag: 'Catalogue',
    summary: 'Shows in the order of their start',
    query: showListQuery,
    answers: { 200: { description: 'A page of shows', schema: showPage } },
    errors: [],
  }),
  getShow: defineEndpoint({
    ...open,
    operationId: 'getShow',
    method: 'get',
    path: '/shows/{id}',
    tag: 'Catalogue',
    summary: 'A show with its prices and how many seats are left',
    params: id('shw'),
    answers: { 200: { description: 'The show', schema: showSchema, headers: showTag } },
    errors: ['NOT_FOUND'],
  }),
};

const seats = {
  getSeatingPlan: defineEndpoint({
    ...open,
    operationId: 'getSeatingPlan',
    method: 'get',
    path: '/seating-plans/{id}',
    tag: 'Seats',
    summary: 'A seating plan; it never changes',
    params: id('pln'),
    answers: {
      200: { description: 'The plan', schema: seatingPlanSchema },
      304: { description: 'As the client has it' },
    },
    errors: ['NOT_FOUND'],
  }),
  getSeatMap: defineEndpoint({
    ...open,
    operationId: 'getSeatMap',
    method: 'get',
    path: '/shows/{id}/seats',
    tag: 'Seats',
    summary: 'Which seats of a show are taken',
    params: id('shw'),
    answers: {
      200: {
        description: 'The seat map',
        schema: seatMapSchema,
        headers: { ETag: 'Of this version in this encoding; strong' },
      },
      304: { description: 'As the client has it' },
    },
    errors: ['NOT_FOUND'],
  }),
  streamSeatMap: defineEndpoint({
    ...open,
    operationId: 'streamSeatMap',
    method: 'get',
    path: '/shows/{id}/seats/stream',
    tag: 'Seats',
    summary: 'The seat map as it changes, as server-sent events; resumes from `Last-Event-ID`',
    params: id('shw'),
    answers: {
      200: {
        description:
          '`event: snapshot`, its data a SeatMap, then `event: change`, its data a SeatMapChange. ' +
          'Who has missed more than is still known gets a snapshot again. Comments are heartbeats.',
        schema: z.union([seatMapSchema, seatMapChangeSchema]),
        contentType: 'text/event-stream',
      },
    },
    errors: ['NOT_FOUND'],
  }),
};

const holdErrors = [
  'UNKNOWN_SEAT',
  'NOT_FOUND',
  'SEAT_UNAVAILABLE',
  'SOLD_OUT',
  'SALES_CLOSED',
  'ORPHAN_SEAT',
  'TOO_MANY_SEATS',
  'DUPLICATE_SEAT',
  'NO_ADJACENT_SEATS',
] as const;

const bookings = {
  createQuote: defineEndpoint({
    operationId: 'createQuote',
    method: 'post',
    path: '/quotes',
    tag: 'Bookings',
    summary: 'What seats would cost; nothing is held',
    access: 'anyone',
    idempotencyKey: 'accepted',
    body: quoteRequest,
    answers: { 200: { description: 'The price', schema: priceSchema } },
    errors: ['UNKNOWN_SEAT', 'NOT_FOUND', 'SOLD_OUT', 'TOO_MANY_SEATS', 'DUPLICATE_SEAT', 'NO_ADJACENT_SEATS'],
  }),
  createBooking: defineEndpoint({
    ...buyer,
    operationId: 'createBooking',
    method: 'post',
    path: '/bookings',
    summary: 'Holds seats, all or none',
    idempotencyKey: 'required',
    body: bookingRequest,
    answers: { 201: { description: 'The booking, HELD', schema: bookingSchema, headers: createdAt } },
    errors: [...holdErrors, 'IDEMPOTENCY_KEY_REUSED', 'ADMISSION_REQUIRED'],
  }),
  listBookings: defineEndpoint({
    ...buyer,
    operationId: 'listBookings',
    method: 'get',
    path: '/bookings',
    summary: "The caller's bookings, newest first",
    idempotencyKey: 'none',
    query: bookingListQuery,
    answers: { 200: { description: 'A page of bookings', schema: bookingPage } },
    errors: [],
  }),
  getBooking: defineEndpoint({
    ...buyer,
    operationId: 'getBooking',
    method: 'get',
    path: '/bookings/{id}',
    summary: 'A booking of the caller',
    idempotencyKey: 'none',
    params: id('bkg'),
    answers: { 200: { description: 'The booking', schema: bookingSchema } },
    errors: ['NOT_FOUND'],
  }),
  changeSeats: defineEndpoint({
    ...buyer,
    operationId: 'changeSeats',
    method: 'patch',
    path: '/bookings/{id}',
    summary: 'The hold now has exactly these seats, all or none; its expiry stays',
    idempotencyKey: 'none',
    params: id('bkg'),
    body: seatChangeRequest,
    answers: { 200: { description: 'The booking', schema: bookingSchema } },
    errors: [
      'NOT_FOUND',
      'UNKNOWN_SEAT',
      'SEAT_UNAVAILABLE',
      'SALES_CLOSED',
      'BOOKING_STATE',
      'CHANGE_IN_PROGRESS',
      'HOLD_EXPIRED',
      'ORPHAN_SEAT',
      'TOO_MANY_SEATS',
      'DUPLICATE_SEAT',
    ],
  }),
  releaseBooking: defineEndpoint({
    ...buyer,
    operationId: 'releaseBooking',
    method: 'delete',
    path: '/bookings/{id}',
    summary: 'Gives a hold back',
    idempotencyKey: 'none',
    params: id('bkg'),
    answers: { 200: { description: 'The booking, RELEASED', schema: bookingSchema } },
    errors: ['NOT_FOUND', 'BOOKING_STATE', 'HOLD_EXPIRED', 'NOT_CANCELLABLE'],
  }),
  extendBooking: defineEndpoint({
    ...buyer,
    operationId: 'extendBooking',
    method: 'post',
    path: '/bookings/{id}/extend',
    summary: 'More time for a hold',
    idempotencyKey: 'accepted',
    params: id('bkg'),
    body: emptyBody,
    answers: { 200: { description: 'The booking with its later expiry', schema: bookingSchema } },
    errors: ['NOT_FOUND', 'EXTENSION_LIMIT', 'BOOKING_STATE', 'HOLD_EXPIRED', 'IDEMPOTENCY_KEY_REUSED'],
  }),
  payBooking: defineEndpoint({
    ...buyer,
    operationId: 'payBooking',
    method: 'post',
    path: '/bookings/{id}/payment',
    tag: 'Payments',
    summary: 'Pays a hold',
    idempotencyKey: 'required',
    params: id('bkg'),
    body: paymentRequest,
    answers: {
      200: { description: 'The booking, CONFIRMED', schema: bookingSchema },
      202: {
        description: 'The booking, PAYMENT_PENDING: it is not known yet',
        schema: pendingBookingSchema,
        headers: { Location: 'Path of the payment' },
      },
    },
    errors: [
      'NOT_FOUND',
      'PAYMENT_DECLINED',
      'BOOKING_STATE',
      'HOLD_EXPIRED',
      'IDEMPOTENCY_KEY_REUSED',
      'GATEWAY_ERROR',
      'PAYMENT_UNAVAILABLE',
    ],
  }),
  getPayment: defineEndpoint({
    ...buyer,
    operationId: 'getPayment',
    method: 'get',
    path: '/bookings/{id}/payment',
    tag: 'Payments',
    summary: 'Attempts to pay a booking, and refunds',
    idempotencyKey: 'none',
    params: id('bkg'),
    answers: { 200: { description: 'The payment', schema: paymentSchema } },
    errors: ['NOT_FOUND'],
  }),
};

const payments = {
  receiveWebhook: defineEndpoint({
    ...open,
    operationId: 'receiveWebhook',
    method: 'post',
    path: '/webhooks/payments/{provider}',
    tag: 'Payments',
    summary: "A payment provider's notice, signed",
    params: z.strictObject({ provider: z.string().regex(/^[a-z][a-z0-9-]{0,31}$/) }),
    body: 'raw',
    answers: { 200: { description: 'Durably accepted, or without effect', schema: webhookReceipt } },
    errors: ['SIGNATURE_INVALID', 'NOT_FOUND'],
  }),
};

const staffCalls = {
  importSeatingPlan: defineEndpoint({
    ...staff,
    operationId: 'importSeatingPlan',
    method: 'post',
    path: '/admin/seating-plans',
    summary: 'Imports a pretix seating plan',
    body: pretixPlan,
    // A plan of 10,000 seats has more than 256 KiB; only staff may send one.
    bodyLimit: PLAN_JSON_BYTES_MAX,
    answers: { 201: { description: 'The plan', schema: seatingPlanSchema, headers: createdAt } },
    errors: ['PLAN_INVALID', 'IDEMPOTENCY_KEY_REUSED'],
  }),
  createTheatre: defineEndpoint({
    ...staff,
    operationId: 'createTheatre',
    method: 'post',
    path: '/admin/theatres',
    summary: 'A new theatre',
    body: newTheatre,
    answers: { 201: { description: 'The theatre', schema: theatreSchema, headers: createdAt } },
    errors: ['NOT_FOUND', 'IDEMPOTENCY_KEY_REUSED'],
  }),
  createScreen: defineEndpoint({
    ...staff,
    operationId: 'createScreen',
    method: 'post',
    path: '/admin/screens',
    summary: 'A new screen of a theatre',
    body: newScreen,
    answers: { 201: { description: 'The screen', schema: screenSchema } },
    errors: ['NOT_FOUND', 'IDEMPOTENCY_KEY_REUSED'],
  }),
  createMovie: defineEndpoint({
    ...staff,
    operationId: 'createMovie',
    method: 'post',
    path: '/admin/movies',
    summary: 'A new movie',
    body: newMovie,
    answers: { 201: { description: 'The movie', schema: movieSchema, headers: createdAt } },
    errors: ['IDEMPOTENCY_KEY_REUSED'],
  }),
  createShow: defineEndpoint({
    ...staff,
    operationId: 'createShow',
    method: 'post',
    path: '/admin/shows',
    summary: 'A new show; it goes on sale by itself',
    body: newShow,
    answers: { 201: { description: 'The show', schema: showSchema, headers: { ...createdAt, ...showTag } } },
    errors: ['NOT_FOUND', 'SHOW_OVERLAP', 'IDEMPOTENCY_KEY_REUSED'],
  }),
  changeShow: defineEndpoint({
    ...staff,
    operationId: 'changeShow',
    method: 'patch',
    path: '/admin/shows/{id}',
    summary: 'Moves a show to another time, or changes when it is sold; its bookings are told. Needs If-Match',
    params: id('shw'),
    body: showMove,
    answers: { 200: { description: 'The show as it is now', schema: showSchema, headers: showTag } },
    errors: [
      'NOT_FOUND',
      'IF_MATCH_REQUIRED',
      'VERSION_MISMATCH',
      'SHOW_OVERLAP',
      'SHOW_STATE',
      'IDEMPOTENCY_KEY_REUSED',
    ],
  }),
  cancelShow: defineEndpoint({
    ...staff,
    operationId: 'cancelShow',
    method: 'post',
    path: '/admin/shows/{id}/cancel',
    summary: 'Cancels a show for good: sales stop, and every buyer gets all the money back',
    params: id('shw'),
    body: showCancellation,
    answers: {
      202: {
        description: 'The show is cancelled; the refunds are under way',
        schema: showCancellationState,
        headers: { Location: 'Path of the progress' },
      },
    },
    errors: ['NOT_FOUND', 'SHOW_STATE', 'IDEMPOTENCY_KEY_REUSED'],
  }),
  getShowCancellation: defineEndpoint({
    ...staff,
    idempotencyKey: 'none',
    operationId: 'getShowCancellation',
    method: 'get',
    path: '/admin/shows/{id}/cancellation',
    summary: 'How far the refunds of a cancelled show have come',
    params: id('shw'),
    answers: { 200: { description: 'The progress', schema: showCancellationState } },
    errors: ['NOT_FOUND'],
  }),
  blockSeats: defineEndpoint({
    ...staff,
    operationId: 'blockSeats',
    method: 'post',
    path: '/admin/shows/{id}/blocks',
    summary: 'Takes seats off sale, all or none',
    params: id('shw'),
    body: blockRequest,
    answers: { 200: { description: 'The seats are blocked', schema: blockAnswer } },
    errors: [
      'NOT_FOUND',
      'UNKNOWN_SEAT',
      'DUPLICATE_SEAT',
      'SEAT_UNAVAILABLE',
      'SALES_CLOSED',
      'IDEMPOTENCY_KEY_REUSED',
    ],
  }),
  unblockSeats: defineEndpoint({
    ...staff,
    operationId: 'unblockSeats',
    method: 'post',
    path: '/admin/shows/{id}/unblocks',
    summary: 'Puts blocked seats back on sale',
    params: id('shw'),
    body: blockRequest,
    answers: { 200: { description: 'None of the seats is blocked', schema: blockAnswer } },
    errors: ['NOT_FOUND', 'UNKNOWN_SEAT', 'DUPLICATE_SEAT', 'SALES_CLOSED', 'IDEMPOTENCY_KEY_REUSED'],
  }),
};

const tickets = {
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

/** Every call of the contract that exists, by operation. */
export const endpoints = { ...bookings, ...seats, ...catalogue, ...accounts, ...payments, ...tickets, ...staffCalls };

export const everyEndpoint: readonly Endpoint[] = Object.values(endpoints);
