import type { ChargeRequest } from '../../src/contracts/payments.ts';
import { createFallbackGateway, type FallbackEvent } from '../../src/gateways/fallback-gateway.ts';
import type { PaymentGateway, ClosableGateway } from '../../src/gateways/payment-gateway.ts';
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

/** Each provider in a process of its own, so that one can be taken away. */
let first: SimulatorProcess;
let second: SimulatorProcess;
let primary: ClosableGateway;
let backup: ClosableGateway;
let gateway: PaymentGateway;
let events: FallbackEvent[];
let stopped: SimulatorProcess[];
const opened: ClosableGateway[] = [];

/** Where an answer is expected, however busy the machine. */
const timeoutMs = 10_000;
/** Where none is. */
const hangingMs = 400;
const circuit = { faultsInARow: 3, halfOpenAfterMs: 60_000 };

beforeAll(async () => {
  [first, second] = await Promise.all([startSimulator(), startSimulator()]);
}, startTimeoutMs);

beforeEach(() => {
  events = [];
  stopped = [];
  connect();
});

afterEach(async () => {
  for (const simulator of stopped) process.kill(simulator.pid, 'SIGCONT');
  await Promise.all(opened.splice(0).map((each) => each.close()));
});

afterAll(endAllSimulators);

/** Gateways that wait so long for the backup when they find, void or refund. */
function connect(backupTimeoutMs = timeoutMs): void {
  primary = createSimulatorGateway({ baseUrl: first.url, provider: 'simulator', timeoutMs, circuit });
  const toBackup = { timeoutMs: backupTimeoutMs, circuit };
  backup = createSimulatorGateway({ baseUrl: second.url, provider: 'simulator-backup', ...toBackup });
  opened.push(primary, backup);
  gateway = freshGateway();
}

/** As in a process that has just started: it remembers no attempt. */
const freshGateway = () => createFallbackGateway({ primary, backup }, (event) => events.push(event));

function stop(simulator: SimulatorProcess): void {
  process.kill(simulator.pid, 'SIGSTOP');
  stopped.push(simulator);
}

function goOn(simulator: SimulatorProcess): void {
  process.kill(simulator.pid, 'SIGCONT');
  stopped.splice(stopped.indexOf(simulator), 1);
}

async function restart(simulator: SimulatorProcess): Promise<void> {
  const { dataDir, port } = simulator;
  const again = await startSimulator({ dataDir, port });
  if (simulator === first) first = again;
  else second = again;
}

/** A gateway to nobody: refuses before charging, like the provider that is away. */
const away = (provider: string) =>
  createSimulatorGateway({ baseUrl: 'http://127.0.0.1:9', provider, timeoutMs, circuit });

async function movements({ attemptId }: ChargeRequest): Promise<string[]> {
  const ledgers = await Promise.all([first, second].map((simulator) => client(simulator.url).ledger()));
  return ledgers.flatMap((ledger, index) =>
    ledger.filter((entry) => entry.attemptId === attemptId).map((entry) => `${entry.kind} at ${index + 1}`),
  );
}

describe('the first call of an attempt', () => {
  it('goes to the first provider, and its word is final', async () => {
    for (const [token, status] of [
      ['tok_ok', 'succeeded'],
      ['tok_declined', 'declined'],
      ['tok_redirect', 'pending'],
    ] as const) {
      const request = chargeRequest({ token });
      expect(await gateway.charge(request, timeoutMs)).toMatchObject({ status, provider: 'simulator' });
      expect((await backup.findCharge(request.attemptId)).status).toBe('not_found');
    }
    expect(events).toEqual([]);
  });

  it('goes to the backup when the first refused before charging', async () => {
    const request = chargeRequest({ token: 'tok_down' });
    expect(await gateway.charge(request, timeoutMs)).toMatchObject({
      status: 'not_processed',
      provider: 'simulator-backup',
    });
    expect(events).toEqual([{ kind: 'fallback', attemptId: request.attemptId, reason: 'refused' }]);
  });

  it('goes to the backup when the first is not there', async () => {
    gateway = createFallbackGateway({ primary: away('simulator'), backup });
    const request = chargeRequest();
    const outcome = await gateway.charge(request, timeoutMs);
    expect(outcome).toMatchObject({ status: 'succeeded', provider: 'simulator-backup' });
    expect(await movements(request)).toEqual(['charge at 2']);
  });

  it('goes to the backup while the circuit of the first is open', async () => {
    for (let i = 0; i < circuit.faultsInARow; i += 1) {
      await gateway.charge(chargeRequest({ token: 'tok_500_twice' }), timeoutMs);
    }
    const request = chargeRequest();
    expect(await gateway.charge(request, timeoutMs)).toMatchObject({ provider: 'simulator-backup' });
    expect(events).toEqual([{ kind: 'fallback', attemptId: request.attemptId, reason: 'circuit_open' }]);
    expect(await movements(request)).toEqual(['charge at 2']);
  });

  it.each(['tok_timeout_charged', 'tok_timeout_not_charged', 'tok_500_twice'])(
    'never goes to the backup while the outcome is unknown: %s',
    async (token) => {
      const request = chargeRequest({ token });
      expect(await gateway.charge(request, hangingMs)).toMatchObject({ status: 'unknown', provider: 'simulator' });
      expect((await backup.findCharge(request.attemptId)).status).toBe('not_found');
    },
  );

  it('never goes to the backup when somebody has voided the attempt', async () => {
    const request = chargeRequest();
    await primary.voidCharge(request.attemptId);
    expect(await gateway.charge(request, timeoutMs)).toMatchObject({ status: 'not_processed', reason: 'voided' });
    expect(await movements(request)).toEqual([]);
  });
});

describe('a later call of the same attempt', () => {
  it('is charged once by the first provider, its answer lost, the circuit open since', async () => {
    const request = chargeRequest({ token: 'tok_timeout_charged' });
    const isCharged = async () => expect(await movements(request)).toEqual(['charge at 1']);
    const charge = (chargeTimeoutMs: number) => gateway.charge(request, chargeTimeoutMs);
    expect((await untilThere(isCharged, timeoutMs, charge)).status).toBe('unknown');
    for (let i = 0; i < circuit.faultsInARow; i += 1) {
      await gateway.charge(chargeRequest({ token: 'tok_500_twice' }), timeoutMs);
    }
    expect(await gateway.charge(request, timeoutMs)).toMatchObject({ status: 'unknown', reason: 'circuit_open' });
    expect(await gateway.findCharge(request.attemptId)).toMatchObject({ status: 'succeeded', provider: 'simulator' });
    expect(await movements(request)).toEqual(['charge at 1']);
  });

  it.each(['remembered by this process', 'said by the caller'])(
    'is not charged by the backup after the first provider is gone with the answer (%s)',
    async (how) => {
      const request = chargeRequest();
      await gateway.charge(request, timeoutMs);
      await first.end('SIGKILL');
      const later = how === 'said by the caller' ? freshGateway() : gateway;
      const repeat = { ...request, repeated: true };
      expect((await later.charge(later === gateway ? request : repeat, timeoutMs)).status).toBe('unknown');
      await restart(first);
      expect(await later.charge(repeat, timeoutMs)).toMatchObject({ status: 'succeeded', provider: 'simulator' });
      expect(await movements(request)).toEqual(['charge at 1']);
    },
    startTimeoutMs,
  );

  it.each(['remembered by this process', 'said by the caller'])(
    'is not charged by the first provider, back again, after the backup has charged (%s)',
    async (how) => {
      const request = chargeRequest();
      await first.end('SIGKILL');
      expect(await gateway.charge(request, timeoutMs)).toMatchObject({ provider: 'simulator-backup' });
      await restart(first);
      const later = how === 'said by the caller' ? freshGateway() : gateway;
      const repeat = how === 'said by the caller' ? { ...request, repeated: true } : request;
      expect(await later.charge(repeat, timeoutMs)).toMatchObject({
        status: 'succeeded',
        provider: 'simulator-backup',
      });
      expect(await movements(request)).toEqual(['charge at 2']);
    },
    startTimeoutMs,
  );

  it('closes the backup before it goes to the first provider again', async () => {
    const request = chargeRequest({ token: 'tok_500_twice' });
    for (const status of ['unknown', 'unknown', 'succeeded']) {
      expect((await gateway.charge(request, timeoutMs)).status).toBe(status);
    }
    expect(await backup.findCharge(request.attemptId)).toMatchObject({ status: 'not_processed', reason: 'voided' });
    expect(await movements(request)).toEqual(['charge at 1']);
  });

  it('charges nowhere while the backup cannot say whether it has', async () => {
    const request = chargeRequest({ repeated: true });
    connect(hangingMs);
    stop(second);
    expect((await gateway.charge(request, timeoutMs)).status).toBe('unknown');
    goOn(second);
    expect(await movements(request)).toEqual([]);
  });

  it('does not need the backup to hear what the first provider has', async () => {
    const request = chargeRequest();
    await gateway.charge(request, timeoutMs);
    connect(hangingMs);
    stop(second);
    expect(await gateway.charge({ ...request, repeated: true }, timeoutMs)).toMatchObject({
      status: 'succeeded',
      provider: 'simulator',
    });
  });

  it('refused by the first provider now, ends as not processed for good', async () => {
    const request = chargeRequest({ token: 'tok_down', repeated: true });
    expect((await gateway.charge(request, timeoutMs)).status).toBe('not_processed');
    expect((await primary.charge({ ...request, token: 'tok_ok' }, timeoutMs)).status).toBe('not_processed');
    expect((await backup.charge({ ...request, token: 'tok_ok' }, timeoutMs)).status).toBe('not_processed');
    expect(await movements(request)).toEqual([]);
  });

  it('two calls at once are one charge at one provider', async () => {
    const requests = Array.from({ length: 20 }, () => chargeRequest());
    const outcomes = await Promise.all(
      requests.map((request) => Promise.all([1, 2].map(() => gateway.charge(request, 5_000)))),
    );
    outcomes.forEach(([one, other]) => expect(one).toEqual(other));
    for (const request of requests) expect(await movements(request)).toEqual(['charge at 1']);
  });
});

describe('finding', () => {
  it('finds a charge at either provider', async () => {
    for (const captor of [primary, backup]) {
      const request = chargeRequest();
      const outcome = await captor.charge(request, timeoutMs);
      expect(await gateway.findCharge(request.attemptId)).toEqual(outcome);
    }
  });

  it('is not found when neither has it, and unknown when one cannot be asked', async () => {
    expect((await gateway.findCharge('pay_of_nobody')).status).toBe('not_found');
    connect(hangingMs);
    stop(second);
    expect((await gateway.findCharge('pay_of_nobody')).status).toBe('unknown');
  });

  it('one tombstone is not certainty: the other provider may still charge', async () => {
    const { attemptId } = chargeRequest();
    await primary.voidCharge(attemptId);
    expect((await gateway.findCharge(attemptId)).status).toBe('not_found');
    await backup.voidCharge(attemptId);
    expect((await gateway.findCharge(attemptId)).status).toBe('not_processed');
  });

  it('money at one provider outweighs a decline at the other; at both it is reported', async () => {
    const request = chargeRequest();
    await primary.charge({ ...request, token: 'tok_declined' }, timeoutMs);
    await backup.charge(request, timeoutMs);
    expect(await gateway.findCharge(request.attemptId)).toMatchObject({ status: 'succeeded' });
    expect(events).toEqual([]);
    const twice = chargeRequest();
    await primary.charge(twice, timeoutMs);
    await backup.charge(twice, timeoutMs);
    expect(await gateway.findCharge(twice.attemptId)).toMatchObject({ status: 'succeeded', provider: 'simulator' });
    expect(events).toEqual([{ kind: 'charged_twice', attemptId: twice.attemptId }]);
  });
});

describe('voiding', () => {
  it('is done only when both providers have', async () => {
    const request = chargeRequest();
    connect(hangingMs);
    stop(second);
    expect((await gateway.voidCharge(request.attemptId)).status).toBe('unknown');
    goOn(second);
    connect();
    expect(await gateway.voidCharge(request.attemptId)).toMatchObject({ status: 'not_processed', reason: 'voided' });
    for (const each of [primary, backup]) expect((await each.charge(request, timeoutMs)).status).toBe('not_processed');
    expect(await movements(request)).toEqual([]);
  });

  it('answers the charge that it came too late for, at either provider', async () => {
    for (const captor of [primary, backup]) {
      const request = chargeRequest();
      const outcome = await captor.charge(request, timeoutMs);
      expect(await gateway.voidCharge(request.attemptId)).toEqual(outcome);
    }
  });
});

describe('a refund', () => {
  it('goes to the provider that captured, and is found at either', async () => {
    for (const captor of [primary, backup]) {
      const charge = chargeRequest();
      const outcome = await captor.charge(charge, timeoutMs);
      if (outcome.status !== 'succeeded') throw new Error(outcome.status);
      const request = refundRequest(charge, outcome.provider, outcome.providerReference);
      expect((await gateway.findRefund(request.refundId)).status).toBe('not_found');
      // The backup of this test is a process of its own; both processes host both names.
      const refund = await gateway.refund(request);
      expect(refund.status).toBe('succeeded');
      expect(await gateway.findRefund(request.refundId)).toEqual(refund);
      const at = captor === primary ? 1 : 2;
      expect(await movements(charge)).toEqual([`charge at ${at}`, `refund at ${at}`]);
    }
  });

  it('to a provider that nobody knows has failed', async () => {
    const request = refundRequest(chargeRequest(), 'stripe', 'ch_1');
    expect(await gateway.refund(request)).toEqual({ status: 'failed', reason: 'unknown_provider' });
  });
});

describe('one provider alone', () => {
  const alone = () => createFallbackGateway({ primary, backup: null }, (event) => events.push(event));

  it('is charged, and what it refuses is refused', async () => {
    expect((await alone().charge(chargeRequest(), timeoutMs)).status).toBe('succeeded');
    expect(await alone().charge(chargeRequest({ token: 'tok_down' }), timeoutMs)).toMatchObject({
      status: 'not_processed',
      provider: 'simulator',
    });
    expect(events).toEqual([]);
  });

  it('that is away leaves a later call of an attempt in doubt', async () => {
    const gatewayAlone = createFallbackGateway({ primary: away('simulator'), backup: null });
    const request = chargeRequest();
    expect((await gatewayAlone.charge(request, timeoutMs)).status).toBe('not_processed');
    expect(await gatewayAlone.charge(request, timeoutMs)).toMatchObject({ status: 'unknown', reason: 'unreachable' });
  });
});

describe('a provider that is retired', () => {
  const withRetired = () => createFallbackGateway({ primary: backup, backup: null, retired: [primary] });

  it('is not charged, but found, refunded and read', async () => {
    const before = chargeRequest();
    const outcome = await primary.charge(before, timeoutMs);
    if (outcome.status !== 'succeeded') throw new Error(outcome.status);
    expect(await withRetired().findCharge(before.attemptId)).toEqual(outcome);
    const refund = refundRequest(before, outcome.provider, outcome.providerReference);
    expect((await withRetired().refund(refund)).status).toBe('succeeded');
    expect(await withRetired().charge(chargeRequest({ token: 'tok_down' }), timeoutMs)).toMatchObject({
      status: 'not_processed',
      provider: 'simulator-backup',
    });
    expect(withRetired().providers.map(({ provider }) => provider)).toEqual(['simulator-backup', 'simulator']);
  });

  it('that has charged an attempt answers for it when it is tried again, and nobody else is charged', async () => {
    const request = chargeRequest();
    const outcome = await primary.charge(request, timeoutMs);
    expect(await withRetired().charge({ ...request, repeated: true }, timeoutMs)).toEqual(outcome);
    expect(await movements(request)).toEqual(['charge at 1']);
  });
});
