import type { ChargeRequest, RefundRequest } from '../../src/contracts/payments.ts';
import { newId } from '../../src/platform/ids.ts';

export const chargeRequest = (changes: Partial<ChargeRequest> = {}): ChargeRequest => ({
  attemptId: newId('pay'),
  bookingId: 'bkg_1',
  amount: { amount: 125_000, currency: 'INR' },
  method: 'card',
  token: 'tok_ok',
  ...changes,
});

export const refundRequest = (charge: ChargeRequest, provider: string, providerReference: string): RefundRequest => ({
  refundId: newId('ref'),
  attemptId: charge.attemptId,
  bookingId: charge.bookingId,
  provider,
  providerReference,
  amount: charge.amount,
});
