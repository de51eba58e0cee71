import { MockActivityEnvironment } from '@temporalio/testing';
import { createBookingActivities } from '../../activities/booking-activities.ts';
import { createExchangeActivities } from '../../activities/exchange-activities.ts';
import { createShowActivities } from '../../activities/show-activities.ts';
import { createSweepActivities } from '../../activities/sweep-activities.ts';
import type { ExchangeChange } from '../../src/contracts/change-messages.ts';
import type { ChargeRequest } from '../../src/contracts/payments.ts';
import type { Booking } from '../../src/domain/booking.ts';
import type { PaymentAttempt } from '../../src/domain/booking-process.ts';
import { createPaymentGateways, type PaymentGateways } from '../../src/gateways/payment-providers.ts';
import { newId } from '../../src/platform/ids.ts';
import type { Show } from '../../src/read-model/shows.ts';
import { book, changeEndOf, chargeAtProvider, pay, recordAttempt, rowOf } from '../setup/bookings.ts';
import { eventually } from '../setup/eventually.ts';
import { ledgerOf, openShow, statusesOf, viewOf } from '../setup/shows.ts';
import { useTestSystem } from '../setup/system.ts';

/** Temporal may run any activity again: twice is as good as once, in what it answers and in what it leaves behind. */
const system = useTestSystem();
let gateways: PaymentGateways;
let activities: ReturnType<typeof allActivities>;

beforeAll(async () => {
  // It would take the attempts of the test of its activity.
  await system.temporal.schedule.getHandle('payment-sweep').pause('of a test');
  gateways = createPaymentGateways({ gatewayUrl: system.simulatorUrl });
  activities = allActivities();
});
afterAll(() => gateways.close());

function allActivities() {
  const { db, workflows } = system;
  const { gateway } = gateways;
  const sendSeatCommand = workflows.seatCommand.bind(workflows);
  return {
    ...createBookingActivities({ db, gateway, sendSeatCommand }),
    ...createExchangeActivities({ db, workflows, sendSeatCommand }),
    ...createShowActivities({ db }),
    ...createSweepActivities({ db, gateway, workflows, paymentDeadlineMs: 10_000 }),
  };
}

interface Scene {
  readonly show: Show;
  readonly booking: Booking;
  readonly hold: { readonly showId: string; readonly bookingId: string };
  readonly request: ChargeRequest;
  readonly attempt: PaymentAttempt;
}

async function setTheScene(): Promise<Scene> {
  const show = await openShow(system);
  const created = await book(system, show, [0, 1]);
  const booking = await rowOf(system, created);
  const attemptId = newId('pay');
  await recordAttempt(system, booking, attemptId);
  const { total: amount } = booking.price;
  return {
    show,
    booking,
    hold: { showId: show.id, bookingId: booking.id },
    request: { attemptId, bookingId: booking.id, amount, method: 'card', token: 'tok_ok' },
    attempt: {
      id: attemptId,
      amount,
      status: 'SUCCEEDED',
      provider: 'simulator',
      providerReference: 'ch',
      failureReason: null,
    },
  };
}

/** All that an effect may have changed, without the times of writing. */
async function world({ show, booking }: Scene) {
  const { db } = system;
  const columns = ['id', 'status', 'provider_reference'] as const;
  const [payments, refunds, seats, outbox] = await Promise.all([
    db.selectFrom('payments').select(columns).where('booking_id', '=', booking.id).execute(),
    db.selectFrom('refunds').select(columns).where('booking_id', '=', booking.id).execute(),
    db.selectFrom('booked_seats').select('seat_id').where('booking_id', '=', booking.id).execute(),
    db.selectFrom('outbox').select('type').where('booking_id', '=', booking.id).execute(),
  ]);
  const { claims, statuses, version } = await viewOf(system, show.id);
  return {
    booking: await rowOf(system, booking),
    rows: { payments, refunds, seats, outbox },
    map: { claims, statuses, version },
    money: (await ledgerOf(system)).filter((item) => item.bookingId === booking.id),
  };
}

const charged = ({ booking, request }: Scene) => chargeAtProvider(system, booking, request.attemptId);

const refundOf = ({ attempt }: Scene) =>
  ({
    id: attempt.id.replace('pay_', 'ref_'),
    attemptId: attempt.id,
    amount: attempt.amount,
    status: 'PENDING',
    providerReference: null,
  }) as const;

interface Effect {
  readonly given?: (scene: Scene) => Promise<unknown>;
  readonly call: (scene: Scene) => Promise<unknown>;
}

const effects: Readonly<Record<string, Effect>> = {
  chargePayment: { call: ({ request }) => activities.chargePayment(request) },
  'chargePayment, declined': { call: ({ request }) => activities.chargePayment({ ...request, token: 'tok_declined' }) },
  resolveCharge: { call: ({ request }) => activities.resolveCharge(request) },
  'resolveCharge of what is charged': { given: charged, call: ({ request }) => activities.resolveCharge(request) },
  voidCharge: { call: ({ request }) => activities.voidCharge(request.attemptId) },
  'voidCharge of what is charged': { given: charged, call: ({ request }) => activities.voidCharge(request.attemptId) },
  refundPayment: {
    given: charged,
    call: ({ request: { attemptId, bookingId, amount } }) => {
      const refundId = `refund of ${attemptId}`.replaceAll(' ', '-');
      const refund = { refundId, attemptId, bookingId, provider: 'simulator', providerReference: 'ch', amount };
      return activities.refundPayment(refund);
    },
  },
  extendHold: {
    call: ({ hold, booking }) => activities.extendHold(hold, booking.expiresAtMs + 5_000, booking.heldAtMs + 1),
  },
  swapSeats: { call: ({ hold, booking }) => activities.swapSeats(hold, [5, 6], booking.heldAtMs + 1) },
  releaseHold: { call: ({ hold }) => activities.releaseHold(hold) },
  confirmSeats: { call: ({ booking }) => activities.confirmSeats(booking, { reclaim: false }) },
  'confirmSeats of a hold that has ended': {
    given: ({ hold }) => activities.releaseHold(hold),
    call: ({ booking }) => activities.confirmSeats(booking, { reclaim: true }),
  },
  returnSeats: {
    given: ({ booking }) => activities.confirmSeats(booking, { reclaim: false }),
    call: ({ hold }) => activities.returnSeats(hold),
  },
  recordConfirmed: { call: ({ booking, attempt }) => activities.recordConfirmed(booking, attempt) },
  recordBooking: {
    call: ({ booking, attempt }) =>
      activities.recordBooking({ ...booking, status: 'EXPIRED', version: booking.version + 1 }, attempt),
  },
  amendBooking: {
    call: (scene) => {
      const refund = refundOf(scene);
      const amended = { ...scene.booking, version: scene.booking.version + 1, refund };
      return activities.amendBooking(amended, scene.attempt, refund, 'seats_gone');
    },
  },
  recordAttempt: {
    call: (scene) => {
      const of = { showId: scene.show.id, because: 'paid_twice' } as const;
      return activities.recordAttempt(scene.booking.id, scene.attempt, refundOf(scene), of);
    },
  },
};

test.each(Object.keys(effects))('%s', async (name) => {
  const { given, call } = effects[name]!;
  const scene = await setTheScene();
  await given?.(scene);
  const environment = new MockActivityEnvironment();
  const answer = await environment.run(() => call(scene));
  const after = await world(scene);
  expect(await environment.run(() => call(scene))).toEqual(answer);
  expect(await world(scene)).toEqual(after);
});

test.each([
  ['some of its seats have been cancelled since', ['seat-0'], 'ab'],
  ['all of its seats have been cancelled since', ['seat-0', 'seat-1'], 'aa'],
])('confirmSeats of a booking that is confirmed on record, though %s, takes no seat', async (_, seatIds, left) => {
  const show = await openShow(system);
  const created = await book(system, show, [0, 1]);
  expect(await pay(system, created, 'tok_ok')).toMatchObject({ outcome: 'confirmed' });
  const booking = { ...(await rowOf(system, created)), bookingNumber: null };
  const asked = { changeId: newId('chg'), bookingId: booking.id, requestedBy: booking.userId };
  await system.workflows.changeBooking({ kind: 'cancellation', ...asked, seatIds }, created);
  await changeEndOf(system, created);
  const statuses = async () => (await statusesOf(system, show.id)).slice(0, 2);
  await eventually(async () => expect(await statuses()).toBe(left));
  const environment = new MockActivityEnvironment();
  for (const reclaim of [false, true]) {
    const answer = await environment.run(() => activities.confirmSeats(booking, { reclaim }));
    expect(answer).toEqual({ ok: true, seats: [0, 1], expiresAtMs: null, heldAtMs: null });
  }
  expect(await statuses()).toBe(left);
});

test('refundPayment of a refund that has failed for good tells it, and does not try for ever', async () => {
  const { booking, request } = await setTheScene();
  const { attemptId, bookingId, amount } = request;
  const providerReference = await chargeAtProvider(system, booking, attemptId, 'tok_refund_refused_once');
  const refundId = attemptId.replace('pay_', 'ref_');
  const refund = { refundId, attemptId, bookingId, provider: 'simulator', providerReference, amount };
  const environment = new MockActivityEnvironment();
  const ask = () => environment.run(() => activities.refundPayment(refund));
  expect(await ask()).toMatchObject({ status: 'pending' });
  await eventually(async () => expect(await activities.findRefund(refundId)).toMatchObject({ status: 'failed' }));
  expect(await ask()).toEqual({ status: 'failed', reason: 'refused_by_bank' });
});

test('projectSeatMap', async () => {
  const { show } = await setTheScene();
  const versionNow = async () =>
    system.db.selectFrom('seat_map_snapshots').select(['version', 'statuses']).where('show_id', '=', show.id).execute();
  const from = 1_000;
  await system.db.updateTable('seat_map_snapshots').set({ version: from }).where('show_id', '=', show.id).execute();
  const delta = (toVersion: number, status: string) => ({
    showId: show.id,
    fromVersion: from,
    toVersion,
    asOfMs: Date.now(),
    change: { seats: [[7, status]] as const },
  });
  const environment = new MockActivityEnvironment();
  const newer = { kind: 'projected', version: from + 2 };
  expect(await environment.run(() => activities.projectSeatMap(delta(from + 2, 'b')))).toEqual(newer);
  const after = await versionNow();
  expect(await environment.run(() => activities.projectSeatMap(delta(from + 2, 'b')))).toEqual(newer);
  // An attempt that comes late finds a newer version, and leaves it.
  expect(await environment.run(() => activities.projectSeatMap(delta(from + 1, 'h')))).toEqual(newer);
  expect(await versionNow()).toEqual(after);
});

test('sweepPaymentAttempts', async () => {
  const { booking } = await setTheScene();
  // Those of the other tests have no outcome either, and have grown old enough or have not.
  await system.db.updateTable('payments').set({ status: 'FAILED' }).execute();
  const attemptId = newId('pay');
  await recordAttempt(system, booking, attemptId, 60_000);
  const environment = new MockActivityEnvironment({ currentAttemptScheduledTimestampMs: Date.now() });
  expect(await environment.run(() => activities.sweepPaymentAttempts())).toEqual({ seen: 1, resolved: 1 });
  expect(await environment.run(() => activities.sweepPaymentAttempts())).toEqual({ seen: 0, resolved: 0 });
});

test('holdSeats, refused: a history is told which seats are taken, and nothing that only helps to refuse others', async () => {
  const { booking } = await setTheScene();
  const exchange = {
    bookingId: newId('bkg'),
    to: { ...booking, id: newId('bkg'), fingerprint: 'of-an-exchange' },
  } as unknown as ExchangeChange;
  expect(await activities.holdSeats(exchange, [1, 2], [], 60_000)).toEqual({
    ok: false,
    refusal: 'SEAT_UNAVAILABLE',
    conflicts: [[1, 'h']],
  });
});
