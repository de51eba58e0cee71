import { z } from 'zod';

export const readiness = z
  .object({
    status: z.enum(['ready', 'not_ready']),
    missing: z.array(z.enum(['postgres', 'temporal'])).meta({ description: 'Dependencies that do not answer' }),
  })
  .meta({ id: 'Readiness' });
export const liveness = z.object({ status: z.literal('live') }).meta({ id: 'Liveness' });
/** The webhook's body belongs to the provider: read raw, and only after its signature was verified. */
export const webhookReceipt = z.object({ received: z.literal(true) }).meta({ id: 'WebhookReceipt' });

export type Readiness = z.infer<typeof readiness>;
