import Stripe from 'stripe';
import { verifyStripeWebhook } from '../../src/gateways/stripe-webhook.ts';
import { signedEvent, webhookSecret } from './scripted-stripe.ts';

const intent = {
  id: 'pi_1',
  object: 'payment_intent',
  status: 'succeeded',
  amount: 125_000,
  amount_received: 125_000,
  currency: 'inr',
  metadata: { bookingId: 'bkg_1', attemptId: 'pay_1' },
  last_payment_error: null,
  next_action: null,
};
const refund = {
  id: 're_1',
  object: 'refund',
  status: 'succeeded',
  amount: 50_000,
  currency: 'inr',
  metadata: { bookingId: 'bkg_1', attemptId: 'pay_1', refundId: 'ref_1' },
};
const nowMs = Date.now();

const verify = (body: string, signature: string | undefined, atMs = nowMs, secret = webhookSecret) =>
  verifyStripeWebhook(secret, signature, Buffer.from(body), atMs);
function verifyEvent(type: string, object: unknown) {
  const { body, signature } = signedEvent(type, object);
  return verify(body, signature);
}
const signedAt = (payload: string, seconds: number, secret = webhookSecret) =>
  Stripe.webhooks.generateTestHeaderString({ payload, secret, timestamp: seconds });

describe('what is told', () => {
  const common = { provider: 'stripe', bookingId: 'bkg_1', attemptId: 'pay_1' };
  const payment = { ...common, amount: { amount: 125_000, currency: 'INR' }, providerReference: 'pi_1' };

  it('a payment intent that succeeded, with what was received', () => {
    expect(verifyEvent('payment_intent.succeeded', { ...intent, amount_received: 120_000 })).toMatchObject({
      ok: true,
      event: {
        kind: 'payment',
        notification: { ...payment, outcome: 'succeeded', amount: { amount: 120_000, currency: 'INR' } },
      },
    });
  });

  it.each([
    [{ code: 'card_declined', decline_code: 'insufficient_funds', type: 'card_error' }, 'insufficient_funds'],
    [
      { code: 'payment_intent_authentication_failure', type: 'invalid_request_error' },
      'payment_intent_authentication_failure',
    ],
    [null, 'declined'],
  ])('one that failed, and why: %j', (error, reason) => {
    const failed = { ...intent, status: 'requires_payment_method', amount_received: 0, last_payment_error: error };
    expect(verifyEvent('payment_intent.payment_failed', failed)).toMatchObject({
      event: { kind: 'payment', notification: { ...payment, outcome: 'failed', reason } },
    });
  });

  it('one that was cancelled', () => {
    expect(verifyEvent('payment_intent.canceled', { ...intent, status: 'canceled', amount_received: 0 })).toMatchObject(
      {
        event: { kind: 'payment', notification: { ...payment, outcome: 'failed', reason: 'canceled' } },
      },
    );
  });

  it.each([
    ['refund.created', 'succeeded', 'succeeded'],
    ['refund.updated', 'succeeded', 'succeeded'],
    ['refund.updated', 'canceled', 'failed'],
    ['refund.failed', 'failed', 'failed'],
    ['charge.refund.updated', 'failed', 'failed'],
  ])('%s of a refund that is %s', (type, status, outcome) => {
    const ended = { ...refund, status, failure_reason: 'lost_or_stolen_card' };
    expect(verifyEvent(type, ended)).toMatchObject({
      event: {
        kind: 'refund',
        notification: {
          ...common,
          refundId: 'ref_1',
          providerReference: 're_1',
          amount: { amount: 50_000, currency: 'INR' },
          outcome,
          ...(outcome === 'failed' && { reason: 'lost_or_stolen_card' }),
        },
      },
    });
  });

  it.each<[string, string, unknown]>([
    ['a payment that is under way', 'payment_intent.processing', intent],
    ['a charge that was given back: its refunds tell it', 'charge.refunded', { id: 'ch_1', object: 'charge' }],
    ['a kind of news that nobody knows yet', 'payment_intent.levitated', intent],
    ['a payment that somebody else has made', 'payment_intent.succeeded', { ...intent, metadata: {} }],
    ['a payment of a currency that is none', 'payment_intent.succeeded', { ...intent, currency: '' }],
    ['a payment that is none', 'payment_intent.succeeded', 'nonsense'],
    ['a refund by hand', 'refund.created', { ...refund, metadata: {} }],
    ['a refund that is under way', 'refund.created', { ...refund, status: 'pending' }],
    [
      'ids that cannot be kept',
      'payment_intent.succeeded',
      { ...intent, metadata: { ...intent.metadata, attemptId: 'a\0' } },
    ],
  ])('nothing, but it is believed: %s', (_what, type, object) => {
    expect(verifyEvent(type, object)).toMatchObject({ ok: true, event: { kind: 'other', notice: { type } } });
  });
});

describe('what is not believed', () => {
  const { body, signature } = signedEvent('payment_intent.succeeded', intent);
  const seconds = Math.floor(nowMs / 1_000);

  it.each<[string, string | undefined, string]>([
    ['no signature', undefined, 'signature_missing'],
    ['an empty one', '', 'signature_missing'],
    ['one without a time', signature.replace(/^t=\d+,/, ''), 'signature_malformed'],
    ['one without a mac', signature.split(',')[0]!, 'signature_malformed'],
    ['one of an older scheme', signature.replace('v1=', 'v0='), 'signature_malformed'],
    ['nonsense', 'nonsense', 'signature_malformed'],
    ['another mac', `t=${seconds},v1=${'0'.repeat(64)}`, 'signature_mismatch'],
    ['the mac of another time', signature.replace(/t=\d+/, `t=${seconds + 1}`), 'signature_mismatch'],
    ['that of another endpoint', signedAt(body, seconds, 'whsec_of_somebody_else_0123'), 'signature_mismatch'],
  ])('%s', (_what, header, reason) => {
    expect(verify(body, header)).toEqual({ ok: false, reason });
  });

  it('a body that differs in its last byte', () => {
    expect(verify(`${body} `, signature)).toEqual({ ok: false, reason: 'signature_mismatch' });
    expect(verify(body.replace('125000', '125001'), signature)).toEqual({ ok: false, reason: 'signature_mismatch' });
  });

  it('one of more than 300 s ago, or ahead', () => {
    const header = signedAt(body, seconds);
    for (const atMs of [seconds * 1_000 - 300_000, seconds * 1_000 + 300_000]) {
      expect(verify(body, header, atMs).ok).toBe(true);
    }
    for (const atMs of [seconds * 1_000 - 301_000, seconds * 1_000 + 301_000]) {
      expect(verify(body, header, atMs)).toEqual({ ok: false, reason: 'outside_tolerance' });
    }
  });

  it('a signed body that makes no sense', () => {
    for (const nonsense of ['nonsense', '[]', '{"id":"evt_1"}']) {
      expect(verify(nonsense, signedAt(nonsense, seconds))).toEqual({ ok: false, reason: 'body_invalid' });
    }
  });

  it('but one of several signatures is enough, while the secret is being changed', () => {
    const both = `${signature},v1=${'0'.repeat(64)}`;
    expect(verify(body, both).ok).toBe(true);
  });
});
