import { createHmac } from 'node:crypto';
import type { Money } from '../../src/domain/money.ts';
import { testSecrets } from '../setup/system.ts';
import { ApiClient, newKey } from './http-client.ts';

/** How a webhook is sent, where it differs from a provider's own: signed with the tests' secret, just now. */
export interface Sent {
  readonly secret?: string;
  readonly atSeconds?: number;
  readonly signature?: string | null;
  readonly provider?: string;
}

export const nowSeconds = (): number => Math.floor(Date.now() / 1_000);

export function deliverWebhook(
  apiUrl: string,
  event: unknown,
  { secret = testSecrets.PAYMENT_WEBHOOK_SECRET, ...sent }: Sent = {},
) {
  const body = typeof event === 'string' ? event : JSON.stringify(event);
  const at = sent.atSeconds ?? nowSeconds();
  const mac = createHmac('sha256', secret).update(`${at}.${body}`).digest('hex');
  const signature = sent.signature === undefined ? `t=${at},v1=${mac}` : sent.signature;
  const headers: Record<string, string> = signature === null ? {} : { 'X-Signature': signature };
  return new ApiClient(apiUrl).post(`/webhooks/payments/${sent.provider ?? 'simulator'}`, body, { headers });
}

export const paymentSucceeded = (bookingId: string, attemptId: string, amount: Money) => ({
  id: `evt_${newKey()}`,
  type: 'payment.succeeded',
  bookingId,
  attemptId,
  amount,
  at: new Date().toISOString(),
});
