import { setTimeout as delay } from 'node:timers/promises';
import { MockActivityEnvironment } from '@temporalio/testing';
import { createBookingActivities } from '../../activities/booking-activities.ts';
import { activityMs, providerCallMs } from '../../src/contracts/payment-time-limits.ts';
import { createPaymentGateways, type PaymentGateways } from '../../src/gateways/payment-providers.ts';
import { insertPaymentAttempts } from '../../src/read-model/payments.ts';
import { chargeRequest } from '../gateways/charge-requests.ts';
import { type ScriptedProvider, startScriptedProvider } from '../gateways/scripted-provider.ts';
import { useTestDatabase } from '../setup/postgres.ts';

/**
 * However slow both providers are, an activity has ended before Temporal gives it up: else the next try would run beside
 * it. Each of these takes as long as it can.
 */
const database = useTestDatabase();
let provider: ScriptedProvider;
let gateways: PaymentGateways;
let activities: ReturnType<typeof createBookingActivities>;

/** So much before a call's time is up it is answered: a machine that stands still for a second does not make it late. */
const EARLY_SHARE = 2 / 3;
/** By so much all calls so far were shorter than they may be, ms. */
let earlyMs = 0;
/** Calls at the same time are waited for once. */
const atOnce = { calls: 0, earlyMs: 0 };
const notProcessed = { error: { code: 'not_processed', message: 'no' } };

beforeAll(async () => {
  provider = await startScriptedProvider();
  provider.answer = (request, response) => {
    const [limitMs, status, body] = answerTo(`${request.method} ${request.url}`);
    const early = limitMs * EARLY_SHARE;
    if (atOnce.calls === 0) atOnce.earlyMs = 0;
    atOnce.calls += 1;
    earlyMs += Math.max(early - atOnce.earlyMs, 0);
    atOnce.earlyMs = Math.max(early, atOnce.earlyMs);
    void delay(limitMs - early).then(() => {
      atOnce.calls -= 1;
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    });
  };
  gateways = createPaymentGateways({ gatewayUrl: provider.url });
  activities = createBookingActivities({
    db: database.db,
    gateway: gateways.gateway,
    sendSeatCommand: () => Promise.reject(new Error('no show is asked here')),
  });
});

afterAll(async () => {
  await gateways.close();
  await provider.close();
});

/** Every no as late as may be: whatever may come after it comes. */
function answerTo(call: string): [limitMs: number, status: number, body: unknown] {
  if (call.startsWith('GET')) return [providerCallMs.ask, 404, { error: { code: 'not_found', message: 'none' } }];
  if (call.includes('/void')) return [providerCallMs.ask, 200, { status: 'voided' }];
  return [chargeLimitMs, 503, notProcessed];
}
let chargeLimitMs: number = providerCallMs.firstCharge;

/** `tookMs`: at the worst, had each call been answered at the last moment. */
async function timed(call: () => Promise<unknown>): Promise<{ outcome: unknown; tookMs: number }> {
  const startedMs = performance.now();
  const before = earlyMs;
  const outcome = await new MockActivityEnvironment().run(call);
  return { outcome, tookMs: performance.now() - startedMs + earlyMs - before };
}

async function durableRequest() {
  const request = chargeRequest();
  await insertPaymentAttempts(database.db, [
    { ...request, id: request.attemptId, fingerprint: 'f', createdAtMs: Date.now() },
  ]);
  return request;
}

test('the first try of a charge, refused by both; and the same try once more', async () => {
  const request = await durableRequest();
  const first = await timed(() => activities.chargePayment(request));
  expect(first.outcome).toMatchObject({ status: 'not_processed', provider: 'simulator-backup' });
  expect(first.tookMs).toBeLessThan(activityMs.inWorker);
  const again = await timed(() => activities.chargePayment(request));
  expect(again.outcome).toMatchObject({ status: 'unknown', reason: 'sent_before' });
  expect(again.tookMs).toBeLessThan(activityMs.inWorker);
});

test('finding out what became of a charge, where four calls follow each other', async () => {
  chargeLimitMs = providerCallMs.charge;
  const request = await durableRequest();
  const before = provider.requests.length;
  const { outcome, tookMs } = await timed(() => activities.resolveCharge(request));
  expect(outcome).toMatchObject({ status: 'not_processed' });
  expect(provider.requests.slice(before).map((call) => call.replace(/\?.*/, ''))).toEqual([
    'GET /v1/simulator/charges',
    'GET /v1/simulator-backup/charges',
    'POST /v1/simulator-backup/charges/void',
    'POST /v1/simulator/charges',
    'POST /v1/simulator/charges/void',
  ]);
  expect(tookMs).toBeLessThan(activityMs.resolveCharge);
  expect(tookMs).toBeGreaterThan(activityMs.resolveCharge * 0.7);
});
