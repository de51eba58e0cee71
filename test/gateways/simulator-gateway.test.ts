import type { ClosableGateway } from '../../src/gateways/payment-gateway.ts';
import { createSimulatorGateway } from '../../src/gateways/simulator-gateway.ts';
import {
  client,
  endAllSimulators,
  startSimulator,
  startTimeoutMs,
  type SimulatorProcess,
} from '../payment-simulator/simulator-process.ts';
import { chargeRequest, refundRequest } from './charge-requests.ts';
import { untilThere } from './patience.ts';
import { always, startScriptedProvider, type ScriptedProvider } from './scripted-provider.ts';

const gateways: ClosableGateway[] = [];
/** Where an answer is expected, however busy the machine. */
const patientMs = 10_000;
/** Where none is. */
const hangingMs = 400;

/** No circuit: each case on its own. */
function gatewayTo(baseUrl: string, timeoutMs = patientMs): ClosableGateway {
  const circuit = { faultsInARow: 1_000, halfOpenAfterMs: 1 };
  const gateway = createSimulatorGateway({ baseUrl, provider: 'simulator', timeoutMs, circuit });
  gateways.push(gateway);
  return gateway;
}

afterAll(async () => {
  await Promise.all(gateways.map((gateway) => gateway.close()));
  await endAllSimulators();
});

describe('with the provider', () => {
  let simulator: SimulatorProcess;
  let gateway: ClosableGateway;

  beforeAll(async () => {
    simulator = await startSimulator();
    gateway = gatewayTo(simulator.url);
  }, startTimeoutMs);

  it.each([
    ['tok_ok', { status: 'succeeded', provider: 'simulator' }],
    ['tok_declined', { status: 'declined', reason: 'card_declined' }],
    ['tok_insufficient_funds', { status: 'declined', reason: 'insufficient_funds' }],
    ['tok_pending', { status: 'pending', nextAction: { type: 'await' } }],
    ['tok_redirect', { status: 'pending', nextAction: { type: 'redirect' } }],
    ['tok_slow', { status: 'unknown', reason: 'timeout' }],
    ['tok_500_twice', { status: 'unknown', reason: 'status_500' }],
    ['tok_timeout_charged', { status: 'unknown', reason: 'timeout' }],
    ['tok_timeout_not_charged', { status: 'unknown', reason: 'timeout' }],
    ['tok_down', { status: 'not_processed', reason: 'refused' }],
  ])('%s', async (token, outcome) => {
    const timeoutMs = 'reason' in outcome && outcome.reason === 'timeout' ? hangingMs : patientMs;
    expect(await gateway.charge(chargeRequest({ token }), timeoutMs)).toMatchObject(outcome);
  });

  it('finds what became of a charge whose answer was lost', async () => {
    const request = chargeRequest({ token: 'tok_timeout_charged' });
    const isCharged = async () =>
      expect((await client(simulator.url).find(request.attemptId)).body.status).toBe('captured');
    const outcome = await untilThere(isCharged, patientMs, (timeoutMs) => gateway.charge(request, timeoutMs));
    expect(outcome).toMatchObject({ status: 'unknown', reason: 'timeout' });
    const found = await gateway.findCharge(request.attemptId);
    expect(found).toMatchObject({ status: 'succeeded', provider: 'simulator' });
    expect(await gateway.charge(request, patientMs)).toEqual(found);
    expect(await gateway.voidCharge(request.attemptId)).toEqual(found);
  });

  it('a voided attempt is not processed any more', async () => {
    const request = chargeRequest();
    expect(await gateway.findCharge(request.attemptId)).toEqual({ status: 'not_found', provider: 'simulator' });
    const voided = { status: 'not_processed', provider: 'simulator', reason: 'voided' };
    expect(await gateway.voidCharge(request.attemptId)).toEqual(voided);
    expect(await gateway.charge(request, patientMs)).toEqual(voided);
    expect(await gateway.findCharge(request.attemptId)).toEqual(voided);
  });

  it('a key used for another amount is in doubt: the books tell what it has charged', async () => {
    const request = chargeRequest();
    await gateway.charge(request, patientMs);
    const other = { ...request, amount: { amount: 1, currency: 'INR' } };
    expect(await gateway.charge(other, patientMs)).toMatchObject({
      status: 'unknown',
      reason: 'idempotency_key_reused',
    });
    const captured = { bookingId: request.bookingId, amount: request.amount };
    expect(await gateway.findCharge(request.attemptId)).toMatchObject({ status: 'succeeded', captured });
  });

  it.each([
    ['tok_ok', ['succeeded', 'succeeded']],
    ['tok_refund_pending', ['pending', 'pending']],
    ['tok_refund_fails_twice', ['failed', 'failed', 'succeeded', 'succeeded']],
  ])('refunds of %s, called again and again: %j', async (token, statuses) => {
    const charge = chargeRequest({ token });
    const outcome = await gateway.charge(charge, patientMs);
    if (outcome.status !== 'succeeded') throw new Error(outcome.status);
    const request = refundRequest(charge, outcome.provider, outcome.providerReference);
    expect(await gateway.findRefund(request.refundId)).toEqual({ status: 'not_found' });
    const seen: string[] = [];
    for (const _ of statuses) seen.push((await gateway.refund(request)).status);
    expect(seen).toEqual(statuses);
    expect((await gateway.findRefund(request.refundId)).status).toBe(statuses.at(-1));
    const refunds = (await client(simulator.url).ledger()).filter(
      (entry) => entry.attemptId === charge.attemptId && entry.kind === 'refund',
    );
    expect(refunds).toHaveLength(statuses.at(-1) === 'succeeded' ? 1 : 0);
  });

  it('a refund of more than was captured has failed', async () => {
    const charge = chargeRequest();
    await gateway.charge(charge, patientMs);
    const request = { ...refundRequest(charge, 'simulator', 'ch'), amount: { amount: 125_001, currency: 'INR' } };
    expect(await gateway.refund(request)).toEqual({ status: 'failed', reason: 'exceeds_captured' });
  });
});

describe('a process that is stopped, killed, or not there', () => {
  it(
    'stopped: unknown, for it may go on later, and then it has charged',
    async () => {
      const simulator = await startSimulator();
      const gateway = gatewayTo(simulator.url, hangingMs);
      const request = chargeRequest();
      process.kill(simulator.pid, 'SIGSTOP');
      try {
        expect(await gateway.charge(request, hangingMs)).toMatchObject({ status: 'unknown', reason: 'timeout' });
        expect(await gateway.findCharge(request.attemptId)).toMatchObject({ status: 'unknown' });
        expect(await gateway.voidCharge(request.attemptId)).toMatchObject({ status: 'unknown' });
      } finally {
        process.kill(simulator.pid, 'SIGCONT');
      }
      // Charge and void were both under way: one of them has won, and it is certain which.
      const found = await gatewayTo(simulator.url).voidCharge(request.attemptId);
      expect(['succeeded', 'not_processed']).toContain(found.status);
      expect(await client(simulator.url).ledger()).toHaveLength(found.status === 'succeeded' ? 1 : 0);
    },
    startTimeoutMs,
  );

  it(
    'killed under a charge: unknown. Not there: not processed, but only a charge may say so',
    async () => {
      const simulator = await startSimulator();
      const gateway = gatewayTo(simulator.url);
      const charge = chargeRequest();
      await gateway.charge(charge, patientMs);
      const underWay = gateway.charge(chargeRequest({ token: 'tok_slow' }), 10_000);
      await gateway.findCharge(charge.attemptId);
      await simulator.end('SIGKILL');
      expect(await underWay).toMatchObject({ status: 'unknown', reason: 'connection_lost' });

      const notThere = { status: 'not_processed', reason: 'unreachable' };
      expect(await gateway.charge(chargeRequest(), patientMs)).toMatchObject(notThere);
      expect((await gateway.findCharge(charge.attemptId)).status).toBe('unknown');
      expect((await gateway.voidCharge(charge.attemptId)).status).toBe('unknown');
      expect((await gateway.refund(refundRequest(charge, 'simulator', 'ch'))).status).toBe('unknown');
      expect((await gateway.findRefund('ref_1')).status).toBe('unknown');
    },
    startTimeoutMs,
  );

  it('a name that nobody knows: not processed', async () => {
    const gateway = gatewayTo('http://payments.invalid:80');
    expect(await gateway.charge(chargeRequest(), 5_000)).toMatchObject({
      status: 'not_processed',
      reason: 'unreachable',
    });
  });
});

describe('nonsense', () => {
  let provider: ScriptedProvider;
  let gateway: ClosableGateway;
  const request = chargeRequest({ attemptId: 'pay_1' });
  const { bookingId, amount } = request;
  const captured = { id: 'ch_1', status: 'captured', bookingId, amount };

  beforeAll(async () => {
    provider = await startScriptedProvider();
    gateway = gatewayTo(provider.url);
  });
  afterAll(() => provider.close());

  it.each([
    ['200 with broken JSON', 200, '{"status":'],
    ['200 with nothing', 200, ''],
    ['200 with a page', 200, '<html>ok</html>'],
    ['200 with an unknown status', 200, { ...captured, status: 'maybe' }],
    ['200 for another amount', 200, { ...captured, amount: { amount: 1, currency: 'INR' } }],
    ['200 for another currency', 200, { ...captured, amount: { ...amount, currency: 'USD' } }],
    ['200 for another booking', 200, { ...captured, bookingId: 'bkg_2' }],
    ['200 with a charge whose id cannot be kept', 200, { ...captured, id: 'ch_\0' }],
    ['an answer of a megabyte', 200, { ...captured, padding: 'x'.repeat(1_000_000) }],
    ['a 402 that says captured', 402, captured],
    ['a 503 that says captured', 503, captured],
    ['a redirect', 302, captured],
    ['a 408', 408, {}],
    ['a plain 502', 502, '<html>bad gateway</html>'],
    ['a 503 of somebody else', 503, { error: { code: 'busy' } }],
    ['a 500 that claims not_processed', 500, { error: { code: 'not_processed' } }],
  ])('%s: it may have charged', async (_what, status, body) => {
    provider.answer = always(status, body);
    expect((await gateway.charge(request, patientMs)).status).toBe('unknown');
  });

  it('a connection that breaks in the middle of the answer: it may have charged', async () => {
    provider.answer = (_request, response) => {
      response.writeHead(200, { 'content-length': 100 });
      response.write('{"status":"captured"', () => response.destroy());
    };
    expect(await gateway.charge(request, patientMs)).toMatchObject({ status: 'unknown', reason: 'connection_lost' });
  });

  it('an answer that drips in: the time is bounded as a whole', async () => {
    provider.answer = (_request, response) => {
      response.writeHead(200);
      const drip = setInterval(() => response.write(' '), 50);
      response.once('close', () => clearInterval(drip));
    };
    expect(await gateway.charge(request, hangingMs)).toMatchObject({ status: 'unknown', reason: 'timeout' });
  });

  it.each([
    [400, { error: { code: 'invalid_request' } }, { status: 'failed', reason: 'invalid_request' }],
    [401, 'who are you', { status: 'failed', reason: 'status_401' }],
    [404, '<html>', { status: 'failed', reason: 'status_404' }],
    [429, {}, { status: 'not_processed', reason: 'too_many_requests' }],
    [503, { error: { code: 'not_processed' } }, { status: 'not_processed', reason: 'refused' }],
  ])('%i is a definite no', async (status, body, outcome) => {
    provider.answer = always(status, body);
    expect(await gateway.charge(request, patientMs)).toMatchObject(outcome);
  });

  it('a decline whose reason cannot be kept is a decline all the same', async () => {
    provider.answer = always(402, { ...captured, status: 'declined', reason: 'no\0reason' });
    const declined = { status: 'declined', providerReference: 'ch_1', reason: 'unreadable_reason' };
    expect(await gateway.charge(request, patientMs)).toMatchObject(declined);
  });

  it('a refund whose id cannot be kept is not known to be one', async () => {
    provider.answer = always(200, { status: 'succeeded', id: 're_\0' });
    const unreadable = { status: 'unknown', reason: 'unreadable_answer' };
    expect(await gateway.refund(refundRequest(request, 'simulator', 'ch_1'))).toEqual(unreadable);
  });

  it.each([
    ['a 404 that the provider did not say', 404, '<html>not found</html>'],
    ['a 400', 400, { error: { code: 'invalid_request' } }],
    ['a 500', 500, {}],
    ['nonsense', 200, {}],
  ])('finding, voiding: %s leaves it unknown', async (_what, status, body) => {
    provider.answer = always(status, body);
    expect((await gateway.findCharge('pay_1')).status).toBe('unknown');
    expect((await gateway.voidCharge('pay_1')).status).toBe('unknown');
    expect((await gateway.findRefund('ref_1')).status).toBe('unknown');
  });

  it('a void that is not found has not voided anything', async () => {
    provider.answer = always(404, { error: { code: 'not_found' } });
    expect((await gateway.voidCharge('pay_1')).status).toBe('unknown');
  });

  it('past its limit of calls under way it refuses before sending', async () => {
    provider.answer = () => undefined;
    const calls = Array.from({ length: 1_100 }, () => gateway.charge(chargeRequest(), hangingMs));
    const outcomes = await Promise.all(calls);
    const refused = outcomes.filter((outcome) => outcome.status === 'not_processed' && outcome.reason === 'overloaded');
    expect(refused).toHaveLength(1_100 - 1_024);
    expect(outcomes.filter((outcome) => outcome.status === 'unknown')).toHaveLength(1_024);
  });
});
