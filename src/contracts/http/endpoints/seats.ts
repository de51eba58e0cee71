import { z } from 'zod';
import { defineEndpoint } from '../endpoint.ts';
import { seatingPlanSchema, seatMapChangeSchema, seatMapSchema } from '../seats.ts';
import { id, open } from './parts.ts';

export const seatEndpoints = {
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
