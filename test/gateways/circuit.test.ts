import { jest } from '@jest/globals';
import type { ClosableGateway } from '../../src/gateways/payment-gateway.ts';
import { createSimulatorGateway } from '../../src/gateways/simulator-gateway.ts';
import {
  endAllSimulators,
  eventually,
  startSimulator,
  startTimeoutMs,
} from '../payment-simulator/simulator-process.ts';
import { chargeRequest } from './charge-requests.ts';
import { always, startScriptedProvider, type ScriptedProvider } from './scripted-provider.ts';

const halfOpenAfterMs = 60_000;
let provider: ScriptedProvider;
let gateway: ClosableGateway;
let states: string[];

function gatewayTo(baseUrl: string): ClosableGateway {
  states = [];
  return createSimulatorGateway({
    baseUrl,
    provider: 'simulator',
    timeoutMs: 5_000,
    circuit: { faultsInARow: 3, halfOpenAfterMs },
    onCircuitChange: (state) => states.push(state),
  });
}

const present = Date.now;
let aheadMs: number;
/** An open circuit lets one charge through from now on. */
const passTime = () => (aheadMs += halfOpenAfterMs);

beforeEach(async () => {
  aheadMs = 0;
  jest.spyOn(Date, 'now').mockImplementation(() => present() + aheadMs);
  provider = await startScriptedProvider();
  gateway = gatewayTo(provider.url);
});
afterEach(async () => {
  jest.restoreAllMocks();
  await gateway.close();
  await provider.close();
});
afterAll(endAllSimulators);

const charge = () => gateway.charge(chargeRequest(), 5_000);
const circuitOpen = { status: 'not_processed', provider: 'simulator', reason: 'circuit_open' };
const voided = { status: 'voided' };

it('opens after so many faults in a row, and then sends no charge', async () => {
  for (let i = 0; i < 3; i += 1) expect((await charge()).status).toBe('unknown');
  expect(states).toEqual(['open']);
  const sent = provider.requests.length;
  expect(await charge()).toEqual(circuitOpen);
  expect(provider.requests).toHaveLength(sent);
});

it('a good answer in between starts the count anew; a clear no is a good answer', async () => {
  const refused = always(503, { error: { code: 'not_processed' } });
  for (let i = 0; i < 4; i += 1) {
    provider.answer = always(500, {});
    await charge();
    await charge();
    provider.answer = refused;
    await charge();
  }
  expect(states).toEqual([]);
});

it('what clears up an earlier charge is asked through an open circuit', async () => {
  for (let i = 0; i < 3; i += 1) await charge();
  provider.answer = always(200, voided);
  expect(await gateway.findCharge('pay_1')).toMatchObject({ status: 'not_processed', reason: 'voided' });
  expect(await gateway.voidCharge('pay_1')).toMatchObject({ status: 'not_processed', reason: 'voided' });
  provider.answer = always(200, { id: 're_1', status: 'succeeded' });
  expect((await gateway.findRefund('ref_1')).status).toBe('succeeded');
  expect(await charge()).toEqual(circuitOpen);
});

it('their faults count as well', async () => {
  for (let i = 0; i < 3; i += 1) await gateway.findCharge('pay_1');
  expect(states).toEqual(['open']);
});

it('after a while one charge is let through alone; its answer opens the circuit again, or closes it', async () => {
  for (let i = 0; i < 3; i += 1) await charge();
  passTime();
  expect((await charge()).status).toBe('unknown');
  expect(states).toEqual(['open', 'half_open', 'open']);
  expect(await charge()).toEqual(circuitOpen);

  const gate = Promise.withResolvers<undefined>();
  provider.answer = (_request, response) =>
    void gate.promise.then(() => response.writeHead(409).end(JSON.stringify(voided)));
  const sent = provider.requests.length;
  passTime();
  const probe = charge();
  await sentOne(sent);
  expect(await charge()).toEqual(circuitOpen);
  gate.resolve(undefined);
  expect(await probe).toMatchObject({ reason: 'voided' });
  expect(states.at(-1)).toBe('closed');
  expect(await charge()).toMatchObject({ reason: 'voided' });
});

it(
  'a provider that is killed and comes back is charged again, by itself',
  async () => {
    const first = await startSimulator();
    await gateway.close();
    gateway = gatewayTo(first.url);
    expect((await charge()).status).toBe('succeeded');
    await first.end('SIGKILL');
    await eventually(charge, (outcome) => outcome.status === 'not_processed' && outcome.reason === 'circuit_open');

    await startSimulator({ dataDir: first.dataDir, port: first.port });
    passTime();
    expect((await charge()).status).toBe('succeeded');
    expect(states.at(-1)).toBe('closed');
  },
  startTimeoutMs,
);

/** Resolves when the provider has got one more request than `before`. */
async function sentOne(before: number): Promise<void> {
  await eventually(
    () => Promise.resolve(provider.requests.length),
    (count) => count > before,
    10_000,
  );
}
