import { z } from 'zod';
import { defineEndpoint } from '../endpoint.ts';
import { webhookReceipt } from '../operations.ts';
import { open } from './parts.ts';

export const paymentEndpoints = {
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
