import { signWebhook } from '../../src/payment-simulator/signature.ts';
import { verifyWebhook } from '../../src/gateways/simulator-webhook.ts';
import { newId } from '../../src/platform/ids.ts';
import { client, endAllSimulators, startSimulator, startTimeoutMs, webhookSecret } from './simulator-process.ts';
import { receiveWebhooks, type WebhookReceiver } from './webhook-receiver.ts';

let webhooks: WebhookReceiver;
let provider: ReturnType<typeof client>;

beforeAll(async () => {
  webhooks = await receiveWebhooks();
  provider = client((await startSimulator({ webhookUrl: webhooks.url })).url);
}, startTimeoutMs);

afterAll(async () => {
  await endAllSimulators();
  await webhooks.close();
});

beforeEach(() => {
  webhooks.answer = () => 200;
});

async function approvedCharge(): Promise<string> {
  const key = newId('pay');
  const { body } = await provider.charge({ key, token: 'tok_redirect' });
  await fetch(body.nextAction!.url, { method: 'POST' });
  return key;
}

it('signs as the contract says (made with openssl)', () => {
  // printf '1766300000.{"id":"evt_1"}' | openssl dgst -sha256 -hmac 'whsec_0123456789abcdef0123456789abcdef'
  expect(signWebhook('whsec_0123456789abcdef0123456789abcdef', '{"id":"evt_1"}', 1_766_300_000_999)).toBe(
    't=1766300000,v1=986f4a9c69b4c85c3d62e5eb9160552880ba3dff526291ec7b132759f2588aa7',
  );
});

it('what it sends is believed by the gateway, and says all about the payment', async () => {
  const key = await approvedCharge();
  const [webhook] = await webhooks.about(key);
  const charge = await provider.find(key);
  const verdict = verifyWebhook(webhookSecret, 'simulator', webhook!.signature, webhook!.rawBody, Date.now());
  expect(verdict).toEqual({
    ok: true,
    event: {
      kind: 'payment',
      notification: {
        eventId: webhook!.body.id,
        provider: 'simulator',
        bookingId: 'bkg_1',
        attemptId: key,
        amount: { amount: 125_000, currency: 'INR' },
        atMs: Date.parse(webhook!.body.at),
        outcome: 'succeeded',
        providerReference: charge.body.id,
      },
    },
  });
});

it.each([
  ['a refusal', 503],
  ['a redirect', 302],
  ['a bad request', 400],
])('%s is no delivery: the same event comes again, later each time, until a 2xx', async (_what, status) => {
  let refusals = 0;
  webhooks.answer = () => (refusals++ < 2 ? status : 204);
  const told = await webhooks.about(await approvedCharge(), 3);
  expect(new Set(told.map((webhook) => webhook.rawBody.toString())).size).toBe(1);
  const [first, second, third] = told.map((webhook) => webhook.atMs);
  expect(second! - first!).toBeGreaterThanOrEqual(400);
  expect(third! - second!).toBeGreaterThanOrEqual(800);
});

it('a retry is signed anew, so that its age never makes it stale', async () => {
  let refusals = 0;
  webhooks.answer = () => (refusals++ < 2 ? 500 : 200);
  const told = await webhooks.about(await approvedCharge(), 3);
  expect(told.at(-1)!.signature).not.toBe(told[0]!.signature);
});

it('a slow receiver gets at most sixteen at once, and all in the end', async () => {
  const gate = Promise.withResolvers<number>();
  const arrived = new Set<string>();
  const sixteen = Promise.withResolvers<undefined>();
  webhooks.answer = (webhook) => {
    arrived.add(webhook.body.attemptId);
    if (arrived.size === 16) sixteen.resolve(undefined);
    return gate.promise;
  };
  const keys = await Promise.all(Array.from({ length: 40 }, approvedCharge));
  await sixteen.promise;
  gate.resolve(200);
  for (const key of keys) await webhooks.about(key);
  expect(webhooks.atOnceMax).toBe(16);
});
