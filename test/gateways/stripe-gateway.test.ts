import { providerCallMs } from '../../src/contracts/payment-time-limits.ts';
import type { ChargeRequest } from '../../src/contracts/payments.ts';
import { createFallbackGateway } from '../../src/gateways/fallback-gateway.ts';
import type { ClosableGateway, PaymentGateway } from '../../src/gateways/payment-gateway.ts';
import type { ProviderReferences } from '../../src/gateways/provider-references.ts';
import { createStripeGateway } from '../../src/gateways/stripe-gateway.ts';
import { newId } from '../../src/platform/ids.ts';
import { findProviderReference, keepProviderReference } from '../../src/read-model/provider-references.ts';
import { useTestDatabase } from '../setup/postgres.ts';
import { chargeRequest, refundRequest } from './charge-requests.ts';
import { untilThere } from './patience.ts';
import { ScriptedStripe, secretKey, type Fault, type Step } from './scripted-stripe.ts';

const database = useTestDatabase();
/** Where an answer is expected, however busy the machine. */
const patientMs = 10_000;
/** A buyer's, which a bank may outlast. */
const hurriedMs = providerCallMs.charge - 1;

let stripe: ScriptedStripe;
let gateway: ClosableGateway;
let refusedCredentials: string[];
const opened: ClosableGateway[] = [];

const onRecord: ProviderReferences = {
  find: (key) => findProviderReference(database.db, { provider: 'stripe', key }),
  keep: (key, reference) => keepProviderReference(database.db, { provider: 'stripe', key, reference }),
};

function gatewayTo(apiUrl: string, options: Partial<Parameters<typeof createStripeGateway>[0]> = {}): ClosableGateway {
  const made = createStripeGateway({
    secretKey,
    apiUrl,
    returnUrl: 'https://seats.example/paid',
    references: onRecord,
    timeoutMs: patientMs,
    circuit: { faultsInARow: 1_000, halfOpenAfterMs: 1 },
    onCredentialsRefused: (reason) => refusedCredentials.push(reason),
    ...options,
  });
  opened.push(made);
  return made;
}

beforeEach(async () => {
  stripe = await ScriptedStripe.start();
  refusedCredentials = [];
  gateway = gatewayTo(stripe.url);
});

afterEach(async () => {
  await Promise.all(opened.splice(0).map((each) => each.close()));
  await stripe.close();
});

const request = (changes: Partial<ChargeRequest> = {}) => chargeRequest({ token: 'pm_card_visa', ...changes });
const charge = (asked: ChargeRequest, timeoutMs = patientMs) => gateway.charge(asked, timeoutMs);
/** Its time is over once Stripe has the call of that step. */
const chargeUntil = (step: Step, asked: ChargeRequest) =>
  untilThere(
    () => expect(stepsOf(asked.attemptId)).toContain(step),
    hurriedMs,
    (timeoutMs) => charge(asked, timeoutMs),
  );
const isSilent = (fault: Fault) => 'does' in fault && /silent/.test(fault.does);
const stepsOf = (attemptId: string) =>
  stripe.calls.filter(({ key }) => key?.startsWith(attemptId)).map(({ step }) => step);
const charged = ({ attemptId }: ChargeRequest) =>
  stripe.charges.filter(({ metadata }) => metadata.attemptId === attemptId).length;

describe('a charge', () => {
  it('is one payment intent of the amount, with our ids on it, confirmed under the key of the attempt', async () => {
    const asked = request();
    const outcome = await charge(asked);
    const intent = stripe.intentOfAttempt(asked.attemptId)!;
    expect(outcome).toEqual({
      status: 'succeeded',
      provider: 'stripe',
      providerReference: intent.id,
      captured: { bookingId: asked.bookingId, amount: asked.amount },
    });
    expect(intent).toMatchObject({ amount: 125_000, currency: 'inr', payment_method_types: ['card'] });
    expect(intent.metadata).toEqual({ bookingId: asked.bookingId, attemptId: asked.attemptId });
    expect(stepsOf(asked.attemptId)).toEqual(['create', 'confirm']);
    expect(await gateway.findCharge(asked.attemptId)).toEqual(outcome);
  });

  it.each([
    ['pm_card_visa_chargeDeclined', 'generic_decline'],
    ['pm_card_visa_chargeDeclinedInsufficientFunds', 'insufficient_funds'],
    ['pm_card_chargeDeclinedExpiredCard', 'expired_card'],
  ])('%s is declined, for the reason of the bank', async (token, reason) => {
    const asked = request({ token });
    const outcome = await charge(asked);
    expect(outcome).toMatchObject({ status: 'declined', provider: 'stripe', reason });
    expect(await gateway.findCharge(asked.attemptId)).toEqual(outcome);
    expect(charged(asked)).toBe(0);
  });

  it('with a payment method that Stripe does not know is declined', async () => {
    const outcome = await charge(request({ token: 'tok_ok' }));
    expect(outcome).toMatchObject({ status: 'declined', reason: 'invalid_token' });
  });

  it.each([
    ['pm_card_threeDSecure2Required', { type: 'redirect', url: expect.stringContaining('hooks.stripe.com') as string }],
    ['pm_upi', { type: 'redirect', url: expect.stringContaining('payments.stripe.com/upi') as string }],
    ['pm_card_awaiting', { type: 'await' }],
    ['pm_processing', { type: 'await' }],
  ])('%s is pending, and says what to do', async (token, nextAction) => {
    const asked = request({ token });
    const outcome = await charge(asked);
    expect(outcome).toMatchObject({ status: 'pending', provider: 'stripe', nextAction });
    expect(await gateway.findCharge(asked.attemptId)).toEqual(outcome);
    stripe.settle(asked.attemptId, 'succeeded');
    expect(await gateway.findCharge(asked.attemptId)).toMatchObject({ status: 'succeeded' });
  });

  it('whose buyer fails at the bank is declined', async () => {
    const asked = request({ token: 'pm_card_threeDSecure2Required' });
    await charge(asked);
    stripe.settle(asked.attemptId, 'failed');
    const reason = 'payment_intent_authentication_failure';
    expect(await gateway.findCharge(asked.attemptId)).toMatchObject({ status: 'declined', reason });
  });

  it('says how it is paid in the words of Stripe, and takes a confirmation token', async () => {
    for (const [method, types] of [
      ['upi', ['upi']],
      ['netbanking', ['netbanking']],
      ['wallet', ['card', 'link']],
    ] as const) {
      const asked = request({ method, token: 'ctoken_1' });
      expect((await charge(asked)).status).toBe('succeeded');
      const { params } = stripe.calls.find(({ key }) => key === `${asked.attemptId}/intent`)!;
      expect(types.map((_, index) => params.get(`allowed_payment_method_types[${index}]`))).toEqual(types);
      expect(stripe.calls.at(-1)!.params.get('return_url')).toBe('https://seats.example/paid');
    }
  });

  it.each([
    [{ amount: 1_500, currency: 'JPY' }, 1_500],
    [{ amount: 1_500, currency: 'ISK' }, 150_000],
    [{ amount: 150_000, currency: 'MGA' }, 1_500],
    [{ amount: 1_230, currency: 'KWD' }, 1_230],
  ])('of %j is one of %i units of Stripe', async (amount, units) => {
    const asked = request({ amount });
    expect(await charge(asked)).toMatchObject({ status: 'succeeded', captured: { amount } });
    expect(stripe.intentOfAttempt(asked.attemptId)!.amount).toBe(units);
  });

  it('of an amount that Stripe has no units for is not begun', async () => {
    for (const amount of [
      { amount: 1_234, currency: 'KWD' },
      { amount: 1_550, currency: 'MGA' },
    ]) {
      expect(await charge(request({ amount }))).toMatchObject({ status: 'failed', reason: 'amount_not_supported' });
    }
    expect(stripe.calls).toEqual([]);
  });
});

describe('called again', () => {
  it.each(['as it was', 'with another payment method'])('%s, it charges once', async (how) => {
    const asked = request();
    const outcome = await charge(asked);
    const token = how === 'as it was' ? asked.token : 'pm_card_visa_other';
    const again = await charge({ ...asked, token });
    expect(again.status).toBe(how === 'as it was' ? 'succeeded' : 'unknown');
    expect(await gateway.findCharge(asked.attemptId)).toEqual(outcome);
    expect(charged(asked)).toBe(1);
  });

  it('twenty at a time, each charges once, and on one intent', async () => {
    const attempts = Array.from({ length: 20 }, () => request());
    await Promise.all(attempts.flatMap((asked) => [charge(asked), charge(asked), charge(asked)]));
    expect(attempts.map(charged)).toEqual(attempts.map(() => 1));
  });

  it('a day later, when Stripe has forgotten its keys, it finds what it has charged, and charges nothing', async () => {
    const asked = request();
    stripe.goesWrong('confirm', { does: 'is done and hangs up' });
    expect((await charge(asked)).status).toBe('unknown');
    stripe.forgetKeys();
    expect(await gateway.findCharge(asked.attemptId)).toMatchObject({ status: 'succeeded' });
    expect(await gateway.voidCharge(asked.attemptId)).toMatchObject({ status: 'succeeded' });
    expect(await charge(asked)).toMatchObject({ status: 'succeeded' });
    expect(charged(asked)).toBe(1);
  });

  it('by several processes whose intents differ, it confirms only the one on record', async () => {
    const asked = request();
    stripe.goesWrong('create', { does: 'is done and hangs up' });
    await charge(asked);
    stripe.forgetKeys();
    expect((await charge(asked)).status).toBe('succeeded');
    expect(stripe.intents.size).toBe(2);
    expect([...stripe.intents.values()].map(({ status }) => status).sort()).toEqual([
      'requires_payment_method',
      'succeeded',
    ]);
  });
});

describe('what goes wrong', () => {
  const notProcessed = (reason: string) => ({ status: 'not_processed', provider: 'stripe', reason });
  const unknown = (reason: string) => ({ status: 'unknown', provider: 'stripe', reason });

  it.each<[string, Fault, object]>([
    ['stays silent', { does: 'stays silent' }, notProcessed('not_taken_up')],
    ['breaks off', { does: 'hangs up' }, notProcessed('not_taken_up')],
    ['is done, its answer lost', { does: 'is done and hangs up' }, notProcessed('not_taken_up')],
    ['is answered with nonsense', { does: 'talks nonsense' }, notProcessed('not_taken_up')],
    ['is answered 500', { error: 'api_error' }, notProcessed('not_taken_up')],
    ['is answered 409', { error: 'key_in_use' }, notProcessed('not_taken_up')],
    ['is answered 429', { error: 'rate_limit' }, notProcessed('too_many_requests')],
    ['is answered 401', { error: 'invalid_api_key' }, notProcessed('credentials_refused')],
    ['is answered 403', { error: 'not_permitted' }, notProcessed('credentials_refused')],
    ['has a key that stands for another amount', { error: 'other_parameters' }, unknown('key_reused')],
    ['asks for too little', { error: 'amount_too_small' }, { status: 'failed', reason: 'amount_too_small' }],
  ])('an intent whose making %s is never charged', async (_what, fault, outcome) => {
    stripe.goesWrong('create', fault);
    const asked = request();
    expect(await (isSilent(fault) ? chargeUntil('create', asked) : charge(asked))).toMatchObject(outcome);
    expect(stepsOf(asked.attemptId)).toEqual(['create']);
    expect((await gateway.findCharge(asked.attemptId)).status).toBe('not_found');
  });

  it.each<[string, Fault, object, charges: number]>([
    ['that stays silent', { does: 'stays silent' }, unknown('slow'), 0],
    ['that is charged, in silence', { does: 'is done and stays silent' }, unknown('slow'), 1],
    ['that breaks off', { does: 'hangs up' }, unknown('connection_lost'), 0],
    ['that is charged, its answer lost', { does: 'is done and hangs up' }, unknown('connection_lost'), 1],
    ['that is answered with nonsense', { does: 'talks nonsense' }, unknown('unreadable_answer'), 0],
    ['that is answered 500', { error: 'api_error' }, unknown('status_500'), 0],
    ['that is answered 503', { error: 'unavailable' }, unknown('status_503'), 0],
    ['while another call has the key', { error: 'key_in_use' }, unknown('busy'), 0],
    ['while something else has the intent', { error: 'lock_timeout' }, unknown('busy'), 0],
    ['whose key stands for another token', { error: 'other_parameters' }, unknown('key_reused'), 0],
    ['that is answered 429', { error: 'rate_limit' }, notProcessed('too_many_requests'), 0],
    ['that is answered 401', { error: 'invalid_api_key' }, notProcessed('credentials_refused'), 0],
    ['of which Stripe says that it makes no sense', { error: 'amount_too_small' }, { status: 'failed' }, 0],
  ])('a confirmation %s', async (_what, fault, outcome, charges) => {
    stripe.goesWrong('confirm', fault);
    const asked = request();
    expect(await (isSilent(fault) ? chargeUntil('confirm', asked) : charge(asked))).toMatchObject(outcome);
    expect(charged(asked)).toBe(charges);
    const found = await gateway.findCharge(asked.attemptId);
    expect(found.status).toBe(charges === 1 ? 'succeeded' : 'not_found');
  });

  it('an operator is told of credentials that Stripe does not take', async () => {
    gateway = gatewayTo(stripe.url, { secretKey: 'sk_test_of_somebody_else' });
    const asked = request();
    expect(await charge(asked)).toMatchObject({ status: 'not_processed', reason: 'credentials_refused' });
    expect(refusedCredentials).toEqual(['invalid_request_error']);
  });

  it('nobody there: not processed, but only a charge may say so', async () => {
    gateway = gatewayTo('http://127.0.0.1:9');
    const asked = request();
    expect(await charge(asked)).toMatchObject({ status: 'not_processed', reason: 'unreachable' });
    await onRecord.keep(asked.attemptId, 'pi_1');
    expect((await gateway.findCharge(asked.attemptId)).status).toBe('unknown');
    expect((await gateway.voidCharge(asked.attemptId)).status).toBe('unknown');
    expect((await gateway.refund(refundRequest(asked, 'stripe', 'pi_1'))).status).toBe('unknown');
  });

  it('without our records nothing is begun, and nothing is known', async () => {
    const away = () => Promise.reject(new Error('no database'));
    gateway = gatewayTo(stripe.url, { references: { find: away, keep: away } });
    const asked = request();
    for (const ask of [
      () => charge(asked),
      () => gateway.findCharge(asked.attemptId),
      () => gateway.voidCharge(asked.attemptId),
      () => gateway.refund(refundRequest(asked, 'stripe', 'pi_1')),
      () => gateway.findRefund('ref_1'),
    ]) {
      expect(await ask()).toMatchObject({ status: 'unknown', reason: 'records_unavailable' });
    }
    expect(stripe.calls).toEqual([]);
  });

  it('no call is sent twice by the client on its own', async () => {
    stripe.goesWrong('create', { does: 'hangs up' });
    stripe.goesWrong('confirm', { error: 'unavailable' });
    await charge(request());
    await charge(request());
    expect(stripe.calls.map(({ step }) => step)).toEqual(['create', 'create', 'confirm']);
  });
});

describe('voiding', () => {
  const voided = { status: 'not_processed', provider: 'stripe', reason: 'voided' };

  it('an attempt that was never charged: it never will be, and Stripe is not even asked', async () => {
    const asked = request();
    expect(await gateway.voidCharge(asked.attemptId)).toEqual(voided);
    expect(await charge(asked)).toEqual(voided);
    expect(await gateway.findCharge(asked.attemptId)).toEqual(voided);
    expect(stripe.calls).toEqual([]);
  });

  it('while its intent is being made: that is never confirmed', async () => {
    const asked = request();
    const late: ProviderReferences = {
      find: (key) => onRecord.find(key),
      keep: async (key, reference) => {
        await onRecord.keep(key, 'voided');
        return onRecord.keep(key, reference);
      },
    };
    gateway = gatewayTo(stripe.url, { references: late });
    expect(await charge(asked)).toEqual(voided);
    expect(stepsOf(asked.attemptId)).toEqual(['create']);
  });

  it.each(['pm_card_threeDSecure2Required', 'pm_upi'])(
    '%s, waiting for its buyer: they can not pay any more',
    async (token) => {
      const asked = request({ token });
      await charge(asked);
      expect(await gateway.voidCharge(asked.attemptId)).toEqual(voided);
      expect(stripe.intentOfAttempt(asked.attemptId)!.status).toBe('canceled');
      expect(await gateway.voidCharge(asked.attemptId)).toEqual(voided);
      stripe.forgetKeys();
      expect(await charge({ ...asked, token: 'pm_card_visa' })).toEqual(voided);
    },
  );

  it.each([
    ['pm_card_visa', 'succeeded'],
    ['pm_processing', 'pending'],
    ['pm_card_visa_chargeDeclined', 'declined'],
  ])('%s comes too late, and is answered with what it is: %s', async (token, status) => {
    const asked = request({ token });
    const outcome = await charge(asked);
    expect(outcome.status).toBe(status);
    expect(await gateway.voidCharge(asked.attemptId)).toEqual(outcome);
  });

  it('a declined one can not be charged after it, whoever tries', async () => {
    const asked = request({ token: 'pm_card_visa_chargeDeclined' });
    await charge(asked);
    await gateway.voidCharge(asked.attemptId);
    stripe.forgetKeys();
    expect(await charge({ ...asked, token: 'pm_card_visa' })).toEqual(voided);
    expect(charged(asked)).toBe(0);
  });

  it('is in doubt while the answer is', async () => {
    const asked = request({ token: 'pm_upi' });
    await charge(asked);
    stripe.goesWrong('cancel', { error: 'lock_timeout' }, { does: 'is done and hangs up' });
    expect((await gateway.voidCharge(asked.attemptId)).status).toBe('unknown');
    expect((await gateway.voidCharge(asked.attemptId)).status).toBe('unknown');
    expect(await gateway.voidCharge(asked.attemptId)).toEqual(voided);
  });
});

describe('a refund', () => {
  async function paid(): Promise<{ asked: ChargeRequest; refund: ReturnType<typeof refundRequest> }> {
    const asked = request();
    const outcome = await charge(asked);
    if (outcome.status !== 'succeeded') throw new Error(outcome.status);
    return { asked, refund: refundRequest(asked, 'stripe', outcome.providerReference) };
  }

  it('is made once under its own key, with our ids on it, however often it is asked for', async () => {
    const { refund } = await paid();
    expect(await gateway.findRefund(refund.refundId)).toEqual({ status: 'not_found' });
    const outcomes = [];
    for (let times = 0; times < 3; times += 1) outcomes.push(await gateway.refund(refund));
    const [made, ...others] = stripe.refunds;
    expect(others).toEqual([]);
    expect(outcomes).toEqual(Array(3).fill({ status: 'succeeded', providerReference: made!.id }));
    expect(made!.metadata).toEqual({
      bookingId: refund.bookingId,
      attemptId: refund.attemptId,
      refundId: refund.refundId,
    });
    expect(await gateway.findRefund(refund.refundId)).toEqual(outcomes[0]);
  });

  it('whose answer was lost is not made again, not even a day later', async () => {
    const { refund } = await paid();
    const half = { ...refund, amount: { ...refund.amount, amount: 50_000 } };
    stripe.goesWrong('refund', { does: 'is done and hangs up' });
    expect(await gateway.refund(half)).toEqual({ status: 'unknown', reason: 'connection_lost' });
    stripe.forgetKeys();
    expect((await gateway.refund(half)).status).toBe('succeeded');
    expect(stripe.refunds).toHaveLength(1);
  });

  it.each([
    ['pending', { status: 'pending' }],
    ['requires_action', { status: 'pending' }],
    ['failed', { status: 'failed' }],
    ['canceled', { status: 'failed', reason: 'canceled' }],
    ['of a kind that nobody knows', { status: 'unknown', reason: 'unreadable_answer' }],
  ])('that is %s', async (status, outcome) => {
    const { refund } = await paid();
    stripe.refundStatus = status;
    expect(await gateway.refund(refund)).toMatchObject(outcome);
    expect(await gateway.findRefund(refund.refundId)).toMatchObject(outcome);
  });

  it('of more than was captured, or of what was given back, has failed', async () => {
    const { refund } = await paid();
    const more = { ...refund, refundId: newId('ref'), amount: { ...refund.amount, amount: 125_001 } };
    expect(await gateway.refund(more)).toMatchObject({ status: 'failed' });
    await gateway.refund(refund);
    const again = await gateway.refund({ ...refund, refundId: newId('ref') });
    expect(again).toEqual({ status: 'failed', reason: 'charge_already_refunded' });
  });

  it.each<[string, Fault]>([
    ['429', { error: 'rate_limit' }],
    ['401', { error: 'invalid_api_key' }],
    ['409', { error: 'key_in_use' }],
    ['500', { error: 'api_error' }],
    ['nonsense', { does: 'talks nonsense' }],
  ])('that is answered %s may have been made', async (_what, fault) => {
    const { refund } = await paid();
    stripe.goesWrong('refund', fault);
    expect((await gateway.refund(refund)).status).toBe('unknown');
    expect((await gateway.refund(refund)).status).toBe('succeeded');
  });

  it('is found among a hundred others of its charge', async () => {
    const { refund } = await paid();
    const parts = Array.from({ length: 120 }, () => ({
      ...refund,
      refundId: newId('ref'),
      amount: { ...refund.amount, amount: 10 },
    }));
    for (const part of parts) await gateway.refund(part);
    expect((await gateway.findRefund(parts[0]!.refundId)).status).toBe('succeeded');
  });
});

describe('the ledger', () => {
  const startSeconds = 1_766_300_000;
  const allTime = { fromMs: startSeconds * 1_000, toMs: (startSeconds + 100_000) * 1_000 };

  async function wholeLedger(of: PaymentGateway, window = allTime) {
    const entries = [];
    let pages = 0;
    for (let cursor: string | undefined; ; pages += 1) {
      const page = await of.ledger(window, cursor);
      entries.push(...page.entries);
      if (page.nextCursor === null) return { entries, pages: pages + 1 };
      cursor = page.nextCursor;
    }
  }

  it('has what was captured and what was given back, whose and when, and nothing that moved no money', async () => {
    stripe.clockSeconds = startSeconds;
    const asked = request();
    const outcome = await charge(asked);
    if (outcome.status !== 'succeeded') throw new Error(outcome.status);
    for (const token of ['pm_card_visa_chargeDeclined', 'pm_upi']) await charge(request({ token }));
    stripe.clockSeconds += 60;
    const refund = refundRequest(asked, 'stripe', outcome.providerReference);
    await gateway.refund({ ...refund, amount: { ...refund.amount, amount: 50_000 } });
    stripe.refundStatus = 'failed';
    await gateway.refund({ ...refund, refundId: newId('ref') });

    const { bookingId, attemptId } = asked;
    const common = { provider: 'stripe', bookingId, attemptId };
    expect((await wholeLedger(gateway)).entries).toEqual([
      {
        ...common,
        id: stripe.charges[0]!.id,
        kind: 'charge',
        refundId: null,
        amount: asked.amount,
        atMs: allTime.fromMs,
      },
      {
        ...common,
        id: stripe.refunds[0]!.id,
        kind: 'refund',
        refundId: refund.refundId,
        amount: { amount: 50_000, currency: 'INR' },
        atMs: allTime.fromMs + 60_000,
      },
    ]);
  });

  it('tells of a refund that somebody has made by hand whose charge it is of', async () => {
    stripe.clockSeconds = startSeconds;
    const asked = request();
    const outcome = await charge(asked);
    if (outcome.status !== 'succeeded') throw new Error(outcome.status);
    await gateway.refund(refundRequest(asked, 'stripe', outcome.providerReference));
    stripe.refunds[0]!.metadata = {};
    const { entries } = await wholeLedger(gateway);
    const { bookingId, attemptId } = asked;
    expect(entries.at(-1)).toMatchObject({ kind: 'refund', bookingId, attemptId, refundId: null });
  });

  it('of thousands is read span by span, oldest first, each entry once, a page never too long', async () => {
    // Quiet hours, and a sale in the middle of which twelve hundred pay within a minute.
    const at = [
      ...Array.from({ length: 300 }, (_, n) => n * 100),
      ...Array.from({ length: 1_200 }, (_, n) => 40_000 + n / 20),
    ];
    const template = (await charge(request()), stripe.charges.pop()!);
    at.forEach((seconds, n) =>
      stripe.charges.push({ ...template, id: `ch_${n}`, created: startSeconds + Math.floor(seconds) }),
    );
    const { entries, pages } = await wholeLedger(gateway);
    expect(entries).toHaveLength(at.length);
    expect(new Set(entries.map(({ id }) => id)).size).toBe(at.length);
    expect(entries.map(({ atMs }) => atMs)).toEqual(entries.map(({ atMs }) => atMs).sort((one, other) => one - other));
    expect(pages).toBeLessThan(30);
  });

  it('that cannot be read is no empty one', async () => {
    for (const fault of [{ error: 'api_error' }, { error: 'invalid_api_key' }, { does: 'hangs up' }] as const) {
      stripe.goesWrong('charges', fault);
      await expect(gateway.ledger(allTime)).rejects.toThrow(/^stripe: /);
    }
  });
});

describe('with a second provider', () => {
  it.each<[string, Fault]>([
    ['was not taken up', { error: 'api_error' }],
    ['was refused by rate', { error: 'rate_limit' }],
    ['was refused for our credentials', { error: 'invalid_api_key' }],
  ])('a charge that %s goes there', async (_what, fault) => {
    const second = await ScriptedStripe.start();
    const backup = gatewayTo(second.url, { references: ofAnother });
    const both = createFallbackGateway({ primary: gateway, backup });
    stripe.goesWrong('create', fault);
    const asked = request();
    expect((await both.charge(asked, patientMs)).status).toBe('succeeded');
    expect([charged(asked), second.charges.length]).toEqual([0, 1]);
    await second.close();
  });

  it.each<[string, Fault]>([
    ['may have been charged', { error: 'api_error' }],
    ['has been charged, its answer lost', { does: 'is done and hangs up' }],
    ['is under way', { error: 'key_in_use' }],
  ])('a charge that %s does not', async (_what, fault) => {
    const second = await ScriptedStripe.start();
    const backup = gatewayTo(second.url, { references: ofAnother });
    const both = createFallbackGateway({ primary: gateway, backup });
    stripe.goesWrong('confirm', fault);
    const asked = request();
    expect((await both.charge(asked, patientMs)).status).toBe('unknown');
    expect(await both.charge({ ...asked, repeated: true }, patientMs)).toMatchObject({ status: 'succeeded' });
    expect([charged(asked), second.charges.length]).toEqual([1, 0]);
    await second.close();
  });

  const ofAnother: ProviderReferences = {
    find: (key) => onRecord.find(`second/${key}`),
    keep: (key, reference) => onRecord.keep(`second/${key}`, reference),
  };
});

describe('the circuit', () => {
  const circuit = { faultsInARow: 3, halfOpenAfterMs: 60_000 };
  const open = { status: 'not_processed', reason: 'circuit_open' };

  it('opens when Stripe does not answer, and then no charge is begun', async () => {
    gateway = gatewayTo(stripe.url, { circuit });
    stripe.goesWrong('create', ...Array<Fault>(3).fill({ error: 'unavailable' }));
    for (let charges = 0; charges < 3; charges += 1) await charge(request());
    expect(await charge(request())).toMatchObject(open);
  });

  it('stays closed for what is no fault of Stripe: declines, a buyer in a hurry, a key in use', async () => {
    gateway = gatewayTo(stripe.url, { circuit });
    stripe.goesWrong(
      'confirm',
      ...Array<Fault>(4).fill({ does: 'stays silent' }),
      ...Array<Fault>(4).fill({ error: 'key_in_use' }),
    );
    for (let charges = 0; charges < 4; charges += 1) await chargeUntil('confirm', request());
    for (let charges = 0; charges < 4; charges += 1) await charge(request());
    for (let charges = 0; charges < 4; charges += 1) await charge(request({ token: 'pm_card_visa_chargeDeclined' }));
    expect((await charge(request())).status).toBe('succeeded');
  });
});
