import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { sql } from 'kysely';
import type { CancellationChange, ExchangeChange } from '../../src/contracts/change-messages.ts';
import type { ReconciliationResult } from '../../src/contracts/reconciliation.ts';
import { bookingChangeWorkflowId, bookingWorkflowId, taskQueues } from '../../src/contracts/workflow-ids.ts';
import { asMade, type Booking, type NewBooking } from '../../src/domain/booking.ts';
import type { Money } from '../../src/domain/money.ts';
import { newId } from '../../src/platform/ids.ts';
import { findBookings } from '../../src/read-model/bookings.ts';
import { insertExchange } from '../../src/read-model/exchanges.ts';
import type { Show } from '../../src/read-model/shows.ts';
import { book, captured, chargeAtProvider, endOf, lateEndOf, pay, recordAttempt, rowOf } from '../setup/bookings.ts';
import { expectChainsToAgree } from '../setup/chains.ts';
import { eventually } from '../setup/eventually.ts';
import { exchangeFor } from '../setup/exchanges.ts';
import { findingOf } from '../setup/findings.ts';
import { openShow, statusesOf } from '../setup/shows.ts';
import { useTestSystem } from '../setup/system.ts';
import { shortenHold } from './plants.ts';

const GRACE_MS = 500;
const PAYMENT_DEADLINE_MS = 1_000;
const QUIET_WITHIN_MS = 15_000;
/** Long enough for every step; what holds seats for longer is not past its time. */
const HELD_FOR_MS = 6_000;
const HALTS_DIR = mkdtempSync(join(tmpdir(), 'seatkeeper-halts-'));
const system = useTestSystem({
  workerEntry: 'test/setup/halting-worker.ts',
  settings: {
    HALTS_DIR,
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

async function confirmed(show: Show, seats: readonly number[], token = 'tok_ok'): Promise<NewBooking> {
  const booking = await book(system, show, seats);
  await pay(system, booking, token);
  expect(await endOf(system, booking)).toBe('CONFIRMED');
  return booking;
}

const terminateChangeOf = ({ id }: NewBooking) =>
  system.temporal.workflow.getHandle(bookingChangeWorkflowId(id)).terminate();

const openKinds = async (showIds: readonly string[]): Promise<string[]> => {
  const rows = await system.db
    .selectFrom('reconciliation_findings')
    .select(['kind', 'subject'])
    .where('show_id', 'in', showIds)
    .where('state', '=', 'OPEN')
    .execute();
  return rows.map(({ kind, subject }) => `${kind} ${subject}`);
};

test('the difference of an exchange goes back, though the workflow that gave it back was terminated after its answer', async () => {
  const booking = await confirmed(await openShow(system), [0, 1], 'tok_refund_refused_once');
  const change = exchangeFor(booking, await openShow(system, { seatPrice: 10_000 }), [3, 4]);
  expect(await system.workflows.exchangeBooking(change, booking)).toMatchObject({ ok: true });
  // The next try of it is a minute away.
  await eventually(async () => expect(await rowOf(system, booking)).toMatchObject({ refund: { status: 'FAILED' } }));
  await terminateChangeOf(booking);
  await reconcile();
  await eventually(async () =>
    expect(await rowOf(system, booking)).toMatchObject({ status: 'EXCHANGED', refund: { status: 'SUCCEEDED' } }),
  );
  await reconcile();
  const subject = { kind: 'refund_missing', subject: change.changeId } as const;
  expect(await findingOf(system.db, subject)).toMatchObject({ state: 'REPAIRED' });
}, 60_000);

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
  expect(await openKinds([show.id])).toEqual([]);
}, 60_000);

/** Money that was captured is told of when its booking's workflow is gone: late money waits for the booking to end. */
async function toldOfMoney(booking: NewBooking & Partial<Pick<Booking, 'status'>>, amount: Money, attemptId: string) {
  const paid = { id: booking.id, price: { lines: [], total: amount } };
  const notice = captured(paid, attemptId, await chargeAtProvider(system, paid, attemptId));
  await system.workflows.notifyPayment(notice, booking);
}

test('a hold whose workflow was terminated is ended also while its late money waits for that, and buys the seats', async () => {
  const show = await openShow(system);
  const booking = await book(system, show, [0, 1]);
  await system.temporal.workflow.getHandle(bookingWorkflowId(booking.id)).terminate();
  await shortenHold(system, booking);
  const attemptId = newId('pay');
  await recordAttempt(system, booking, attemptId);
  await toldOfMoney(booking, booking.price.total, attemptId);
  await reconcile();
  expect(await lateEndOf(system, booking, attemptId)).toBe('confirmed');
  await expectChainsToAgree(system, [show]);
}, 60_000);

test('an exchange that was terminated is undone also while its money waits for that', async () => {
  const [show, other] = [await openShow(system), await openShow(system, { seatPrice: 40_000 })];
  const from = await confirmed(show, [0, 1]);
  const { to, payment } = exchangeFor(from, other, [3, 4]);
  const times = { heldAtMs: Date.now(), expiresAtMs: Date.now() };
  const booking: Booking = {
    ...asMade({ ...to, ...times, exchangeOf: from.id }),
    status: 'PAYMENT_PENDING',
    chainId: from.id,
  };
  await system.db.transaction().execute((trx) => insertExchange(trx, booking));
  await recordAttempt(system, { ...booking, price: { lines: [], total: payment!.amount } }, payment!.attemptId);
  const take = { kind: 'confirm', bookingId: to.id, buyerId: to.userId, seats: [3, 4], reclaim: true } as const;
  expect(await system.workflows.seatCommand(other.id, take)).toMatchObject({ ok: true });
  await toldOfMoney(booking, payment!.amount, payment!.attemptId);
  await reconcile();
  expect(await lateEndOf(system, booking, payment!.attemptId)).toBe('refunded');
  await eventually(() => expectChainsToAgree(system, [show, other]));
  expect(await rowOf(system, booking)).toMatchObject({ status: 'FAILED' });
}, 60_000);

/** Where the workflow of a change comes to its end, what it was for, and what has become of the booking in the end. */
interface HalfDone {
  readonly at: string;
  readonly what: 'an exchange for dearer seats' | 'an exchange for cheaper seats' | 'a cancellation';
  readonly ends: 'CONFIRMED' | 'EXCHANGED' | 'CANCELLED';
}

const DEARER = 40_000;
const CHEAPER = 10_000;
const of =
  (what: HalfDone['what']) =>
  (at: string, ends: HalfDone['ends']): HalfDone => ({ at, what, ends });
const [dearer, cheaper] = [of('an exchange for dearer seats'), of('an exchange for cheaper seats')];
const cancellation = of('a cancellation');

/** In the order of the steps. Before the one transaction that records it nothing has happened, after it all of it. */
const halfDone: readonly HalfDone[] = [
  dearer('after holdSeats', 'CONFIRMED'),
  dearer('before openExchange', 'CONFIRMED'),
  dearer('after openExchange', 'CONFIRMED'),
  dearer('before chargePayment', 'CONFIRMED'),
  dearer('after chargePayment', 'CONFIRMED'),
  dearer('before confirmSeats', 'CONFIRMED'),
  dearer('after confirmSeats', 'CONFIRMED'),
  dearer('before recordExchange', 'CONFIRMED'),
  dearer('after recordExchange', 'EXCHANGED'),
  dearer('before returnSeats', 'EXCHANGED'),
  dearer('after returnSeats', 'EXCHANGED'),
  cheaper('after confirmSeats', 'CONFIRMED'),
  cheaper('after recordExchange', 'EXCHANGED'),
  cheaper('before refundPayment', 'EXCHANGED'),
  cheaper('after refundPayment', 'EXCHANGED'),
  cheaper('before recordChangeRefund', 'EXCHANGED'),
  cancellation('before recordCancellation', 'CONFIRMED'),
  cancellation('after recordCancellation', 'CANCELLED'),
  cancellation('before returnSeats', 'CANCELLED'),
  cancellation('before refundPayment', 'CANCELLED'),
  cancellation('after refundPayment', 'CANCELLED'),
];

function changeOf(from: NewBooking, other: Show, { what }: HalfDone): CancellationChange | ExchangeChange {
  if (what !== 'a cancellation') return { ...exchangeFor(from, other, [3, 4]), holdTtlMs: HELD_FOR_MS };
  return { kind: 'cancellation', changeId: newId('chg'), bookingId: from.id, requestedBy: from.userId };
}

describe('a change whose workflow is terminated', () => {
  const played: { readonly from: NewBooking; readonly other: string | null; readonly shows: readonly Show[] }[] = [];

  async function terminated(halfWay: HalfDone): Promise<(typeof played)[number]> {
    const seatPrice = halfWay.what === 'an exchange for cheaper seats' ? CHEAPER : DEARER;
    const [old, next] = await Promise.all([openShow(system), openShow(system, { seatPrice })]);
    const from = await confirmed(old, [0, 1]);
    const change = changeOf(from, next, halfWay);
    const other = change.kind === 'exchange' ? change.to.id : null;
    // Of the old booking's own steps none comes any more: both names are the change's.
    const halt = other === null || /returnSeats|refund|Refund/.test(halfWay.at) ? from.id : other;
    writeFileSync(join(HALTS_DIR, halt), halfWay.at);
    // Past the client, which asks again when a run has ended: then another one goes on with it.
    const workflowId = bookingChangeWorkflowId(from.id);
    const options = { workflowId, taskQueue: taskQueues.bookings, args: [{ change }] };
    await system.temporal.workflow.start('bookingChangeWorkflow', options);
    await eventually(() => expect(existsSync(join(HALTS_DIR, `${halt}.halted`))).toBe(true));
    await terminateChangeOf(from);
    rmSync(join(HALTS_DIR, `${halt}.halted`));
    return { from, other, shows: [old, next] };
  }

  beforeAll(async () => {
    played.push(...(await Promise.all(halfDone.map(terminated))));
    await delay(HELD_FOR_MS);
    await reconcile();
    // What was asked for is done by workflows of its own.
    await reconcile();
  }, 120_000);

  test.each(halfDone.map((each, place) => [each.what, each.at, each.ends, place] as const))(
    '%s, %s: the booking is %s, and money and seats agree',
    async (_what, _at, ends, place) => {
      const { from, other: otherId, shows } = played[place]!;
      await eventually(() => expectChainsToAgree(system, shows), QUIET_WITHIN_MS);
      const { status, refund } = await rowOf(system, from);
      expect([status, refund?.status ?? 'SUCCEEDED']).toEqual([ends, 'SUCCEEDED']);
      const [other] = otherId === null ? [] : await findBookings(system.db, [otherId]);
      expect(other?.status ?? 'FAILED').toBe(ends === 'EXCHANGED' ? 'CONFIRMED' : 'FAILED');
    },
    QUIET_WITHIN_MS + 5_000,
  );

  test('in the end nothing is left open: a payment that was never sent is called off when it is old enough', async () => {
    const newOnes = played.flatMap(({ other }) => other ?? []);
    await sql`update payments set created_at = created_at - interval '1 hour' where booking_id = any(${newOnes}::text[])`.execute(
      system.db,
    );
    await reconcile();
    // What one run has asked for, the next one finds done.
    await reconcile();
    expect(await openKinds(played.flatMap(({ shows }) => shows.map(({ id }) => id)))).toEqual([]);
  }, 60_000);
});
