import { execFile } from 'node:child_process';
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import {
  bookingChangeWorkflowId,
  bookingWorkflowId,
  latePaymentWorkflowId,
  showCancellationWorkflowId,
  showMoveWorkflowId,
  showWorkflowId,
  taskQueues,
} from '../../src/contracts/workflow-ids.ts';
import type { NewBooking } from '../../src/domain/booking.ts';
import type { BookingTerms } from '../../src/domain/booking-process.ts';
import { createLogger } from '../../src/platform/logger.ts';
import { newId } from '../../src/platform/ids.ts';
import type { Show } from '../../src/read-model/shows.ts';
import { defaultCacheDir, obtainTemporalCli } from '../../temporal/server/obtain.ts';
import {
  book,
  captured,
  changeEndOf,
  chargeAtProvider,
  decideAtProvider,
  endOf,
  lateEndOf,
  pay,
  recordAttempt,
  rowOf,
  seatsAt,
} from './bookings.ts';
import { eventually } from './eventually.ts';
import { exchangeFor } from './exchanges.ts';
import { cancelledByStaff, movedByStaff } from './show-changes.ts';
import { openShow, statusesOf } from './shows.ts';
import { useTestSystem } from './system.ts';

/**
 * Records the histories of workflows in all their interesting states into the next numbered folder of test/histories,
 * through jest (`npm run record-histories`). To be run after a change of the workflows on which the old histories still
 * replay, so that the new ones are kept too. Histories that were released are never changed or deleted: some running
 * workflow may have one like it.
 */
const system = useTestSystem({ settings: { PAYMENT_DEADLINE_SECONDS: '4' } });

const HISTORY_BYTES_MAX = 10 * 1024 * 1024;
const short = { holdTtlMs: 120_000, paymentDeadlineMs: 4_000 };
const patient = { holdTtlMs: 120_000, paymentDeadlineMs: 60_000 };
const brief = { holdTtlMs: 500 };

interface Recorded {
  readonly name: string;
  readonly workflowId: string;
  readonly runId?: string;
}

const ofBooking = (name: string, { id }: NewBooking): Recorded => ({ name, workflowId: bookingWorkflowId(id) });
const ofLate = (name: string, { id }: NewBooking, attemptId: string): Recorded => ({
  name,
  workflowId: latePaymentWorkflowId(id, attemptId),
});

/** A booking of its own show that is played to its end. */
async function ended(
  name: string,
  terms: Partial<BookingTerms>,
  play: (booking: NewBooking, show: Show) => Promise<unknown>,
): Promise<Recorded[]> {
  const show = await openShow(system);
  const booking = await book(system, show, [0, 1], terms);
  await play(booking, show);
  await endOf(system, booking);
  return [ofBooking(name, booking)];
}

const paidWith = (token: string) => (booking: NewBooking) => pay(system, booking, token);

async function tellOfUnheardMoney(booking: NewBooking): Promise<string> {
  const attemptId = newId('pay');
  await recordAttempt(system, booking, attemptId);
  const notice = captured(booking, attemptId, await chargeAtProvider(system, booking, attemptId));
  await system.workflows.notifyPayment(notice, booking);
  return attemptId;
}

/** Left with its payment in doubt, and settled by the successor. */
async function givenUp(name: string, token: string): Promise<Recorded[]> {
  const show = await openShow(system);
  const booking = await book(system, show, [0, 1], short);
  const attemptId = newId('pay');
  await pay(system, booking, token, attemptId);
  await endOf(system, booking);
  await lateEndOf(system, booking, attemptId);
  return [ofBooking(`booking-${name}`, booking), ofLate(`late-${name}`, booking, attemptId)];
}

const bookings: readonly (() => Promise<Recorded[]>)[] = [
  () => ended('booking-confirmed', patient, paidWith('tok_ok')),
  () => ended('booking-expired', brief, () => Promise.resolve()),
  () => ended('booking-released', patient, ({ id }) => system.workflows.release(id)),
  () =>
    ended('booking-cancelled-by-operator', patient, async ({ id }) => {
      // A booking that nobody has touched sleeps, and hears of it only when its hold expires.
      await system.workflows.extend(id, 'first');
      await system.temporal.workflow.getHandle(bookingWorkflowId(id)).cancel();
    }),
  () =>
    ended('booking-declined-then-confirmed', { ...patient, holdTtlMs: 30_000 }, async (booking) => {
      await pay(system, booking, 'tok_declined');
      await pay(system, booking, 'tok_down');
      await pay(system, booking, 'tok_ok');
    }),
  () =>
    ended('booking-changed-and-extended', patient, async (booking, show) => {
      await system.workflows.changeSeats(booking.id, 'refused', seatsAt(show, [8]));
      const change = seatsAt(show, [4, 5, 6]);
      await system.workflows.changeSeats(booking.id, 'granted', change);
      await system.workflows.extend(booking.id, 'first');
      await pay(system, { ...booking, ...change }, 'tok_ok');
    }),
  () => ended('booking-pending-found-by-asking', patient, paidWith('tok_pending')),
  () =>
    ended('booking-pending-told-by-webhook', patient, async (booking) => {
      const attemptId = newId('pay');
      const answer = await pay(system, booking, 'tok_redirect', attemptId);
      const reference = await decideAtProvider(answer, 'approve');
      await system.workflows.notifyPayment(captured(booking, attemptId, reference), booking);
    }),
  () =>
    ended('booking-pending-failed-then-released', patient, async (booking) => {
      await pay(system, booking, 'tok_pending_fail');
      await eventually(async () =>
        expect(await rowOf(system, booking)).toMatchObject({ payment: { status: 'DECLINED' } }),
      );
      await system.workflows.release(booking.id);
    }),
  () => ended('booking-unknown-found-charged', patient, paidWith('tok_timeout_charged')),
  () => ended('booking-unknown-charged-again', patient, paidWith('tok_500_twice')),
  () =>
    ended('booking-unknown-voided', patient, async (booking) => {
      await pay(system, booking, 'tok_timeout_not_charged');
      await eventually(
        async () =>
          expect(await rowOf(system, booking)).toMatchObject({ status: 'HELD', payment: { status: 'FAILED' } }),
        60_000,
      );
      await system.workflows.release(booking.id);
    }),
  () => ended('booking-adopted-unheard-money', patient, tellOfUnheardMoney),
  () =>
    ended('booking-refunded-second-line', patient, async (booking, show) => {
      const row = { show_id: show.id, seat_id: 'seat-1', booking_id: booking.id };
      await system.db.insertInto('booked_seats').values(row).execute();
      await pay(system, booking, 'tok_refund_pending');
    }),
  () =>
    ended('booking-refunded-seats-lost', patient, async (booking, show) => {
      const answer = await pay(system, booking, 'tok_redirect');
      await system.workflows.seatCommand(show.id, { kind: 'release', bookingId: booking.id });
      await book(system, show, [1, 2], brief);
      await decideAtProvider(answer, 'approve');
    }),
  () => givenUp('given-up-then-confirmed', 'tok_pending_late'),
  () => givenUp('given-up-then-not-charged', 'tok_redirect'),
  async () => {
    const show = await openShow(system);
    const booking = await book(system, show, [0, 1]);
    await system.workflows.release(booking.id);
    await endOf(system, booking);
    const attemptId = await tellOfUnheardMoney(booking);
    await lateEndOf(system, booking, attemptId);
    return [ofLate('late-refunded', booking, attemptId)];
  },
  async () => {
    const show = await openShow(system);
    const booking = await book(system, show, [0, 1]);
    const answer = await pay(system, booking, 'tok_redirect');
    const attemptId = await tellOfUnheardMoney(booking);
    await decideAtProvider(answer, 'approve');
    await endOf(system, booking);
    await lateEndOf(system, booking, attemptId);
    return [ofBooking('booking-paid-twice', booking), ofLate('late-refunded-as-another-has-paid', booking, attemptId)];
  },
];

/** Changes of a booking that was paid, as they are asked for; the one run that hears them. */
async function changed(
  name: string,
  token: string,
  changes: readonly (readonly string[] | null)[],
  startsInMs?: number,
) {
  const show = await openShow(system, { ...(startsInMs !== undefined && { startsInMs }) });
  const booking = await book(system, show, [0, 1, 2], patient);
  await pay(system, booking, token);
  await endOf(system, booking);
  if (startsInMs !== undefined) await delay(show.startsAtMs + 1 - Date.now());
  for (const seatIds of changes) {
    const asked = { changeId: newId('chg'), bookingId: booking.id, requestedBy: booking.userId };
    await system.workflows.changeBooking({ kind: 'cancellation', ...asked, ...(seatIds && { seatIds }) }, booking);
  }
  await changeEndOf(system, booking);
  return [{ name: `change-${name}`, workflowId: bookingChangeWorkflowId(booking.id) }];
}

const changes: readonly (() => Promise<Recorded[]>)[] = [
  () => changed('cancelled', 'tok_ok', [null]),
  () => changed('cancelled-in-part', 'tok_refund_fails_twice', [['seat-1']]),
  () => changed('cancelled-while-a-refund-is-pending', 'tok_refund_pending', [['seat-1'], ['seat-9'], null]),
  () => changed('refused-after-the-start', 'tok_ok', [null], 4_000),
];

/** A booking that was paid, exchanged for two seats of another show at that price each. */
async function exchanged(
  name: string,
  { token = 'tok_ok', seatPrice, taken = [] }: { token?: string; seatPrice: number; taken?: readonly number[] },
): Promise<Recorded[]> {
  const [show, other] = [await openShow(system), await openShow(system, { seatPrice })];
  const booking = await book(system, show, [0, 1], patient);
  await pay(system, booking, 'tok_ok');
  await endOf(system, booking);
  if (taken.length > 0) await book(system, other, taken);
  await system.workflows.exchangeBooking(exchangeFor(booking, other, [0, 1], token), booking);
  await changeEndOf(system, booking);
  return [{ name: `change-${name}`, workflowId: bookingChangeWorkflowId(booking.id) }];
}

async function transferred(): Promise<Recorded[]> {
  const show = await openShow(system);
  const booking = await book(system, show, [0, 1], patient);
  await pay(system, booking, 'tok_ok');
  await endOf(system, booking);
  const to = { userId: newId('usr'), email: 'asha@example.org', language: 'en' } as const;
  const asked = { changeId: newId('chg'), bookingId: booking.id, requestedBy: booking.userId };
  await system.workflows.changeBooking({ kind: 'transfer', ...asked, to }, booking);
  await changeEndOf(system, booking);
  return [{ name: 'change-transferred', workflowId: bookingChangeWorkflowId(booking.id) }];
}

const DEARER = 40_000;
const CHEAPER = 10_000;

const exchanges: readonly (() => Promise<Recorded[]>)[] = [
  () => exchanged('exchanged-for-dearer', { seatPrice: DEARER }),
  () => exchanged('exchanged-for-cheaper', { seatPrice: CHEAPER }),
  () => exchanged('exchange-declined', { seatPrice: DEARER, token: 'tok_declined' }),
  () => exchanged('exchange-pending', { seatPrice: DEARER, token: 'tok_pending' }),
  () => exchanged('exchange-unknown-found-charged', { seatPrice: DEARER, token: 'tok_timeout_charged' }),
  () => exchanged('exchange-refused', { seatPrice: DEARER, taken: [1, 2] }),
  transferred,
];

async function reminders(): Promise<Recorded[]> {
  const workflowId = newId('shw');
  const options = { workflowId, taskQueue: taskQueues.bookings, args: [] };
  await system.temporal.workflow.execute('showRemindersWorkflow', options);
  return [{ name: 'reminders', workflowId }];
}

async function smallShow(): Promise<Recorded[]> {
  const show = await openShow(system, { startsInMs: 4_000, salesCloseInMs: 4_000, endsInMs: 5_000 });
  const handle = system.temporal.workflow.getHandle(showWorkflowId(show.id));
  const paid = await book(system, show, [0, 1]);
  await book(system, show, [4, 5], brief);
  const signalled = await book(system, show, [8, 9]);
  await system.workflows.seatCommand(show.id, { kind: 'block', seats: [20, 21], reason: 'camera' });
  await pay(system, paid, 'tok_ok');
  await handle.signal('releaseSeats', [signalled.id]);
  await eventually(async () => expect((await statusesOf(system, show.id)).slice(0, 10)).toBe('bbaaaaaaaa'));
  await handle.cancel();
  await system.workflows.release(signalled.id);
  await handle.result();
  return [{ name: 'show-from-start-to-end', workflowId: showWorkflowId(show.id) }];
}

/** Moved, then cancelled: one booking has been paid, another one is paid when it is too late. */
async function changedShow(): Promise<Recorded[]> {
  const show = await openShow(system);
  const [paid, paying] = [await book(system, show, [0, 1]), await book(system, show, [4, 5], patient)];
  await pay(system, paid, 'tok_ok');
  const endsAtMs = Date.now() + 20_000;
  const move = await movedByStaff(system, show, { startsAtMs: endsAtMs - 1, endsAtMs, salesCloseAtMs: endsAtMs });
  await system.workflows.startShowChange(move);
  const moved = showMoveWorkflowId(show.id, move.showVersion);
  await system.temporal.workflow.getHandle(moved).result();
  const cancellation = await cancelledByStaff(system, show);
  await system.workflows.startShowChange(cancellation);
  const cancelled = showCancellationWorkflowId(show.id);
  await system.temporal.workflow.getHandle(cancelled).result();
  await pay(system, paying, 'tok_ok');
  await endOf(system, paying);
  await system.temporal.workflow.getHandle(showWorkflowId(show.id)).result();
  return [
    { name: 'show-moved-then-closed', workflowId: showWorkflowId(show.id) },
    { name: 'show-move', workflowId: moved },
    { name: 'show-cancellation', workflowId: cancelled },
    ofBooking('booking-refunded-show-cancelled', paying),
  ];
}

/** Two runs and the beginning of a third; the server was told to suggest it early. */
async function showOfSeveralRuns(): Promise<Recorded[]> {
  const show = await openShow(system);
  const workflowId = showWorkflowId(show.id);
  const runIds = new Set<string>();
  while (runIds.size < 3) {
    const bookingId = newId('bkg');
    const hold = {
      kind: 'hold',
      bookingId,
      fingerprint: 'f',
      buyerId: 'usr',
      ttlMs: 1_500,
      pick: { seats: [0, 1] },
    } as const;
    await system.workflows.seatCommand(show.id, hold);
    if (runIds.size !== 1) await system.workflows.seatCommand(show.id, { kind: 'release', bookingId });
    runIds.add((await system.temporal.workflow.getHandle(workflowId).describe()).runId);
  }
  return [...runIds].map((runId, index) => ({ name: `show-run-${index + 1}`, workflowId, runId }));
}

async function sweep(): Promise<Recorded[]> {
  const workflowId = newId('pay');
  const options = { workflowId, taskQueue: taskQueues.bookings, args: [] };
  await system.temporal.workflow.execute('paymentSweepWorkflow', options);
  return [{ name: 'payment-sweep', workflowId }];
}

async function showChangeSweep(): Promise<Recorded[]> {
  const workflowId = newId('shw');
  const options = { workflowId, taskQueue: taskQueues.bookings, args: [] };
  await system.temporal.workflow.execute('showChangeSweepWorkflow', options);
  return [{ name: 'show-change-sweep', workflowId }];
}

/** A window of which something has to be settled, and looked at once more. */
async function reconciliation(): Promise<Recorded[]> {
  const show = await openShow(system);
  const booking = await book(system, show, [0, 1], brief);
  await endOf(system, booking);
  const take = { kind: 'confirm', bookingId: newId('bkg'), buyerId: 'usr', seats: [3], reclaim: true } as const;
  await system.workflows.seatCommand(show.id, take);
  const workflowId = newId('rec');
  const window = { fromMs: Date.now() - 60_000, toMs: Date.now() };
  const args = [{ window, mode: 'repair', runId: workflowId, startedBy: 'usr' }];
  await system.temporal.workflow.execute('reconciliationWorkflow', {
    workflowId,
    taskQueue: taskQueues.bookings,
    args,
  });
  return [{ name: 'reconciliation', workflowId }];
}

test('records the histories', async () => {
  const stories = [
    ...bookings,
    ...changes,
    ...exchanges,
    smallShow,
    showOfSeveralRuns,
    changedShow,
    sweep,
    showChangeSweep,
    reconciliation,
    reminders,
  ].map((play) => play());
  const recorded = (await Promise.all(stories)).flat();
  const folder = await nextFolder();
  const show = await historyPrinter();
  for (const each of recorded) await writeFile(join(folder, `${each.name}.json`), withoutIdentities(await show(each)));
}, 300_000);

/** Histories as `temporal workflow show` prints them, and as operators get them. */
async function historyPrinter(): Promise<(recorded: Recorded) => Promise<string>> {
  const log = createLogger('temporal', 'warn');
  const cli = await obtainTemporalCli({ cacheDir: defaultCacheDir(process.env), env: process.env, log });
  const { TEMPORAL_ADDRESS: address, TEMPORAL_NAMESPACE: namespace } = system.env;
  return async ({ workflowId, runId }) => {
    const workflow = ['--workflow-id', workflowId, ...(runId === undefined ? [] : ['--run-id', runId])];
    const server = ['--address', address!, '--namespace', namespace!];
    const options = { maxBuffer: HISTORY_BYTES_MAX };
    const { stdout } = await promisify(execFile)(
      cli,
      ['workflow', 'show', ...workflow, ...server, '--output', 'json'],
      options,
    );
    return stdout;
  };
}

async function nextFolder(): Promise<string> {
  const histories = join(import.meta.dirname, '../histories');
  await mkdir(histories, { recursive: true });
  const numbers = (await readdir(histories)).map(Number).filter((number) => number > 0);
  const folder = join(histories, String(Math.max(0, ...numbers) + 1));
  await mkdir(folder);
  return folder;
}

/** No replay needs processes, hosts and stacks, and they tell of the machine. */
const withoutIdentities = (json: string): string =>
  JSON.stringify(
    JSON.parse(json, (key, value: unknown) => {
      if (key === 'identity' || key === 'stackTrace') return undefined;
      return key === 'name' && typeof value === 'string' && /^\d+@/.test(value) ? 'sticky' : value;
    }),
  );
