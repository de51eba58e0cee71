import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { LEDGER_PAGE_MAX, type LedgerEntry, type LedgerWindow } from '../../src/contracts/payments.ts';
import { createFallbackGateway } from '../../src/gateways/fallback-gateway.ts';
import {
  LedgerUnavailableError,
  type PaymentGateway,
  type ClosableGateway,
} from '../../src/gateways/payment-gateway.ts';
import { createSimulatorGateway } from '../../src/gateways/simulator-gateway.ts';
import { ProviderStore } from '../../src/payment-simulator/store.ts';
import {
  endAllSimulators,
  newDataDir,
  startSimulator,
  startTimeoutMs,
  type SimulatorProcess,
} from '../payment-simulator/simulator-process.ts';
import { chargeRequest, refundRequest } from './charge-requests.ts';
import { always, startScriptedProvider } from './scripted-provider.ts';

/** Long enough for a machine that is busy with other things. */
const timeoutMs = 10_000;
const allTime: LedgerWindow = { fromMs: 0, toMs: Date.UTC(2999, 0) };
const opened: ClosableGateway[] = [];

afterEach(() => Promise.all(opened.splice(0).map((gateway) => gateway.close())));
afterAll(endAllSimulators);

function gatewayTo(baseUrl: string, provider = 'simulator'): ClosableGateway {
  const gateway = createSimulatorGateway({ baseUrl, provider, timeoutMs });
  opened.push(gateway);
  return gateway;
}

async function wholeLedger(gateway: PaymentGateway, window = allTime): Promise<LedgerEntry[]> {
  const entries: LedgerEntry[] = [];
  for (let cursor: string | undefined; ;) {
    const page = await gateway.ledger(window, cursor);
    expect(page.entries.length).toBeLessThanOrEqual(LEDGER_PAGE_MAX);
    entries.push(...page.entries);
    if (page.nextCursor === null) return entries;
    cursor = page.nextCursor;
  }
}

describe("a provider's ledger", () => {
  let simulator: SimulatorProcess;
  beforeAll(async () => (simulator = await startSimulator()), startTimeoutMs);

  it('has charges and refunds with what they were asked with, and nothing of what moved no money', async () => {
    const gateway = gatewayTo(simulator.url);
    const fromMs = Date.now();
    const paid = chargeRequest({ bookingId: 'bkg_paid' });
    const charge = await gateway.charge(paid, timeoutMs);
    if (charge.status !== 'succeeded') throw new Error(charge.status);
    for (const token of ['tok_declined', 'tok_down', 'tok_redirect'])
      await gateway.charge(chargeRequest({ token }), timeoutMs);
    await gateway.voidCharge(chargeRequest().attemptId);
    const asked = refundRequest(paid, charge.provider, charge.providerReference);
    await gateway.refund(asked);

    const { bookingId, attemptId, amount } = paid;
    const common = { provider: 'simulator', bookingId, attemptId, amount, atMs: expect.any(Number) as number };
    expect(await wholeLedger(gateway, { ...allTime, fromMs })).toEqual([
      { ...common, id: charge.providerReference, kind: 'charge', refundId: null },
      { ...common, id: expect.any(String) as string, kind: 'refund', refundId: asked.refundId },
    ]);
  });

  it('a window begins with its first moment and ends before its last: two in a row have everything once', async () => {
    const gateway = gatewayTo(simulator.url);
    for (let charges = 0; charges < 3; charges += 1) {
      await gateway.charge(chargeRequest(), timeoutMs);
      await sleep(2);
    }
    const all = await wholeLedger(gateway);
    const { atMs } = all.at(-2)!;
    const before = await wholeLedger(gateway, { fromMs: 0, toMs: atMs });
    const after = await wholeLedger(gateway, { fromMs: atMs, toMs: allTime.toMs });
    expect([...before, ...after]).toEqual(all);
    expect(after[0]!.atMs).toBe(atMs);
  });

  it('of the two providers is asked of each, or of one after the other', async () => {
    const providers = ['simulator', 'simulator-backup'].map((name) => gatewayTo(simulator.url, name));
    const both = createFallbackGateway({ primary: providers[0]!, backup: providers[1]! });
    await providers[1]!.charge(chargeRequest(), timeoutMs);
    await providers[0]!.charge(chargeRequest(), timeoutMs);
    expect(both.providers).toEqual(providers);
    const each = await Promise.all(both.providers.map((gateway) => wholeLedger(gateway)));
    expect(each.map((ledger) => new Set(ledger.map(({ provider }) => provider)))).toEqual([
      new Set(['simulator']),
      new Set(['simulator-backup']),
    ]);
    expect(await wholeLedger(both)).toEqual(each.flat());
    await expect(both.ledger(allTime, '2:')).rejects.toThrow('a cursor of another ledger');
  });

  it('that cannot be read is no empty one', async () => {
    const provider = await startScriptedProvider();
    const gateway = gatewayTo(provider.url);
    const entry = { id: 'ch_1', kind: 'charge', provider: 'simulator', bookingId: 'bkg_1', attemptId: 'pay_1' };
    const whole = { ...entry, refundId: null, amount: { amount: 1, currency: 'INR' }, at: '2026-11-20T10:00:00Z' };
    for (const [status, body] of [
      [500, { items: [], nextCursor: null }],
      [200, 'nonsense'],
      [200, { items: [] }],
      [200, { items: [entry], nextCursor: null }],
      [200, { items: [{ ...whole, provider: 'simulator-backup' }], nextCursor: null }],
      [200, { items: Array.from({ length: LEDGER_PAGE_MAX + 1 }, () => whole), nextCursor: null }],
    ] as const) {
      provider.answer = always(status, body);
      await expect(gateway.ledger(allTime)).rejects.toThrow(LedgerUnavailableError);
    }
    provider.answer = always(200, { items: [whole], nextCursor: null });
    expect((await gateway.ledger(allTime)).entries).toHaveLength(1);
    await provider.close();
    await expect(gateway.ledger(allTime)).rejects.toThrow(LedgerUnavailableError);
  });
});

describe('a ledger of a hundred thousand', () => {
  const entries = 100_000;
  const startMs = Date.UTC(2026, 10, 1);
  let simulator: SimulatorProcess;

  beforeAll(async () => {
    const dataDir = newDataDir();
    const store = new ProviderStore(join(dataDir, 'payment-simulator.sqlite'), () => undefined);
    await store.commit(() => {
      for (let place = 0; place < entries; place += 1) {
        store.addLedgerEntry({
          id: `ch_${place}`,
          kind: 'charge',
          provider: place % 1_000 === 999 ? 'simulator-backup' : 'simulator',
          bookingId: `bkg_${place}`,
          attemptId: `pay_${place}`,
          amount: 125_000,
          currency: 'INR',
          atMs: startMs + place * 10,
        });
      }
    });
    store.close();
    simulator = await startSimulator({ dataDir });
  }, startTimeoutMs);

  it(
    'is read page by page, each entry once, in the order of time',
    async () => {
      const ledger = await wholeLedger(gatewayTo(simulator.url));
      expect(ledger).toHaveLength(entries - entries / 1_000);
      const places = ledger.map(({ id }) => Number(id.slice('ch_'.length)));
      expect(places.every((place, index) => index === 0 || place > places[index - 1]!)).toBe(true);
    },
    startTimeoutMs,
  );

  it('of the provider that has few of them, too', async () => {
    const ledger = await wholeLedger(gatewayTo(simulator.url, 'simulator-backup'));
    expect(ledger).toHaveLength(entries / 1_000);
  });

  it('any window of it is found at once', async () => {
    const window = { fromMs: startMs + 500_000, toMs: startMs + 500_100 };
    const ids = (await wholeLedger(gatewayTo(simulator.url), window)).map(({ id }) => id);
    expect(ids).toEqual(Array.from({ length: 10 }, (_, place) => `ch_${50_000 + place}`));
  });
});
