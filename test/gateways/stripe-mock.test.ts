import type { ClosableGateway } from '../../src/gateways/payment-gateway.ts';
import type { ProviderReferences } from '../../src/gateways/provider-references.ts';
import { createStripeGateway } from '../../src/gateways/stripe-gateway.ts';
import { createLogger } from '../../src/platform/logger.ts';
import { chargeRequest, refundRequest } from './charge-requests.ts';
import { obtainStripeMock, type RunningStripeMock, startStripeMock } from './stripe-mock.ts';

const found = await obtainStripeMock(createLogger('stripe-mock'));
/** It takes Go, and a module proxy at its first time: the scripted Stripe is there without. */
const whereThere = 'file' in found ? describe : describe.skip;

/** Every call that the gateway makes, by the description that Stripe publishes of its API, for the version it asks for. */
whereThere('the calls of the gateway are such as Stripe takes', () => {
  let stripe: RunningStripeMock;
  let gateway: ClosableGateway;
  let kept: Map<string, string>;

  beforeAll(async () => {
    stripe = await startStripeMock('file' in found ? found.file : '');
  }, 20_000);
  beforeEach(() => {
    kept = new Map();
    const references: ProviderReferences = {
      find: (key) => Promise.resolve(kept.get(key) ?? null),
      keep: (key, reference) => {
        const isNew = !kept.has(key);
        if (isNew) kept.set(key, reference);
        return Promise.resolve({ reference: kept.get(key)!, isNew });
      },
    };
    const returnUrl = 'https://seats.example/paid';
    gateway = createStripeGateway({
      secretKey: 'sk_test_123',
      apiUrl: stripe.url,
      returnUrl,
      references,
      timeoutMs: 10_000,
    });
  });
  afterEach(() => gateway.close());
  afterAll(() => stripe.stop());

  it.each(['card', 'upi', 'netbanking', 'wallet'] as const)('a charge by %s', async (method) => {
    const asked = chargeRequest({ method, token: 'pm_card_visa' });
    const outcome = await gateway.charge(asked, 10_000);
    expect(kept.get(asked.attemptId)).toMatch(/^pi_/);
    // Its intents are always such as one that a bank has refused.
    expect(outcome).toMatchObject({ status: 'declined', provider: 'stripe' });
  });

  it('a confirmation token', async () => {
    const outcome = await gateway.charge(chargeRequest({ token: 'ctoken_1NnQUf2eZvKYlo2CIObdtbnb' }), 10_000);
    expect(outcome.status).toBe('declined');
  });

  it.each(['amount=much&currency=inr', 'amount=1&currency=inr&payment_methods[0]=card', 'amount=1'])(
    'and it takes no other: %s',
    async (body) => {
      const headers = { authorization: 'Bearer sk_test_123', 'content-type': 'application/x-www-form-urlencoded' };
      const answer = await fetch(`${stripe.url}/v1/payment_intents`, { method: 'POST', headers, body });
      expect(answer.status).toBe(400);
    },
  );

  it('finding and voiding', async () => {
    kept.set('pay_1', 'pi_1DoSqs2eZvKYlo2C');
    expect((await gateway.findCharge('pay_1')).status).toBe('declined');
    // A cancelled intent is not what it answers, which has no state.
    expect(await gateway.voidCharge('pay_1')).toMatchObject({ status: 'unknown', reason: 'unreadable_answer' });
  });

  it('a refund, and looking for it', async () => {
    const refund = refundRequest(chargeRequest(), 'stripe', 'pi_1DoSqs2eZvKYlo2C');
    expect(await gateway.refund(refund)).toMatchObject({ status: 'succeeded' });
    expect(await gateway.refund(refund)).toMatchObject({ status: 'succeeded' });
    expect(await gateway.findRefund(refund.refundId)).toEqual({ status: 'not_found' });
  });

  it('the ledger', async () => {
    const page = await gateway.ledger({ fromMs: 0, toMs: 60_000 });
    expect(page).toEqual({ entries: [], nextCursor: null });
  });
});
