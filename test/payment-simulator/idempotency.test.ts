import { newId } from '../../src/platform/ids.ts';
import { client, endAllSimulators, eventually, startSimulator, startTimeoutMs } from './simulator-process.ts';

let provider: ReturnType<typeof client>;

beforeAll(async () => {
  provider = client((await startSimulator()).url);
}, startTimeoutMs);

afterAll(endAllSimulators);

const entriesOf = async (key: string) => (await provider.ledger()).filter((entry) => entry.attemptId === key);
const times = <T>(count: number, call: () => Promise<T>): Promise<T[]> =>
  Promise.all(Array.from({ length: count }, call));

it('fifty calls at once with one key are one charge and one answer', async () => {
  const key = newId('pay');
  const answers = await times(50, () => provider.charge({ key }));
  expect(new Set(answers.map((answer) => JSON.stringify(answer))).size).toBe(1);
  expect(await entriesOf(key)).toHaveLength(1);
});

it('a repeat while the first is in progress waits for it and gets the same answer', async () => {
  const key = newId('pay');
  const answers = await times(3, () => provider.charge({ key, token: 'tok_slow' }));
  expect(answers[0]).toMatchObject({ status: 200, body: { status: 'captured' } });
  expect(new Set(answers.map((answer) => JSON.stringify(answer))).size).toBe(1);
  expect(await entriesOf(key)).toHaveLength(1);
});

it.each([
  ['amount', { amount: 125_001 }],
  ['booking', { bookingId: 'bkg_other' }],
])('a key used for another %s is refused, and the first charge stays', async (_what, other) => {
  const key = newId('pay');
  const first = await provider.charge({ key });
  const second = await provider.charge({ key, ...other });
  expect(second).toMatchObject({ status: 422, body: { error: { code: 'idempotency_key_reused' } } });
  expect((await provider.find(key)).body.id).toBe(first.body.id);
  expect(await entriesOf(key)).toHaveLength(1);
});

it('a declined charge stays declined under its key, whatever the token of the repeat', async () => {
  const key = newId('pay');
  await provider.charge({ key, token: 'tok_declined' });
  expect((await provider.charge({ key, token: 'tok_ok' })).body.status).toBe('declined');
});

it('the two providers know nothing of each other', async () => {
  const key = newId('pay');
  await provider.charge({ key });
  expect((await provider.find(key, 'simulator-backup')).status).toBe(404);
});

describe('a void', () => {
  it('makes sure that a key not yet used never charges', async () => {
    const key = newId('pay');
    expect(await provider.void(key)).toMatchObject({ status: 200, body: { status: 'voided' } });
    expect(await provider.charge({ key })).toMatchObject({ status: 409, body: { status: 'voided' } });
    expect((await provider.void(key)).body.status).toBe('voided');
    expect((await provider.find(key)).body.status).toBe('voided');
    expect(await entriesOf(key)).toEqual([]);
  });

  it('comes too late for what is captured, and says so', async () => {
    const key = newId('pay');
    const { body } = await provider.charge({ key });
    expect((await provider.void(key)).body).toEqual(body);
    expect(await entriesOf(key)).toHaveLength(1);
  });

  it('cannot recall what is with the bank', async () => {
    const key = newId('pay');
    await provider.charge({ key, token: 'tok_pending' });
    expect((await provider.void(key)).body.status).toBe('pending');
    await eventually(
      () => provider.find(key),
      (found) => found.body.status === 'captured',
    );
  });

  it('stops a charge in progress, whose caller hears of it', async () => {
    const key = newId('pay');
    const charging = provider.charge({ key, token: 'tok_slow' });
    await eventually(
      () => provider.find(key),
      (found) => found.status === 200,
    );
    await provider.void(key);
    expect(await charging).toMatchObject({ status: 409, body: { status: 'voided' } });
  });

  it('racing with the charge, one of them wins and both say the same', async () => {
    const keys = Array.from({ length: 40 }, () => newId('pay'));
    const races = await Promise.all(
      keys.map((key, index) => {
        const calls = [() => provider.charge({ key }), () => provider.void(key)];
        return Promise.all((index % 2 === 0 ? calls : calls.reverse()).map((call) => call()));
      }),
    );
    const ledger = new Set((await provider.ledger()).map((entry) => entry.attemptId));
    races.forEach(([first, second], index) => {
      expect(first!.body.status).toBe(second!.body.status);
      expect(ledger.has(keys[index]!)).toBe(first!.body.status === 'captured');
    });
  });
});
