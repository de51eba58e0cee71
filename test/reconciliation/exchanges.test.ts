import { setTimeout as delay } from 'node:timers/promises';
import type { ReconciliationResult } from '../../src/contracts/reconciliation.ts';
import { taskQueues } from '../../src/contracts/workflow-ids.ts';
import { asMade, type Booking, type NewBooking } from '../../src/domain/booking.ts';
import { newId } from '../../src/platform/ids.ts';
import { insertExchange } from '../../src/read-model/exchanges.ts';
import type { Show } from '../../src/read-model/shows.ts';
import { book, endOf, pay, rowOf } from '../setup/bookings.ts';
import { exchangeFor } from '../setup/exchanges.ts';
import { openShow, statusesOf } from '../setup/shows.ts';
import { useTestSystem } from '../setup/system.ts';

const GRACE_MS = 500;
const PAYMENT_DEADLINE_MS = 1_000;
const system = useTestSystem({
  settings: {
    RECONCILIATION_GRACE_SECONDS: String(GRACE_MS / 1_000),
    PAYMENT_DEADLINE_SECONDS: String(PAYMENT_DEADLINE_MS / 1_000),
    RECONCILIATION_SCHEDULE: 'off',
  },
});
const startedAtMs = Date.now();

async function reconcile(): Promise<void> {
  await delay(2 * GRACE_MS + PAYMENT_DEADLINE_MS);
  const runId = newId('rec');
  const window = { fromMs: startedAtMs - 60_000, toMs: Date.now() };
  const args = [{ window, mode: 'repair', runId, startedBy: 'test' }];
  const options = { workflowId: runId, taskQueue: taskQueues.bookings, args };
  const result = (await system.temporal.workflow.execute('reconciliationWorkflow', options)) as ReconciliationResult;
  expect(result.status).toBe('COMPLETED');
}

async function confirmed(show: Show, seats: readonly number[]): Promise<NewBooking> {
  const booking = await book(system, show, seats);
  await pay(system, booking, 'tok_ok');
  expect(await endOf(system, booking)).toBe('CONFIRMED');
  return booking;
}

test('an exchange that was terminated between show and records is undone: the seats are their old booking’s, and never on sale', async () => {
  const show = await openShow(system);
  const from = await confirmed(show, [0, 1]);
  const { to } = exchangeFor(from, show, [1, 2]);
  const times = { heldAtMs: Date.now(), expiresAtMs: Date.now() };
  const booking: Booking = {
    ...asMade({ ...to, ...times, exchangeOf: from.id }),
    status: 'PAYMENT_PENDING',
    chainId: from.id,
  };
  await system.db.transaction().execute((trx) => insertExchange(trx, booking));
  const pivot = {
    kind: 'exchange',
    fromBookingId: from.id,
    bookingId: to.id,
    buyerId: to.userId,
    seats: [1, 2],
  } as const;
  expect(await system.workflows.seatCommand(show.id, pivot)).toMatchObject({ ok: true, seats: [0, 1, 2] });
  await reconcile();
  expect((await statusesOf(system, show.id)).slice(0, 4)).toBe('bbaa');
  expect(await rowOf(system, booking)).toMatchObject({ status: 'FAILED' });
  expect(await rowOf(system, from)).toMatchObject({ status: 'CONFIRMED' });
  await reconcile();
  const left = await system.db
    .selectFrom('reconciliation_findings')
    .select('kind')
    .where('show_id', '=', show.id)
    .where('state', '=', 'OPEN')
    .execute();
  expect(left).toEqual([]);
}, 60_000);
