import { sql } from 'kysely';
import type { CancellationProgress, ShowChange } from '../../src/contracts/show-changes.ts';
import { UPDATES_PER_RUN_MAX } from '../../src/contracts/show-messages.ts';
import { showCancellationWorkflowId, taskQueues } from '../../src/contracts/workflow-ids.ts';
import type { NewBooking } from '../../src/domain/booking.ts';
import { newId } from '../../src/platform/ids.ts';
import { cancellationProgress } from '../../src/read-model/show-changes.ts';
import type { Show } from '../../src/read-model/shows.ts';
import { SeatCommandBatcher } from '../../temporal/seat-command-batcher.ts';
import { expectAgreement } from '../setup/agreement.ts';
import { book, changeEndOf, pay, rowOf } from '../setup/bookings.ts';
import { eventually } from '../setup/eventually.ts';
import { ledgerOf, netCaptured, openShow, rowsOfSeats, statusesOf } from '../setup/shows.ts';
import { cancelledByStaff } from '../setup/show-changes.ts';
import { type TestSystem, useTestSystem } from '../setup/system.ts';
import { untilKnown } from '../setup/until-known.ts';
import { withInterruptedWorker } from '../setup/with-interrupted-worker.ts';

/** A show that is cancelled gives everything back, once, whatever happens meanwhile. */
const system = useTestSystem();
const HOUR_MS = 3_600_000;
const PATIENCE_MS = 120_000;
const CASES_AT_ONCE = 3;
/** A few more than a show takes before it goes on in a new run. */
const UPDATES_PER_RUN = UPDATES_PER_RUN_MAX + 38;
/** Of the ten updates that Temporal takes of a workflow at once. */
const SENDERS = 8;
const unpaced = { lingerMaxMs: 0 };

const handleOf = ({ temporal }: Pick<TestSystem, 'temporal'>, { showId }: Pick<ShowChange, 'showId'>) =>
  temporal.workflow.getHandle(showCancellationWorkflowId(showId));
const endOf = (own: Pick<TestSystem, 'temporal'>, change: ShowChange) =>
  handleOf(own, change).result() as Promise<CancellationProgress>;

async function sold(own: TestSystem, show: Show, count: number, token = 'tok_ok'): Promise<NewBooking[]> {
  const bookings = await Promise.all(
    Array.from({ length: count }, (_, pair) => book(own, show, [pair * 2, pair * 2 + 1], longTerms)),
  );
  await Promise.all(bookings.map((booking) => pay(own, booking, token)));
  const isConfirmed = async (booking: NewBooking) =>
    expect(await rowOf(own, booking)).toMatchObject({ status: 'CONFIRMED' });
  await Promise.all(bookings.map((booking) => eventually(() => isConfirmed(booking))));
  return bookings;
}
const longTerms = { holdTtlMs: 120_000, paymentDeadlineMs: 60_000 };
const open = (own: TestSystem, startsInMs = 48 * HOUR_MS) => openShow(own, { plan: rowsOfSeats(3, 10), startsInMs });

async function expectAllBack(own: TestSystem, show: Show, change: ShowChange, bookings: readonly NewBooking[]) {
  const total = bookings.length;
  const done = { total, refunded: total, failed: 0, nothingCaptured: 0, waiting: 0, confirmed: 0, seatsBooked: 0 };
  expect(await cancellationProgress(own.db, change, Date.now())).toEqual(done);
  const ledger = await ledgerOf(own);
  for (const booking of bookings) {
    const moved = ledger.filter(({ bookingId }) => bookingId === booking.id);
    expect(moved.map(({ kind, amount }) => [kind, amount.amount])).toEqual([
      ['charge', 50_000],
      ['refund', 50_000],
    ]);
    const events = own.db.selectFrom('outbox').select('type').where('booking_id', '=', booking.id);
    const types = (await events.orderBy('id').execute()).map(({ type }) => type);
    expect(types.filter((type) => type === 'show.cancelled')).toHaveLength(1);
    expect(types.filter((type) => type === 'booking.cancelled')).toHaveLength(1);
  }
  expect(await statusesOf(own, show.id)).not.toMatch(/b/);
  await expectAgreement(own, show);
}

/** A worker dies, or stands still, in the middle of each step; another one goes on. */
const interrupted = [
  ['SIGKILL', 'before applyShowChange'],
  ['SIGKILL', 'after applyShowChange'],
  ['SIGKILL', 'after recordCancellation'],
  ['SIGKILL', 'after returnSeats'],
  ['SIGKILL', 'after refundPayment'],
  ['SIGKILL', 'after recordChangeRefund'],
  ['SIGKILL', 'after refundBookings'],
  ['SIGKILL', 'after endShowChange'],
  ['SIGSTOP', 'before applyShowChange'],
  ['SIGSTOP', 'before refundBookings'],
  ['SIGSTOP', 'before recordCancellation'],
] as const;
type Interruption = (typeof interrupted)[number];
const outcomes = new Map(interrupted.map((each) => [each, Promise.withResolvers<void>()]));

/** Several namespaces share one database here: the sweep of one would take the changes of another one for its own. */
const pauseSweep = ({ temporal }: Pick<TestSystem, 'temporal'>): Promise<void> =>
  temporal.schedule.getHandle('show-change-sweep').pause('of a test');

beforeAll(async () => {
  await pauseSweep(system);
  const queue = interrupted.values();
  const lane = async (): Promise<void> => {
    for (const each of queue) {
      const { promise, resolve, reject } = outcomes.get(each)!;
      promise.catch(() => undefined);
      await play(each).then(resolve, reject);
    }
  };
  for (let number = 0; number < CASES_AT_ONCE; number++) void lane();
});

const play = ([by, at]: Interruption): Promise<void> =>
  withInterruptedWorker(system, { at, by }, async (own, { first, next, untilInterrupted }) => {
    await pauseSweep(own);
    const show = await open(own);
    const bookings = await sold(own, show, 8);
    const change = await cancelledByStaff(own, show);
    await untilKnown(() => own.workflows.startShowChange(change));
    await untilInterrupted(30_000);
    await next.start();
    if (by === 'SIGKILL') await endOf(own, change);
    else await eventually(async () => expect(await statusesOf(own, show.id)).not.toMatch(/b/), 60_000);
    first.signal('SIGCONT');
    await endOf(own, change);
    await first.kill('SIGTERM');
    await expectAllBack(own, show, change, bookings);
  });

describe('a worker dies or stands still while a cancelled show gives everything back', () => {
  test.each(interrupted.map((each): [string, Interruption] => [each.join(' '), each]))(
    '%s: nothing is lost, and nothing done twice',
    (_name, each) => outcomes.get(each)!.promise,
    PATIENCE_MS,
  );
});

describe('a cancelled show', () => {
  test('whose workflow was never started (the API died in between) is found by the sweep', async () => {
    const show = await open(system);
    const bookings = await sold(system, show, 3);
    const change = await cancelledByStaff(system, show, HOUR_MS);
    const sweep = { workflowId: newId('shw'), taskQueue: taskQueues.bookings, args: [] };
    await system.temporal.workflow.execute('showChangeSweepWorkflow', sweep);
    await endOf(system, change);
    await expectAllBack(system, show, change, bookings);
    // Once it is done it is left alone.
    const again = { ...sweep, workflowId: newId('shw') };
    expect(await system.temporal.workflow.execute('showChangeSweepWorkflow', again)).toEqual({ started: 0 });
  });

  test('gives everything back once to buyers who cancel at the same time', async () => {
    const show = await open(system);
    const bookings = await sold(system, show, 8);
    const change = await cancelledByStaff(system, show);
    const own = bookings.map((booking, n) => {
      const seatIds = n % 2 === 0 ? {} : { seatIds: [booking.seats[0]!.id] };
      const asked = { kind: 'cancellation', changeId: newId('chg'), requestedBy: booking.userId, ...seatIds } as const;
      return system.workflows.changeBooking({ ...asked, bookingId: booking.id }, booking);
    });
    await system.workflows.startShowChange(change);
    await Promise.all(own);
    await endOf(system, change);
    for (const booking of bookings) {
      await changeEndOf(system, booking);
      expect(await netCaptured(system, booking.id)).toBe(0);
      expect(await rowOf(system, booking)).toMatchObject({ status: 'CANCELLED', keptAmount: 0 });
    }
    await expectAgreement(system, show);
  });

  test('shows refunds that fail at the provider, and does not end before they are done', async () => {
    const show = await open(system);
    const [[failing], fine] = await Promise.all([
      sold(system, show, 1, 'tok_refund_refused_once'),
      book(system, show, [10, 11], longTerms),
    ]);
    await pay(system, fine, 'tok_ok');
    const change = await cancelledByStaff(system, show);
    await system.workflows.startShowChange(change);
    const shown = { total: 2, refunded: 1, failed: 1, nothingCaptured: 0, waiting: 0, confirmed: 0, seatsBooked: 0 };
    await eventually(async () => expect(await handleOf(system, change).query('progress')).toEqual(shown), 30_000);
    expect((await rowOf(system, failing!)).refund).toMatchObject({ status: 'FAILED' });
    const { status } = await handleOf(system, change).describe();
    expect(status.name).toBe('RUNNING');
    const details = await handleOf(system, change).query('__temporal_workflow_metadata');
    expect(details).toMatchObject({ currentDetails: expect.stringContaining('1 of 2 bookings refunded') as string });
  });

  test('ends where the provider says that it never had the money, and tells of it', async () => {
    const show = await open(system);
    const [unpaid, ...paid] = await sold(system, show, 2);
    // What our books call captured, the provider's have under no such name.
    const id = newId('pay');
    const renamed = sql`update payments set id = ${id}, provider_reference = 'ch_none' where booking_id = ${unpaid!.id}`;
    await renamed.execute(system.db);
    await sql`update bookings set payment_id = ${id} where id = ${unpaid!.id}`.execute(system.db);
    const change = await cancelledByStaff(system, show);
    await system.workflows.startShowChange(change);
    const done = { total: 2, refunded: 1, failed: 0, nothingCaptured: 1, waiting: 0, confirmed: 0, seatsBooked: 0 };
    expect(await endOf(system, change)).toEqual(done);
    expect(await rowOf(system, unpaid!)).toMatchObject({ status: 'CANCELLED', refund: { status: 'FAILED' } });
    expect(await netCaptured(system, paid[0]!.id)).toBe(0);
    const details = await handleOf(system, change).query('__temporal_workflow_metadata');
    expect(details).toMatchObject({ currentDetails: expect.stringContaining('1 never captured') as string });
  });

  test('refuses seats and money that come after it, and takes back what is held', async () => {
    const show = await open(system);
    const [held, paying] = [await book(system, show, [0, 1]), await book(system, show, [4, 5])];
    const change = await cancelledByStaff(system, show);
    await system.workflows.startShowChange(change);
    await endOf(system, change);
    const refused = { ok: false, refusal: 'SALES_CLOSED' };
    const send = (command: Parameters<typeof system.workflows.seatCommand>[1]) =>
      system.workflows.seatCommand(show.id, command);
    const hold = { kind: 'hold', bookingId: newId('bkg'), fingerprint: 'x', buyerId: 'usr_x', ttlMs: 30_000 } as const;
    expect(await send({ ...hold, pick: { seats: [8, 9] } })).toEqual(refused);
    expect(await send({ kind: 'swap', bookingId: held.id, seats: [8, 9] })).toEqual(refused);
    expect(await send({ kind: 'extend', bookingId: held.id, expiresAtMs: Date.now() + HOUR_MS })).toEqual(refused);
    const confirm = { kind: 'confirm', bookingId: held.id, buyerId: held.userId, seats: [0, 1] } as const;
    expect(await send({ ...confirm, reclaim: false })).toEqual(refused);
    expect(await send({ ...confirm, reclaim: true })).toEqual(refused);
    // Past the API, which would not have charged it.
    expect(await pay(system, paying, 'tok_ok')).toMatchObject({ outcome: 'refunded', reason: 'show_cancelled' });
    expect(await netCaptured(system, paying.id)).toBe(0);
    expect(await system.workflows.release(held.id)).toMatchObject({ ok: true, booking: { status: 'RELEASED' } });
    expect(await statusesOf(system, show.id)).toMatch(/^a+$/);
    await expectAgreement(system, show);
  });

  test('stays closed when its workflow continues as new', async () => {
    const show = await open(system);
    const change = await cancelledByStaff(system, show);
    await system.workflows.startShowChange(change);
    await endOf(system, change);
    const runId = async () => (await system.temporal.workflow.getHandle(`show/${show.id}`).describe()).runId;
    const before = await runId();
    const senders = Array.from({ length: SENDERS }, () => new SeatCommandBatcher(system.temporal.workflow, unpaced));
    await Promise.all(
      senders.map(async (sender, seat) => {
        for (let update = 0; update < UPDATES_PER_RUN / SENDERS; update += 2) {
          await sender.send(show.id, { kind: 'block', seats: [seat], reason: 'x' });
          await sender.send(show.id, { kind: 'unblock', seats: [seat] });
        }
      }),
    );
    await eventually(async () => expect(await runId()).not.toBe(before));
    const hold = { kind: 'hold', bookingId: newId('bkg'), fingerprint: 'x', buyerId: 'usr_x', ttlMs: 30_000 } as const;
    const answer = await system.workflows.seatCommand(show.id, { ...hold, pick: { seats: [0] } });
    expect(answer).toEqual({ ok: false, refusal: 'SALES_CLOSED' });
  }, 60_000);
});
