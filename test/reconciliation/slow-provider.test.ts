import { jest } from '@jest/globals';
import { MockActivityEnvironment } from '@temporalio/testing';
import { createReconciliationActivities } from '../../activities/reconciliation-activities.ts';
import { readBooks } from '../../activities/reconciliation-books.ts';
import type { LedgerEntry } from '../../src/contracts/payments.ts';
import { noCounts, type ReconciliationStepDone } from '../../src/contracts/reconciliation.ts';
import type { PaymentGateway } from '../../src/gateways/payment-gateway.ts';
import { newId } from '../../src/platform/ids.ts';
import { useTestDatabase } from '../setup/postgres.ts';

const postgres = useTestDatabase();

const unused = (): never => {
  throw new Error('nobody is to be asked');
};

test('a worker that waits for a provider’s books tells that it lives', async () => {
  const environment = new MockActivityEnvironment({ currentAttemptScheduledTimestampMs: Date.now() });
  const heard = new Promise<void>((resolve) => environment.once('heartbeat', () => resolve()));
  const slow = providerWith(async () => {
    await heard;
    return { entries: [], nextCursor: null };
  });
  const { reconcile } = createReconciliationActivities({
    db: postgres.db,
    gateway: slow,
    providers: [slow],
    actors: { seatMap: unused, isAtWork: unused, isOwned: unused, stuckWorkflows: unused, isStuck: unused },
    workflows: { notifyPayment: unused, seatCommand: unused, resumeChange: unused },
    sweepAttempt: unused,
    graceMs: 1_000,
    paymentDeadlineMs: 1_000,
  });
  const window = { fromMs: 0, toMs: 1_000 };
  const position = { phase: 'money', doneUntilMs: 0, show: '', finding: null, isDone: false } as const;
  const step = { runId: newId('rec'), mode: 'dry_run', startedBy: 'test', window, position, counts: noCounts } as const;
  const done = await environment.run<[typeof step], ReconciliationStepDone, typeof reconcile>(reconcile, step);
  expect(done.position).toMatchObject({ phase: 'seats', doneUntilMs: 1_000 });
});

test('what a slow provider has told in its time is worked through before the rest is read', async () => {
  let nowMs = 0;
  jest.spyOn(Date, 'now').mockImplementation(() => nowMs);
  try {
    const slow = providerWith((_, cursor = '0') => {
      nowMs += 20_000;
      const page = Number(cursor);
      return Promise.resolve({ entries: [movementAt(page * 10)], nextCursor: String(page + 1) });
    });
    const { movements, toMs } = await readBooks([slow], { fromMs: 0, toMs: 1_000 }, 5_000);
    expect({ movements: movements.map(({ atMs }) => atMs), toMs }).toEqual({ movements: [0, 10], toMs: 20 });
  } finally {
    jest.restoreAllMocks();
  }
});

const providerWith = (ledger: PaymentGateway['ledger']): PaymentGateway => ({
  provider: 'slow',
  charge: unused,
  findCharge: unused,
  voidCharge: unused,
  refund: unused,
  findRefund: unused,
  ledger,
});

const movementAt = (atMs: number): LedgerEntry => ({
  id: `ch_${atMs}`,
  provider: 'slow',
  kind: 'charge',
  bookingId: null,
  attemptId: null,
  refundId: null,
  amount: { amount: 1, currency: 'INR' },
  atMs,
});
