import { setTimeout as delay } from 'node:timers/promises';
import { newId } from '../../src/platform/ids.ts';
import { eventually } from '../setup/eventually.ts';
import {
  type Answer,
  type ChargeCall,
  client,
  endAllSimulators,
  paymentDeadlineMs,
  startSimulator,
  startTimeoutMs,
  type SimulatorProcess,
} from './simulator-process.ts';
import { receiveWebhooks, type WebhookReceiver } from './webhook-receiver.ts';

let simulator: SimulatorProcess;
let webhooks: WebhookReceiver;
let provider: ReturnType<typeof client>;

beforeAll(async () => {
  webhooks = await receiveWebhooks();
  simulator = await startSimulator({ webhookUrl: webhooks.url });
  provider = client(simulator.url);
}, startTimeoutMs);

afterAll(async () => {
  await endAllSimulators();
  await webhooks.close();
});

/** A charge whose caller hangs up, unanswered, once the provider `has` it. */
async function hangUpOnce(has: () => Promise<void>, call: ChargeCall): Promise<void> {
  const hungUp = new AbortController();
  const unanswered = expect(provider.charge({ ...call, signal: hungUp.signal })).rejects.toThrow('aborted');
  await eventually(has);
  hungUp.abort();
  await unanswered;
}

/** Attempts whose answer left nothing open. */
const endedAtOnce = new Set<string>();
const entriesOf = async (key: string) => (await provider.ledger()).filter((entry) => entry.attemptId === key);

describe('what the answer already says', () => {
  it.each(['tok_ok', 'tok_refund_fails_twice', 'tok_refund_pending', 'tok_refund_refused_once'])(
    '%s is captured at once',
    async (token) => {
      const key = newId('pay');
      endedAtOnce.add(key);
      const answer = await provider.charge({ key, token, bookingId: 'bkg_paid', amount: 4_200 });
      expect(answer).toMatchObject({ status: 200, body: { status: 'captured', bookingId: 'bkg_paid' } });
      expect(await entriesOf(key)).toEqual([
        expect.objectContaining({
          id: answer.body.id,
          kind: 'charge',
          bookingId: 'bkg_paid',
          amount: { amount: 4_200, currency: 'INR' },
        }),
      ]);
    },
  );

  it.each([
    ['tok_declined', 'card_declined'],
    ['tok_insufficient_funds', 'insufficient_funds'],
    ['tok_of_nobody', 'invalid_token'],
    ['toString', 'invalid_token'],
  ])('%s is declined: %s', async (token, reason) => {
    const key = newId('pay');
    endedAtOnce.add(key);
    expect(await provider.charge({ key, token })).toMatchObject({ status: 402, body: { status: 'declined', reason } });
    expect(await entriesOf(key)).toEqual([]);
  });

  it('tok_down is not processed by either provider, and neither knows of it', async () => {
    const key = newId('pay');
    for (const name of ['simulator', 'simulator-backup']) {
      const answer = await provider.charge({ key, token: 'tok_down', provider: name });
      expect(answer).toMatchObject({ status: 503, body: { error: { code: 'not_processed' } } });
      expect((await provider.find(key, name)).status).toBe(404);
    }
    expect(await entriesOf(key)).toEqual([]);
  });

  it('tok_500_twice is captured by the third call', async () => {
    const key = newId('pay');
    const charge = () => provider.charge({ key, token: 'tok_500_twice' });
    expect((await charge()).status).toBe(500);
    expect((await charge()).status).toBe(500);
    expect(await entriesOf(key)).toEqual([]);
    expect(await charge()).toMatchObject({ status: 200, body: { status: 'captured' } });
    expect(await entriesOf(key)).toHaveLength(1);
  });
});

describe('what the answer does not say', () => {
  it('tok_timeout_charged moves the money and loses the answer; a repeat gets it', async () => {
    const key = newId('pay');
    const isCharged = async () => {
      expect(await entriesOf(key)).toHaveLength(1);
      // Time enough for an answer.
      await delay(300);
    };
    await hangUpOnce(isCharged, { key, token: 'tok_timeout_charged' });
    const repeat = await provider.charge({ key, token: 'tok_timeout_charged' });
    expect(repeat).toMatchObject({ status: 200, body: { status: 'captured' } });
    expect(await entriesOf(key)).toHaveLength(1);
  });

  it('tok_timeout_not_charged never answers and never charges, until it is voided', async () => {
    const key = newId('pay');
    const charge = (timeoutMs?: number) => provider.charge({ key, token: 'tok_timeout_not_charged', timeoutMs });
    await expect(charge(300)).rejects.toThrow('timeout');
    await expect(charge(300)).rejects.toThrow('timeout');
    expect((await provider.find(key)).status).toBe(404);
    await provider.void(key);
    expect(await charge()).toMatchObject({ status: 409, body: { status: 'voided' } });
    expect(await entriesOf(key)).toEqual([]);
  });
});

describe('what ends later', () => {
  const pending = ['tok_pending', 'tok_pending_fail', 'tok_pending_late'] as const;
  const keys = new Map(pending.map((token) => [token, newId('pay')]));
  const slowKey = newId('pay');
  const hungUpKey = newId('pay');
  let sentAtMs: number;
  let slow: Promise<{ answer: Answer; tookMs: number }>;

  // All at once: their times pass together.
  beforeAll(async () => {
    sentAtMs = Date.now();
    endedAtOnce.add(slowKey);
    slow = provider
      .charge({ key: slowKey, token: 'tok_slow' })
      .then((answer) => ({ answer, tookMs: Date.now() - sentAtMs }));
    const isPending = async () => expect((await provider.find(hungUpKey)).body.status).toBe('pending');
    await hangUpOnce(isPending, { key: hungUpKey, token: 'tok_slow' });
    for (const [token, key] of keys) {
      expect(await provider.charge({ key, token })).toMatchObject({
        status: 202,
        body: { status: 'pending', nextAction: { type: 'await' } },
      });
      expect((await provider.find(key)).body.status).toBe('pending');
      expect(await entriesOf(key)).toEqual([]);
    }
  });

  it.each([
    ['tok_pending', 'payment.succeeded', 'captured', 1],
    ['tok_pending_fail', 'payment.failed', 'declined', 0],
  ] as const)('%s: %s after 2 s', async (token, type, status, movements) => {
    const key = keys.get(token)!;
    const [webhook] = await webhooks.about(key);
    expect(webhook!.atMs - sentAtMs).toBeGreaterThanOrEqual(2_000);
    expect(webhook).toMatchObject({
      path: '/api/v1/webhooks/payments/simulator',
      body: { type, bookingId: 'bkg_1', attemptId: key, amount: { amount: 125_000, currency: 'INR' } },
    });
    expect((await provider.find(key)).body.status).toBe(status);
    expect(await entriesOf(key)).toHaveLength(movements);
  });

  it('tok_pending_late is captured 2 s after the payment deadline, and is pending until then', async () => {
    const key = keys.get('tok_pending_late')!;
    const [webhook] = await webhooks.about(key);
    expect(webhook!.atMs - sentAtMs).toBeGreaterThanOrEqual(paymentDeadlineMs + 2_000);
    expect(webhook!.body.type).toBe('payment.succeeded');
    const captured = await entriesOf(key);
    expect(captured).toHaveLength(1);
    expect(Date.parse(captured[0]!.at) - sentAtMs).toBeGreaterThanOrEqual(paymentDeadlineMs + 2_000);
  });

  it('tok_slow answers after 3 s, when it is captured', async () => {
    const { answer, tookMs } = await slow;
    expect(answer).toMatchObject({ status: 200, body: { status: 'captured' } });
    expect(tookMs).toBeGreaterThanOrEqual(2_990);
    expect(await entriesOf(slowKey)).toHaveLength(1);
  });

  it('tok_slow tells a caller who hung up by webhook', async () => {
    const [webhook] = await webhooks.about(hungUpKey);
    expect(webhook!.body.type).toBe('payment.succeeded');
    expect(await entriesOf(hungUpKey)).toHaveLength(1);
  });

  it('the backup provider sends its webhooks to its own route', async () => {
    const key = newId('pay');
    const { body } = await provider.charge({ key, token: 'tok_redirect', provider: 'simulator-backup' });
    await fetch(body.nextAction!.url, { method: 'POST' });
    const [webhook] = await webhooks.about(key);
    expect(webhook!.path).toBe('/api/v1/webhooks/payments/simulator-backup');
  });
});

describe('refunds', () => {
  const paid = async (token: string) => {
    const key = newId('pay');
    await provider.charge({ key, token, bookingId: 'bkg_refunded' });
    return key;
  };

  it('a refund is succeeded at once and once per key, under the booking that was paid for', async () => {
    const key = await paid('tok_ok');
    const refundId = newId('ref');
    const answers = await Promise.all([1, 2, 3].map(() => provider.refund(key, refundId)));
    expect(new Set(answers.map((answer) => answer.body.id)).size).toBe(1);
    expect(answers[0]).toMatchObject({ status: 200, body: { status: 'succeeded' } });
    expect((await entriesOf(key)).map(({ kind, bookingId }) => [kind, bookingId])).toEqual([
      ['charge', 'bkg_refunded'],
      ['refund', 'bkg_refunded'],
    ]);
  });

  it('tok_refund_fails_twice refuses two refunds and takes the third, under one key', async () => {
    const key = await paid('tok_refund_fails_twice');
    const refund = () => provider.refund(key, `ref_of_${key}`);
    expect(await refund()).toMatchObject({ status: 503, body: { error: { code: 'refund_refused' } } });
    expect((await refund()).status).toBe(503);
    expect(await refund()).toMatchObject({ status: 200, body: { status: 'succeeded' } });
    expect((await entriesOf(key)).map((entry) => entry.kind)).toEqual(['charge', 'refund']);
  });

  it('tok_refund_pending: refund.succeeded by webhook, the money moves only then', async () => {
    const key = await paid('tok_refund_pending');
    const refundId = newId('ref');
    expect(await provider.refund(key, refundId)).toMatchObject({ status: 202, body: { status: 'pending' } });
    expect((await provider.findRefund(refundId)).body.status).toBe('pending');
    expect((await entriesOf(key)).map((entry) => entry.kind)).toEqual(['charge']);
    const [webhook] = await webhooks.about(key);
    expect(webhook!.body).toMatchObject({ type: 'refund.succeeded', bookingId: 'bkg_refunded', refundId });
    expect((await provider.findRefund(refundId)).body.status).toBe('succeeded');
    expect((await entriesOf(key)).map((entry) => entry.kind)).toEqual(['charge', 'refund']);
  });

  it('tok_refund_refused_once: the first refund fails for good, by webhook; one under another key succeeds', async () => {
    const key = await paid('tok_refund_refused_once');
    const [first, second] = [newId('ref'), newId('ref')];
    expect(await provider.refund(key, first)).toMatchObject({ status: 202, body: { status: 'pending' } });
    const [webhook] = await webhooks.about(key);
    const failed = { refundId: first, reason: 'refused_by_bank' };
    expect(webhook!.body).toMatchObject({ type: 'refund.failed', bookingId: 'bkg_refunded', ...failed });
    const forGood = { status: 200, body: { status: 'failed', reason: 'refused_by_bank' } };
    expect(await provider.findRefund(first)).toMatchObject(forGood);
    expect(await provider.refund(key, first)).toMatchObject(forGood);
    expect((await entriesOf(key)).map((entry) => entry.kind)).toEqual(['charge']);

    expect(await provider.refund(key, second)).toMatchObject({ status: 202, body: { status: 'pending' } });
    await webhooks.about(key, 2);
    expect((await provider.findRefund(second)).body.status).toBe('succeeded');
    expect((await entriesOf(key)).map((entry) => entry.kind)).toEqual(['charge', 'refund']);
  });

  it('never gives back more than was captured, or what was not', async () => {
    const key = await paid('tok_ok');
    expect((await provider.refund(key, newId('ref'), 125_001)).body.error!.code).toBe('exceeds_captured');
    expect((await provider.refund(key, newId('ref'), 100_000)).status).toBe(200);
    expect((await provider.refund(key, newId('ref'), 25_001)).body.error!.code).toBe('exceeds_captured');
    expect((await provider.refund(key, newId('ref'), 25_000)).status).toBe(200);
    const declined = await paid('tok_declined');
    expect((await provider.refund(declined, newId('ref'))).body.error!.code).toBe('not_captured');
    expect((await provider.refund('pay_of_nobody', newId('ref'))).body.error!.code).toBe('no_such_charge');
  });
});

describe('the approval page of tok_redirect', () => {
  const redirected = async () => {
    const key = newId('pay');
    const { body } = await provider.charge({ key, token: 'tok_redirect', bookingId: 'bkg_<script>' });
    expect(body.nextAction).toEqual({ type: 'redirect', url: `${simulator.url}/approve/${body.id}` });
    return { key, url: body.nextAction!.url };
  };
  const decide = (url: string, body?: URLSearchParams) =>
    fetch(url, { method: 'POST', ...(body === undefined ? {} : { body }) });

  it('shows amount and buttons, and looking at it decides nothing', async () => {
    const { key, url } = await redirected();
    const page = await (await fetch(`${url}?decision=approve`)).text();
    expect(page).toContain('value="approve"');
    expect(page).toContain('1,250.00');
    expect(page).not.toContain('<script>');
    expect((await provider.find(key)).body.status).toBe('pending');
  });

  it.each([
    ['a bare POST', undefined],
    ['the button', new URLSearchParams({ decision: 'approve' })],
  ])('%s approves, once', async (_what, body) => {
    const { key, url } = await redirected();
    expect((await decide(url, body)).status).toBe(200);
    expect((await decide(url, body)).status).toBe(200);
    const told = await webhooks.about(key);
    expect(told.map((webhook) => webhook.body.type)).toEqual(['payment.succeeded']);
    expect(await entriesOf(key)).toHaveLength(1);
    expect((await decide(url, new URLSearchParams({ decision: 'decline' }))).status).toBe(409);
  });

  it('declining fails the payment', async () => {
    const { key, url } = await redirected();
    await decide(url, new URLSearchParams({ decision: 'decline' }));
    const [webhook] = await webhooks.about(key);
    expect(webhook!.body.type).toBe('payment.failed');
    expect((await decide(url)).status).toBe(409);
    expect(await entriesOf(key)).toEqual([]);
  });

  it('a buyer who comes after the void cannot pay any more', async () => {
    const { key, url } = await redirected();
    await provider.void(key);
    expect((await decide(url)).status).toBe(409);
    expect(await (await fetch(url)).text()).toContain('called off');
    expect(await entriesOf(key)).toEqual([]);
  });

  it('an id that is no page of anybody is not found', async () => {
    const { body } = await provider.charge();
    for (const id of ['ch_nobody', body.id]) expect((await decide(`${simulator.url}/approve/${id}`)).status).toBe(404);
  });
});

it('what the answer had already said was told to nobody again, and the rest once', async () => {
  const last = newId('pay');
  const { body } = await provider.charge({ key: last, token: 'tok_redirect' });
  await fetch(body.nextAction!.url, { method: 'POST' });
  await webhooks.about(last);
  expect(webhooks.received.filter((webhook) => endedAtOnce.has(webhook.body.attemptId))).toEqual([]);
  const events = webhooks.received.map((webhook) => webhook.body.id);
  expect(new Set(events).size).toBe(events.length);
});
