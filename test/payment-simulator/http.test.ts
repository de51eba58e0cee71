import { newId } from '../../src/platform/ids.ts';
import {
  client,
  endAllSimulators,
  startSimulator,
  startTimeoutMs,
  type SimulatorProcess,
} from './simulator-process.ts';

let simulator: SimulatorProcess;
let provider: ReturnType<typeof client>;

beforeAll(async () => {
  simulator = await startSimulator();
  provider = client(simulator.url);
}, startTimeoutMs);

afterAll(endAllSimulators);

const charge = { bookingId: 'bkg_1', amount: { amount: 1, currency: 'INR' }, method: 'card', token: 'tok_ok' };

async function post(path: string, body: string, headers: Record<string, string> = {}) {
  const response = await fetch(simulator.url + path, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'idempotency-key': newId('pay'), ...headers },
    body,
  });
  const answer = (await response.json()) as { error?: { code: string } };
  return [response.status, answer.error?.code];
}

it('says at its address where its ledger is', async () => {
  const response = await fetch(simulator.url);
  expect(response.status).toBe(200);
  expect(await response.text()).toMatch(/^The payment simulator: \/ledger.*\n$/);
});

describe('bad input is refused and charges nothing', () => {
  const charges = '/v1/simulator/charges';
  afterEach(async () => expect(await provider.ledger()).toEqual([]));

  it.each([
    ['a missing amount', { ...charge, amount: undefined }],
    ['nothing to pay', { ...charge, amount: { amount: 0, currency: 'INR' } }],
    ['a negative amount', { ...charge, amount: { amount: -1, currency: 'INR' } }],
    ['a broken amount', { ...charge, amount: { amount: 1.5, currency: 'INR' } }],
    ['an amount past safe integers', { ...charge, amount: { amount: 2 ** 53, currency: 'INR' } }],
    ['no currency', { ...charge, amount: { amount: 1, currency: 'rupees' } }],
    ['an unknown method', { ...charge, method: 'cash' }],
    ['an unknown field', { ...charge, tip: 1 }],
    ['a list', []],
  ])('%s', async (_what, body) => {
    expect(await post(charges, JSON.stringify(body))).toEqual([400, 'invalid_request']);
  });

  it.each([
    ['no key', '', 400, 'invalid_request'],
    ['a key that is too long', 'k'.repeat(256), 400, 'invalid_request'],
  ])('%s', async (_what, key, ...refusal) => {
    expect(await post(charges, JSON.stringify(charge), { 'idempotency-key': key })).toEqual(refusal);
  });

  it('broken JSON, another content type, a body over 16 KiB', async () => {
    expect(await post(charges, '{"bookingId":')).toEqual([400, 'malformed_json']);
    expect(await post(charges, JSON.stringify(charge), { 'content-type': 'text/plain' })).toEqual([
      415,
      'unsupported_media_type',
    ]);
    expect(await post(charges, JSON.stringify({ ...charge, token: 'x'.repeat(16_400) }))).toEqual([
      413,
      'body_too_large',
    ]);
  });

  it('a provider, a path and a method that are not there', async () => {
    expect(await post('/v1/stripe/charges', JSON.stringify(charge))).toEqual([404, 'not_found']);
    expect(await post('/v2', '{}')).toEqual([404, 'not_found']);
    const response = await fetch(`${simulator.url}/ledger`, { method: 'DELETE' });
    expect([response.status, response.headers.get('allow')]).toEqual([405, 'GET']);
  });
});

it('says that it is alive and ready', async () => {
  for (const probe of ['live', 'ready']) expect((await fetch(`${simulator.url}/health/${probe}`)).status).toBe(200);
});

describe('the ledger', () => {
  const entries = 2_500;

  beforeAll(async () => {
    let left = entries;
    const buyer = async () => {
      while (left-- > 0) await provider.charge();
    };
    await Promise.all(Array.from({ length: 16 }, buyer));
  }, startTimeoutMs);

  it('has every movement once, oldest first, in one answer of thousands', async () => {
    const ledger = await provider.ledger();
    expect(new Set(ledger.map((entry) => entry.id)).size).toBe(entries);
    expect(ledger).toHaveLength(entries);
    expect(ledger.map((entry) => entry.at)).toEqual(ledger.map((entry) => entry.at).sort());
  });

  it('since a time: from that very moment on', async () => {
    const ledger = await provider.ledger();
    const since = ledger[1_200]!.at;
    expect(await provider.ledger(since)).toEqual(ledger.filter((entry) => entry.at >= since));
    const withOffset = new Date(Date.parse(since) + 19_800_000).toISOString().replace('Z', '+05:30');
    expect(await provider.ledger(withOffset)).toEqual(await provider.ledger(since));
    expect(await provider.ledger('2999-01-01T00:00:00Z')).toEqual([]);
    expect(await provider.ledger('')).toHaveLength(entries);
  });

  it('until a time: before that very moment', async () => {
    const ledger = await provider.ledger();
    const [since, until] = [ledger[700]!.at, ledger[1_900]!.at];
    const between = await provider.ledger(since, { until });
    expect(between).toEqual(ledger.filter(({ at }) => at >= since && at < until));
    expect(between.length).toBeGreaterThan(0);
    expect(await provider.ledger(since, { until: since })).toEqual([]);
  });

  it('in pages: the same, none twice, none left out, and an end', async () => {
    const seen: string[] = [];
    let cursor: string | null = '';
    for (let pages = 0; cursor !== null && pages < 10; pages += 1) {
      const page = await provider.ledgerPage({ limit: '700', cursor });
      expect(page.items.length).toBeLessThanOrEqual(700);
      seen.push(...page.items.map((entry) => entry.id));
      cursor = page.nextCursor;
    }
    expect(cursor).toBeNull();
    expect(seen).toEqual((await provider.ledger()).map((entry) => entry.id));
  });

  it('of one provider alone, and with the keys that charges and refunds were asked with', async () => {
    const key = newId('pay');
    await provider.charge({ key, provider: 'simulator-backup' });
    const [charge, ...others] = await provider.ledger('', { provider: 'simulator-backup' });
    expect(others).toEqual([]);
    expect(charge).toMatchObject({ provider: 'simulator-backup', attemptId: key, refundId: null });

    const { at, attemptId } = (await provider.ledger()).findLast((entry) => entry.provider === 'simulator')!;
    const refundId = newId('ref');
    await provider.refund(attemptId, refundId);
    const refund = (await provider.ledger(at)).at(-1);
    expect(refund).toMatchObject({ kind: 'refund', provider: 'simulator', attemptId, refundId });
  });

  it.each(['limit=0', 'limit=1001', 'limit=1.5', 'cursor=-1', 'cursor=next', 'provider=stripe', 'until=now'])(
    '%s: refused',
    async (query) => expect((await fetch(`${simulator.url}/ledger?${query}`)).status).toBe(400),
  );

  it.each(['yesterday', '2026-11-20', '1766300000'])('since %s: refused', async (since) => {
    expect((await fetch(`${simulator.url}/ledger?since=${since}`)).status).toBe(400);
  });
});
