import { setTimeout as delay } from 'node:timers/promises';
import type { BookingStatusView, ChangeSeatsCommand } from '../../src/contracts/booking-messages.ts';
import { bookingWorkflowId, showCancellationWorkflowId } from '../../src/contracts/workflow-ids.ts';
import { BOOKING_COMMANDS_MAX, type NewBooking, PAYMENT_ATTEMPTS_MAX } from '../../src/domain/booking.ts';
import { newId } from '../../src/platform/ids.ts';
import { findPaymentsOfBooking } from '../../src/read-model/payments.ts';
import { expectAgreement } from '../setup/agreement.ts';
import { book, decideAtProvider, endOf, pay, rowOf, seatsAt } from '../setup/bookings.ts';
import { eventually } from '../setup/eventually.ts';
import { cancelledByStaff } from '../setup/show-changes.ts';
import { ledgerOf, netCaptured, openShow, statusesOf, viewOf } from '../setup/shows.ts';
import { useTestSystem } from '../setup/system.ts';
import { expectTimerFor } from './expiry-timers.ts';

const system = useTestSystem();

const changeTo = (bookingId: string, change: ChangeSeatsCommand) =>
  system.workflows.changeSeats(bookingId, newId('pay'), change);

/** As its workflow knows it. The row of an attempt that was never sent is the API's to end. */
const statusOf = ({ id }: Pick<NewBooking, 'id'>): Promise<BookingStatusView> =>
  system.temporal.workflow.getHandle(bookingWorkflowId(id)).query<BookingStatusView>('status');

/** Activities that it has asked the server for. */
async function tasksOf({ id }: Pick<NewBooking, 'id'>): Promise<string[]> {
  const { events } = await system.temporal.workflow.getHandle(bookingWorkflowId(id)).fetchHistory();
  return (events ?? []).flatMap((event) => event.activityTaskScheduledEventAttributes?.activityType?.name ?? []);
}

/** Payments outlast the hold, so that it is extended for them. */
const extendedToPay = { paymentDeadlineMs: 60_000 };

describe('a booking', () => {
  test('that is paid is confirmed, its seats booked, its row and number written', async () => {
    const show = await openShow(system);
    const booking = await book(system, show, [0, 1]);
    const answer = await pay(system, booking, 'tok_ok');
    expect(answer).toMatchObject({ outcome: 'confirmed', booking: { status: 'CONFIRMED' } });
    expect(await rowOf(system, booking)).toMatchObject({
      status: 'CONFIRMED',
      bookingNumber: expect.stringMatching(/^BMS\d{16,}$/) as string,
      payment: { status: 'SUCCEEDED' },
    });
    expect((await statusesOf(system, show.id)).slice(0, 3)).toBe('bba');
    expect(await endOf(system, booking)).toBe('CONFIRMED');
    await expectAgreement(system, show);
  });

  test('that nobody pays expires, and its seat is free again within a second', async () => {
    const show = await openShow(system);
    const booking = await book(system, show, [0], { holdTtlMs: 1_000 });
    expect(await endOf(system, booking)).toBe('EXPIRED');
    expect((await statusesOf(system, show.id))[0]).toBe('a');
    await expectTimerFor(system, show.id, booking.expiresAtMs);
    expect(await rowOf(system, booking)).toMatchObject({ status: 'EXPIRED' });
  });

  test('is not paid once it has expired, and nothing is charged', async () => {
    const show = await openShow(system);
    const booking = await book(system, show, [0], { holdTtlMs: 500 });
    await endOf(system, booking);
    expect(await pay(system, booking, 'tok_ok')).toBe('ended');
    expect(await netCaptured(system, booking.id)).toBe(0);
  });

  test('whose hold the show has ended is not paid: HOLD_EXPIRED, nothing charged', async () => {
    const show = await openShow(system);
    const booking = await book(system, show, [0], extendedToPay);
    await system.workflows.seatCommand(show.id, { kind: 'release', bookingId: booking.id });
    expect(await pay(system, booking, 'tok_ok')).toMatchObject({ outcome: 'refused', refusal: 'HOLD_EXPIRED' });
    expect((await statusOf(booking)).attempts).toMatchObject([{ status: 'FAILED', failureReason: 'HOLD_EXPIRED' }]);
    expect(await endOf(system, booking)).toBe('EXPIRED');
    await expectAgreement(system, show);
  });

  test('whose hold is gone ends when its payment is declined', async () => {
    const show = await openShow(system);
    const booking = await book(system, show, [0]);
    await system.workflows.seatCommand(show.id, { kind: 'release', bookingId: booking.id });
    const answer = await pay(system, booking, 'tok_declined');
    expect(answer).toMatchObject({ outcome: 'declined', booking: { status: 'EXPIRED' } });
    expect(await endOf(system, booking)).toBe('EXPIRED');
    expect(await rowOf(system, booking)).toMatchObject({ status: 'EXPIRED', payment: { status: 'DECLINED' } });
    await expectAgreement(system, show);
  });

  test('that a lost task has booked is not ended by a declined payment', async () => {
    const show = await openShow(system);
    const booking = await book(system, show, [0]);
    const { id: bookingId, userId: buyerId } = booking;
    await system.workflows.seatCommand(show.id, { kind: 'confirm', bookingId, buyerId, seats: [0], reclaim: false });
    expect(await pay(system, booking, 'tok_declined')).toMatchObject({
      outcome: 'declined',
      booking: { status: 'HELD' },
    });
    expect(await pay(system, booking, 'tok_ok')).toMatchObject({ outcome: 'confirmed' });
    await expectAgreement(system, show);
  });

  test('whose show was cancelled is not paid where its hold would have to last longer; its attempt says why', async () => {
    const show = await openShow(system);
    const booking = await book(system, show, [0], extendedToPay);
    await system.workflows.startShowChange(await cancelledByStaff(system, show));
    await system.temporal.workflow.getHandle(showCancellationWorkflowId(show.id)).result();
    expect(await pay(system, booking, 'tok_ok')).toMatchObject({ outcome: 'refused', refusal: 'SALES_CLOSED' });
    expect((await statusOf(booking)).attempts).toMatchObject([{ status: 'FAILED', failureReason: 'SALES_CLOSED' }]);
    expect(await netCaptured(system, booking.id)).toBe(0);
  });

  test('keeps its seats while it is being paid, however short its hold', async () => {
    const show = await openShow(system);
    const booking = await book(system, show, [0], { ...extendedToPay, holdTtlMs: 4_000 });
    const answer = await pay(system, booking, 'tok_redirect');
    await delay(booking.expiresAtMs + 1 - Date.now());
    await expect(book(system, show, [0])).rejects.toThrow(/SEAT_UNAVAILABLE.*0,"h"/);
    await decideAtProvider(answer, 'approve');
    expect(await endOf(system, booking)).toBe('CONFIRMED');
    await expectAgreement(system, show);
  });
});

describe('a booking that is released', () => {
  test('gives its seats back at once; releasing it again is the same success', async () => {
    const show = await openShow(system);
    const booking = await book(system, show, [0, 1]);
    const released = await system.workflows.release(booking.id);
    expect(released).toMatchObject({ ok: true, booking: { status: 'RELEASED' } });
    expect(await statusesOf(system, show.id)).toMatch(/^a+$/);
    expect([released, 'ended']).toContainEqual(await system.workflows.release(booking.id));
    expect(await endOf(system, booking)).toBe('RELEASED');
    expect(await rowOf(system, booking)).toMatchObject({ status: 'RELEASED' });
  });

  test('by an operator who cancels the workflow gives its seats back too', async () => {
    const show = await openShow(system);
    const booking = await book(system, show, [3]);
    await system.temporal.workflow.getHandle(`booking/${booking.id}`).cancel();
    expect(await endOf(system, booking)).toBe('RELEASED');
    expect(await statusesOf(system, show.id)).toMatch(/^a+$/);
    expect(await rowOf(system, booking)).toMatchObject({ status: 'RELEASED' });
  });

  test('by an operator while a payment is under way is paid and confirmed all the same', async () => {
    const show = await openShow(system);
    const booking = await book(system, show, [3]);
    const answer = await pay(system, booking, 'tok_redirect');
    await system.temporal.workflow.getHandle(`booking/${booking.id}`).cancel();
    await decideAtProvider(answer, 'approve');
    expect(await endOf(system, booking)).toBe('CONFIRMED');
    await expectAgreement(system, show);
  });
});

describe('a hold', () => {
  test('is extended as often as its terms allow, each time by as long as it had at first', async () => {
    const show = await openShow(system);
    const booking = await book(system, show, [0], { holdTtlMs: 20_000, extensionsMax: 2 });
    const extend = (commandId: string) => system.workflows.extend(booking.id, commandId);
    expect(await extend('first')).toMatchObject({ ok: true, booking: { expiresAtMs: booking.expiresAtMs + 20_000 } });
    // A repeat of the same call is not a second extension.
    expect(await extend('first')).toMatchObject({ ok: true, booking: { expiresAtMs: booking.expiresAtMs + 20_000 } });
    expect(await extend('second')).toMatchObject({ ok: true, booking: { expiresAtMs: booking.expiresAtMs + 40_000 } });
    expect(await extend('third')).toMatchObject({ ok: false, refusal: 'EXTENSION_LIMIT' });
    expect(await rowOf(system, booking)).toMatchObject({
      expiresAtMs: booking.expiresAtMs + 40_000,
      asCreated: { expiresAtMs: booking.expiresAtMs },
    });
  });

  test('that was extended lives until its later time, and ends then', async () => {
    const show = await openShow(system);
    const booking = await book(system, show, [0], { holdTtlMs: 5_000 });
    const expiresAtMs = booking.expiresAtMs + 5_000;
    expect(await system.workflows.extend(booking.id, 'once')).toMatchObject({ ok: true, booking: { expiresAtMs } });
    expect(await endOf(system, booking)).toBe('EXPIRED');
    const { changedAtMs } = await viewOf(system, show.id);
    expect(changedAtMs).toBeGreaterThanOrEqual(expiresAtMs);
    await expectTimerFor(system, show.id, expiresAtMs);
  });

  test('changes its seats all or none, at the same expiry', async () => {
    const show = await openShow(system);
    const [mine, other] = [await book(system, show, [0, 1]), await book(system, show, [10, 11])];
    expect(await changeTo(mine.id, seatsAt(show, [12, 11]))).toMatchObject({
      ok: false,
      refusal: 'SEAT_UNAVAILABLE',
      conflicts: [[11, 'h']],
    });
    expect((await statusesOf(system, show.id)).slice(0, 13)).toBe('hhaaaaaaaahha');
    const change = seatsAt(show, [12, 13, 14]);
    const changed = await changeTo(mine.id, change);
    expect(changed).toMatchObject({ ok: true, booking: { expiresAtMs: mine.expiresAtMs } });
    expect((await statusesOf(system, show.id)).slice(0, 16)).toBe('aaaaaaaaaahhhhha');
    // Who saw the price of the old seats does not pay for the new ones.
    expect(await pay(system, mine, 'tok_ok')).toMatchObject({ outcome: 'refused', refusal: 'BOOKING_STATE' });
    expect(await pay(system, { ...mine, ...change }, 'tok_ok')).toMatchObject({ outcome: 'confirmed' });
    expect(await netCaptured(system, mine.id)).toBe(75_000);
    await system.workflows.release(other.id);
    await expectAgreement(system, show);
  });

  test('keeps the seats of the newer change when an older one comes late', async () => {
    const show = await openShow(system);
    const booking = await book(system, show, [0]);
    const older = { ...seatsAt(show, [5]), version: 1 };
    const newer = { ...seatsAt(show, [9]), version: 1 };
    expect(await changeTo(booking.id, newer)).toMatchObject({ ok: true, booking: { version: 2 } });
    expect(await changeTo(booking.id, older)).toMatchObject({ ok: false, refusal: 'CHANGE_IN_PROGRESS' });
    expect(await statusesOf(system, show.id)).toMatch(/^a{9}ha+$/);
    expect(await changeTo(booking.id, { ...older, version: 2 })).toMatchObject({ ok: true });
    expect(await statusesOf(system, show.id)).toMatch(/^a{5}ha+$/);
  });

  test('is not changed any more by what a worker that stood still sends late', async () => {
    const show = await openShow(system);
    const booking = await book(system, show, [0], { holdTtlMs: 20_000 });
    const late = { bookingId: booking.id, askedAtMs: Date.now() } as const;
    expect(await changeTo(booking.id, seatsAt(show, [5]))).toMatchObject({ ok: true });
    const extended = await system.workflows.extend(booking.id, 'once');
    expect(extended).toMatchObject({ ok: true });
    const before = await viewOf(system, show.id);
    const sent = [
      await system.workflows.seatCommand(show.id, { kind: 'swap', seats: [9], ...late }),
      await system.workflows.seatCommand(show.id, { kind: 'extend', expiresAtMs: Date.now() + 5_000, ...late }),
    ];
    expect(sent.map((answer) => !answer.ok && answer.refusal)).toEqual(['SUPERSEDED', 'SUPERSEDED']);
    const { statuses, claims } = await viewOf(system, show.id);
    expect({ statuses, claims }).toEqual({ statuses: before.statuses, claims: before.claims });
    // A show that knows of a later change, of a server whose clock was ahead, is asked after it, and by way of the server:
    // a worker that stood still would be told of a later change as well.
    const ahead = { bookingId: booking.id, askedAtMs: Date.now() + 60_000 } as const;
    expect(await system.workflows.seatCommand(show.id, { kind: 'swap', seats: [5], ...ahead })).toMatchObject({
      ok: true,
    });
    expect(await changeTo(booking.id, seatsAt(show, [9]))).toMatchObject({ ok: true });
    expect(await statusesOf(system, show.id)).toMatch(/^a{9}ha+$/);
    expect(await tasksOf(booking)).toEqual(['swapSeats']);
  });

  test('hears so many commands; further ones leave no history, and giving it up is heard', async () => {
    const show = await openShow(system);
    const booking = await book(system, show, [0], { extensionsMax: 0, holdTtlMs: 120_000 });
    const handle = system.temporal.workflow.getHandle(`booking/${booking.id}`);
    const refusedFor = async (refusal: string, command: Promise<unknown>) =>
      expect(await command).toMatchObject({ refusal, booking: { status: 'HELD' } });
    for (let number = 0; number < BOOKING_COMMANDS_MAX; number++) {
      await refusedFor('EXTENSION_LIMIT', system.workflows.extend(booking.id, `extension ${number}`));
    }
    const { historyLength } = await handle.describe();
    await refusedFor('RATE_LIMITED', system.workflows.extend(booking.id, 'one more'));
    await refusedFor('RATE_LIMITED', changeTo(booking.id, seatsAt(show, [5])));
    await refusedFor('RATE_LIMITED', pay(system, booking, 'tok_ok'));
    expect((await handle.describe()).historyLength).toBe(historyLength);
    expect(await system.workflows.release(booking.id)).toMatchObject({ ok: true, booking: { status: 'RELEASED' } });
    expect(await netCaptured(system, booking.id)).toBe(0);
  });

  test('may be given up, extended or changed only while it is not being paid', async () => {
    const show = await openShow(system);
    const booking = await book(system, show, [0]);
    expect(await pay(system, booking, 'tok_redirect')).toMatchObject({ outcome: 'pending' });
    const refused = { ok: false, refusal: 'BOOKING_STATE', booking: { status: 'PAYMENT_PENDING' } };
    expect(await system.workflows.release(booking.id)).toMatchObject(refused);
    expect(await system.workflows.extend(booking.id, 'once')).toMatchObject(refused);
    expect(await changeTo(booking.id, seatsAt(show, [5]))).toMatchObject(refused);
    expect(await pay(system, booking, 'tok_ok')).toMatchObject({ outcome: 'refused', refusal: 'BOOKING_STATE' });
  });

  test('whose release, extension and expiry meet ends once', async () => {
    const show = await openShow(system, {});
    const bookings = await Promise.all(
      Array.from({ length: 10 }, (_, row) => book(system, show, [row * 5], { holdTtlMs: 1_000, extensionsMax: 0 })),
    );
    const atExpiry = async (booking: (typeof bookings)[number], earlierMs: number) => {
      await new Promise((resolve) => setTimeout(resolve, booking.expiresAtMs - earlierMs - Date.now()));
      const changed = changeTo(booking.id, seatsAt(show, [booking.seats[0]!.index + 1]));
      await Promise.all([changed, system.workflows.extend(booking.id, 'once'), system.workflows.release(booking.id)]);
    };
    await Promise.all(bookings.map((booking, index) => atExpiry(booking, index * 6)));
    for (const booking of bookings) expect(await endOf(system, booking)).toMatch(/^(RELEASED|EXPIRED)$/);
    expect(await statusesOf(system, show.id)).toMatch(/^a+$/);
  });
});

describe('paying', () => {
  test('a repeated attempt gets the same answer and is charged once', async () => {
    const show = await openShow(system);
    const booking = await book(system, show, [0]);
    const attemptId = newId('pay');
    const answers = await Promise.all([
      pay(system, booking, 'tok_ok', attemptId),
      pay(system, booking, 'tok_ok', attemptId),
    ]);
    const later = await pay(system, booking, 'tok_ok', attemptId);
    expect(answers).toEqual([later, later]);
    expect(later).toMatchObject({ outcome: 'confirmed' });
    await expectAgreement(system, show);
  });

  test('of two attempts that race one charges; the other is refused, or finds the booking ended', async () => {
    const show = await openShow(system);
    const booking = await book(system, show, [0]);
    const answers = await Promise.all([pay(system, booking, 'tok_ok'), pay(system, booking, 'tok_ok')]);
    const outcomes = answers.map((answer) => (answer === 'ended' ? answer : answer.outcome)).sort();
    expect(outcomes.join()).toMatch(/^(confirmed,ended|confirmed,refused)$/);
    expect(await netCaptured(system, booking.id)).toBe(25_000);
    await expectAgreement(system, show);
  });

  test('is tried five times at most; the hold goes on until its former expiry', async () => {
    const show = await openShow(system);
    const booking = await book(system, show, [4], extendedToPay);
    for (let attempt = 1; attempt <= PAYMENT_ATTEMPTS_MAX; attempt++) {
      expect(await pay(system, booking, 'tok_declined')).toMatchObject({
        outcome: 'declined',
        reason: 'card_declined',
        booking: { status: 'HELD', expiresAtMs: booking.expiresAtMs },
      });
    }
    expect(await pay(system, booking, 'tok_ok')).toMatchObject({ outcome: 'refused', refusal: 'BOOKING_STATE' });
    const { attempts } = await findPaymentsOfBooking(system.db, booking.id);
    expect(attempts.map(({ status }) => status).sort()).toEqual([...Array<string>(5).fill('DECLINED'), 'PENDING']);
    expect((await statusOf(booking)).endsAtMs).toBe(booking.expiresAtMs);
    const { claims } = await viewOf(system, show.id);
    expect(claims.heldAtMs[0]! + claims.ttlMs[0]!).toBe(booking.expiresAtMs);
    await system.workflows.release(booking.id);
    expect(await netCaptured(system, booking.id)).toBe(0);
  });

  test('after a decline may be tried again with another card', async () => {
    const show = await openShow(system);
    const booking = await book(system, show, [4]);
    expect(await pay(system, booking, 'tok_insufficient_funds')).toMatchObject({
      outcome: 'declined',
      reason: 'insufficient_funds',
    });
    expect(await pay(system, booking, 'tok_ok')).toMatchObject({ outcome: 'confirmed' });
    await expectAgreement(system, show);
  });

  test('a decline restores the former expiry, which may be sooner than the payment could have taken', async () => {
    const show = await openShow(system);
    const booking = await book(system, show, [4], { ...extendedToPay, holdTtlMs: 8_000 });
    expect(await pay(system, booking, 'tok_declined')).toMatchObject({ outcome: 'declined' });
    const { claims } = await viewOf(system, show.id);
    expect(claims.heldAtMs[0]! + claims.ttlMs[0]!).toBe(booking.expiresAtMs);
    expect(await endOf(system, booking)).toBe('EXPIRED');
    expect(await statusesOf(system, show.id)).toMatch(/^a+$/);
    await expectTimerFor(system, show.id, booking.expiresAtMs);
  });
});

describe('the second line of defence', () => {
  test.each([
    ['tok_ok', 'at once'],
    ['tok_refund_fails_twice', 'after two refusals'],
    ['tok_refund_pending', 'when the provider gets round to it'],
  ])('a seat that another booking has a row for is not sold twice: the money goes back (%s: %s)', async (token) => {
    const show = await openShow(system);
    const [booking, foreign] = [await book(system, show, [0, 1]), await book(system, show, [9])];
    await system.db
      .insertInto('booked_seats')
      .values({ show_id: show.id, seat_id: 'seat-1', booking_id: foreign.id })
      .execute();
    expect(await pay(system, booking, token)).toMatchObject({ outcome: 'refunded' });
    expect(await endOf(system, booking)).toBe('FAILED');
    expect(await rowOf(system, booking)).toMatchObject({
      status: 'FAILED',
      refund: { amount: { amount: 50_000 }, status: 'SUCCEEDED' },
    });
    const { refunds } = await findPaymentsOfBooking(system.db, booking.id);
    expect(refunds).toMatchObject([{ status: 'SUCCEEDED', amount: { amount: 50_000 } }]);
    const items = (await ledgerOf(system)).filter((item) => item.bookingId === booking.id);
    expect(items.map(({ kind, amount }) => [kind, amount.amount])).toEqual([
      ['charge', 50_000],
      ['refund', 50_000],
    ]);
    expect((await statusesOf(system, show.id)).slice(0, 2)).toBe('aa');
  });
});

test('a step that succeeds at its first try leaves a marker, and no task for the server', async () => {
  const show = await openShow(system);
  const booking = await book(system, show, [0]);
  await changeTo(booking.id, seatsAt(show, [5]));
  expect(await pay(system, booking, 'tok_declined')).toMatchObject({ outcome: 'declined' });
  await system.workflows.release(booking.id);
  expect(await endOf(system, booking)).toBe('RELEASED');
  expect(await tasksOf(booking)).toEqual([]);
});

test('a change of a hold is on record before the show hears of it', async () => {
  const show = await openShow(system);
  const booking = await book(system, show, [0]);
  await changeTo(booking.id, seatsAt(show, [5]));
  await system.workflows.extend(booking.id, 'once');
  await system.workflows.release(booking.id);
  await endOf(system, booking);
  const { events } = await system.temporal.workflow.getHandle(bookingWorkflowId(booking.id)).fetchHistory();
  const [heardIn, doneIn]: [number[], number[]] = [[], []];
  let task = 0;
  for (const event of events!) {
    if (event.workflowTaskCompletedEventAttributes) task += 1;
    if (event.workflowExecutionUpdateAcceptedEventAttributes) heardIn.push(task);
    if (event.markerRecordedEventAttributes?.markerName === 'core_local_activity') doneIn.push(task);
  }
  expect(heardIn).toHaveLength(3);
  expect(doneIn.length).toBeGreaterThanOrEqual(3);
  expect(heardIn.filter((each) => doneIn.includes(each))).toEqual([]);
});

describe('an operator', () => {
  test('reads what a booking is about without opening its history', async () => {
    const show = await openShow(system);
    const booking = await book(system, show, [0, 1]);
    await pay(system, booking, 'tok_declined');
    const handle = system.temporal.workflow.getHandle(`booking/${booking.id}`);
    const summary = await handle.describe();
    expect(await summary.staticSummary()).toMatch(/^Seat 0, Seat 1 — 50000 INR — held until 20/);
    const details = await handle.query('__temporal_workflow_metadata').then(JSON.stringify);
    expect(details).toMatch(/HELD.*Seat 0, Seat 1.*payment pay_[\w-]+: DECLINED · simulator · card_declined/);
    const query = `SeatkeeperShowId = '${show.id}' AND SeatkeeperUserId = '${booking.userId}'`;
    await eventually(async () => {
      const found: string[] = [];
      for await (const { workflowId } of system.temporal.workflow.list({ query })) found.push(workflowId);
      expect(found).toEqual([`booking/${booking.id}`]);
    });
  });

  test('finds bookings by how they ended', async () => {
    const show = await openShow(system);
    const booking = await book(system, show, [0]);
    await system.workflows.release(booking.id);
    await endOf(system, booking);
    const query = `SeatkeeperShowId = '${show.id}' AND SeatkeeperBookingStatus = 'RELEASED'`;
    await eventually(async () => expect((await system.temporal.workflow.count(query)).count).toBe(1));
  });
});
