import { PLAN_JSON_BYTES_MAX } from '../../../domain/pretix-plan.ts';
import type { Role } from '../accounts.ts';
import { movieSchema, screenSchema, showSchema, theatreDetailSchema, theatreSchema } from '../catalogue.ts';
import { defineEndpoint } from '../endpoint.ts';
import { seatingPlanSchema } from '../seats.ts';
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
  theatreChange,
} from '../staff.ts';
import { createdAt, id, showTag, theatreTag } from './parts.ts';

const venueStaff: readonly Role[] = ['theatre_owner', 'admin'];
const staff = { tag: 'Staff', access: venueStaff, idempotencyKey: 'accepted' } as const;
/** What moves money or tickets that are sold: no account says yet which theatre its owner has. */
const head = { ...staff, access: ['admin'] } as const;

export const staffEndpoints = {
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
  changeTheatre: defineEndpoint({
    ...head,
    operationId: 'changeTheatre',
    method: 'patch',
    path: '/admin/theatres/{id}',
    summary:
      'Sets what goes back to who cancels a booking of this theatre, for what is bought from then on. Needs If-Match',
    params: id('thr'),
    body: theatreChange,
    answers: { 200: { description: 'The theatre', schema: theatreDetailSchema, headers: theatreTag } },
    errors: ['NOT_FOUND', 'IF_MATCH_REQUIRED', 'VERSION_MISMATCH', 'IDEMPOTENCY_KEY_REUSED'],
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
    ...head,
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
    ...head,
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
